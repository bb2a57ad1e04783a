package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/nocturne-noc/nocturne/store/model"
)

const (
	benchSeries = 10_000
	benchEvery  = 10 * time.Second
)

// load is what a benchmark writes: the same series each round, ten seconds apart.
type load struct {
	labels []labels.Labels
	values []float64
	step   func(values []float64) // makes the values of the next round
	query  []*labels.Matcher      // picks about ten of the series
}

// batch is the next round.
func (l *load) batch(at time.Time) model.Batch {
	l.step(l.values)
	b := model.Batch{Source: "bench", Scope: "all", Time: at, Replace: true, Samples: make([]model.Sample, len(l.labels))}
	for i := range b.Samples {
		b.Samples[i] = model.Sample{Labels: l.labels[i], T: at.UnixMilli(), V: l.values[i]}
	}
	return b
}

// newLoad makes a load by its name.
func newLoad(name string) (*load, error) {
	switch name {
	case "fleet":
		return newFleet(), nil
	case "node_exporter":
		return newNodeExporter(filepath.Join("..", "..", "shared", "data", "scrape", "node_exporter.prom"))
	case "demo":
		return newDemo(filepath.Join("..", "assets", "demo.nocturne"))
	default:
		return nil, fmt.Errorf("no load is called %q", name)
	}
}

// newFleet is the load of a wall: a third counters of octets, a third counters that seldom move, a
// third states and temperatures.
func newFleet() *load {
	l := &load{values: make([]float64, benchSeries)}
	for i := range benchSeries {
		l.labels = append(l.labels, labels.FromStrings("__name__", []string{"ifHCInOctets", "ifInErrors", "sensor"}[i%3],
			"device", fmt.Sprintf("switch-%03d", i/100), "ifName", fmt.Sprintf("Gi1/0/%d", i%100)))
	}
	rng := rand.New(rand.NewPCG(1, 2))
	l.step = func(values []float64) {
		for i := range values {
			switch i % 3 {
			case 0:
				values[i] += float64(rng.IntN(1_000_000))
			case 1:
				values[i] += float64(rng.IntN(100) / 99)
			default:
				values[i] = 20 + float64(rng.IntN(3))
			}
		}
	}
	l.query = []*labels.Matcher{
		labels.MustNewMatcher(labels.MatchEqual, "__name__", "ifHCInOctets"),
		labels.MustNewMatcher(labels.MatchEqual, "device", "switch-003"),
		labels.MustNewMatcher(labels.MatchRegexp, "ifName", "Gi1/0/[0-9]|Gi1/0/[1-2][0-9]"),
	}
	return l
}

// newNodeExporter is a recorded page of node_exporter. A page is one moment: in the rounds that follow,
// a third of its counters rise as fast as they did on average since the machine was started, with
// noise; a third of its gauges wander by a thousandth; the rest stays, as most of a page does.
func newNodeExporter(path string) (*load, error) {
	page, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	l := &load{}
	var rates []float64 // per round; negative for a gauge that wanders, 0 for what stays
	types := map[string]bool{}
	parser := textparse.NewPromParser(page, labels.NewSymbolTable(), false)
	for n := 0; ; {
		entry, err := parser.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		switch entry {
		case textparse.EntryType:
			name, kind := parser.Type()
			types[string(name)] = string(kind) == "counter"
		case textparse.EntrySeries:
			var ls labels.Labels
			parser.Labels(&ls)
			_, _, v := parser.Series()
			builder := labels.NewBuilder(ls)
			l.labels = append(l.labels, builder.Set("instance", "db1:9100").Labels())
			l.values = append(l.values, v)
			rate := 0.0
			if n++; n%3 == 0 && v != 0 && !math.IsNaN(v) && !math.IsInf(v, 0) {
				if rate = -1; types[ls.Get("__name__")] {
					rate = v / (100 * 24 * 360) // some hundred days of uptime
				}
			}
			rates = append(rates, rate)
		}
	}
	rng := rand.New(rand.NewPCG(3, 4))
	whole := slices.Clone(l.values)
	l.step = func(values []float64) {
		for i, rate := range rates {
			switch {
			case rate > 0 && whole[i] == math.Trunc(whole[i]):
				values[i] += math.Round(rate * 2 * rng.Float64())
			case rate > 0: // seconds, to the hundredth
				values[i] = math.Round((values[i]+rate*2*rng.Float64())*100) / 100
			case rate < 0 && whole[i] == math.Trunc(whole[i]):
				values[i] = math.Round(whole[i] * (1 + 0.001*rng.NormFloat64()))
			case rate < 0:
				values[i] = whole[i] * (1 + 0.001*rng.NormFloat64())
			}
		}
	}
	l.query = []*labels.Matcher{labels.MustNewMatcher(labels.MatchEqual, "__name__", "node_cpu_seconds_total"), labels.MustNewMatcher(labels.MatchEqual, "mode", "idle")}
	return l, nil
}

// newDemo is the demo recording: half an hour of a real campus, again and again, counters going on.
func newDemo(path string) (*load, error) {
	rec, err := OpenRecording(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rec.Close() }() // nothing was written
	start, end := rec.Extent()
	found, err := rec.load(context.Background(), start.UnixMilli(), end.UnixMilli(), whole, nil)
	if err != nil {
		return nil, err
	}
	l := &load{}
	var tracks [][]float64
	var grows []float64
	for _, d := range found.list {
		d.mint, d.maxt = start.UnixMilli(), end.UnixMilli()
		var track []float64
		last := math.NaN()
		it := d.Iterator(nil)
		next := it.Next()
		for t := d.mint; t <= d.maxt; t += benchEvery.Milliseconds() {
			for next != chunkenc.ValNone && it.AtT() <= t {
				_, last = it.At()
				next = it.Next()
			}
			track = append(track, last)
		}
		first := slices.IndexFunc(track, func(v float64) bool { return !math.IsNaN(v) })
		if first < 0 {
			continue
		}
		for i := range first { // what came later counts from the beginning
			track[i] = track[first]
		}
		grow := 0.0
		if n := d.labels.Get("__name__"); (strings.HasSuffix(n, "_total") || strings.HasPrefix(n, "ifHC")) && track[len(track)-1] > track[0] {
			grow = track[len(track)-1] - track[0]
		}
		l.labels = append(l.labels, d.labels)
		tracks = append(tracks, track)
		grows = append(grows, grow)
	}
	l.values = make([]float64, len(tracks))
	round := 0
	l.step = func(values []float64) {
		for i, track := range tracks {
			values[i] = track[round%len(track)] + grows[i]*float64(round/len(track))
		}
		round++
	}
	l.query = []*labels.Matcher{labels.MustNewMatcher(labels.MatchEqual, "__name__", "ifHCInOctets"), labels.MustNewMatcher(labels.MatchRegexp, "ifName", "eth[0-9]|.*1")}
	return l, nil
}

func TestLoads(t *testing.T) {
	for _, name := range []string{"fleet", "node_exporter", "demo"} {
		l, err := newLoad(name)
		if errors.Is(err, os.ErrNotExist) {
			t.Logf("%s: no recorded data beside the repository: %v", name, err)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		var sum bytes.Buffer
		for i := range 3 {
			b := l.batch(time.Unix(int64(10*i), 0))
			changed := 0
			for k := range b.Samples {
				if i > 0 && b.Samples[k].V != 0 {
					changed++
				}
			}
			fmt.Fprint(&sum, " ", len(b.Samples), "/", changed)
		}
		if len(l.labels) < 500 {
			t.Errorf("%s: only %d series", name, len(l.labels))
		}
		t.Log(name, sum.String())
	}
}
