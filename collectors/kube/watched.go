package kube

import (
	"context"
	"fmt"
	"reflect"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/cache"
)

// Bounds on what is watched because of other objects: there may be a thousand definitions of custom
// resources, and any number of objects of one.
const (
	maxDiscovered = 200
	maxOfOne      = 20_000
	recountEvery  = 10 * time.Minute
	countLimit    = 10 * time.Second // deadline of one request
)

// watched is one collection in one namespace.
type watched struct {
	*resource
	key        string
	namespace  string // "" for all
	discovered bool
	informer   cache.SharedIndexInformer
	handled    cache.DoneChecker // the handler has seen the whole first list
	revision   *atomic.Uint64    // counts the changes that matter
	stop       context.CancelFunc
}

// start begins to watch collections.
func (s *session) start(ctx context.Context, list []resource) error {
	for i := range list {
		if list[i].optIn && !s.c.optIn[list[i].name] {
			continue
		}
		if err := s.startResource(ctx, &list[i], false); err != nil {
			return err
		}
	}
	return nil
}

// startResource begins to watch a resource, in each namespace that is to be watched.
func (s *session) startResource(ctx context.Context, r *resource, discovered bool) error {
	namespaces := []string{metav1.NamespaceAll}
	if r.namespaced && len(s.namespaces) > 0 {
		namespaces = s.namespaces
	}
	for _, ns := range namespaces {
		w := watched{resource: r, key: collection(r.key(), ns), namespace: ns, discovered: discovered, revision: new(atomic.Uint64)}
		if err := s.watch(ctx, &w, ns); err != nil {
			return fmt.Errorf("watch %s: %w", r.name, err)
		}
		s.watched = append(s.watched, w)
	}
	return nil
}

// stopResource ends the watches of a resource. What was drawn of it is gone with the next picture.
func (s *session) stopResource(name string) {
	var kept []watched
	for _, w := range s.watched {
		if w.name == name {
			w.stop()
			s.c.health.forget(w.key)
			continue
		}
		kept = append(kept, w)
	}
	s.watched = kept
	s.restarts++
	poke(s.dirty)
}

func (s *session) watch(ctx context.Context, w *watched, ns string) error {
	r := w.resource
	w.informer = r.informer(s.c, ns, func(o *metav1.ListOptions) { o.FieldSelector = r.selector })
	if err := w.informer.SetTransform(func(obj any) (any, error) { return r.transform(&s.strings, obj) }); err != nil {
		return err
	}
	key := w.key
	err := w.informer.SetWatchErrorHandlerWithContext(func(ctx context.Context, _ *cache.Reflector, err error) {
		if ctx.Err() != nil {
			return
		}
		if !isQuiet(err) {
			s.c.health.set(key, err)
		}
		poke(s.ask) // is it that watch, or the whole server?
	})
	if err != nil {
		return err
	}
	registration, err := w.informer.AddEventHandler(s.handler(w.revision))
	if err != nil {
		return err
	}
	handled := registration.HasSyncedChecker()
	w.handled = handled
	ctx, w.stop = context.WithCancel(ctx)
	s.wg.Go(func() {
		select {
		case <-handled.Done():
			poke(s.dirty)
		case <-ctx.Done():
		}
	})
	informer := w.informer
	s.wg.Go(func() { informer.RunWithContext(ctx) })
	s.wg.Go(func() { s.review(ctx, r, key, ns) })
	return nil
}

// handler hears of changes. It runs in client-go's goroutines and must neither block nor panic.
func (s *session) handler(revision *atomic.Uint64) cache.ResourceEventHandler {
	hear := func(obj any) {
		if h, ok := obj.(*Happening); ok {
			s.c.news.add(h)
		}
		revision.Add(1)
		poke(s.dirty)
	}
	return cache.ResourceEventHandlerDetailedFuncs{
		AddFunc: func(obj any, initial bool) {
			if !initial {
				s.c.news.added(obj, s.c.now())
			}
			hear(obj)
		},
		UpdateFunc: func(old, obj any) {
			s.c.news.updated(old, obj, s.c.now())
			if !sameKept(old, obj) {
				hear(obj)
			}
		},
		DeleteFunc: func(obj any) {
			if last, ok := obj.(cache.DeletedFinalStateUnknown); ok { // its deletion was missed
				obj = last.Obj
			}
			s.c.news.removed(obj, s.c.now())
			revision.Add(1)
			poke(s.dirty)
		},
	}
}

