package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// Store is how history is kept.
type Store struct {
	Retention Retention `yaml:"retention"`
	MaxSize   Bytes     `yaml:"max_size"`   // of the data folder: the oldest day goes beyond it; 0 = no cap
	MaxSeries int       `yaml:"max_series"` // that one source may bring
}

// Retention is how long each tier of history is kept. In YAML it is a mapping, or the one for the
// samples alone.
type Retention struct {
	Raw         time.Duration `yaml:"raw"` // the samples as they came
	FiveMinutes time.Duration `yaml:"5m"`  // rollups of 5 minutes
	OneHour     time.Duration `yaml:"1h"`  // rollups of an hour
}

// UnmarshalYAML reads either form.
func (r *Retention) UnmarshalYAML(unmarshal func(any) error) error {
	var raw Raw
	if err := unmarshal(&raw); err != nil {
		return err
	}
	if _, ok := raw.node.(ast.MapNode); ok {
		type keys Retention // without this method
		return unmarshal((*keys)(r))
	}
	return unmarshal(&r.Raw)
}

// Bytes is a size. In YAML it is a whole number with its unit, such as 20GiB or 500MB.
type Bytes int64

// UnmarshalText reads a size.
func (b *Bytes) UnmarshalText(text []byte) error {
	s := string(text)
	digits := strings.TrimRight(s, "KMGTiB")
	unit, known := byteUnits[s[len(digits):]]
	n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
	switch {
	case errors.Is(err, strconv.ErrRange) || err == nil && known && n > math.MaxInt64/unit:
		return fmt.Errorf("%q is more than any disk holds", shorten(s))
	case err != nil || !known || n < 0:
		return fmt.Errorf("%q is not a size: write a whole number with its unit, such as 20GiB or 500MB", shorten(s))
	}
	*b = Bytes(n * unit)
	return nil
}

var byteUnits = map[string]int64{
	"B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
}

// What is kept when nothing is configured, and what is too little to make sense.
const (
	DefaultRetention   = 30 * 24 * time.Hour
	DefaultRetention5m = 365 * 24 * time.Hour
	DefaultRetention1h = 5 * 365 * 24 * time.Hour
	DefaultMaxSeries   = 200_000

	minRetention       = 2 * time.Hour
	minRetentionRollup = 24 * time.Hour
	minMaxSize         = 64 << 20
)

func defaultStore() Store {
	return Store{Retention: Retention{DefaultRetention, DefaultRetention5m, DefaultRetention1h}, MaxSeries: DefaultMaxSeries}
}

func (r *reader) store(raw Raw) {
	if raw.node == nil {
		return
	}
	s := r.c.Store
	if !r.part(raw, &s) {
		return
	}
	before := len(r.d.errs)
	for _, tier := range []struct {
		name         string
		value, least time.Duration
	}{{"raw", s.Retention.Raw, minRetention}, {"5m", s.Retention.FiveMinutes, minRetentionRollup}, {"1h", s.Retention.OneHour, minRetentionRollup}} {
		if tier.value < tier.least {
			r.fail(raw.at("retention").at(tier.name), "store.retention of %s is %v: at least %v is kept", tier.name, tier.value, tier.least)
		}
	}
	if s.MaxSize != 0 && s.MaxSize < minMaxSize {
		r.fail(raw.at("max_size"), "store.max_size is %d bytes: history needs at least 64MiB; leave it out for no cap", s.MaxSize)
	}
	if s.MaxSeries < 1 {
		r.fail(raw.at("max_series"), "store.max_series is %d: it is how many series one source may bring, %d unless told otherwise", s.MaxSeries, DefaultMaxSeries)
	}
	if len(r.d.errs) == before {
		r.c.Store = s
	}
}
