package model

import (
	"encoding/json"
	"fmt"
)

// State is how an entity, a link or an alert is judged. The four families (ok, a problem, stale,
// unknown) are never mixed up: stale means that we knew but the data is too old, unknown that we
// never knew or may not know.
type State uint8

// The states. Their numbers are stored on disk: append only.
const (
	Unknown State = iota
	OK
	Warning
	Critical
	Stale
	Maintenance
)

var stateNames = [...]string{"unknown", "ok", "warning", "critical", "stale", "maintenance"}

// String returns the lower-case name used in JSON, labels and configuration.
func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return fmt.Sprintf("state(%d)", uint8(s))
}

// ParseState is the inverse of String.
func ParseState(name string) (State, error) {
	for i, n := range stateNames {
		if n == name {
			return State(i), nil
		}
	}
	return Unknown, fmt.Errorf("unknown state %q: want one of %v", name, stateNames)
}

// MarshalJSON writes the name.
func (s State) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// UnmarshalJSON reads the name.
func (s *State) UnmarshalJSON(b []byte) error {
	var name string
	if err := json.Unmarshal(b, &name); err != nil {
		return fmt.Errorf("state: %w", err)
	}
	v, err := ParseState(name)
	if err != nil {
		return err
	}
	*s = v
	return nil
}

// Rank orders states for display, worst first: the higher the rank, the more it wants a person.
func (s State) Rank() int {
	switch s {
	case Critical:
		return 5
	case Warning:
		return 4
	case Unknown:
		return 3
	case Stale:
		return 2
	case Maintenance:
		return 1
	default:
		return 0
	}
}

// Worse reports whether s wants a person more than t does.
func (s State) Worse(t State) bool { return s.Rank() > t.Rank() }

// Problem reports whether s is a warning or critical.
func (s State) Problem() bool { return s == Warning || s == Critical }

// Worst returns the worst of the states, OK for none.
func Worst(states ...State) State {
	w := OK
	for _, s := range states {
		if s.Worse(w) {
			w = s
		}
	}
	return w
}
