package probe

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/nocturne-noc/nocturne/collectors/icmp"
	"github.com/nocturne-noc/nocturne/store/model"
)

const (
	defaultEchoes  = 5
	maxEchoes      = 100
	echoInterval   = 100 * time.Millisecond
	defaultMaxLoss = 0.25 // one of five that is lost is no news
)

// pingCheck sends a burst of echo requests.
type pingCheck struct {
	host    string
	family  string
	echoes  int
	maxLoss float64 // what is above it is a warning; 0..1
	sockets *icmp.Shared
}

// run succeeds when at least one request is answered.
func (c *pingCheck) run(ctx context.Context, r *report) error {
	addr, took, err := r.lookUp(ctx, c.host, c.family)
	const phases = "probe_icmp_duration_seconds"
	r.add(phases, took.Seconds(), "phase", "resolve")
	if err != nil {
		return err
	}
	start := time.Now()
	socket, release, err := c.sockets.Take(addr.Is6())
	if err != nil {
		return unable{err}
	}
	defer release()
	r.add(phases, time.Since(start).Seconds(), "phase", "setup")
	r.phase = "waiting for an echo"
	return c.judge(r, socket.Burst(ctx, addr, c.echoes, echoInterval))
}

// judge tells of a burst.
func (c *pingCheck) judge(r *report, answers []*icmp.Answer) error {
	b := sumUp(answers)
	const phases = "probe_icmp_duration_seconds"
	r.add("nocturne_probe_loss_ratio", b.loss)
	r.add("nocturne_probe_max_loss_ratio", c.maxLoss)
	r.add(phases, b.mean.Seconds(), "phase", "rtt")
	if b.answered == 0 {
		if b.err != nil && errors.Is(b.err, icmp.ErrUnreachable) {
			return failed("no route to it: a router says that it is unreachable")
		}
		if b.err != nil {
			return b.err
		}
		return context.DeadlineExceeded
	}
	r.latency = b.mean
	r.add("nocturne_probe_jitter_seconds", b.jitter.Seconds())
	if b.hops > 0 {
		r.add("probe_icmp_reply_hop_limit", float64(b.hops))
	}
	if b.loss > c.maxLoss {
		r.notice(model.Warning, "loss %.0f %%", math.Round(100*b.loss))
	}
	return nil
}

// burst is what the answers to a burst come to.
type burst struct {
	answered     int
	loss         float64       // 0..1
	mean, jitter time.Duration // of the round trips; jitter is the mean difference of one to the next
	hops         int
	err          error // of a request that failed
}

func sumUp(answers []*icmp.Answer) burst {
	var b burst
	var total, differences time.Duration
	var last *icmp.Answer
	pairs := 0
	for _, a := range answers {
		switch {
		case a == nil:
		case a.Err != nil:
			b.err = a.Err
		default:
			b.answered++
			b.hops = a.Hops
			total += a.RTT
			if last != nil {
				differences += (a.RTT - last.RTT).Abs()
				pairs++
			}
			last = a
		}
	}
	b.loss = 1
	if len(answers) > 0 {
		b.loss = 1 - float64(b.answered)/float64(len(answers))
	}
	if b.answered > 0 {
		b.mean = total / time.Duration(b.answered)
	}
	if pairs > 0 {
		b.jitter = differences / time.Duration(pairs)
	}
	return b
}
