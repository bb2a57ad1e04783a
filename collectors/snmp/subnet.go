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
	probesAtOnce  = 64
	pollsAtOnce   = 16
	probeAgain    = 10 * time.Minute
	probeTimeout  = time.Second
	probeAttempts = 2
)

// subnet polls the devices that answer in a subnet. It looks for them in its first round and every
// ten minutes; one that has answered once stays.
type subnet struct {
	*poller
	prefix  netip.Prefix
	port    uint16
	listed  map[string]bool // targets that have their own job
	probed  time.Time
	devices []*device // in address order
}

func newSubnet(p *poller, prefix netip.Prefix, port uint16, listed map[string]bool) *subnet {
	return &subnet{poller: p, prefix: prefix, port: port, listed: listed}
}

// Collect makes one round of all devices of the subnet, several at once.
func (s *subnet) Collect(ctx context.Context, emit collectors.Emit) error {
	if now := s.now(); s.probed.IsZero() || now.Sub(s.probed) >= probeAgain {
		if err := s.discover(ctx); err != nil {
			return err
		}
		s.probed = now
	}
	if len(s.devices) == 0 {
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

// discover probes the addresses that have not answered yet.
func (s *subnet) discover(ctx context.Context) error {
	known := map[string]bool{}
	for _, d := range s.devices {
		known[d.target.Host] = true
	}
	cred, err := s.credentials()
	if err != nil {
		return fmt.Errorf("%s: %w", s.prefix, err)
	}
	var targets []Target
	for _, addr := range hosts(s.prefix) {
		t := Target{Host: addr.String(), Port: s.port}
		if !known[t.Host] && !s.listed[t.String()] {
			targets = append(targets, t)
		}
	}
	for _, t := range probe(ctx, targets, cred, min(probeTimeout, s.timing.Timeout)) {
		s.maps.expect(t.String())
		s.devices = append(s.devices, newDevice(s.poller, t))
	}
	return ctx.Err()
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
