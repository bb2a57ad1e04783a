package store

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/nocturne-noc/nocturne/store/bolt"
	"github.com/nocturne-noc/nocturne/store/chunk"
	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/store/rollup"
)

// synthetic is history of three series from a moment on: every ten seconds, five seconds beside the full ten, so that no
// sample lies on the border of two buckets.
type synthetic struct {
	start time.Time
	rng   *rand.Rand
	value [3]float64
}

var syntheticLabels = []labels.Labels{
	labels.FromStrings("__name__", "octets", "a", "1"),
	labels.FromStrings("__name__", "resetting", "a", "1"),
	labels.FromStrings("__name__", "sensor", "a", "1"),
}

func newSynthetic(start time.Time) *synthetic {
	return &synthetic{start: start, rng: rand.New(rand.NewPCG(3, 4))}
}

// spikeAt is when the sensor gives 1000 instead of 20 to 22, for one sample.
func (s *synthetic) spikeAt() time.Time {
	return s.start.AddDate(0, 0, 1).Add(3*time.Hour + 5*time.Second)
}

func (s *synthetic) next(at time.Time) [3]float64 {
	s.value[0] += float64(s.rng.IntN(1_000_000))
	if s.value[1] += float64(s.rng.IntN(1000)); s.rng.IntN(500) == 0 {
		s.value[1] = 0
	}
	if s.value[2] = 20 + float64(s.rng.IntN(3)); at.Equal(s.spikeAt()) {
		s.value[2] = 1000
	}
	return s.value
}

// window makes the next two hours.
func (s *synthetic) window(start int64) *bolt.WindowData {
	w := &bolt.WindowData{Start: start, MinT: start + 5000, MaxT: start + 7195_000, Series: syntheticLabels}
	var chunks [3]chunk.Chunk
	for t := w.MinT; t <= w.MaxT; t += 10_000 {
		for i, v := range s.next(time.UnixMilli(t)) {
			chunks[i].Append(t, v)
			w.Samples++
		}
	}
	for i := range chunks {
		w.Chunks = append(w.Chunks, []bolt.Chunk{{Encoding: chunks[i].Encoding(), Data: chunks[i].Bytes()}})
	}
	return w
}