// keptObject is what is kept of an object: it carries the version that the API server gave it.
type keptObject interface{ head() *meta }

// head is the part that all kept objects share.
func (m *meta) head() *meta { return m }

// sameKept reports whether an update changed nothing of what is kept, but the version: kubelets and
// controllers write to objects far more often than anything changes that is shown.
func sameKept(old, obj any) bool {
	a, ok1 := old.(keptObject)
	b, ok2 := obj.(keptObject)
	if !ok1 || !ok2 || reflect.TypeOf(old) != reflect.TypeOf(obj) || a.head().UID != b.head().UID {
		return false
	}
	// What is kept is read by others and never changed, so it is a copy that gets the other's version.
	twin := reflect.New(reflect.TypeOf(obj).Elem())
	twin.Elem().Set(reflect.ValueOf(obj).Elem())
	twin.Interface().(keptObject).head().Version = a.head().Version
	return reflect.DeepEqual(old, twin.Interface())
}

// counted is how many objects a discovered collection has.
type counted struct {
	r   resource
	n   int
	err error
}

// discover watches what the objects that are known ask for, and ends the watches of what they ask for
// no more. A collection is counted first: one that is too large is not watched.
func (s *session) discover(ctx context.Context, v *view) {
	asked, wanted := false, map[string]resource{}
	for _, w := range s.watched {
		if w.discover == nil || w.discovered || !v.readable(w.name) {
			continue
		}
		asked = true
		for _, r := range w.discover(v) {
			if len(wanted) >= maxDiscovered {
				break
			}
			wanted[r.name] = r
		}
	}
	if !asked {
		return
	}
	var gone []string
	for name := range s.found {
		if _, ok := wanted[name]; !ok {
			gone = append(gone, name)
		}
	}
	for _, name := range gone {
		delete(s.found, name)
		s.stopResource(name)
	}
	for name, r := range wanted {
		f := s.found[name]
		if f != nil && f.gvr != r.gvr { // it is served in another version now
			s.stopResource(name)
			f = nil
		}
		if f == nil {
			f = &found{gvr: r.gvr}
			s.found[name] = f
		}
		switch {
		case f.asking, f.watching && s.held(name) <= maxOfOne, !f.watching && f.n > maxOfOne && v.now.Sub(f.at) < recountEvery:
			continue
		case f.watching: // it has grown too large
			f.n, f.at, f.watching = s.held(name), v.now, false
			s.stopResource(name)
			continue
		}
		f.asking = true
		s.wg.Go(func() {
			n, err := s.count(ctx, &r)
			select {
			case s.counts <- counted{r, n, err}:
			case <-ctx.Done():
			}
		})
	}
}

// found is what is known of a discovered collection.
type found struct {
	gvr              schema.GroupVersionResource
	asking, watching bool
	n                int       // objects, where there are too many to watch
	at               time.Time // when they were counted
}

// admit takes in a count, and watches what is small enough. Where counting fails the watch says why.
func (s *session) admit(ctx context.Context, c counted) error {
	f := s.found[c.r.name]
	if f == nil || f.gvr != c.r.gvr {
		return nil // not wanted any more
	}
	f.asking, f.n, f.at = false, c.n, s.c.now()
	if c.n > maxOfOne {
		poke(s.dirty)
		return nil
	}
	f.watching = true
	return s.startResource(ctx, &c.r, true)
}

// held is how many objects of a resource the informers hold.
func (s *session) held(name string) int {
	n := 0
	for _, w := range s.watched {
		if w.name == name {
			n += len(w.informer.GetIndexer().ListKeys())
		}
	}
	return n
}

// count asks how many objects a resource has.
func (s *session) count(ctx context.Context, r *resource) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, countLimit)
	defer cancel()
	list, err := s.c.metadata.Resource(r.gvr).List(ctx, metav1.ListOptions{Limit: 1})
	if err != nil {
		return 0, fmt.Errorf("count %s: %w", r.name, err)
	}
	n := len(list.Items)
	if more := list.RemainingItemCount; more != nil {
		n += int(*more)
	}
	return n, nil
}
