package store

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/nocturne-noc/nocturne/store/bolt"
	"github.com/nocturne-noc/nocturne/store/model"
)

const (
	benchSeries = 10_000
	benchEvery  = 10 * time.Second
)

// fleet is the load of a wall: a third counters of octets, a third counters that seldom move, a
// third states and temperatures.
type fleet struct {
	labels []labels.Labels
	values []float64
	rng    *rand.Rand
}

func newFleet() *fleet {
	f := &fleet{values: make([]float64, benchSeries), rng: rand.New(rand.NewPCG(1, 2))}
	for i := range benchSeries {
		f.labels = append(f.labels, labels.FromStrings("__name__", []string{"ifHCInOctets", "ifInErrors", "sensor"}[i%3],
			"device", fmt.Sprintf("switch-%03d", i/100), "ifName", fmt.Sprintf("Gi1/0/%d", i%100)))
	}
	return f
}

func (f *fleet) step() {
	for i := range f.values {
		switch i % 3 {
		case 0:
			f.values[i] += float64(f.rng.IntN(1_000_000))
		case 1:
			f.values[i] += float64(f.rng.IntN(100) / 99)
		default:
			f.values[i] = 20 + float64(f.rng.IntN(3))
		}
	}
}

func (f *fleet) batch(at time.Time) model.Batch {
	f.step()
	b := model.Batch{Source: "bench", Scope: "all", Time: at, Replace: true, Samples: make([]model.Sample, benchSeries)}
	for i := range b.Samples {
		b.Samples[i] = model.Sample{Labels: f.labels[i], T: at.UnixMilli(), V: f.values[i]}
	}
	return b
}

func benchTSDB(b *testing.B) *tsdb.DB {
	b.Helper()
	opts := tsdb.DefaultOptions()
	opts.RetentionDuration = (1000 * 24 * time.Hour).Milliseconds()
	db, err := tsdb.Open(b.TempDir(), slog.New(slog.DiscardHandler), nil, opts, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := db.Close(); err != nil {
			b.Error(err)
		}
	})
	return db
}

func appendTSDB(b *testing.B, db *tsdb.DB, batch *model.Batch) {
	app := db.Appender(context.Background())
	for i := range batch.Samples {
		if _, err := app.Append(0, batch.Samples[i].Labels, batch.Samples[i].T, batch.Samples[i].V); err != nil {
			b.Fatal(err)
		}
	}
	if err := app.Commit(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkHistoryIngest is one round of 10,000 series, synced, with the sealing that falls due.
// The peer is Prometheus' tsdb as a library, which does not sync each round.
func BenchmarkHistoryIngest(b *testing.B) {
	b.Run("nocturne", func(b *testing.B) {
		c := newClock()
		s := open(b, Options{Dir: b.TempDir(), Now: c.Now, Tick: never})
		f := newFleet()
		for b.Loop() {
			b.StopTimer()
			batch := f.batch(c.now)
			b.StartTimer()
			apply(b, s, batch)
			s.tick()
			c.advance(benchEvery)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchSeries, "ns/sample")
	})
	b.Run("tsdb", func(b *testing.B) {
		c := newClock()
		db := benchTSDB(b)
		f := newFleet()
		for b.Loop() {
			b.StopTimer()
			batch := f.batch(c.now)
			b.StartTimer()
			appendTSDB(b, db, &batch)
			c.advance(benchEvery)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchSeries, "ns/sample")
	})
}

// BenchmarkHistoryRead reads 24 hours of 10 series among 1,000, all sealed. The peer is
// Prometheus' tsdb after compaction of its head.
func BenchmarkHistoryRead(b *testing.B) {
	c := newClock()
	c.now = c.now.Truncate(24 * time.Hour)
	start := c.now
	dir := b.TempDir()
	s := open(b, Options{Dir: dir, Now: c.Now, Tick: never})
	db := benchTSDB(b)
	f := newFleet()
	for range int(24 * time.Hour / benchEvery) {
		batch := f.batch(c.now)
		batch.Samples = batch.Samples[:1000]
		apply(b, s, batch)
		appendTSDB(b, db, &batch)
		s.tick()
		c.advance(benchEvery)
	}
	end := c.now.Add(-benchEvery)
	c.advance(time.Hour)
	s.tick()
	if err := s.Health(); err != nil {
		b.Fatal(err)
	}
	if err := db.CompactHead(tsdb.NewRangeHead(db.Head(), start.UnixMilli(), end.UnixMilli())); err != nil {
		b.Fatal(err)
	}
	matchers := []*labels.Matcher{
		labels.MustNewMatcher(labels.MatchEqual, "__name__", "ifHCInOctets"),
		labels.MustNewMatcher(labels.MatchEqual, "device", "switch-003"),
		labels.MustNewMatcher(labels.MatchRegexp, "ifName", "Gi1/0/[0-9]|Gi1/0/[1-2][0-9]"),
	}
	read := func(b *testing.B, q storage.Queryable) {
		b.ReportAllocs()
		for b.Loop() {
			querier, err := q.Querier(start.UnixMilli(), end.UnixMilli())
			if err != nil {
				b.Fatal(err)
			}
			n, series := 0, 0
			var it chunkenc.Iterator
			set := querier.Select(context.Background(), true, nil, matchers...)
			for set.Next() {
				series++
				for it = set.At().Iterator(it); it.Next() != chunkenc.ValNone; n++ {
				}
			}
			if err := set.Err(); err != nil || series != 10 || n != 10*8640 {
				b.Fatal(err, series, n)
			}
			if err := querier.Close(); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("nocturne", func(b *testing.B) {
		read(b, s.Queryable())
		b.ReportMetric(float64(dirSize(b, dir))/8640/1000, "kept-B/sample")
	})
	b.Run("tsdb", func(b *testing.B) { read(b, db) })
}

func dirSize(b *testing.B, dir string) (size int64) {
	b.Helper()
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return size
}

// BenchmarkReopen opens a folder whose write-ahead file holds two hours of 10,000 series.
func BenchmarkReopen(b *testing.B) {
	c := newClock()
	c.now = c.now.Truncate(bolt.Window)
	opts := Options{Dir: b.TempDir(), Now: c.Now, Tick: never}
	s := open(b, opts)
	f := newFleet()
	for range 700 {
		apply(b, s, f.batch(c.now))
		s.tick()
		c.advance(benchEvery)
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		s, err := Open(opts)
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
