package scrape

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/prometheus/prometheus/model/value"

	"github.com/nocturne-noc/nocturne/collectors"
	"github.com/nocturne-noc/nocturne/store/model"
)

// world is what a wall knows of its clusters.
type world struct {
	mu  sync.Mutex
	all []model.Entity
}

func (w *world) set(all ...model.Entity) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append([]model.Entity{{ID: model.ClusterID("prod"), Kind: model.KindCluster, Name: "prod"}}, all...)
}

func (w *world) entities(kind model.Kind) (out []model.Entity) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.all {
		if e.Kind == kind {
			out = append(out, e)
		}
	}
	return out
}

func (w *world) known(env *collectors.Env) { env.Entities = w.entities }

// on makes a pod that exposes what a server does.
func on(x *exposes, name string) model.Entity {
	ip, port, _ := strings.Cut(x.target(), ":")
	return pod("shop", name, ip, portAnnotation, port)
}

// TestKubernetes holds what becomes of a pod and a service that ask to be scraped: series that speak of them,
// entities that run on them; and that all of it goes when they do.
func TestKubernetes(t *testing.T) {
	t.Parallel()
	redis, other, moved := serve(t, "redis_up 1\n"), serve(t, "a 1\n"), serve(t, "redis_up 1\nb 1\n")
	cart, silent := on(redis, "cart-0"), pod("shop", "mute-0", "127.0.0.1", portAnnotation, "1")
	ip, port, _ := strings.Cut(other.target(), ":")
	web := service("shop", "web", ip, portAnnotation, port)
	w := &world{}
	w.set(cart, web)
	b := watch(t, Config{Kubernetes: &Kubernetes{Clusters: []string{"prod"}}, Labels: map[string]string{"site": "seoul", "pod": "configured"}}, w.known)
	first, entity := b.first2("kubernetes", cart.ID)
	if entity.ID != model.ServerID(redis.target()) || entity.Kind != model.KindService || entity.Name != "Redis shop/cart-0" || entity.State != model.OK ||
		entity.Labels["cluster"] != "prod" || entity.Labels["namespace"] != "shop" || entity.Labels["pod"] != "cart-0" || entity.Labels["node"] != "n1" || entity.Labels["site"] != "seoul" {
		t.Errorf("entity %+v", entity)
	}
	for _, s := range first.Samples {
		if model.EntityOf(s.Labels) != cart.ID || s.Labels.Get("job") != "servers" || s.Labels.Get("instance") != redis.target() || s.Labels.Get("node") != "n1" {
			t.Errorf("%s: want the labels of the pod", s.Labels)
		}
	}
	_, served := b.first2("kubernetes", web.ID)
	b.mu.Lock()
	if l := b.links(cart.ID); len(l) != 1 || l[0].Kind != "runs-on" || l[0].A != entity.ID || l[0].B != cart.ID {
		t.Errorf("links of the pod's service: %+v", l)
	}
	if l := b.links(web.ID); len(l) != 1 || l[0].A != served.ID || l[0].B != web.ID || served.Name != "shop/web" || served.Labels["service"] != "web" {
		t.Errorf("%+v, links %+v", served, l)
	}
	b.mu.Unlock()

	w.set(on(moved, "cart-0"), silent) // started anew at another address; the service asks no more
	b.await("the pod at its other address", func() bool {
		e, ok := b.entity(cart.ID)
		return ok && e.ID == model.ServerID(moved.target()) && b.last(cart.ID)["b"] == 1
	})
	b.await("that one of two fails", func() bool {
		err := b.rows["kubernetes"]
		return err != nil && strings.Contains(err.Error(), "1 of 2 targets fail") &&
			strings.Contains(err.Error(), "pod shop/mute-0 of prod: 127.0.0.1:1 refuses the connection")
	})
	b.mu.Lock()
	if _, ok := b.entity(web.ID); ok || !value.IsStaleNaN(b.last(web.ID)["up"]) || len(b.links(web.ID)) > 0 {
		t.Error("what does not ask any more has left an entity, a link or its up")
	}
	b.mu.Unlock()

	w.set()
	b.await("that all is gone", func() bool {
		_, ok := b.entity(cart.ID)
		err := b.rows["kubernetes"]
		return !ok && value.IsStaleNaN(b.last(cart.ID)["up"]) && err != nil && strings.Contains(err.Error(), "no pod or service asks")
	})
}