// fillTiers writes so many days of history into a folder, each tier going back so many days.
func fillTiers(t testing.TB, dir string, start time.Time, days int, back map[*bolt.Tier]int) {
	t.Helper()
	d, err := bolt.OpenDir(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	put := func(tier *bolt.Tier, day int, w *bolt.WindowData) bolt.SealedWindow {
		if w == nil || days-day > back[tier] {
			return bolt.SealedWindow{}
		}
		sealed, err := d.Put(tier, w)
		if err != nil {
			t.Fatal(err)
		}
		return sealed
	}
	s := newSynthetic(start)
	for day := range days {
		midnight := start.AddDate(0, 0, day).UnixMilli()
		var hours rollerOf
		hours.reset(midnight)
		var fine []bolt.SealedWindow
		for start := midnight; start < midnight+24*3600_000; start += bolt.Window.Milliseconds() {
			raw := s.window(start)
			put(bolt.Raw, day, raw)
			rolled, err := rollUp(raw)
			if err != nil {
				t.Fatal(err)
			}
			if w := put(bolt.FiveMinutes, day, rolled); w.File != nil {
				fine = append(fine, w)
			}
			hours.merge(t, rolled)
		}
		if len(fine) == 12 {
			merged, err := mergeDay(midnight, fine)
			if err != nil {
				t.Fatal(err)
			}
			put(bolt.OneHour, day, merged)
		} else { // writing all the five minutes of a year to read them once takes long
			put(bolt.OneHour, day, hours.window())
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}

// rollerOf does in memory what mergeDay does with files.
type rollerOf struct {
	start   int64
	rollers [3]rollup.Roller
}

func (r *rollerOf) reset(start int64) {
	r.start = start
	for i := range r.rollers {
		r.rollers[i].Reset(start, bolt.OneHour.Resolution.Milliseconds())
	}
}

func (r *rollerOf) merge(t testing.TB, w *bolt.WindowData) {
	t.Helper()
	for i := range r.rollers {
		var fine rollup.Window
		if err := rollup.Decode(w.Chunks[i][0].Data, w.Start, bolt.FiveMinutes.Resolution.Milliseconds(), &fine); err != nil {
			t.Fatal(err)
		}
		r.rollers[i].Merge(&fine)
	}
}

func (r *rollerOf) window() *bolt.WindowData {
	w := newRollup(r.start, len(r.rollers))
	for i := range r.rollers {
		addRollup(w, syntheticLabels[i], r.rollers[i].Window(), bolt.OneHour.Resolution.Milliseconds())
	}
	return w
}

// What rollups answer is what samples answer: exactly where ranges hold whole buckets, and within what PromQL
// extrapolates where it does.
func TestRollupsAnswerAsSamples(t *testing.T) {
	start := time.Date(2026, 1, 10, 0, 0, 0, 0, time.UTC)
	const days = 4
	for name, back := range map[string]map[*bolt.Tier]int{
		"all":                {bolt.Raw: days, bolt.FiveMinutes: days, bolt.OneHour: days},
		"no hours":           {bolt.Raw: days, bolt.FiveMinutes: days},
		"samples alone":      {bolt.Raw: days},
		"hours of old alone": {bolt.Raw: 1, bolt.FiveMinutes: 2, bolt.OneHour: days},
	} {
		t.Run(name, func(t *testing.T) {
			exactDir, dir := t.TempDir(), t.TempDir()
			fillTiers(t, exactDir, start, days, map[*bolt.Tier]int{bolt.Raw: days})
			fillTiers(t, dir, start, days, back)
			clock := func() time.Time { return start.AddDate(0, 0, days) }
			exact := open(t, Options{Dir: exactDir, Now: clock, Tick: never, ReadOnly: true})
			s := open(t, Options{Dir: dir, Now: clock, Tick: never, ReadOnly: true})
			for _, tc := range []struct {
				expr  string
				step  time.Duration
				close float64 // how far off an answer may be, as a fraction
			}{
				{`max_over_time(sensor[6h])`, 2 * time.Hour, 0},
				{`min_over_time(octets[4h])`, time.Hour, 0},
				{`sum_over_time(sensor[2h])`, time.Hour, 0},
				{`avg_over_time(sensor[3h])`, time.Hour, 1e-12},
				{`count_over_time({__name__=~"sensor", a="1"}[2h] offset 1h) > 719`, time.Hour, 0},
				{`last_over_time(octets[2h])`, time.Hour, 0},
				{`present_over_time(octets[2h])`, time.Hour, 0},
				{`sensor + 1`, time.Hour, 0},
				{`sum(octets)`, time.Hour, 0},
				{`timestamp(octets)`, time.Hour, 0},
				{`rate(octets[2h])`, time.Hour, 0.01},
				{`increase(resetting[6h])`, time.Hour, 0.02},
				{`delta(octets[6h])`, time.Hour, 0.02},
				{`rate(octets[5m])`, time.Hour, 0.5},
				{`max_over_time(rate(octets[2h])[6h:1h])`, 2 * time.Hour, 0.02},
				{`absent(octets)`, time.Hour, 0},
				{`changes(sensor[2h])`, time.Hour, 1000},
			} {
				if tc.close == 1000 && name == "hours of old alone" {
					continue // wants samples
				}
				from, to := start.Add(8*time.Hour), start.AddDate(0, 0, days)
				want, err := ranged(t.Context(), exact.engine.Engine, exact.Queryable(), tc.expr, from, to, tc.step)
				if err != nil {
					t.Fatal(err)
				}
				got, err := ranged(t.Context(), s.engine, s.Queryable(), tc.expr, from, to, tc.step)
				if err != nil {
					t.Fatal(err)
				}
				off := tc.close
				if name != "all" { // where finer buckets or samples fill in, a rate is of one hour more than asked
					off *= 4
				}
				near := cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) <= off*math.Max(math.Abs(a), math.Abs(b)) })
				if diff := cmp.Diff(want, got, near, cmpopts.EquateEmpty(), cmp.Comparer(labels.Equal)); diff != "" {
					t.Errorf("%s:\n%.2000s", tc.expr, diff)
				}
			}
		})
	}
}

