package config

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestStore(t *testing.T) {
	const day = 24 * time.Hour
	with := func(change func(*Store)) Store {
		s := defaultStore()
		change(&s)
		return s
	}
	for _, tt := range []struct {
		name, yaml string
		want       Store
	}{
		{"nothing", "{}", defaultStore()},
		{"one duration is of the samples", "{retention: 14d}", with(func(s *Store) { s.Retention.Raw = 14 * day })},
		{"by tier", "{retention: {raw: 7d, 5m: 90d, 1h: 2y}}", with(func(s *Store) {
			s.Retention = Retention{7 * day, 90 * day, 2 * 365 * day}
		})},
		{"some tiers", "{retention: {1h: 10y}}", with(func(s *Store) { s.Retention.OneHour = 10 * 365 * day })},
		{"size and series", "{max_size: 20GiB, max_series: 5000}", with(func(s *Store) { s.MaxSize, s.MaxSeries = 20<<30, 5000 })},
		{"decimal size", "{max_size: 500MB}", with(func(s *Store) { s.MaxSize = 500e6 })},
		{"no cap", "{max_size: 0B}", defaultStore()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := Parse("n.yaml", []byte("store: "+tt.yaml+"\n"), t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, c.Store); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestStoreErrors(t *testing.T) {
	for _, tt := range []struct{ name, yaml, want string }{
		{"unknown tier", "{retention: {raw: 7d, 10m: 90d}}", `n.yaml:1:30: unknown key "10m"`},
		{"no unit", "{retention: 30}", "n.yaml:1:20: want a duration with its unit"},
		{"a list", "{retention: [1d]}", "n.yaml:1:20: "},
		{"little of the samples", "{retention: 1h}", "n.yaml:1:20: store.retention of raw is 1h0m0s: at least 2h0m0s is kept"},
		{"little of a rollup", "{retention: {5m: 1h}}", "n.yaml:1:25: store.retention of 5m is 1h0m0s"},
		{"a size without unit", "{max_size: 20}", "n.yaml:1:19: want a text, not the number 20"},
		{"a foreign unit", "{max_size: 20PB}", `n.yaml:1:19: "20PB" is not a size`},
		{"a broken size", "{max_size: 1.5GiB}", `"1.5GiB" is not a size`},
		{"a negative size", "{max_size: -1GiB}", `"-1GiB" is not a size`},
		{"a huge size", "{max_size: 99999999999TiB}", "more than any disk holds"},
		{"a tiny size", "{max_size: 1MiB}", "n.yaml:1:19: store.max_size is 1048576 bytes"},
		{"no series", "{max_series: 0}", "n.yaml:1:21: store.max_series is 0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := Parse("n.yaml", []byte("store: "+tt.yaml+"\n"), t.TempDir())
			var errs Errors
			if !errors.As(err, &errs) || len(errs) != 1 || !strings.Contains(errs[0].Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if diff := cmp.Diff(defaultStore(), c.Store); diff != "" {
				t.Error("what is wrong is not used:", diff)
			}
		})
	}
}
