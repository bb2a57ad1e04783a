package snmp

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/nocturne-noc/nocturne/collectors"
)

const (
	probesAtOnce  = 256
	pollsAtOnce   = 64
	probeAgain    = 10 * time.Minute
	probeTimeout  = time.Second
	probeAttempts = 2
)

// subnet polls the devices that answer in a subnet. It looks for them from its first round on, a
// part in each round where the interval is short, and again every ten minutes; one that has
// answered once stays.
type subnet struct {
	*poller
	prefix  netip.Prefix
	port    uint16
	listed  map[string]bool // targets that have their own job
	began   time.Time       // the present look, zero before the first
	pending []Target        // of it, not yet probed
	devices []*device       // in the order found
}

func newSubnet(p *poller, prefix netip.Prefix, port uint16, listed map[string]bool) *subnet {
	return &subnet{poller: p, prefix: prefix, port: port, listed: listed}
}

// Collect makes one round of all devices of the subnet, several at once.
func (s *subnet) Collect(ctx context.Context, emit collectors.Emit) error {
	if err := s.discover(ctx); err != nil {
		return err
	}
	if len(s.devices) == 0 && len(s.pending) == 0 {
		return fmt.Errorf("no SNMP agent answers in %s on port %d (is the community right? a wrong community is answered with silence)", s.prefix, s.port)
	}
	var group errgroup.Group
	group.SetLimit(pollsAtOnce)
	errs := make([]error, len(s.devices))
	for i, d := range s.devices {
		group.Go(func() error {
			errs[i] = d.Collect(ctx, emit)
			return nil
		})
	}
	_ = group.Wait() // the errors are in errs: one silent device does not end the others' round
	return errors.Join(errs...)
}

// discover probes addresses that have not answered yet, for a quarter of the interval or a little
// more: the rest of the round belongs to the devices that are known.
func (s *subnet) discover(ctx context.Context) error {
	start := s.now()
	if len(s.pending) == 0 {
		if !s.began.IsZero() && start.Sub(s.began) < probeAgain {
			return nil
		}
		s.began, s.pending = start, s.unknown()
	}
	cred, err := s.credentials()
	if err != nil {
		return fmt.Errorf("%s: %w", s.prefix, err)
	}
	for len(s.pending) > 0 && s.now().Sub(start) < s.every/4 {
		n := min(probesAtOnce, len(s.pending))
		found := probe(ctx, s.pending[:n], cred, min(probeTimeout, s.timing.Timeout))
		if ctx.Err() != nil {
			return fmt.Errorf("%s: look for devices: %w", s.prefix, ctx.Err())
		}
		s.pending = s.pending[n:]
		for _, t := range found {
			s.maps.expect(t.String())
			s.devices = append(s.devices, newDevice(s.poller, t))
		}
	}
	return nil
}

// unknown lists the addresses of the subnet that nobody polls.
func (s *subnet) unknown() []Target {
	known := map[string]bool{}
	for _, d := range s.devices {
		known[d.target.Host] = true
	}
	var targets []Target
	for _, addr := range hosts(s.prefix) {
		t := Target{Host: addr.String(), Port: s.port}
		if !known[t.Host] && !s.listed[t.String()] {
			targets = append(targets, t)
		}
	}
	return targets
}

// probe asks each target once or twice whether it is there, and returns those that are, in order.
// An agent that refuses is there too: its own round says why.
func probe(ctx context.Context, targets []Target, cred Credentials, timeout time.Duration) []Target {
	var group errgroup.Group
	group.SetLimit(probesAtOnce)
	var mu sync.Mutex
	there := map[Target]bool{}
	for _, t := range targets {
		group.Go(func() error {
			session := newSession(t, cred, Timing{Timeout: timeout, Retries: probeAttempts - 1})
			defer session.close()
			if _, err := session.get(ctx, oidSysObjectID); err == nil || refusal(err) {
				mu.Lock()
				there[t] = true
				mu.Unlock()
			}
			return nil
		})
	}
	_ = group.Wait() // no probe returns an error
	var found []Target
	for _, t := range targets {
		if there[t] {
			found = append(found, t)
		}
	}
	return found
}
