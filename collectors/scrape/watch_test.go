package scrape

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	prom "github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/value"

	"github.com/nocturne-noc/nocturne/collectors"
	"github.com/nocturne-noc/nocturne/store/model"
)

// patience is how long tests wait for what must come.
const patience = 30 * time.Second

// testEvery is how often tests scrape: as long as an answer may take on a machine that is busy.
const testEvery = 2 * time.Second

// bench is a source that is watched, and what it tells.
type bench struct {
	t    testing.TB
	mu   sync.Mutex
	wake chan struct{} // closed and replaced at each word
	rows map[string]error
	said map[string]int // how often a row was told of
	told []model.Batch
}

// envOf is what a source with a configuration is opened with.
func envOf(cfg Config) collectors.Env {
	return collectors.Env{
		Name: "servers", Every: testEvery, Now: time.Now,
		Decode: func(into any) error { *into.(*Config) = cfg; return nil },
		Secret: func(ref string) (string, error) { return "secret of " + ref, nil },
	}
}

// watch opens a source with a configuration and runs its jobs until the test ends. change may be nil.
func watch(t testing.TB, cfg Config, change func(*collectors.Env)) *bench {
	t.Helper()
	env := envOf(cfg)
	if change != nil {
		change(&env)
	}
	jobs, err := open(env)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, wake: make(chan struct{}), rows: map[string]error{}, said: map[string]int{}}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for _, job := range jobs {
		running.Go(func() {
			err := job.Watch.Watch(ctx, b.emit, func(err error) { b.status(job.Target, err) })
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", job.Target, err)
			}
		})
	}
	t.Cleanup(func() { cancel(); running.Wait() })
	return b
}

func (b *bench) changed(change func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change()
	close(b.wake)
	b.wake = make(chan struct{})
}

func (b *bench) emit(batch model.Batch) { b.changed(func() { b.told = append(b.told, batch) }) }

func (b *bench) status(target string, err error) {
	b.changed(func() { b.rows[target] = err; b.said[target]++ })
}

// await waits until what was told is as it should be.
func (b *bench) await(what string, ok func() bool) {
	b.t.Helper()
	late := time.After(patience)
	for {
		b.mu.Lock()
		done, wake := ok(), b.wake
		b.mu.Unlock()
		if done {
			return
		}
		select {
		case <-wake:
		case <-late:
			b.mu.Lock()
			defer b.mu.Unlock()
			b.t.Fatalf("%s did not come; rows: %v", what, b.rows)
		}
	}
}

// row waits for the first word on a target.
func (b *bench) row(target string) error {
	b.t.Helper()
	b.await("a word on "+target, func() bool { return b.said[target] > 0 })
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.rows[target]
}

// entity is the last of a target; ok is false where it has none, or none any more.
func (b *bench) entity(scope string) (e model.Entity, ok bool) {
	for _, batch := range slices.Backward(b.told) {
		if batch.Scope == scope {
			if len(batch.Entities) == 0 {
				return e, false
			}
			return batch.Entities[0], true
		}
	}
	return e, false
}

// series are the batches of samples of a target.
func (b *bench) series(scope string) (out []model.Batch) {
	for _, batch := range b.told {
		if batch.Scope == "series/"+scope {
			out = append(out, batch)
		}
	}
	return out
}

// first waits until a target was scraped well, and returns what was told first.
func (b *bench) first(scope string) (model.Batch, model.Entity) {
	b.t.Helper()
	if err := b.row(scope); err != nil {
		b.t.Fatal(err)
	}
	b.await("an entity of "+scope, func() bool { _, ok := b.entity(scope); return ok })
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, batch := range b.told {
		if batch.Scope == scope {
			return b.series(scope)[0], batch.Entities[0]
		}
	}
	return model.Batch{}, model.Entity{}
}

// last are the values of the last scrape of a target; b.mu is held.
func (b *bench) last(scope string) map[string]float64 {
	all := b.series(scope)
	if len(all) == 0 {
		return nil
	}
	return values(all[len(all)-1])
}

