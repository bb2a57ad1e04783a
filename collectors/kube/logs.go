package kube

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

const (
	maxFollowers = 16               // logs of one cluster that are followed at a time
	logLease     = 20 * time.Second // a log that is not asked for so long is followed no more
)

// follower follows one log. What it holds lasts as long as somebody asks for it.
type follower struct {
	c     *Cluster
	pod   place
	req   model.LogRequest
	end   context.CancelFunc
	lease *time.Timer
	wait  patience
	asked uint64 // order among all questions; guarded by inspector.mu

	mu    sync.Mutex
	about model.Log // all but Lines and Dropped
	ring  ring
	mark  logMark
}

// Tail implements model.Inspector.
func (i *inspector) Tail(_ context.Context, req model.LogRequest) (model.Log, error) {
	kind, name, _, _ := model.ParseID(req.Entity)
	if kind != model.KindPod && kind != model.KindContainer {
		return model.Log{}, fmt.Errorf("%s: %w: logs are of pods and their containers", clip(req.Entity, 300), model.ErrNotLive)
	}
	pod, err := placeOf(req.Entity)
	if err != nil {
		return model.Log{}, err
	}
	if req.Container == "" && kind == model.KindContainer {
		req.Container = name
	}
	req.Entity = model.ObjectID(i.c.name, pod.namespace, model.KindPod, pod.name)
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.ctx == nil {
		return model.Log{}, fmt.Errorf("%s: %w", pod, errNotRunning)
	}
	f := i.logs[req]
	if f == nil {
		f = i.follow(req, pod)
	}
	i.questions++
	f.asked = i.questions
	f.lease.Reset(logLease)
	return f.tail(), nil
}

// follow begins to follow a log. The caller holds mu.
func (i *inspector) follow(req model.LogRequest, pod place) *follower {
	if len(i.logs) >= maxFollowers {
		var oldest *follower
		for _, f := range i.logs {
			if oldest == nil || f.asked < oldest.asked {
				oldest = f
			}
		}
		oldest.lease.Stop()
		i.drop(oldest)
	}
	ctx, cancel := context.WithCancel(i.ctx)
	f := &follower{c: i.c, pod: pod, req: req, end: cancel, wait: i.patience, about: model.Log{Container: req.Container, State: model.LogConnecting}}
	f.lease = time.AfterFunc(logLease, func() {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.drop(f)
	})
	i.logs[req] = f
	i.owned.Go(func() {
		defer cancel()
		f.run(ctx)
	})
	return f
}

// drop ends a follower and forgets its log. The caller holds mu.
func (i *inspector) drop(f *follower) {
	f.end()
	if i.logs[f.req] == f {
		delete(i.logs, f.req)
	}
}

// tail is what the follower holds now.
func (f *follower) tail() model.Log {
	f.mu.Lock()
	defer f.mu.Unlock()
	log := f.about
	log.Lines, log.Dropped = f.ring.copy(), f.ring.dropped
	return log
}

// say sets how the log fares.
func (f *follower) say(state model.LogState, why string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.about.State, f.about.Why = state, clip(why, 300)
}