// Where only coarser tiers go back as far, they answer, whatever the step; an instant query too.
func TestOldTimes(t *testing.T) {
	start := time.Date(2026, 1, 10, 0, 0, 0, 0, time.UTC)
	dir := t.TempDir()
	fillTiers(t, dir, start, 4, map[*bolt.Tier]int{bolt.Raw: 1, bolt.FiveMinutes: 2, bolt.OneHour: 4})
	s := open(t, Options{Dir: dir, Now: func() time.Time { return start.AddDate(0, 0, 4) }, Tick: never, ReadOnly: true})
	for ago, want := range map[time.Duration]string{12 * time.Hour: "", 36 * time.Hour: "5m", 72 * time.Hour: "1h"} {
		at := start.AddDate(0, 0, 4).Add(-ago)
		if got := evaluate(t, s, `sensor`, at); got < 20 || got > 22 {
			t.Errorf("%v ago: %v", ago, got)
		}
		if got := evaluate(t, s, `rate(octets[5m])`, at); got < 45_000 || got > 55_000 {
			t.Errorf("%v ago: rate %v", ago, got)
		}
		query, err := s.Engine().NewInstantQuery(t.Context(), s.Queryable(), nil, `quantile_over_time(0.5, sensor[2h])`, at)
		if err != nil {
			t.Fatal(err)
		}
		res := query.Exec(t.Context())
		notes := fmt.Sprint(res.Warnings.AsErrors())
		if res.Err != nil || strings.Contains(notes, "wants samples") != (want != "") || !strings.Contains(notes, want) {
			t.Errorf("%v ago: %v, %s, want a note about %q", ago, res.Err, notes, want)
		}
		query.Close()
	}
}

func TestSelectLimits(t *testing.T) {
	start := time.Date(2026, 1, 10, 0, 0, 0, 0, time.UTC)
	dir := t.TempDir()
	fillTiers(t, dir, start, 1, map[*bolt.Tier]int{bolt.Raw: 1})
	end := start.AddDate(0, 0, 1)
	s := open(t, Options{Dir: dir, Now: func() time.Time { return end }, Tick: never, ReadOnly: true})
	windows := s.archive.list(bolt.Raw)
	for i := range windows { // as if they were those of a large fleet
		windows[i].Bytes = 40 << 20
	}
	for _, tc := range []struct{ expr, want string }{
		{`{__name__=~".+"}[30d]`, `{__name__=~".+"} selects 3 series with about 480 MiB of history`},
		{`sum({a="1"})`, ""},
		{`sensor[30d]`, ""},
		{`count(count_over_time({a="1"}[1d]))`, `narrow the selector or the time, or use a longer step so that rollups answer`},
	} {
		if _, err := s.InstantValue(t.Context(), tc.expr, end); tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
			t.Errorf("%s: %v, want %q", tc.expr, err, tc.want)
		}
	}
	m := newMerger(rollup.Samples, nil)
	m.list = make([]*seriesData, maxSelectSeries+1)
	if err := m.affordable(); err == nil || !strings.Contains(err.Error(), "200001 series") {
		t.Errorf("too many series: %v", err)
	}
}

// TestSpikeInAYear looks for a single sample in the view of a year.
func TestSpikeInAYear(t *testing.T) {
	start := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	dir := t.TempDir()
	const days = 365
	fillTiers(t, dir, start, days, map[*bolt.Tier]int{bolt.Raw: 1, bolt.FiveMinutes: 2, bolt.OneHour: days})
	end := start.AddDate(0, 0, days)
	s := open(t, Options{Dir: dir, Now: func() time.Time { return end }, Tick: never, ReadOnly: true})
	past, err := s.At(func() time.Time { return end })
	if err != nil {
		t.Fatal(err)
	}
	step := 14*time.Hour + 36*time.Minute
	for _, source := range []model.Source{s, past} {
		for expr, want := range map[string]float64{
			`sensor`: 1000, `sensor / 2`: 500, `2 * (sensor - 1)`: 1998, `max by (a) (sensor)`: 1000,
		} {
			for range 2 { // and again out of the cache
				_, high, err := source.QueryBand(context.Background(), expr, start, end, step)
				if err != nil {
					t.Fatal(err)
				}
				lines, err := source.QueryRange(context.Background(), expr, start, end, step)
				if err != nil || len(lines) != 1 || len(lines[0].Points) < 590 {
					t.Fatalf("%s: %d lines: %v", expr, len(lines), err)
				}
				if len(high) != 1 || !labels.Equal(high[0].Labels, lines[0].Labels) {
					t.Fatalf("%s: the band is of %v, want %v", expr, high, lines[0].Labels)
				}
				top := model.Point{V: math.Inf(-1)}
				for _, p := range high[0].Points {
					if p.V > top.V {
						top = p
					}
				}
				spike := newSynthetic(start).spikeAt().UnixMilli()
				if top.V != want || top.T < spike || top.T-step.Milliseconds() > spike {
					t.Errorf("%s: the highest is %v, want %v at %d", expr, top, want, spike)
				}
			}
		}
		low, high, err := source.QueryBand(context.Background(), `-sensor`, start, end, step)
		if err != nil || len(low) != 1 || len(high) != 1 {
			t.Fatal(low, high, err)
		}
		if v := low[0].Points[10].V; v != -22 {
			t.Errorf("the lowest of -sensor is %v, want -22", v)
		}
	}
}