// down reports whether the last scrape of a target failed; b.mu is held.
func (b *bench) down(scope string) bool {
	up, ok := b.last(scope)["up"]
	return ok && up == 0
}

// values are the samples of a batch by name and, where there are some, the labels of their own.
func values(b model.Batch) map[string]float64 {
	out := map[string]float64{}
	for _, s := range b.Samples {
		out[s.Labels.Get(prom.MetricNameLabel)] = s.V
	}
	return out
}

// exposes serves a text; it may change while it is served.
type exposes struct {
	*httptest.Server
	mu   sync.Mutex
	text string
}

func serve(t testing.TB, text string) *exposes {
	t.Helper()
	x := &exposes{text: text}
	x.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		x.mu.Lock()
		defer x.mu.Unlock()
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		_, _ = w.Write([]byte(x.text)) // a scraper that goes away is no matter
	}))
	t.Cleanup(x.Close)
	return x
}

func (x *exposes) set(text string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.text = text
}

func (x *exposes) target() string { return strings.TrimPrefix(x.URL, "http://") }

// TestScrape holds what a good target gives: its samples with the target's labels and those of Prometheus,
// dated on a grid, an entity, and a good row; and what becomes of it when it fails.
func TestScrape(t *testing.T) {
	t.Parallel()
	x := serve(t, "redis_up 1\nredis_instance_info{redis_version=\"7.0\",role=\"master\"} 1\ntemporary 5\n")
	target := x.target()
	b := watch(t, Config{Targets: []string{target}, Labels: map[string]string{"site": "seoul"}}, nil)
	first, entity := b.first(target)
	b.await("three scrapes", func() bool { return len(b.series(target)) >= 3 })
	x.set("redis_up 0\n")
	b.await("a service that is down", func() bool { e, ok := b.entity(target); return ok && e.State == model.Critical })
	b.mu.Lock()
	down, _ := b.entity(target)
	all := b.series(target)
	b.mu.Unlock()
	if got := values(first); got["redis_up"] != 1 || got["temporary"] != 5 || got["up"] != 1 || got["scrape_samples_scraped"] != 3 || len(got) != 3+len(aboutNames) {
		t.Errorf("first scrape: %v", got)
	}
	for _, s := range first.Samples {
		if s.Labels.Get("instance") != target || s.Labels.Get("job") != "servers" || s.Labels.Get("site") != "seoul" || model.EntityOf(s.Labels) != entity.ID {
			t.Errorf("%s: want the labels of the target and the entity %s", s.Labels, entity.ID)
		}
	}
	if !first.Replace || entity.Kind != model.KindService || entity.Name != "Redis "+target || entity.State != model.OK ||
		entity.Labels["version"] != "7.0" || entity.Labels["site"] != "seoul" || entity.Labels["exporter"] != "redis" {
		t.Errorf("entity %+v", entity)
	}
	if down.Reason != "Redis does not answer its exporter" {
		t.Errorf("reason %q", down.Reason)
	}
	for i := 1; i < len(all); i++ {
		if apart := all[i].Time.Sub(all[i-1].Time); apart%testEvery != 0 || apart <= 0 {
			t.Logf("scrapes %v apart: another grid was begun", apart)
		}
		for _, s := range all[i].Samples {
			if s.T != all[i].Time.UnixMilli() {
				t.Errorf("%s is dated %d, its batch %d", s.Labels, s.T, all[i].Time.UnixMilli())
			}
		}
	}
	x.CloseClientConnections()
	x.Close()
	b.await("a refused connection", func() bool { return b.down(target) })
	b.mu.Lock()
	defer b.mu.Unlock()
	if got := b.last(target); b.rows[target] == nil || len(got) != len(aboutNames) {
		t.Errorf("of a scrape that failed: %v", got)
	}
	if e, ok := b.entity(target); !ok || e.ID != entity.ID {
		t.Error("the entity of a target that is silent is gone, it should turn stale")
	}
}

