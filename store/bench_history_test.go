package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/nocturne-noc/nocturne/store/model"
)

// The test binary runs one engine by itself, so that its processor time, memory and written bytes
// are its own: benchEngineEnv names the engine, benchLoadEnv the load, benchDirEnv the folder.
const (
	benchEngineEnv = "NOCTURNE_BENCH_ENGINE"
	benchLoadEnv   = "NOCTURNE_BENCH_LOAD"
	benchDirEnv    = "NOCTURNE_BENCH_DIR"
	benchSpan      = 24 * time.Hour
)

// figures is what a run of one engine says of itself.
type figures struct {
	Samples int
	CPU     time.Duration // user and system, of the whole process
	Written int64         // bytes handed to the operating system
	Kept    int64         // bytes in the folder at the end
	Blocks  int64         // of them sealed
	RSS     int64         // resident bytes at the end of the day, the highest of the last hour
	Read    time.Duration // 24 hours of some ten series, the median of many
	ReadN   int           // samples that such a read returns
}

// benchEngine is a store of samples under test.
type benchEngine interface {
	append(b *model.Batch) error // durable or not, as the engine is made
	settle() error               // waits for what goes on in the background
	queryable() storage.Queryable
	close() error
}

// benchChild runs one engine and prints its figures.
func benchChild(engine string) error {
	l, err := newLoad(os.Getenv(benchLoadEnv))
	if err != nil {
		return err
	}
	dir := os.Getenv(benchDirEnv)
	c := newClock()
	c.set(c.now.Truncate(24 * time.Hour))
	var e benchEngine
	switch engine {
	case "nocturne":
		e, err = newNocturne(dir, c)
	case "tsdb":
		e, err = newTSDB(dir)
	case "none":
		e = noEngine{}
	default:
		err = fmt.Errorf("no engine is called %q", engine)
	}
	if err != nil {
		return err
	}
	start, f := c.now, figures{}
	rounds := int(benchSpan / benchEvery)
	for round := range rounds {
		b := l.batch(c.now)
		if err := e.append(&b); err != nil {
			return err
		}
		f.Samples += len(b.Samples)
		c.advance(benchEvery)
		if round > rounds-360 && round%30 == 0 {
			f.RSS = max(f.RSS, procField("/proc/self/status", "VmRSS:")<<10)
		}
	}
	end := c.now.Add(-benchEvery)
	if err := e.settle(); err != nil {
		return err
	}
	f.CPU, f.Written = cpuTime(), procField("/proc/self/io", "wchar:")
	f.Kept, f.Blocks = folderSize(dir, ""), folderSize(dir, engine)
	if q := e.queryable(); q != nil {
		if f.Read, f.ReadN, err = readTime(q, start, end, l.query); err != nil {
			return err
		}
	}
	if err := e.close(); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(f)
}

type nocturneEngine struct {
	s *Store
	c *clock
}

func newNocturne(dir string, c *clock) (benchEngine, error) {
	s, err := Open(Options{Dir: dir, Now: c.Now, Tick: never, Retention: 1000 * 24 * time.Hour})
	return nocturneEngine{s, c}, err
}

func (e nocturneEngine) append(b *model.Batch) error {
	if err := e.s.Apply(*b); err != nil {
		return err
	}
	e.s.tick()
	return e.s.Health()
}

func (e nocturneEngine) settle() error {
	e.c.advance(10 * time.Minute) // the last window of the day is sealed
	e.s.tick()
	return e.s.Health()
}

func (e nocturneEngine) queryable() storage.Queryable { return e.s.Queryable() }
func (e nocturneEngine) close() error                 { return e.s.Close() }

// tsdbEngine appends as Prometheus' own scraping does: by the references that it got before.
type tsdbEngine struct {
	db   *tsdb.DB
	refs []storage.SeriesRef
}

func newTSDB(dir string) (benchEngine, error) {
	opts := tsdb.DefaultOptions()
	opts.RetentionDuration = (1000 * 24 * time.Hour).Milliseconds()
	db, err := tsdb.Open(dir, slog.New(slog.DiscardHandler), nil, opts, nil)
	return &tsdbEngine{db: db}, err
}

func (e *tsdbEngine) append(b *model.Batch) error {
	if e.refs == nil {
		e.refs = make([]storage.SeriesRef, len(b.Samples))
	}
	app := e.db.Appender(context.Background())
	for i := range b.Samples {
		ref, err := app.Append(e.refs[i], b.Samples[i].Labels, b.Samples[i].T, b.Samples[i].V)
		if err != nil {
			return err
		}
		e.refs[i] = ref
	}
	return app.Commit()
}

func (e *tsdbEngine) settle() error                { return e.db.Compact(context.Background()) }
func (e *tsdbEngine) queryable() storage.Queryable { return e.db }
func (e *tsdbEngine) close() error                 { return e.db.Close() }

