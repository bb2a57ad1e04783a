package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/storage"

	"github.com/nocturne-noc/nocturne/store/bolt"
)

// Files of Prometheus' acceptance tests that this store of floats does not pass as a whole, and why. Their parts
// without are run by TestBuiltinParts.
var wantHistograms = map[string]string{
	"aggregators.test": nativeHistograms, "extended_vectors.test": nativeHistograms, "functions.test": nativeHistograms,
	"histograms.test": nativeHistograms, "info.test": nativeHistograms, "limit.test": nativeHistograms,
	"native_histograms.test": nativeHistograms, "operators.test": nativeHistograms, "range_queries.test": nativeHistograms,
	"start_timestamps.test": startTimestamps, "subquery.test": nativeHistograms,
}

const (
	nativeHistograms = "it loads or gives native histograms"
	startTimestamps  = "it loads native histograms and start timestamps"
)

// builtin runs the acceptance tests by Prometheus' own hand, but for some files.
type builtin struct{ *testing.T }

func (b builtin) Run(name string, run func(*testing.T)) bool {
	return b.T.Run(name, func(t *testing.T) {
		if why := wantHistograms[filepath.Base(name)]; why != "" {
			t.Skip(why)
		}
		run(t)
	})
}

// TestBuiltin runs the acceptance tests of Prometheus' own engine over our storage in two forms: all in the
// head, and all sealed, reopened, then read.
func TestBuiltin(t *testing.T) {
	for _, form := range []string{"head", "sealed"} {
		t.Run(form, func(t *testing.T) {
			promqltest.RunBuiltinTestsWithStorage(builtin{t}, newTestEngine(t), func(t testing.TB) storage.Storage {
				return newTestStorage(t, form == "sealed")
			})
		})
	}
}

// TestBuiltinParts runs, of the files that TestBuiltin leaves out, the parts from one "clear" to the next that do
// without native histograms and start timestamps.
func TestBuiltinParts(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/prometheus/prometheus").Output()
	if err != nil {
		t.Skip("go list does not find Prometheus' module:", err)
	}
	for _, form := range []string{"head", "sealed"} {
		ran, left := 0, 0
		for file := range wantHistograms {
			b, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "promql/promqltest/testdata", file))
			if err != nil {
				t.Skip("Prometheus' module comes without its test data:", err)
			}
			for i, part := range parts(string(b)) {
				if strings.Contains(part, "{{") || strings.Contains(part, "@st") || strings.Contains(part, "load_with_nhcb") {
					left++
					continue
				}
				ran++
				t.Run(fmt.Sprintf("%s/%s/%d", form, file, i), func(t *testing.T) {
					promqltest.RunTestWithStorage(t, part, newTestEngine(t), func(t testing.TB) storage.Storage {
						return newTestStorage(t, form == "sealed")
					})
				})
			}
		}
		t.Logf("%s: %d parts ran, %d left out", form, ran, left)
		if ran < 20 {
			t.Errorf("%s: only %d parts ran", form, ran)
		}
	}
}

// newTestEngine is our engine around that of Prometheus' tests.
func newTestEngine(t *testing.T) promql.QueryEngine {
	return &queryEngine{
		Engine: promqltest.NewTestEngine(t, false, 0, promqltest.DefaultMaxSamplesPerQuery),
		parser: parser.NewParser(promqltest.TestParserOpts),
	}
}

// parts cuts a test script at its "clear" commands.
func parts(script string) []string {
	out := []string{""}
	for line := range strings.Lines(script) {
		if strings.TrimSpace(line) == "clear" {
			out = append(out, "")
			continue
		}
		out[len(out)-1] += line
	}
	return out
}

// testStorage is a Store in the shape that Prometheus' tests want. Those load as they like, also what is older
// than they have read already: before the first read after a load it is made anew of all that was loaded, in
// the order of time, as a wall is. With seal that is sealed and the folder opened again.
type testStorage struct {
	*Store
	tb     testing.TB
	seal   bool
	loaded []pendingSample
	dirty  bool
}

func newTestStorage(t testing.TB, seal bool) storage.Storage {
	t.Helper()
	s := &testStorage{tb: t, seal: seal}
	s.rebuild()
	return s
}

