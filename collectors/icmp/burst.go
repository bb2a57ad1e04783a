package icmp

import (
	"context"
	"net/netip"
	"time"
)

// Burst sends n requests, one every interval, and waits for their answers until ctx ends; answers are in the
// order in which the requests were sent, nil for those without one.
func (s *Socket) Burst(ctx context.Context, to netip.Addr, n int, interval time.Duration) []*Answer {
	type placed struct {
		place int
		Answer
	}
	answers := make(chan placed, n) // a place for each: who answers never waits
	send := func(place int) (forget func()) {
		return s.Ping(to, func(a Answer) { answers <- placed{place, a} })
	}
	out := make([]*Answer, n)
	tick := time.NewTicker(interval)
	defer tick.Stop()
	defer send(0)()
	for sent, heard := 1, 0; heard < n; {
		next := tick.C
		if sent == n {
			next = nil
		}
		select {
		case <-ctx.Done():
			return out
		case a := <-answers:
			out[a.place] = &a.Answer
			heard++
		case <-next:
			defer send(sent)()
			sent++
		}
	}
	return out
}
