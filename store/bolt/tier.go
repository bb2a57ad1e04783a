package bolt

import (
	"strings"
	"time"
)

// Tier is one resolution of history: the samples themselves, or rollups of them.
type Tier struct {
	Name       string        // "raw", "5m", "1h"
	Resolution time.Duration // span of one rollup bucket, 0 for raw
	Window     time.Duration // span of one sealed window
	Kind       Kind          // of its files
	prefix     string        // of its files' names, followed by the UTC time of their start in this layout
	layout     string        // (apart, because a digit in the prefix would be taken for a field of the time)
	next       func(time.Time) time.Time
}

// The tiers. Windows are aligned to UTC; each file holds whole windows.
var (
	Raw = &Tier{Name: "raw", Window: Window, Kind: KindDay, prefix: "day-", layout: "20060102.db",
		next: func(t time.Time) time.Time { return t.AddDate(0, 0, 1) }}
	FiveMinutes = &Tier{Name: "5m", Resolution: 5 * time.Minute, Window: Window, Kind: KindFiveMinutes, prefix: "5m-", layout: "200601.db",
		next: func(t time.Time) time.Time { return t.AddDate(0, 1, 0) }}
	OneHour = &Tier{Name: "1h", Resolution: time.Hour, Window: 24 * time.Hour, Kind: KindOneHour, prefix: "1h-", layout: "2006.db",
		next: func(t time.Time) time.Time { return t.AddDate(1, 0, 0) }}

	// Tiers are all, from the finest.
	Tiers = []*Tier{Raw, FiveMinutes, OneHour}
)

// Start returns the start of the tier's window that holds t, both in Unix milliseconds.
func (tier *Tier) Start(t int64) int64 {
	size := tier.Window.Milliseconds()
	start := t - t%size
	if start > t { // before 1970
		start -= size
	}
	return start
}

func (tier *Tier) fileName(ms int64) string {
	return tier.prefix + time.UnixMilli(ms).UTC().Format(tier.layout)
}

// tierOf tells from a file's name what tier it is of, and where it starts.
func tierOf(name string) (*Tier, time.Time, bool) {
	for _, tier := range Tiers {
		if rest, ok := strings.CutPrefix(name, tier.prefix); ok {
			if start, err := time.Parse(tier.layout, rest); err == nil && start.Format(tier.layout) == rest {
				return tier, start, true
			}
		}
	}
	return nil, time.Time{}, false
}
