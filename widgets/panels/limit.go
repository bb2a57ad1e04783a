package panels

import (
	"fmt"
	"math"

	"github.com/nocturne-noc/nocturne/store/model"
)

// Limit is a value that a figure should not pass.
type Limit struct {
	Value    float64 `yaml:"value"`
	Severity string  `yaml:"severity"` // "warning" (default) or "critical"
	Below    bool    `yaml:"below"`    // the figure should not fall below it
}

// check reports a limit that cannot be judged by.
func (l Limit) check(key string) error {
	if _, err := l.state(); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	if math.IsNaN(l.Value) || math.IsInf(l.Value, 0) {
		return fmt.Errorf("%s: value %v: want a number", key, l.Value)
	}
	return nil
}

func (l Limit) state() (model.State, error) {
	switch l.Severity {
	case "", "warning":
		return model.Warning, nil
	case "critical":
		return model.Critical, nil
	}
	return model.Unknown, fmt.Errorf("severity %q: want warning or critical", l.Severity)
}

// crossed reports whether v is past the limit.
func (l Limit) crossed(v float64) bool {
	if l.Below {
		return v < l.Value
	}
	return v > l.Value
}

// checkLimits checks all limits of a panel.
func checkLimits(limits []Limit) error {
	for i, l := range limits {
		if err := l.check(fmt.Sprintf("limits[%d]", i)); err != nil {
			return err
		}
	}
	return nil
}

// judge finds the worst limit that v has crossed; Unknown for a NaN. hit is nil when none is.
func judge(v float64, limits []Limit) (state model.State, hit *Limit) {
	if math.IsNaN(v) {
		return model.Unknown, nil
	}
	state = model.OK
	for i, l := range limits {
		s, err := l.state()
		if err == nil && l.crossed(v) && s.Worse(state) {
			state, hit = s, &limits[i]
		}
	}
	return state, hit
}
