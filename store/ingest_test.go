package store

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/nocturne-noc/nocturne/store/bolt"
	"github.com/nocturne-noc/nocturne/store/model"
)

// samplesOf reads all samples of a series that are kept, bit by bit.
func samplesOf(t testing.TB, s *Store, name string) (out []bitSample) {
	t.Helper()
	found, err := s.load(context.Background(), math.MinInt64, math.MaxInt64, whole, []*labels.Matcher{labels.MustNewMatcher(labels.MatchEqual, "__name__", name)})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range found.list {
		d.mint, d.maxt = math.MinInt64, math.MaxInt64
		it := d.Iterator(nil)
		for it.Next() != chunkenc.ValNone {
			at, v := it.At()
			out = append(out, bitSample{at, math.Float64bits(v)})
		}
		if err := it.Err(); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

type bitSample struct {
	T int64
	V uint64
}

// What a source tells by places or one by one, in whatever order, comes back bit by bit: from memory,
// from the write-ahead file, and from a file that was begun anew.
func TestSamplesComeBack(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { checkSamplesComeBack(t, seed) })
	}
}

func checkSamplesComeBack(t *testing.T, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 9))
	c := newClock()
	opts := Options{Dir: t.TempDir(), Now: c.Now, Tick: never}
	s, err := Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	specials := []float64{0, math.Copysign(0, -1), math.NaN(), staleNaN, math.Inf(1), math.Inf(-1), 1 << 53, -1 << 53, 1<<53 - 1, 0.1, math.MaxFloat64, 5e-324}
	want := map[string][]bitSample{}
	names := []string{"a", "b", "c", "d", "e", "f"}
	values := make([]float64, len(names))
	for range 300 {
		b := model.Batch{Source: "s", Scope: "x", Time: c.now}
		if rng.IntN(10) == 0 { // another order, so that places do not fit
			rng.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		}
		skip := -1
		if rng.IntN(10) == 0 {
			skip = rng.IntN(len(names))
		}
		for i, name := range names {
			switch rng.IntN(12) {
			case 0:
				values[i] = specials[rng.IntN(len(specials))]
			case 1:
				values[i] = rng.NormFloat64()
			case 2, 3:
			default:
				values[i] = math.Trunc(values[i]) + float64(rng.IntN(1<<rng.IntN(40)))
			}
			if i == skip {
				continue
			}
			b.Samples = append(b.Samples, sample(c.now, values[i], "__name__", name))
			want[name] = append(want[name], bitSample{c.now.UnixMilli(), math.Float64bits(values[i])})
		}
		apply(t, s, b)
		c.advance(time.Duration(1+rng.IntN(60)) * time.Second)
		switch rng.IntN(40) {
		case 0:
			s.tick()
		case 1: // the machine dies after a tick
			s.tick()
			s = killed(t, s, opts)
		case 2:
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if s, err = Open(opts); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.tick()
	s = killed(t, s, opts)
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	for _, name := range names {
		if diff := cmp.Diff(want[name], samplesOf(t, s, name)); diff != "" {
			t.Fatalf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// killed lets go of the folder without writing anything more, and opens it again.
func killed(t testing.TB, s *Store, opts Options) *Store {
	t.Helper()
	s.stop()
	s.ticking.Wait()
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	if s.disk.wal != nil {
		if err := s.disk.wal.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.dir.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.engine.Close(); err != nil {
		t.Fatal(err)
	}
	next, err := Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	return next
}

// A sample is late when its own window has a later one of the series, or is sealed.
func TestLate(t *testing.T) {
	c := newClock() // 5:00, in the window from 4:00 on
	s := open(t, Options{Dir: t.TempDir(), Now: c.Now, Tick: never})
	tell := func(at time.Time, v float64) {
		t.Helper()
		apply(t, s, model.Batch{Source: "s", Scope: "x", Samples: []model.Sample{sample(at, v, "__name__", "m")}})
	}
	start := c.now
	tell(c.now, 1)
	right := c.now
	c.set(c.now.Add(24 * time.Hour)) // the clock is wrong for a moment
	tell(c.now, 2)
	c.set(right.Add(10 * time.Second))
	tell(c.now, 3) // and is right again: nothing is blocked
	tell(start, 1)
	tell(start, 7)
	tell(start.Add(5*time.Second), 7)
	tell(c.now, 3)
	tell(c.now, 4)
	want := []bitSample{{start.UnixMilli(), math.Float64bits(1)}, {c.now.UnixMilli(), math.Float64bits(3)},
		{start.Add(24 * time.Hour).UnixMilli(), math.Float64bits(2)}}
	if diff := cmp.Diff(want, samplesOf(t, s, "m")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(Dropped{Late: 3, Duplicate: 1}, s.Dropped()); diff != "" {
		t.Error(diff)
	}
	c.set(start.Add(3 * time.Hour)) // 8:00: the first window is sealed
	s.tick()
	before := s.Dropped().Late
	tell(start.Add(50*time.Minute), 5)
	if got := s.Dropped().Late - before; got != 1 {
		t.Errorf("%d samples of a sealed window are late, want 1", got)
	}
}

func TestFarOffTimes(t *testing.T) {
	c := newClock()
	opts := Options{Dir: t.TempDir(), Now: c.Now, Tick: never}
	s, err := Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	apply(t, s, model.Batch{Source: "s", Scope: "x", Samples: []model.Sample{
		{Labels: labels.FromStrings("__name__", "m"), T: time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli(), V: 1},
		{Labels: labels.FromStrings("__name__", "m"), T: math.MinInt64, V: 1},
		{Labels: labels.FromStrings("__name__", "m"), T: math.MaxInt64, V: 1},
		{Labels: labels.FromStrings("__name__", "m"), T: c.now.Add(11 * time.Minute).UnixMilli(), V: 1},
		{Labels: labels.FromStrings("__name__", "m"), T: c.now.UnixMilli(), V: 5},
	}})
	if diff := cmp.Diff(Dropped{Late: 2, Future: 2}, s.Dropped()); diff != "" {
		t.Error(diff)
	}
	c.advance(3 * time.Hour)
	s.tick()
	if err := s.Health(); err != nil {
		t.Error(err)
	}
	if got := samplesOf(t, s, "m"); len(got) != 1 {
		t.Errorf("kept: %v", got)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// Series that a replacing batch does not bring any more end, also when it comes after a restart.
func TestEndedSeries(t *testing.T) {
	c := newClock()
	opts := Options{Dir: t.TempDir(), Now: c.Now, Tick: never}
	s, err := Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	round := func(names ...string) {
		t.Helper()
		b := model.Batch{Source: "s", Scope: "x", Time: c.now, Replace: true}
		for _, name := range names {
			b.Samples = append(b.Samples, sample(c.now, 1, "__name__", name))
		}
		apply(t, s, b)
		c.advance(10 * time.Second)
	}
	for range 3 {
		round("a", "b", "c")
	}
	round("a", "c")
	for range 3 {
		round("a", "c")
	}
	s.tick()
	s = killed(t, s, opts)
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	round("a")
	for name, count := range map[string]int{"a": 8, "b": 4, "c": 8} {
		list := samplesOf(t, s, name)
		ended := value.IsStaleNaN(math.Float64frombits(list[len(list)-1].V))
		if len(list) != count || ended != (name != "a") {
			t.Errorf("%s: %d samples, ended: %v", name, len(list), ended)
		}
	}
}

// A flood of series is kept out with one event a window; those that are known go on.
func TestSeriesFlood(t *testing.T) {
	c := newClock()
	s := open(t, Options{Dir: t.TempDir(), Now: c.Now, Tick: never, MaxSeriesPerSource: 100})
	flood := func(from, to int) model.Batch {
		b := model.Batch{Source: "greedy", Scope: "x", Time: c.now}
		for i := from; i < to; i++ {
			b.Samples = append(b.Samples, sample(c.now, float64(i), "__name__", []string{"requests", "requests", "errors"}[i%3], "path", fmt.Sprint(i)))
		}
		return b
	}
	told := func() (texts []string) {
		for _, e := range s.Events(model.EventFilter{Kind: "store"}) {
			texts = append(texts, e.Title+": "+e.Text)
		}
		return texts
	}
	for i := range 20 {
		apply(t, s, flood(i*50, i*50+150))
		apply(t, s, model.Batch{Source: "modest", Scope: "x", Samples: []model.Sample{sample(c.now, 1, "__name__", fmt.Sprint("m", i))}})
		c.advance(10 * time.Second)
	}
	if n := len(s.head.series); n != 120 {
		t.Errorf("%d series are kept, want 100 of one source and 20 of the other", n)
	}
	if got := s.Dropped(); got.Series != 50+100+18*150 || got.Labels != 0 {
		t.Errorf("dropped: %+v", got)
	}
	list := told()
	if len(list) != 1 {
		t.Fatalf("events: %q", list)
	}
	for _, want := range []string{"greedy", "more than 100 series", "50 new ones", "requests (67)", "store.max_series"} {
		if !strings.Contains(list[0], want) {
			t.Errorf("%q does not say %q", list[0], want)
		}
	}
	if got := evaluate(t, s, `requests{path="0"}`, c.now); got != 0 {
		t.Errorf("a known series: %v", got)
	}
	c.advance(2 * time.Hour)
	s.tick() // what is not told any more makes room
	apply(t, s, flood(5000, 5150))
	if list := told(); len(list) != 2 {
		t.Errorf("events after a new window: %q", list)
	}
	if !slices.ContainsFunc(s.head.series, func(m *memSeries) bool { return m.labels.Get("path") == "5000" }) {
		t.Error("no room was made")
	}
}

// A steady batch costs no memory but that of the chunks.
func TestSteadyIngestAllocates(t *testing.T) {
	c := newClock()
	s := open(t, Options{Now: c.Now, Tick: never})
	b := model.Batch{Source: "s", Scope: "x", Replace: true}
	for i := range 1000 {
		b.Samples = append(b.Samples, sample(c.now, 0, "__name__", "m", "i", fmt.Sprint(i)))
	}
	round := func() {
		c.advance(10 * time.Second)
		for i := range b.Samples {
			b.Samples[i].T, b.Samples[i].V = c.now.UnixMilli(), b.Samples[i].V+float64(i)
		}
		apply(t, s, b)
	}
	for range 130 {
		round()
	}
	if n := testing.AllocsPerRun(100, round); n > 100 { // a block of a chunk grows now and then
		t.Errorf("%v allocations for 1,000 samples", n)
	}
}

func FuzzColumn(f *testing.F) {
	f.Add(uint64(0), uint64(1), uint64(2))
	f.Add(math.Float64bits(1), math.Float64bits(-5), math.Float64bits(0.5))
	f.Fuzz(func(t *testing.T, a, b, d uint64) {
		var c column
		last := []float64{0, math.Float64frombits(a), math.Float64frombits(b)}
		next := []float64{math.Float64frombits(a), math.Float64frombits(b), math.Float64frombits(d)}
		for i := range last {
			c.append(last[i], next[i])
		}
		bytes := append(slices.Clone(c.codes), c.data...)
		r, ok := newColumnReader(bytes, 3)
		if !ok {
			t.Fatal("it is too short")
		}
		for i := range last {
			if got := r.next(last[i]); math.Float64bits(got) != math.Float64bits(next[i]) || r.short {
				t.Fatalf("%x after %x reads as %x", math.Float64bits(next[i]), math.Float64bits(last[i]), math.Float64bits(got))
			}
		}
		if r, ok = newColumnReader(bytes[:len(bytes)/2], 3); ok { // cut short: no panic
			for i := range last {
				r.next(last[i])
			}
		}
	})
}

// A query that began before a batch sees nothing of it, in any series.
func TestUnsealedIsOneMoment(t *testing.T) {
	c := newClock()
	s := open(t, Options{Now: c.Now, Tick: never})
	const series = 3 * copyGroup
	tell := func() {
		b := model.Batch{Source: "s", Scope: "x"}
		for i := range series {
			b.Samples = append(b.Samples, sample(c.now, 1, "__name__", "m", "i", fmt.Sprint(i)))
		}
		apply(t, s, b)
		c.advance(time.Second)
	}
	for range 5 {
		tell()
	}
	done := make(chan struct{})
	noted := make(chan struct{})
	go func() { // tells more as soon as it is noted what there is
		defer close(done)
		<-noted
		for range 100 {
			tell()
		}
	}()
	list := s.unsealed(0, bolt.WindowStart(c.now.UnixMilli())+bolt.Window.Milliseconds(), nil, func() depth { close(noted); return whole })
	<-done
	if len(list) != series {
		t.Fatalf("%d series", len(list))
	}
	for _, d := range list {
		d.mint, d.maxt = 0, math.MaxInt64
		n := 0
		for it := d.Iterator(nil); it.Next() != chunkenc.ValNone; n++ {
		}
		if n != 5 {
			t.Fatalf("%v has %d samples, want 5", d.labels, n)
		}
	}
}

func batchOf(source string, samples ...model.Sample) model.Batch {
	return model.Batch{Source: source, Scope: source, Samples: samples}
}
