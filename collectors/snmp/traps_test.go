package snmp_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"

	"github.com/nocturne-noc/nocturne/collectors"
	"github.com/nocturne-noc/nocturne/collectors/snmp"
	"github.com/nocturne-noc/nocturne/collectors/snmp/snmptest"
	"github.com/nocturne-noc/nocturne/store/model"
)

// heard runs sources in a Runner, and keeps what they tell.
type heard struct {
	t *testing.T

	mu       sync.Mutex
	entities map[string]model.Entity
	links    []model.Link
	samples  map[string]float64
	events   []model.Event
	changed  chan struct{} // closed with each batch
}

// hearing runs sources of the given names and configurations: those of kind snmp poll once, and then
// not within the time of a test.
func hearing(t *testing.T, sources map[string]any) *heard {
	t.Helper()
	h := &heard{t: t, entities: map[string]model.Entity{}, samples: map[string]float64{}, changed: make(chan struct{})}
	kinds := snmp.Kinds()
	var list []collectors.Source
	for name, config := range sources {
		kind := kinds[0]
		if _, ok := config.(snmp.TrapConfig); ok {
			kind = kinds[1]
		}
		list = append(list, collectors.Source{Name: name, Kind: kind.Name, Open: func() ([]collectors.Job, error) {
			return kind.Open(collectors.Env{
				Name: name, Every: time.Hour, Now: time.Now,
				Decode: func(into any) error {
					switch into := into.(type) {
					case *snmp.Config:
						*into = config.(snmp.Config)
					case *snmp.TrapConfig:
						*into = config.(snmp.TrapConfig)
					}
					return nil
				},
				Secret: func(ref string) (string, error) { return strings.TrimPrefix(ref, "env:"), nil },
				Links:  func(string) []model.Link { return nil },
			})
		}})
	}
	runner := collectors.NewRunner(h.take, func([]model.SourceStatus) {}, collectors.Options{Log: slog.New(slog.DiscardHandler)})
	if err := runner.Set(list); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); runner.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
	return h
}

func (h *heard) take(b model.Batch) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range b.Entities {
		h.entities[e.ID] = e
	}
	if b.Scope == "topology" {
		h.links = b.Links
	}
	for _, s := range b.Samples {
		h.samples[s.Labels.Get("__name__")+" "+s.Labels.Get("device")+" "+s.Labels.Get("ifName")] = s.V
	}
	h.events = append(h.events, b.Events...)
	close(h.changed)
	h.changed = make(chan struct{})
	return nil
}

func (h *heard) until(what string, wanted func() bool) {
	h.t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		h.mu.Lock()
		ok, changed := wanted(), h.changed
		h.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-timeout:
			h.t.Fatalf("%s: never; links %+v, events %+v", what, h.links, h.events)
		}
	}
}

func (h *heard) link(state model.State) func() bool {
	return func() bool { return len(h.links) == 1 && h.links[0].State == state }
}

func freePort(t *testing.T) netip.AddrPort {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	return netip.MustParseAddrPort(conn.LocalAddr().String())
}

// trapFrom sends a link trap from a device's address; an inform, so that it is known to have come.
func trapFrom(t *testing.T, device, name string, to netip.AddrPort, number, port int) {
	t.Helper()
	g := &gosnmp.GoSNMP{
		Version: gosnmp.Version2c, Community: "public", Target: to.Addr().String(), Port: to.Port(), Transport: "udp",
		LocalAddr: net.JoinHostPort(device, "0"), Timeout: 5 * time.Second, Retries: 2, MaxOids: 60,
	}
	if err := g.Connect(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = g.Close() }()
	_, err := g.SendTrap(gosnmp.SnmpTrap{IsInform: true, Variables: []gosnmp.SnmpPDU{
		{Name: ".1.3.6.1.2.1.1.3.0", Type: gosnmp.TimeTicks, Value: uint32(4200)},
		{Name: ".1.3.6.1.6.3.1.1.4.1.0", Type: gosnmp.ObjectIdentifier, Value: fmt.Sprintf(".1.3.6.1.6.3.1.1.5.%d", number)},
		{Name: fmt.Sprintf(".1.3.6.1.2.1.2.2.1.1.%d", port), Type: gosnmp.Integer, Value: port},
	}})
	if err != nil {
		t.Fatalf("%s of %s is not acknowledged: %v", name, device, err)
	}
}

const linkDown, linkUp = 3, 4

