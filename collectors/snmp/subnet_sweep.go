package snmp

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/nocturne-noc/nocturne/collectors"
	"github.com/nocturne-noc/nocturne/store/model"
)

// memory is what is known of a source's devices from before.
type memory struct {
	source   string
	devices  map[netip.Addr]time.Time // polled, and when each answered last
	pending  map[Target]model.Entity
	accepted func() []Target
}

// Labels of a device that was found and is not polled.
const (
	labelDiscovery = "discovery" // "pending"
	labelTarget    = "target"    // host:port
)

// newMemory reads what the store remembers of the source.
func newMemory(env collectors.Env) memory {
	m := memory{source: env.Name, devices: map[netip.Addr]time.Time{}, pending: map[Target]model.Entity{}}
	m.accepted = func() []Target {
		if env.Accepted == nil {
			return nil
		}
		var list []Target
		for _, text := range env.Accepted() {
			if t, block, err := ParseTarget(text, 0); err == nil && !block.IsValid() {
				list = append(list, t)
			}
		}
		return list
	}
	if env.Entities == nil {
		return m
	}
	for _, e := range env.Entities(model.KindDevice) {
		if addr, err := netip.ParseAddr(e.Labels["address"]); err == nil && e.Source == env.Name {
			m.devices[addr] = e.Seen
		}
	}
	for _, e := range env.Entities(model.KindStub) {
		if e.Source != env.Name || e.Labels[labelDiscovery] == "" {
			continue
		}
		if t, block, err := ParseTarget(e.Labels[labelTarget], 0); err == nil && !block.IsValid() {
			m.pending[t] = model.Entity{ID: e.ID, Kind: e.Kind, Name: e.Name, State: model.Unknown, Reason: notAdded, Labels: e.Labels}
		}
	}
	return m
}

// look sweeps the subnet at once and then as often as its source says, until ctx ends. It is its
// collectors.Job.Beside.
func (s *subnet) look(ctx context.Context, emit collectors.Emit) error {
	for first := true; ; first = false {
		s.sweep(ctx, emit, !first || len(s.memory.devices) > 0)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		s.once.Do(func() { close(s.swept) })
		if s.policy.rediscover == 0 {
			<-ctx.Done()
			return ctx.Err()
		}
		wait := time.NewTimer(s.policy.rediscover)
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return ctx.Err()
		}
	}
}

// sweep asks all addresses that nobody polls. news says that what it finds is worth an event.
func (s *subnet) sweep(ctx context.Context, emit collectors.Emit, news bool) {
	logins, err := s.credentials()
	if err != nil {
		s.mu.Lock()
		s.failed = err
		s.mu.Unlock()
		return
	}
	s.mu.Lock()
	s.sweeping, s.progress = true, Progress{}
	s.mu.Unlock()
	refused := map[string]string{}
	var reviewed []finding
	sw := &sweep{
		blocks: []Block{s.block}, logins: logins, timeout: min(probeTimeout, s.timing.Timeout), icmp: s.policy.icmp,
		skip: func(t Target) bool { return s.skip(t) || s.isKnown(t) },
		found: func(f finding) {
			switch f.news = news; {
			case f.err != nil:
				refused[f.target.String()] = f.err.Error()
			case s.policy.review:
				reviewed = append(reviewed, f)
			default:
				s.mu.Lock()
				s.found = append(s.found, f)
				s.mu.Unlock()
			}
		},
		told: func(p Progress) {
			s.mu.Lock()
			s.progress = p
			s.mu.Unlock()
		},
	}
	remark, err := sw.run(ctx)
	for _, f := range reviewed {
		s.review(ctx, f, logins[f.which], emit)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweeping, s.remark, s.failed, s.refused = false, remark, err, refused
	if errors.Is(err, context.Canceled) {
		s.failed = nil
	}
}

func (s *subnet) isKnown(t Target) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known[t]
}

const notAdded = "found, not yet added"

// review asks a device that was found what it is, and lists it as one that waits to be accepted. What
// waits already is not told again.
func (s *subnet) review(ctx context.Context, f finding, cred Credentials, emit collectors.Emit) {
	s.mu.Lock()
	_, waits := s.pending[f.target]
	s.mu.Unlock()
	if waits || ctx.Err() != nil {
		return
	}
	e := model.Entity{
		ID: stubPrefix + "found/" + f.target.String(), Kind: model.KindStub, Name: f.target.Host, State: model.Unknown, Reason: notAdded,
		Labels: map[string]string{labelDiscovery: "pending", labelTarget: f.target.String(), "address": f.target.Host, "credentials": cred.Name},
	}
	what := "nothing more is known"
	session := newSession(f.target, cred, s.timing)
	defer session.close()
	if system, _, err := readSystem(ctx, session); err == nil {
		id, _, _ := readIdentity(ctx, session, system, &hardware{identityOnly: true}) // as far as it tells
		if system.Name != "" {
			e.Name = system.Name
		}
		e.Labels["sysName"], e.Labels["sysDescr"], e.Labels["vendor"], e.Labels["os"], e.Labels["hardware"] = system.Name, system.Descr, id.Vendor, id.OS, id.Hardware
		what = strings.Join(strings.Fields(fmt.Sprintf("%s, %s %s %s", e.Name, id.Vendor, id.OS, id.Hardware)), " ")
	}
	filled(e.Labels)
	s.mu.Lock()
	s.pending[f.target] = e
	s.mu.Unlock()
	emit(model.Batch{Scope: discoveryScope + s.block.String() + "/events", Events: []model.Event{{
		Time: s.now(), Severity: model.OK, Kind: "state", Entity: e.ID, Title: e.Name,
		Text: fmt.Sprintf("found new device %s (%s), not polled: discovery is review", f.target, what),
	}}})
}

// String is the progress in a few words for people.
func (p Progress) String() string {
	text := message.NewPrinter(language.English).Sprintf("%d of %d, %d found", p.Asked, p.Total, p.Found)
	if p.Refused > 0 {
		text += fmt.Sprintf(", %d refused", p.Refused)
	}
	switch {
	case p.Left >= 2*time.Minute:
		text += fmt.Sprintf(", %d min left", int(p.Left.Minutes()+0.5))
	case p.Left > 0:
		text += fmt.Sprintf(", %d s left", int(p.Left.Seconds()+0.5))
	}
	return text
}
