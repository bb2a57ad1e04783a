package snmp_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nocturne-noc/nocturne/collectors"
	"github.com/nocturne-noc/nocturne/collectors/snmp"
	"github.com/nocturne-noc/nocturne/collectors/snmp/snmptest"
	"github.com/nocturne-noc/nocturne/store/model"
)

const subnetPort = 16121

// campus is a source with one subnet whose clock the test moves, and what a store would know of it.
type campus struct {
	t        *testing.T
	job      collectors.Job
	stop     func()
	mu       sync.Mutex
	now      time.Time
	entities map[string]model.Batch // by scope
	events   []string
	accepted []string
}

func newCampus(t *testing.T, c snmp.Config, before ...model.Entity) *campus {
	t.Helper()
	s := &campus{t: t, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), entities: map[string]model.Batch{}}
	c.Timeout, c.ICMP = 300*time.Millisecond, snmp.ICMPNever
	retries := 0
	c.Retries = &retries
	jobs, err := snmp.Kind().Open(collectors.Env{
		Name: "campus", Every: 30 * time.Second, Now: s.clock,
		Decode:   func(into any) error { *into.(*snmp.Config) = c; return nil },
		Secret:   func(ref string) (string, error) { return strings.TrimPrefix(ref, "env:"), nil },
		Links:    func(string) []model.Link { return nil },
		Entities: func(kind model.Kind) []model.Entity { return kept(before, kind) },
		Accepted: func() []string {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.accepted
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.job = jobs[0]
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = s.job.Beside(ctx, s.take) // it ends with ctx
	}()
	s.stop = func() { cancel(); <-ended }
	t.Cleanup(s.stop)
	return s
}

func kept(list []model.Entity, kind model.Kind) []model.Entity {
	var out []model.Entity
	for _, e := range list {
		if e.Kind == kind {
			out = append(out, e)
		}
	}
	return out
}

func (s *campus) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *campus) take(b model.Batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entities[b.Scope] = b
	for _, e := range b.Events {
		s.events = append(s.events, e.Title+": "+e.Text)
	}
}

// round polls once after some time has passed and returns what the row says.
func (s *campus) round(after time.Duration) string {
	s.t.Helper()
	s.mu.Lock()
	s.now = s.now.Add(after)
	s.mu.Unlock()
	err := s.job.Poll.Collect(s.t.Context(), s.take)
	if err == nil {
		return ""
	}
	if errors.As(err, new(collectors.Remark)) && !strings.Contains(err.Error(), "\n") { // joined with nothing
		return "remark: " + err.Error()
	}
	return err.Error()
}

func (s *campus) count(scope string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.entities[scope].Entities)
}

func (s *campus) told(text string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Contains(strings.Join(s.events, "\n"), text)
}

func subnetAgent(t *testing.T, host, name, community string) *snmptest.Agent {
	t.Helper()
	a, err := snmptest.Serve(t.Context(), fmt.Sprintf("%s:%d", host, subnetPort), made(t, name, 1), snmptest.Behaviour{Community: community})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() }) // some tests close it themselves
	return a
}

func target(host string) string { return fmt.Sprintf("%s:%d", host, subnetPort) }

// TestSubnetCredentials holds that each device of a subnet is polled with what it accepts, and says which.
func TestSubnetCredentials(t *testing.T) {
	subnetAgent(t, "127.0.69.1", "sw1", "old")
	subnetAgent(t, "127.0.69.2", "sw2", "new")
	subnetAgent(t, "127.0.69.3", "sw3", "old")
	s := newCampus(t, snmp.Config{
		Targets: []string{target("127.0.69.0/29")}, Exclude: []string{"127.0.69.3"},
		Community: "env:old", Credentials: []snmp.Login{{Name: "rotated", Community: "env:new"}},
	})
	for s.count(target("127.0.69.2")) == 0 {
		s.round(time.Second)
	}
	for host, want := range map[string]string{"127.0.69.1": "1", "127.0.69.2": "rotated"} {
		if got := s.entities[target(host)].Entities[0].Labels["credentials"]; got != want {
			t.Errorf("%s: credentials %q, want %q", host, got, want)
		}
	}
	if s.count(target("127.0.69.3")) > 0 {
		t.Error("an excluded device was polled")
	}
	if len(s.events) > 0 {
		t.Errorf("the first sweep told events: %v", s.events)
	}
}

