package kube

import (
	"context"
	"slices"
	"time"

	"github.com/nocturne-noc/nocturne/collectors"
	"github.com/nocturne-noc/nocturne/store/model"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// An API server that has just started answers 403 to everybody until its authorizer has read the roles. So
// a refusal of what could be read before is believed only once it has been repeated for believeAfter.
const (
	believeAfter = 10 * time.Second
	askAgain     = time.Second
)

var errDoubted = collectors.Remark{State: model.Stale, Text: "the API server refuses what it allowed before: it is asked again"}

// doubt begins to find out whether refusals are true, where that is not being done. Until then nothing is
// told or confirmed, so that what is shown turns stale.
func (s *session) doubt(ctx context.Context) {
	if s.weighing || len(s.c.health.doubted()) == 0 {
		return
	}
	s.weighing = true
	if s.c.told {
		s.status(errDoubted)
	}
	list := slices.Clone(s.watched)
	s.wg.Go(func() { s.weigh(ctx, list) })
}

// weigh asks again for what was refused until each of it is allowed, or was refused for believeAfter. Then it
// says whether the watch of something that is allowed still waits for its next try, for up to half a minute.
func (s *session) weigh(ctx context.Context, list []watched) {
	since := map[string]time.Time{} // of the refusals that were not interrupted
	var allowed []string
	for open := true; open; {
		if !sleep(ctx, askAgain) {
			return
		}
		open = false
		doubted := s.c.health.doubted()
		for _, w := range list {
			if doubted[w.key] == nil {
				continue
			}
			if s.reviews.Wait(ctx) != nil {
				return // it only fails when ctx ends
			}
			now := s.c.now()
			switch err := s.c.mayWatch(ctx, w.resource, w.namespace); {
			case isForbidden(err):
				if since[w.key].IsZero() {
					since[w.key] = now
				}
				if now.Sub(since[w.key]) >= believeAfter {
					s.c.health.believe(w.key)
					poke(s.refused)
					continue
				}
				open = true
			case err != nil: // it is away once more
				delete(since, w.key)
				open = true
			default:
				allowed = append(allowed, w.key)
			}
		}
	}
	doubted := s.c.health.doubted()
	waits := slices.ContainsFunc(allowed, func(key string) bool { return doubted[key] != nil })
	select {
	case s.weighed <- waits:
	case <-ctx.Done():
	}
}

// mayListAll reports whether pods can be listed in all namespaces. A no is doubted where they could be.
func (s *session) mayListAll(ctx context.Context) bool {
	for began := s.c.now(); ; {
		switch {
		case s.c.canListPods(ctx, metav1.NamespaceAll):
			return true
		case !s.c.health.couldRead(collection("pods", metav1.NamespaceAll)):
			return false
		case s.c.now().Sub(began) >= believeAfter:
			s.c.health.believeAll() // its authorizer has had the time
			return false
		case !sleep(ctx, askAgain):
			return false
		}
	}
}
