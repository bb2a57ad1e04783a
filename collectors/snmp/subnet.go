package snmp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/nocturne-noc/nocturne/collectors"
	"github.com/nocturne-noc/nocturne/store/model"
)

// subnet polls the devices of a subnet or range. Sweeps beside its rounds find them, at the start and from
// time to time; one that has answered once is polled until it has been silent for very long.
type subnet struct {
	*poller
	block  Block
	skip   func(Target) bool // listed on their own, or excluded
	policy policy
	memory memory

	swept chan struct{} // closed after the first sweep
	once  sync.Once

	mu       sync.Mutex
	known    map[Target]bool // polled
	found    []finding       // that no round has taken over yet
	progress Progress
	sweeping bool
	remark   string
	pending  map[Target]model.Entity // found, not accepted
	failed   error                   // why the last sweep could not be made
	refused  map[string]string       // targets of the last sweep that accept no credentials, and why

	// Of the rounds alone.
	members []*member
	listed  bool // pending was told
}

// member is a device of the subnet.
type member struct {
	*device
	seen     time.Time // when it answered last, or began to be polled
	fresh    bool      // found by a sweep after the first: to be told when its name is known
	vanished bool      // it was told
}

func newSubnet(p *poller, block Block, skip func(Target) bool, policy policy, memory memory) *subnet {
	s := &subnet{
		poller: p, block: block, skip: skip, policy: policy, memory: memory, swept: make(chan struct{}),
		known: map[Target]bool{}, pending: map[Target]model.Entity{},
	}
	for addr, seen := range memory.devices {
		if t := (Target{Host: addr.String(), Port: block.Port}); block.holds(addr) && !skip(t) {
			s.join(t, 0, seen)
		}
	}
	slices.SortFunc(s.members, func(a, b *member) int { return cmp.Compare(a.target.Host, b.target.Host) })
	for t, e := range memory.pending {
		if addr, err := netip.ParseAddr(t.Host); err == nil && t.Port == block.Port && block.holds(addr) && !skip(t) && !s.known[t] {
			s.pending[t] = e
		}
	}
	return s
}

// join has a device polled; which is the number of the credentials that it accepts, 0 for not known.
func (s *subnet) join(t Target, which int, seen time.Time) *member {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known[t] {
		return nil
	}
	s.known[t] = true
	s.maps.expect(t.String())
	m := &member{device: newDevice(s.poller, t), seen: seen}
	m.login.which.Store(int32(which))
	s.members = append(s.members, m)
	return m
}

// Collect makes one round of all devices of the subnet, several at once.
func (s *subnet) Collect(ctx context.Context, emit collectors.Emit) error {
	if len(s.members) == 0 {
		s.await(ctx)
	}
	s.takeOver()
	var group errgroup.Group
	group.SetLimit(pollsAtOnce)
	errs := make([]error, len(s.members))
	for i, m := range s.members {
		group.Go(func() error {
			errs[i] = m.Collect(ctx, emit)
			return nil
		})
	}
	_ = group.Wait() // the errors are in errs: one silent device does not end the others' round
	s.judge(emit)
	s.tellPending(emit)
	return outcome(slices.Concat(errs, []error{s.state()}))
}

// outcome joins the failures of a round. Where there is none, it is the worst remark alone: joined with
// others it would be a failure.
func outcome(errs []error) error {
	var failures []error
	var worst *collectors.Remark
	for _, err := range errs {
		var r collectors.Remark
		switch {
		case err == nil:
		case !errors.As(err, &r):
			failures = append(failures, err)
		case worst == nil || r.State.Worse(worst.State):
			worst = &r
		}
	}
	if len(failures) > 0 || worst == nil {
		return errors.Join(failures...)
	}
	return *worst
}

// await gives the first sweep a quarter of the interval, so that the first round has something to tell.
func (s *subnet) await(ctx context.Context) {
	wait := time.NewTimer(s.every / 4)
	defer wait.Stop()
	select {
	case <-s.swept:
	case <-wait.C:
	case <-ctx.Done():
	}
}

