package kube

import (
	"cmp"
	"context"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/flowcontrol"
	"k8s.io/klog/v2"

	"github.com/nocturne-noc/nocturne/collectors"
	"github.com/nocturne-noc/nocturne/store/model"
)

// Beyond largeCluster pods samples are taken every largeEvery, the interval at which kube-state-metrics is
// commonly scraped.
const (
	largeCluster = 5000
	largeEvery   = 30 * time.Second
)

// session is one stretch of watching with one set of informers.
type session struct {
	c       *Cluster
	emit    collectors.Emit
	status  func(error)
	began   time.Time
	watched []watched
	strings interner
	wg      sync.WaitGroup

	namespaces []string      // that are watched; nil for all
	only       []string      // the same, where it is the role that leaves no others
	moved      chan struct{} // closed when the role reaches further than that, or less far
	reviews    flowcontrol.RateLimiter
	found      map[string]*found // discovered collections, by name
	counts     chan counted
	restarts   uint64 // of resources: part of what a picture depends upon
	explored   uint64 // the revision that was last looked through for further resources

	dirty   chan struct{} // something changed
	ask     chan struct{} // probe, please
	answers chan answer
	pause   time.Duration // before the next changes are told
	shown   bool          // a picture was told in this session
	sampled time.Time     // when samples were taken last
	due     bool          // the whole picture is to be confirmed
	owed    *answer       // a good probe that came before there was a picture to confirm

	weighing bool          // whether refusals are true is being found out
	weighed  chan bool     // see weigh
	refused  chan struct{} // something is refused that could be read before

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
		strings: interner{landscape: c.landscape},
		c:       c, emit: emit, status: status, began: c.now(), pause: settleFor, moved: make(chan struct{}),
		reviews: flowcontrol.NewTokenBucketRateLimiter(reviewRate, 1),
		dirty:   make(chan struct{}, 1), ask: make(chan struct{}, 1), answers: make(chan answer),
		found: map[string]*found{}, counts: make(chan counted), weighed: make(chan bool), refused: make(chan struct{}, 1),
	}
	c.health.reset()
	defer func() {
		cancel()
		s.wg.Wait()
	}()
	s.reach(ctx)
	s.wg.Go(func() { s.probes(ctx) })
	if err := s.start(ctx, inTier(essential)); err != nil {
		return err
	}
	nodes := s.watched[0].informer.GetIndexer() // nodes stand first in the table, and have no namespace
	s.wg.Go(func() { c.usage.run(ctx, c, s.namespaces, nodes.ListKeys, s.dirty) })
	return s.loop(ctx)
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
		if s.c.renew(err) {
			latency, err = s.c.probe(ctx)
		}
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
				s.tell(ctx, nil)
			}
		case <-c.health.changed:
			s.doubt(ctx)
			poke(s.dirty)
		case waits := <-s.weighed:
			if waits {
				return nil
			}
			s.weighing = false
			s.doubt(ctx)
			poke(s.dirty)
		case <-s.moved:
			return nil
		case n := <-s.counts:
			if err := s.admit(ctx, n); err != nil {
				return err
			}
		case <-confirm.C:
			now := c.now()
			confirm.Reset(now.Truncate(c.every).Add(c.every).Sub(now.Round(0)))
			s.due = true
			poke(s.ask)
		case a := <-s.answers:
			if again := s.heard(ctx, a); again {
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
func (s *session) essentialWatches() int { return 1 + max(len(s.namespaces), 1) }

// heard takes a probe's answer. It reports whether the informers had better start anew.
func (s *session) heard(ctx context.Context, a answer) (again bool) {
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
		s.tell(ctx, &a)
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
	if len(s.c.health.doubted()) > 0 {
		return false
	}
	if len(s.watched) <= s.essentialWatches() {
		return !s.c.told && len(s.watched) > 0 && s.settled(s.watched)
	}
	first := !s.c.told || s.shown
	if first || s.c.now().Sub(s.began) > restartGap {
		return s.settled(s.watched[:s.essentialWatches()])
	}
	return s.settled(s.watched)
}

// tell emits what has changed and, given a probe's answer, confirms the whole picture. The samples come
// with the confirmation, in a large cluster with each third one only: Prometheus would ask it no more often.
func (s *session) tell(ctx context.Context, confirmed *answer) {
	if !s.ready() {
		s.owed = cmp.Or(confirmed, s.owed)
		return
	}
	confirmed, s.owed = cmp.Or(confirmed, s.owed), nil
	c := s.c
	began := c.now()
	v := s.view()
	s.explore(ctx, v)
	diff := c.canvas.draw(v, confirmed != nil || !s.shown)
	batch := model.Batch{Scope: c.name, Every: c.every}
	sampled := confirmed != nil && (!s.shown || v.now.Sub(s.sampled) >= s.samplesEvery(v)-c.every/2)
	if sampled || !s.shown {
		whole := c.canvas.picture(v)
		batch.Replace, batch.Entities, batch.Links = true, whole.entities, whole.links
	} else {
		batch.Entities, batch.Links, batch.Gone, batch.GoneLinks = diff.entities, diff.links, diff.gone, diff.goneLinks
	}
	if sampled {
		t := v.now.Truncate(c.every)
		if v.now.Sub(t) > time.Second {
			t = v.now // an extra round
		}
		s.sampled = t
		batch.Samples = c.canvas.samples(v, t, confirmed.latency)
	}
	batch.Events = c.news.take(v)
	c.told, s.shown = true, true
	// A large cluster that never rests costs at most a twenty-fifth of a processor.
	s.pause = min(max(settleFor, 25*c.now().Sub(began)), 2*time.Second)
	if confirmed == nil && !batch.Replace && diff.empty() && len(batch.Events) == 0 {
		return
	}
	s.emit(batch)
	if confirmed != nil {
		s.status(c.remark(v))
	}
}

// samplesEvery is the interval of samples.
func (s *session) samplesEvery(v *view) time.Duration {
	if len(v.objects["pods"]) > largeCluster {
		return max(s.c.every, largeEvery)
	}
	return s.c.every
}

// explore looks for further resources to watch after a change of anything.
func (s *session) explore(ctx context.Context, v *view) {
	if revision := v.revisions[""]; revision != s.explored {
		s.explored = revision
		s.discover(ctx, v)
	}
}

// view is what the informers hold now.
func (s *session) view() *view {
	c := s.c
	u, revision := c.usage.get(c.now())
	v := &view{
		cluster: c.name, context: c.context, host: c.host, version: c.version, now: c.now(), namespaces: s.namespaces, only: s.only, landscape: c.landscape,
		known: map[string]bool{}, trouble: map[string]error{}, usage: u, news: c.news,
		objects: map[string][]any{}, revisions: map[string]uint64{"": s.restarts + revision, "usage": revision},
	}
	for _, w := range s.watched {
		if v.resource(w.name) == nil {
			v.resources = append(v.resources, w.resource)
		}
		if err := c.health.get(w.key); !w.absent(err) {
			if err != nil {
				v.trouble[w.name] = err
			}
			v.known[w.name] = v.known[w.name] || cache.IsDone(w.handled)
		}
		n := w.revision.Load()
		v.revisions[w.name] += n
		v.revisions[""] += n
		list := w.informer.GetIndexer().List()
		if v.objects[w.name] == nil {
			v.objects[w.name] = list
		} else {
			v.objects[w.name] = append(v.objects[w.name], list...)
		}
	}
	v.counted = map[string]int{}
	for name, f := range s.found {
		if f.n > maxOfOne {
			v.counted[name] = f.n
		}
	}
	v.index()
	return v
}