// TestSubnetReview holds that what is found waits until it is accepted, over a restart too.
func TestSubnetReview(t *testing.T) {
	subnetAgent(t, "127.0.70.2", "sw2", "")
	const scope = "discovery/127.0.70.0/29:16121"
	c := snmp.Config{Targets: []string{target("127.0.70.0/29")}, Discovery: "review"}
	s := newCampus(t, c)
	for s.count(scope) == 0 {
		s.round(time.Second)
	}
	e := s.entities[scope].Entities[0]
	if e.Kind != model.KindStub || e.State != model.Unknown || e.Reason != "found, not yet added" || e.Name != "sw2" || e.Labels["target"] != target("127.0.70.2") {
		t.Errorf("%+v", e)
	}
	if !s.told("found new device 127.0.70.2:16121 (sw2, Net-SNMP linux") || !s.told("not polled: discovery is review") {
		t.Errorf("events %v", s.events)
	}
	if s.count(target("127.0.70.2")) > 0 {
		t.Error("it was polled before it was accepted")
	}
	s.stop()

	e.Source = "campus"
	s = newCampus(t, c, e)
	if says := s.round(time.Second); s.count(scope) != 1 || !strings.HasPrefix(says, "remark: ") {
		t.Errorf("after a restart %d wait, the row says %q", s.count(scope), says)
	}
	s.mu.Lock()
	s.accepted = []string{target("127.0.70.2")}
	s.mu.Unlock()
	s.round(time.Second)
	if s.count(scope) != 0 || s.count(target("127.0.70.2")) == 0 {
		t.Errorf("accepted: %d wait, %d entities of the device", s.count(scope), s.count(target("127.0.70.2")))
	}
}

// TestSubnetVanishes holds that a device that is known from before is polled at once, is told when it
// vanishes and comes back, and is gone only after it was silent for very long.
func TestSubnetVanishes(t *testing.T) {
	agent := subnetAgent(t, "127.0.71.2", "sw2", "")
	addr := target("127.0.71.2")
	once := time.Duration(0)
	s := newCampus(t, snmp.Config{Targets: []string{target("127.0.71.0/30")}, Rediscover: &once, Vanished: time.Hour, Forget: 24 * time.Hour},
		model.Entity{ID: "device/sw2", Kind: model.KindDevice, Source: "campus", Labels: map[string]string{"address": "127.0.71.2"}, Seen: time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)},
		model.Entity{ID: "device/sw9", Kind: model.KindDevice, Source: "other", Labels: map[string]string{"address": "127.0.71.1"}})
	if s.round(0); s.count(addr) == 0 {
		t.Fatal("a known device was not polled in the first round")
	}
	agent.Behave(snmptest.Behaviour{Silent: true})
	s.round(50 * time.Minute)
	if s.told("vanished") {
		t.Errorf("vanished too early: %v", s.events)
	}
	s.round(20 * time.Minute)
	if !s.told("sw2: vanished: no answer from 127.0.71.2:16121 since") {
		t.Errorf("events %v", s.events)
	}
	agent.Behave(snmptest.Behaviour{})
	s.round(20 * time.Minute)
	if !s.told("sw2: answers again") {
		t.Errorf("events %v", s.events)
	}
	agent.Behave(snmptest.Behaviour{Silent: true})
	s.round(23 * time.Hour)
	if s.count(addr) == 0 {
		t.Error("it was removed too early")
	}
	s.round(2 * time.Hour)
	if !s.told("sw2: forgotten") || s.count(addr) != 0 || !s.entities[addr].Replace {
		t.Errorf("%d entities are left, events %v", s.count(addr), s.events)
	}
}

func TestSubnetConfigErrors(t *testing.T) {
	soon := time.Second
	for _, tc := range []struct {
		c    snmp.Config
		says string
	}{
		{snmp.Config{ICMP: "always"}, "want auto, never or only"},
		{snmp.Config{Discovery: "ask"}, "want add or review"},
		{snmp.Config{Rediscover: &soon}, "want at least 1m"},
		{snmp.Config{Exclude: []string{"10.0.0.9-3"}}, "exclude: target"},
		{snmp.Config{Credentials: []snmp.Login{{Community: "a"}, {Name: "core", Version: "3"}}}, "credentials core: version 3 needs a user"},
	} {
		tc.c.Targets = []string{"10.0.0.0/24"}
		_, err := snmp.Kind().Open(collectors.Env{
			Name: "campus", Now: time.Now, Links: func(string) []model.Link { return nil },
			Decode: func(into any) error { *into.(*snmp.Config) = tc.c; return nil },
			Secret: func(ref string) (string, error) { return ref, nil },
		})
		if err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("error %v, want one that says %q", err, tc.says)
		}
	}
}
