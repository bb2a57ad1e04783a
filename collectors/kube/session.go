package kube

import (
	"cmp"
	"context"
	"sync"
	"time"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/nocturne-noc/nocturne/collectors"
	"github.com/nocturne-noc/nocturne/store/model"
)

// watched is one collection in one namespace.
type watched struct {
	resource
	key      string
	informer cache.SharedIndexInformer
	handled  cache.DoneChecker // the handler has seen the whole first list
}

// session is one stretch of watching with one set of informers.
type session struct {
	c       *Cluster
	emit    collectors.Emit
	status  func(error)
	began   time.Time
	watched []watched
	strings interner
	wg      sync.WaitGroup

	dirty   chan struct{} // something changed
	ask     chan struct{} // probe, please
	answers chan answer
	pause   time.Duration // before the next changes are told
	shown   bool          // a picture was told in this session
	due     bool          // the whole picture is to be confirmed
	owed    *answer       // a good probe that came before there was a picture to confirm

	lost      error // why the API server does not answer, nil when it does
	lostSince time.Time
}

// answer is what a probe found.
type answer struct {
	latency time.Duration
	err     error
}

// session watches until ctx ends, whose error it returns, or until the informers had better start
// anew after an outage.
func (c *Cluster) session(ctx context.Context, emit collectors.Emit, status func(error)) error {
	ctx, cancel := context.WithCancel(klog.NewContext(ctx, logr.FromSlogHandler(c.log.With("cluster", c.name).Handler())))
	s := &session{
		c: c, emit: emit, status: status, began: c.now(), pause: settleFor,
		dirty: make(chan struct{}, 1), ask: make(chan struct{}, 1), answers: make(chan answer),
	}
	c.health.mu.Lock()
	clear(c.health.trouble)
	c.health.mu.Unlock()
	defer func() {
		cancel()
		s.wg.Wait()
	}()
	s.wg.Go(func() { s.probes(ctx) })
	s.wg.Go(func() { c.usage.run(ctx, c.metrics, c.namespaces, max(c.every, usageEvery), c.now, s.dirty) })
	if err := s.start(ctx, inTier(essential)); err != nil {
		return err
	}
	return s.loop(ctx)
}

// start begins to watch collections.
func (s *session) start(ctx context.Context, list []resource) error {
	for _, r := range list {
		namespaces := []string{metav1.NamespaceAll}
		if r.namespaced && len(s.c.namespaces) > 0 {
			namespaces = s.c.namespaces
		}
		for _, ns := range namespaces {
			w, err := s.watch(ctx, r, ns)
			if err != nil {
				return err
			}
			s.watched = append(s.watched, w)
		}
	}
	return nil
}

func (s *session) watch(ctx context.Context, r resource, ns string) (watched, error) {
	w := watched{resource: r, key: collection(r.name, ns)}
	w.informer = r.informer(s.c, ns, func(o *metav1.ListOptions) { o.FieldSelector = r.selector })
	if err := w.informer.SetTransform(func(obj any) (any, error) { return r.transform(&s.strings, obj) }); err != nil {
		return w, err
	}
	err := w.informer.SetWatchErrorHandlerWithContext(func(ctx context.Context, _ *cache.Reflector, err error) {
		if ctx.Err() != nil {
			return
		}
		if !isQuiet(err) {
			s.c.health.set(w.key, err)
		}
		poke(s.ask) // is it that watch, or the whole server?
	})
	if err != nil {
		return w, err
	}
	registration, err := w.informer.AddEventHandler(s.handler())
	if err != nil {
		return w, err
	}
	w.handled = registration.HasSyncedChecker()
	s.wg.Go(func() {
		select {
		case <-w.handled.Done():
			poke(s.dirty)
		case <-ctx.Done():
		}
	})
	s.wg.Go(func() { w.informer.RunWithContext(ctx) })
	return w, nil
}

// handler hears of changes. It runs in client-go's goroutines and must neither block nor panic.
func (s *session) handler() cache.ResourceEventHandler {
	hear := func(obj any) {
		if h, ok := obj.(*Happening); ok {
			s.c.news.add(h)
		}
		poke(s.dirty)
	}
	return cache.ResourceEventHandlerFuncs{
		AddFunc: hear,
		UpdateFunc: func(old, obj any) {
			before, ok1 := old.(*Pod)
			after, ok2 := obj.(*Pod)
			if ok1 && ok2 {
				s.c.news.restarts(before, after)
			}
			hear(obj)
		},
		DeleteFunc: func(any) { poke(s.dirty) },
	}
}

// probes answers each ask with a probe.
func (s *session) probes(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.ask:
		}
		latency, err := s.c.probe(ctx)
		select {
		case <-ctx.Done():
			return
		case s.answers <- answer{latency, err}:
		}
	}
}