// first2 waits until a target that shares a row was scraped well, and returns what was told first.
func (b *bench) first2(row, scope string) (model.Batch, model.Entity) {
	b.t.Helper()
	b.await("an entity of "+scope, func() bool { _, ok := b.entity(scope); return ok })
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.rows[row]; err != nil {
		b.t.Error(err)
	}
	e, _ := b.entity(scope)
	return b.series(scope)[0], e
}

// links are the last of a target; b.mu is held.
func (b *bench) links(scope string) []model.Link {
	for i := len(b.told) - 1; i >= 0; i-- {
		if b.told[i].Scope == scope {
			return b.told[i].Links
		}
	}
	return nil
}

// TestPodLeadsNowhere holds that a pod cannot send the wall to another address.
func TestPodLeadsNowhere(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	secret := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		text(plain, "a 1\n")(w, r)
	}))
	t.Cleanup(secret.Close)
	x := httptest.NewServer(http.RedirectHandler(secret.URL+"/metrics", http.StatusFound))
	t.Cleanup(x.Close)
	w := &world{}
	w.set(on(&exposes{Server: x}, "cart-0"))
	b := watch(t, Config{Kubernetes: &Kubernetes{}}, w.known)
	if err := b.row("kubernetes"); err == nil || !strings.Contains(err.Error(), "answers with HTTP 302") {
		t.Errorf("row %v", err)
	}
	if asked.Load() > 0 {
		t.Error("the redirect was followed")
	}
}

// TestKubernetesSays holds the words for what is found and cannot be scraped.
func TestKubernetesSays(t *testing.T) {
	t.Parallel()
	x, y := serve(t, "a 1\n"), serve(t, "a 1\n")
	w := &world{}
	w.set(on(x, "cart-0"), on(y, "cart-1"), pod("shop", "cart-2", "10.0.0.1", portAnnotation, "http"))
	b := watch(t, Config{Kubernetes: &Kubernetes{Clusters: []string{"prod", "tokyo"}, MaxTargets: 1}}, w.known)
	b.await("all that is wrong", func() bool {
		var remark collectors.Remark
		_, scraped := b.entity(model.ObjectID("prod", "shop", model.KindPod, "cart-0"))
		return scraped && errors.As(b.rows["kubernetes"], &remark) && remark.State == model.Warning && containsAll(remark.Text,
			`cluster "tokyo" is not watched`, "1 more ask to be scraped than the 1 that kubernetes.max_targets allows",
			`1 cannot be scraped, the first: pod shop/cart-2 of prod: prometheus.io/port is "http"`)
	})
}

func containsAll(text string, parts ...string) bool {
	for _, p := range parts {
		if !strings.Contains(text, p) {
			return false
		}
	}
	return true
}

// TestNews holds that nothing found is not said before a cluster had its time to be known, and then once.
func TestNews(t *testing.T) {
	some := look{finding: (&Kubernetes{}).find([]model.Entity{pod("shop", "cart-0", "10.0.0.1")})}
	left := look{finding: finding{Left: []string{"x"}}}
	for _, tt := range []struct {
		name     string
		was, now look
		number   int
		want     bool
	}{
		{"at first nothing", look{}, look{}, 1, false},
		{"at first nothing that can be scraped", look{}, left, 1, false},
		{"nothing after a while", look{}, look{}, settleLooks, true},
		{"nothing still", look{}, look{}, settleLooks + 1, false},
		{"at first some", look{}, some, 1, true},
		{"the same", some, some, 2, false},
		{"at the end of the while the same", some, some, settleLooks, false},
		{"gone early", some, look{}, 2, true},
		{"gone late", some, look{}, 100, true},
		{"left out late", look{}, left, 100, true},
	} {
		if got := tt.now.news(tt.was, tt.number); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

// TestNoWall holds that a source without a wall around says so.
func TestNoWall(t *testing.T) {
	b := watch(t, Config{Kubernetes: &Kubernetes{}}, nil)
	if err := b.row("kubernetes"); !errors.Is(err, errNoWall) {
		t.Errorf("row %v", err)
	}
}