// TestTargetsShareRow holds that discovered targets come and go with their files.
func TestTargetsShareRow(t *testing.T) {
	t.Parallel()
	one, two := serve(t, "node_uname_info{nodename=\"one\"} 1\n"), serve(t, "a 1\n")
	files := newFiles(t)
	b := watch(t, Config{FileSD: []string{files.path("*.json")}}, nil)
	b.await("that there are none", func() bool { return b.rows["file_sd"] != nil })
	if err := b.row("file_sd"); !strings.Contains(err.Error(), "no targets in") {
		t.Errorf("without files: %v", err)
	}
	files.write("one.json", `[{"targets": ["`+one.target()+`"], "labels": {"rack": "7"}}]`)
	files.write("two.json", `[{"targets": ["`+two.target()+`", "127.0.0.1:1"]}]`)
	url := func(x *exposes) string { return x.URL + "/metrics" }
	b.await("one that fails of three", func() bool {
		_, first := b.entity(url(one))
		_, second := b.entity(url(two))
		err := b.rows["file_sd"]
		return first && second && err != nil && strings.Contains(err.Error(), "1 of 3 targets fail")
	})
	b.mu.Lock()
	e, _ := b.entity(url(one))
	var remark collectors.Remark
	if err := b.rows["file_sd"]; !errors.As(err, &remark) || remark.State != model.Warning || !strings.Contains(err.Error(), "127.0.0.1:1 refuses the connection") {
		t.Errorf("one of three fails: %v", err)
	}
	b.mu.Unlock()
	if e.Kind != model.KindServer || e.Name != "one" || e.Labels["rack"] != "7" {
		t.Errorf("entity %+v", e)
	}
	files.write("two.json", `[`)
	b.await("that a file is broken", func() bool {
		return b.rows["file_sd"] != nil && strings.Contains(b.rows["file_sd"].Error(), "two.json cannot be read")
	})
	files.remove("two.json")
	b.await("that all are well", func() bool { return b.rows["file_sd"] == nil && b.said["file_sd"] > 0 })
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.entity(url(two)); ok {
		t.Error("what is in no file any more is still there")
	}
	if up := b.last(url(two))["up"]; !value.IsStaleNaN(up) {
		t.Errorf("up of what is gone is %v, want the staleness marker", up)
	}
	if got := slices.Sorted(maps.Keys(values(b.series(url(one))[0]))); !slices.Contains(got, "node_uname_info") {
		t.Errorf("series %v", got)
	}
}

// TestDropped holds that relabelling that drops a target is said.
func TestDropped(t *testing.T) {
	b := watch(t, Config{Targets: []string{"db1:9100"}, Relabel: rules(t, `[{action: drop, source_labels: [__address__], regex: 'db1:.*'}]`)}, nil)
	var remark collectors.Remark
	if err := b.row("db1:9100"); !errors.As(err, &remark) || remark.State != model.Warning {
		t.Errorf("row %v", err)
	}
}

// TestDialerEnds holds that connections end with their source, so that it does not wait for a target that
// hangs, and that the address which a name led to is kept.
func TestDialerEnds(t *testing.T) {
	asked := make(chan struct{})
	x := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
	}))
	t.Cleanup(x.Close)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	d := newDialer(ctx)
	client := &http.Client{Transport: &http.Transport{DialContext: d.DialContext}}
	ended := make(chan error, 1)
	go func() {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, x.URL, http.NoBody)
		if err == nil {
			var resp *http.Response
			if resp, err = client.Do(req); err == nil {
				err = resp.Body.Close()
			}
		}
		ended <- err
	}()
	<-asked
	if got := d.address(strings.TrimPrefix(x.URL, "http://")); got != "127.0.0.1" {
		t.Errorf("the address is %q", got)
	}
	cancel()
	select {
	case err := <-ended:
		if err == nil {
			t.Error("the request that hung was answered")
		}
	case <-time.After(patience):
		t.Fatal("the request goes on although its source has ended")
	}
	if _, err := d.DialContext(t.Context(), "tcp", strings.TrimPrefix(x.URL, "http://")); err == nil {
		t.Error("a source that has ended still connects")
	}
}