func (s *testStorage) rebuild() {
	s.tb.Helper()
	opts := Options{Now: func() time.Time { return time.Unix(0, 0).AddDate(1, 0, 0) }, Tick: never}
	if s.seal {
		opts.Dir = s.tb.TempDir()
	}
	var err error
	if s.Store != nil {
		err = s.Close()
	}
	if err == nil {
		s.Store, err = Open(opts)
	}
	if err == nil {
		err = s.fill()
	}
	if err == nil && s.seal {
		s.keeper.mu.Lock()
		err = s.sealBefore(bolt.WindowStart(s.Now().UnixMilli()))
		s.keeper.mu.Unlock()
		if err == nil {
			err = s.Close()
		}
		if err == nil {
			s.Store, err = Open(opts)
		}
	}
	if err != nil {
		s.tb.Fatal(err)
	}
	s.dirty = false
}

// fill appends what was loaded.
func (s *testStorage) fill() error {
	slices.SortStableFunc(s.loaded, func(a, b pendingSample) int { return cmp.Compare(a.t, b.t) })
	app := s.Appendable().Appender(context.Background())
	for _, p := range s.loaded {
		if _, err := app.Append(0, p.labels, p.t, p.v); err != nil {
			return err
		}
	}
	return app.Commit()
}

func (s *testStorage) Querier(mint, maxt int64) (storage.Querier, error) {
	if s.dirty {
		s.rebuild()
	}
	return ours(s.Queryable()).Querier(mint, maxt) // as our engine asks, which the tests' is the core of
}

func (*testStorage) ChunkQuerier(int64, int64) (storage.ChunkQuerier, error) {
	return nil, errors.New("not offered")
}

func (s *testStorage) Appender(ctx context.Context) storage.Appender {
	return s.Appendable().Appender(ctx)
}

func (s *testStorage) AppenderV2(ctx context.Context) storage.AppenderV2 {
	return &appenderV2{s.Appender(ctx), s}
}

func (*testStorage) StartTime() (int64, error) { return 0, nil }

// appenderV2 collects what is loaded.
type appenderV2 struct {
	storage.Appender
	of *testStorage
}

func (a *appenderV2) Append(ref storage.SeriesRef, ls labels.Labels, _, t int64, v float64, h *histogram.Histogram, fh *histogram.FloatHistogram, _ storage.AppendV2Options) (storage.SeriesRef, error) {
	if h != nil || fh != nil {
		return a.AppendHistogram(ref, ls, t, h, fh)
	}
	a.of.loaded = append(a.of.loaded, pendingSample{labels: ls.Copy(), t: t, v: v})
	a.of.dirty = true
	return 0, nil
}

func TestBadQuery(t *testing.T) {
	c := newClock()
	s := open(t, Options{Now: c.Now})
	ctx := context.Background()
	for _, tc := range []struct {
		want string
		do   func() error
	}{
		{`query "up{": 1:4: parse error`, func() error { _, err := s.Query(ctx, "up{", c.now); return err }},
		{`query "\"x\"" gives a string`, func() error { _, err := s.Query(ctx, `"x"`, c.now); return err }},
		{`step is 0s`, func() error { _, err := s.QueryRange(ctx, "up", c.now, c.now, 0); return err }},
		{`before its start`, func() error {
			_, err := s.QueryRange(ctx, "up", c.now, c.now.Add(-time.Hour), time.Second)
			return err
		}},
		{`query was canceled`, func() error {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			_, err := s.Query(ctx, "up", c.now)
			return err
		}},
	} {
		if err := tc.do(); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("got %v, want %q", err, tc.want)
		}
	}
}

func TestAppender(t *testing.T) {
	c := newClock()
	s := open(t, Options{Now: c.Now})
	app := s.Appendable().Appender(context.Background())
	ls := labels.FromStrings("__name__", "ALERTS", "empty", "")
	if _, err := app.Append(0, ls, c.now.UnixMilli(), 1); err != nil {
		t.Fatal(err)
	}
	if err := app.Commit(); err != nil {
		t.Fatal(err)
	}
	if got := evaluate(t, s, `ALERTS{empty=""}`, c.now); got != 1 {
		t.Errorf("ALERTS = %v", got)
	}
	app = s.Appendable().Appender(context.Background())
	for _, tc := range []struct {
		t    int64
		v    float64
		want error
	}{
		{c.now.UnixMilli(), 1, nil},
		{c.now.UnixMilli(), 2, storage.ErrDuplicateSampleForTimestamp},
		{c.now.UnixMilli() - 1, 1, storage.ErrOutOfOrderSample},
	} {
		if _, err := app.Append(0, ls, tc.t, tc.v); !errors.Is(err, tc.want) {
			t.Errorf("%+v: %v", tc, err)
		}
	}
	if _, err := app.Append(0, labels.FromStrings("a", fmt.Sprint(strings.Repeat("x", maxLabelSetBytes))), 1, 1); err == nil {
		t.Error("a huge label set was taken in")
	}
	if err := app.Rollback(); err != nil {
		t.Error(err)
	}
}