// TestTrapPollsPort holds that a cut cable is known by a trap, in a source of its own, long before the
// next round: the port, its series, and the link turn critical, and heal.
func TestTrapPollsPort(t *testing.T) {
	agents := map[string]*snmptest.Agent{}
	for name, host := range map[string]string{"sw1": "127.0.68.1", "sw2": "127.0.68.2"} {
		far, farPort := "sw2", "p2"
		if name == "sw2" {
			far, farPort = "sw1", "p1"
		}
		rec := made(t, name, 3)
		chassis := map[string]string{"sw1": "02aa00000001", "sw2": "02aa00000002"}
		for _, o := range [][3]string{
			{"1.0.8802.1.1.2.1.3.1.0", "2", "4"}, {"1.0.8802.1.1.2.1.3.2.0", "4x", chassis[name]}, {"1.0.8802.1.1.2.1.3.3.0", "4", name},
			{"1.3.6.1.2.1.4.20.1.2.10.68.0." + host[len(host)-1:], "2", "1"}, {"1.3.6.1.2.1.4.20.1.2.127.0.0.1", "2", "1"},
		} {
			if err := rec.Set(o[0], o[1], o[2]); err != nil {
				t.Fatal(err)
			}
		}
		port := map[string]int{"sw1": 1, "sw2": 2}[name]
		if err := hear(rec, port, chassis[far], far, farPort); err != nil {
			t.Fatal(err)
		}
		agent, err := snmptest.Serve(t.Context(), host+":16119", rec, snmptest.Behaviour{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := agent.Close(); err != nil {
				t.Error(err)
			}
		})
		agents[name] = agent
	}
	to := freePort(t)
	h := hearing(t, map[string]any{
		"campus": snmp.Config{Targets: []string{"127.0.68.0/29:16119"}, Timeout: 2 * time.Second},
		"traps":  snmp.TrapConfig{Listen: to.String()},
	})
	h.until("a link", h.link(model.OK))
	h.until("both devices", func() bool { return h.samples["ifOperStatus sw1 p1"] == 1 && h.samples["ifOperStatus sw2 p2"] == 1 })
	h.until("the counters", func() bool { _, ok := h.samples["nocturne_trap_dropped_total  "]; return ok })

	change(t, agents["sw1"], cut(1))
	trapFrom(t, "127.0.68.1", "linkDown", to, linkDown, 1)
	h.until("a link that is down", h.link(model.Critical))
	h.until("a port that is down", func() bool {
		e := h.entities["device/sw1/port/p1"]
		return e.State == model.Critical && e.Reason == "down" && h.samples["ifOperStatus sw1 p1"] == 2
	})
	h.until("an event", func() bool {
		return len(h.events) == 1 && h.events[0].Entity == "device/sw1/port/p1" && h.events[0].Severity == model.Critical
	})
	if e := h.entities["device/sw1/port/p2"]; e.State != model.OK {
		t.Errorf("port p2: %+v", e)
	}

	change(t, agents["sw1"], func(r *snmptest.Recording) error { return r.Set(operStatus+"1", "2", "1") })
	trapFrom(t, "127.0.68.1", "linkUp", to, linkUp, 1)
	h.until("a link that is up", h.link(model.OK))
	h.until("a port that is up", func() bool {
		return h.entities["device/sw1/port/p1"].State == model.OK && h.samples["ifOperStatus sw1 p1"] == 1
	})
	h.until("an event", func() bool { return len(h.events) == 2 && h.events[1].Severity == model.OK })

	before := len(h.entities)
	trapFrom(t, "127.0.0.1", "linkDown", to, linkDown, 1) // both say that they have this address
	h.until("an event of a stranger", func() bool {
		return len(h.events) == 3 && h.events[2].Entity == "" && h.events[2].Title == "127.0.0.1"
	})
	if len(h.entities) != before {
		t.Errorf("a stranger made %d entities", len(h.entities)-before)
	}
}

func TestTrapConfigErrors(t *testing.T) {
	for _, tc := range []struct {
		c    snmp.TrapConfig
		says string
	}{
		{snmp.TrapConfig{Listen: "162"}, "want an address and a port"},
		{snmp.TrapConfig{Listen: "127.0.0.1:0"}, "is no port"},
		{snmp.TrapConfig{Communities: []string{"missing"}}, "communities[0]: no such secret"},
		{snmp.TrapConfig{EngineID: "80"}, "5 to 32 bytes"},
		{snmp.TrapConfig{EngineID: "nonsense"}, "hexadecimal"},
		{snmp.TrapConfig{Users: []snmp.TrapUser{{}}}, "needs a user"},
		{snmp.TrapConfig{Users: []snmp.TrapUser{{User: "noc", Auth: snmp.Key{Protocol: "SHA", Password: "short"}}}}, "shorter than 8"},
		{snmp.TrapConfig{Users: []snmp.TrapUser{{User: "noc"}, {User: "noc"}}}, "listed twice"},
		{snmp.TrapConfig{ModuleFiles: []string{"nowhere.yml"}}, "nowhere.yml"},
		{snmp.TrapConfig{ModuleFiles: []string{"traps_test.go"}}, "traps_test.go"},
	} {
		_, err := snmp.Kinds()[1].Open(collectors.Env{
			Name:   "traps",
			Decode: func(into any) error { *into.(*snmp.TrapConfig) = tc.c; return nil },
			Secret: func(ref string) (string, error) {
				if ref == "missing" {
					return "", fmt.Errorf("no such secret")
				}
				return ref, nil
			},
			Now: time.Now,
		})
		if err == nil || !strings.Contains(err.Error(), tc.says) || !strings.Contains(err.Error(), "source traps") {
			t.Errorf("%+v: error %v, want one that says %q", tc.c, err, tc.says)
		}
	}
}