// takeOver makes devices of what was found, or lists it for review.
func (s *subnet) takeOver() {
	s.mu.Lock()
	found := s.found
	s.found = nil
	s.mu.Unlock()
	for _, f := range found {
		if m := s.join(f.target, f.which+1, s.now()); m != nil {
			m.fresh = f.news
		}
	}
	for _, t := range s.memory.accepted() {
		if addr, err := netip.ParseAddr(t.Host); err == nil && t.Port == s.block.Port && s.block.holds(addr) && !s.skip(t) {
			s.join(t, 0, s.now())
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.pending, func(t Target, _ model.Entity) bool { return s.known[t] || !s.policy.review })
}

// judge tells of devices that are new, that vanished and that came back, and forgets those that have been
// silent for very long.
func (s *subnet) judge(emit collectors.Emit) {
	now := s.now()
	var events []model.Event
	tell := func(m *member, severity model.State, text string) {
		name := cmp.Or(m.name, m.target.Host)
		events = append(events, model.Event{Time: now, Severity: severity, Kind: "state", Entity: model.DeviceID(name), Title: name, Text: text})
	}
	s.members = slices.DeleteFunc(s.members, func(m *member) bool {
		if m.last != nil && m.last.Time.After(m.seen) {
			m.seen = m.last.Time
		}
		silent := now.Sub(m.seen)
		switch {
		case m.fresh && m.last != nil:
			m.fresh = false
			tell(m, model.OK, "found new device "+m.target.String()+" in "+s.block.String())
		case silent > s.policy.forget:
			tell(m, model.Warning, fmt.Sprintf("forgotten: no answer from %s since %s", m.target, m.seen.Format(time.DateTime)))
			s.leave(m, emit)
			return true
		case silent > s.policy.vanished && !m.vanished:
			m.vanished = true
			tell(m, model.Warning, fmt.Sprintf("vanished: no answer from %s since %s", m.target, m.seen.Format(time.DateTime)))
		case silent <= s.policy.vanished && m.vanished:
			m.vanished = false
			tell(m, model.OK, "answers again at "+m.target.String())
		}
		return false
	})
	if len(events) > 0 {
		emit(model.Batch{Scope: discoveryScope + s.block.String() + "/events", Events: events})
	}
}

// leave forgets a device: what it told is gone.
func (s *subnet) leave(m *member, emit collectors.Emit) {
	s.mu.Lock()
	delete(s.known, m.target)
	s.mu.Unlock()
	target := m.target.String()
	s.maps.forget(target)
	s.roster.enlist(m.device, nil, nil)
	s.engines.claim("", target)
	emit(model.Batch{Scope: target, Replace: true})
	for _, run := range m.modules.runs {
		emit(model.Batch{Scope: "module/" + run.Name + "/" + target, Replace: true})
	}
}

// forget drops all that the map knows of a target.
func (m *mapper) forget(target string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked(target)
	delete(m.targets, target)
	delete(m.nodes, target)
	if name := m.names[target]; m.owner[name] == target {
		delete(m.owner, name)
	}
	delete(m.names, target)
	m.dirty = true
}

// discoveryScope is the scope, with the subnet, of what was found and is not polled.
const discoveryScope = "discovery/"

// tellPending lists what waits to be accepted.
func (s *subnet) tellPending(emit collectors.Emit) {
	s.mu.Lock()
	entities := slices.SortedFunc(maps.Values(s.pending), func(a, b model.Entity) int { return cmp.Compare(a.ID, b.ID) })
	s.mu.Unlock()
	if len(entities) == 0 && !s.listed && len(s.memory.pending) == 0 {
		return
	}
	s.listed = true
	emit(model.Batch{Scope: discoveryScope + s.block.String(), Replace: true, Entities: entities})
}

// state is what the subnet's row says beside its devices' errors; nil for nothing.
func (s *subnet) state() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	ok := func(text string) error { return collectors.Remark{State: model.OK, Text: text} }
	switch {
	case s.sweeping:
		return ok(fmt.Sprintf("sweeping %s: %s", s.block, s.progress))
	case s.failed != nil:
		return fmt.Errorf("sweep of %s: %w", s.block, s.failed)
	case len(s.refused) > 0:
		return collectors.Remark{State: model.Warning, Text: refusedText(s.refused)}
	case len(s.members) == 0 && len(s.pending) == 0:
		return fmt.Errorf("no SNMP agent answers in %s (is the community right? a wrong community is answered with silence)", s.block)
	case len(s.pending) > 0:
		return ok(fmt.Sprintf("%d devices found in %s wait to be accepted (nocturne discover pending)", len(s.pending), s.block))
	case s.remark != "":
		return ok(s.remark)
	}
	return nil
}

// refusedText names a few agents that accept no credentials, and says why the first of them does not.
func refusedText(refused map[string]string) string {
	const named = 5
	targets := slices.Sorted(maps.Keys(refused))
	text := fmt.Sprintf("agents that accept none of the credentials: %d, %s", len(targets), strings.Join(targets[:min(named, len(targets))], ", "))
	if more := len(targets) - named; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text + "; " + refused[targets[0]]
}
