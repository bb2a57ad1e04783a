package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/storage"

	"github.com/nocturne-noc/nocturne/store/bolt"
)

// TestBuiltin runs the acceptance tests of Prometheus' own engine over our storage in two forms:
// all in the head, and all sealed, reopened, then read. It runs them part by part, from one "clear"
// to the next. Left out are the parts that load native histograms or start timestamps, which this
// store of floats does not keep, and, sealed, the two that load older samples after they have read.
func TestBuiltin(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/prometheus/prometheus").Output()
	if err != nil {
		t.Skip("go list does not find Prometheus' module:", err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(out)), "promql/promqltest/testdata/*.test"))
	if err != nil || len(files) == 0 {
		t.Skip("Prometheus' module comes without its test data:", err)
	}
	engine := promqltest.NewTestEngine(t, false, 0, promqltest.DefaultMaxSamplesPerQuery)
	for _, form := range []string{"head", "sealed"} {
		ran, left := 0, 0
		for _, file := range files {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for i, part := range parts(string(b)) {
				if strings.Contains(part, "{{") || strings.Contains(part, "@st") || form == "sealed" && loadsAgain.MatchString(part) {
					left++
					continue
				}
				ran++
				t.Run(fmt.Sprintf("%s/%s/%d", form, filepath.Base(file), i), func(t *testing.T) {
					promqltest.RunTestWithStorage(t, part, engine, func(t testing.TB) storage.Storage {
						return newTestStorage(t, form == "sealed")
					})
				})
			}
		}
		t.Logf("%s: %d parts ran, %d left out", form, ran, left)
		if ran < 100 {
			t.Errorf("%s: only %d parts ran", form, ran)
		}
	}
}

var loadsAgain = regexp.MustCompile(`(?ms)^eval.*^load`)

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

// testStorage is a Store in the shape that Prometheus' tests want. With seal it seals what was
// added, and reopens the folder, before it reads.
type testStorage struct {
	*Store
	tb    testing.TB
	seal  bool
	dirty bool
}

func newTestStorage(t testing.TB, seal bool) storage.Storage {
	t.Helper()
	opts := Options{Now: func() time.Time { return time.Unix(0, 0).AddDate(1, 0, 0) }, Tick: never}
	if seal {
		opts.Dir = t.TempDir()
	}
	s, err := Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	return &testStorage{Store: s, tb: t, seal: seal}
}

func (s *testStorage) reopen() {
	s.tb.Helper()
	s.disk.mu.Lock()
	err := s.sealBefore(bolt.WindowStart(s.Now().UnixMilli()))
	s.disk.mu.Unlock()
	if err == nil {
		err = s.Close()
	}
	if err == nil {
		s.Store, err = Open(s.opts)
	}
	if err != nil {
		s.tb.Fatal(err)
	}
	s.dirty = false
}

func (s *testStorage) Querier(mint, maxt int64) (storage.Querier, error) {
	if s.seal && s.dirty {
		s.reopen()
	}
	return s.Queryable().Querier(mint, maxt)
}

func (*testStorage) ChunkQuerier(int64, int64) (storage.ChunkQuerier, error) {
	return nil, errors.New("not offered")
}

func (s *testStorage) Appender(ctx context.Context) storage.Appender {
	return s.Appendable().Appender(ctx)
}

func (s *testStorage) AppenderV2(ctx context.Context) storage.AppenderV2 {
	s.dirty = true
	return appenderV2{s.Appender(ctx)}
}

func (*testStorage) StartTime() (int64, error) { return 0, nil }

type appenderV2 struct{ storage.Appender }

func (a appenderV2) Append(ref storage.SeriesRef, ls labels.Labels, _, t int64, v float64, h *histogram.Histogram, fh *histogram.FloatHistogram, _ storage.AppendV2Options) (storage.SeriesRef, error) {
	if h != nil || fh != nil {
		return a.AppendHistogram(ref, ls, t, h, fh)
	}
	return a.Appender.Append(ref, ls, t, v)
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