// noEngine is what making the load costs by itself.
type noEngine struct{}

func (noEngine) append(*model.Batch) error    { return nil }
func (noEngine) settle() error                { return nil }
func (noEngine) queryable() storage.Queryable { return nil }
func (noEngine) close() error                 { return nil }

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// procField reads a number from a file of the proc file system, 0 where there is none.
func procField(path, name string) int64 {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(b), name)
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	n, _ := strconv.ParseInt(fields[0], 10, 64)
	return n
}

// folderSize is the size of all files, or only of what an engine has sealed.
func folderSize(dir, sealedBy string) (size int64) {
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		switch sealedBy {
		case "nocturne":
			if !strings.HasSuffix(rel, ".db") {
				return nil
			}
		case "tsdb":
			if !strings.HasPrefix(rel, "01") { // a block's ULID
				return nil
			}
		}
		info, err := d.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	if err != nil {
		return 0
	}
	return size
}

// readTime walks over all samples of the selected series, many times.
func readTime(q storage.Queryable, start, end time.Time, matchers []*labels.Matcher) (median time.Duration, samples int, err error) {
	var times []time.Duration
	for range 200 {
		from := time.Now()
		if samples, err = readOnce(q, start, end, matchers); err != nil {
			return 0, 0, err
		}
		times = append(times, time.Since(from))
	}
	slices.Sort(times)
	return times[len(times)/2], samples, nil
}

func readOnce(q storage.Queryable, start, end time.Time, matchers []*labels.Matcher) (n int, err error) {
	querier, err := q.Querier(start.UnixMilli(), end.UnixMilli())
	if err != nil {
		return 0, err
	}
	var it chunkenc.Iterator
	set := querier.Select(context.Background(), true, nil, matchers...)
	for set.Next() {
		for it = set.At().Iterator(it); it.Next() != chunkenc.ValNone; n++ {
			it.At()
		}
		if err := it.Err(); err != nil {
			return n, err
		}
	}
	if err := set.Err(); err != nil {
		return n, err
	}
	return n, querier.Close()
}

// runEngine runs an engine in a process of its own.
func runEngine(b *testing.B, engine, load string) figures {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), benchEngineEnv+"="+engine, benchLoadEnv+"="+load, benchDirEnv+"="+b.TempDir())
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	if err := cmd.Run(); err != nil {
		b.Fatalf("%s: %v: %s", engine, err, stderr.String())
	}
	var f figures
	if err := json.Unmarshal(out.Bytes(), &f); err != nil {
		b.Fatalf("%s: %v", engine, err)
	}
	return f
}

// BenchmarkHistory writes a day of samples every ten seconds with a sync each round, and reads 24 hours
// of ten series. The peer is Prometheus' tsdb as a library, which does not sync each round.
// The processor time is what an engine takes beyond making the load.
func BenchmarkHistory(b *testing.B) {
	for _, load := range []string{"fleet", "node_exporter", "demo"} {
		b.Run(load, func(b *testing.B) {
			if _, err := newLoad(load); err != nil {
				b.Skip(err)
			}
			for b.Loop() {
				base := runEngine(b, "none", load)
				ours := runEngine(b, "nocturne", load)
				peer := runEngine(b, "tsdb", load)
				if ours.ReadN != peer.ReadN || ours.ReadN == 0 {
					b.Fatalf("a read gives %d samples, the peer's %d", ours.ReadN, peer.ReadN)
				}
				for name, f := range map[string]figures{"": ours, "tsdb-": peer} {
					n := float64(f.Samples)
					b.ReportMetric(float64(f.CPU-base.CPU)/n, name+"cpu-ns/sample")
					b.ReportMetric(float64(f.Written)/n, name+"written-B/sample")
					b.ReportMetric(float64(f.Kept)/n, name+"kept-B/sample")
					b.ReportMetric(float64(f.Blocks)/n, name+"sealed-B/sample")
					b.ReportMetric(float64(f.RSS-base.RSS)/(1<<20), name+"rss-MiB")
					b.ReportMetric(float64(f.Read)/1e6, name+"read-ms")
				}
				b.ReportMetric(float64(ours.CPU-base.CPU)/float64(peer.CPU-base.CPU), "cpu-ratio")
				b.ReportMetric(float64(ours.Written)/float64(peer.Written), "written-ratio")
				b.ReportMetric(float64(ours.Kept)/float64(peer.Kept), "kept-ratio")
				b.ReportMetric(float64(ours.Blocks)/float64(peer.Blocks), "sealed-ratio")
				b.ReportMetric(float64(ours.RSS-base.RSS)/float64(peer.RSS-base.RSS), "rss-ratio")
				b.ReportMetric(float64(ours.Read)/float64(peer.Read), "read-ratio")
			}
		})
	}
}