// loop tells changes soon, and the whole picture once an interval after a good probe.
func (s *session) loop(ctx context.Context) error {
	c := s.c
	confirm := time.NewTimer(0)
	defer confirm.Stop()
	settle := time.NewTimer(time.Hour)
	settle.Stop()
	defer settle.Stop()
	settling := false
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.dirty:
			if !settling {
				settling = true
				settle.Reset(s.pause)
			}
		case <-settle.C:
			settling = false
			if s.lost == nil {
				s.tell(nil)
			}
		case <-c.health.changed:
			poke(s.dirty)
		case <-confirm.C:
			now := c.now()
			confirm.Reset(now.Truncate(c.every).Add(c.every).Sub(now.Round(0)))
			s.due = true
			poke(s.ask)
		case a := <-s.answers:
			if again := s.heard(a); again {
				return nil
			}
			if s.lost != nil {
				confirm.Reset(retryEvery)
			}
		}
		if len(s.watched) == s.essentialWatches() && s.settled(s.watched) {
			if err := s.start(ctx, inTier(regular)); err != nil {
				return err
			}
		}
	}
}

// essentialWatches is how many watches the essential collections need.
func (s *session) essentialWatches() int { return 1 + max(len(s.c.namespaces), 1) }

// heard takes a probe's answer. It reports whether the informers had better start anew.
func (s *session) heard(a answer) (again bool) {
	c := s.c
	if a.err != nil {
		if s.lost == nil {
			s.lostSince = c.now()
		} else if isTimeout(a.err) {
			c.disconnect() // a second time: the connection is dead, and its watches with it
		}
		s.lost = a.err
		s.status(explain(c.host, a.err))
		return false
	}
	if s.lost != nil {
		if c.health.cut() || c.now().Sub(s.lostSince) > restartGap {
			return true
		}
		s.lost, s.due = nil, true
	}
	if s.due {
		s.due = false
		s.tell(&a)
	}
	return false
}

// settled reports whether each of the collections is known, or known to be unreadable.
func (s *session) settled(list []watched) bool {
	for _, w := range list {
		if !cache.IsDone(w.handled) && s.c.health.get(w.key) == nil {
			return false
		}
	}
	return true
}

// ready reports whether a picture can be told. After an outage it waits for what was known before,
// so that nothing vanishes for a moment, but not for long.
func (s *session) ready() bool {
	if len(s.watched) <= s.essentialWatches() {
		return s.c.told.empty() && len(s.watched) > 0 && s.settled(s.watched)
	}
	first := s.c.told.empty() || s.shown
	if first || s.c.now().Sub(s.began) > restartGap {
		return s.settled(s.watched[:s.essentialWatches()])
	}
	return s.settled(s.watched)
}

// tell emits what has changed, or, given a probe's answer, the whole picture with its samples.
func (s *session) tell(confirmed *answer) {
	if !s.ready() {
		s.owed = cmp.Or(confirmed, s.owed)
		return
	}
	confirmed, s.owed = cmp.Or(confirmed, s.owed), nil
	c := s.c
	began := c.now()
	v := s.view()
	pic := v.picture()
	batch := model.Batch{Scope: c.name, Every: c.every}
	if confirmed != nil || !s.shown {
		batch.Replace, batch.Entities, batch.Links = true, pic.entities, pic.links
	} else {
		batch.Entities, batch.Links, batch.Gone, batch.GoneLinks = c.told.diff(pic)
	}
	if confirmed != nil {
		t := v.now.Truncate(c.every)
		if v.now.Sub(t) > time.Second {
			t = v.now // an extra round
		}
		batch.Samples = v.samples(t, confirmed.latency)
	}
	batch.Events = c.news.take(v)
	c.told, s.shown = pic, true
	// A large cluster that never rests costs at most a tenth of a processor.
	s.pause = min(max(settleFor, 10*c.now().Sub(began)), 2*time.Second)
	if confirmed == nil && !batch.Replace && len(batch.Entities)+len(batch.Links)+len(batch.Gone)+len(batch.GoneLinks)+len(batch.Events) == 0 {
		return
	}
	s.emit(batch)
	if confirmed != nil {
		s.status(c.remark(v))
	}
}

// view is what the informers hold now.
func (s *session) view() *view {
	c := s.c
	v := &view{
		cluster: c.name, context: c.context, host: c.host, version: c.version, now: c.now(),
		known: map[string]bool{}, trouble: map[string]error{}, usage: c.usage.get(c.now()),
	}
	for _, w := range s.watched {
		if err := c.health.get(w.key); err != nil {
			v.trouble[w.name] = err
		}
		if cache.IsDone(w.handled) {
			v.known[w.name] = true
		}
		for _, obj := range w.informer.GetIndexer().List() {
			v.add(w.name, obj)
		}
	}
	v.index()
	return v
}
