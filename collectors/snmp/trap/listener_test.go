package trap

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gosnmp/gosnmp"

	"github.com/nocturne-noc/nocturne/store/model"
)

// ear runs a Listener and keeps what it tells.
type ear struct {
	t        *testing.T
	listener *Listener
	addr     string

	mu      sync.Mutex
	events  []model.Event
	samples map[string]float64
	changed chan struct{} // closed with each batch
}

func freeAddr(t *testing.T) string {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	return conn.LocalAddr().String()
}

func listen(t *testing.T, d *Decoder, find func(netip.Addr) Device) *ear {
	t.Helper()
	e := &ear{t: t, addr: freeAddr(t), samples: map[string]float64{}, changed: make(chan struct{})}
	e.listener = &Listener{Source: "traps", Listen: e.addr, Every: 20 * time.Millisecond, Decoder: d, Names: names(t), Find: find, Now: time.Now}
	ctx, cancel := context.WithCancel(t.Context())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- e.listener.Watch(ctx, e.emit, func(error) { close(ready) }) }()
	select {
	case <-ready:
	case err := <-ended:
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("the listener ended with %v", err)
		}
	})
	return e
}

func (e *ear) emit(b model.Batch) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.events = append(e.events, b.Events...)
	for _, s := range b.Samples {
		var labels []string
		for _, name := range []string{"__name__", "sender", "device", "reason"} {
			if v := s.Labels.Get(name); v != "" {
				labels = append(labels, v)
			}
		}
		e.samples[strings.Join(labels, " ")] = s.V
	}
	close(e.changed)
	e.changed = make(chan struct{})
}

// until waits for what is told to be as wanted.
func (e *ear) until(what string, wanted func([]model.Event, map[string]float64) bool) {
	e.t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		e.mu.Lock()
		ok, changed := wanted(e.events, e.samples), e.changed
		e.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-timeout:
			e.mu.Lock()
			defer e.mu.Unlock()
			e.t.Fatalf("%s: never; %d events, the last %+v; %v", what, len(e.events), e.events[max(0, len(e.events)-3):], e.samples)
		}
	}
}

// told returns the events so far.
func (e *ear) told() []model.Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.events)
}

func (e *ear) client(g *gosnmp.GoSNMP) *gosnmp.GoSNMP {
	e.t.Helper()
	addr := netip.MustParseAddrPort(e.addr)
	g.Target, g.Port, g.Transport, g.Retries, g.Timeout = addr.Addr().String(), addr.Port(), "udp", 2, 5*time.Second
	if err := g.Connect(); err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() { _ = g.Close() })
	return g
}

// dial is a sender of raw datagrams.
func (e *ear) dial() net.Conn {
	e.t.Helper()
	conn, err := new(net.Dialer).DialContext(e.t.Context(), "udp", e.addr)
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func nobody(netip.Addr) Device { return nil }

// TestInforms holds that gosnmp's own senders are heard and acknowledged, once.
func TestInforms(t *testing.T) {
	user := v3client(t, "noc", gosnmp.SHA256, gosnmp.AES)
	dev := &fixed{index: 3, port: Port{Name: "p3", Switched: true, Linked: true}}
	e := listen(t, decoder(t, []string{"public"}, user), func(a netip.Addr) Device {
		if a.IsLoopback() {
			return dev
		}
		return nil
	})
	inform := linkTrap(oidLinkDown, ifVar("1", "3", 3))
	inform.IsInform = true
	for _, client := range []*gosnmp.GoSNMP{
		e.client(&gosnmp.GoSNMP{Version: gosnmp.Version2c, Community: "public", MaxOids: 60}),
		e.client(v3client(t, "noc", gosnmp.SHA256, gosnmp.AES)),
	} {
		reply, err := client.SendTrap(inform)
		if err != nil || reply.PDUType != gosnmp.GetResponse {
			t.Fatalf("version %v: reply %+v, error %v", client.Version, reply, err)
		}
	}
	refused := linkTrap(oidAuthFailure)
	refused.IsInform = true
	if _, err := e.client(&gosnmp.GoSNMP{Version: gosnmp.Version2c, Community: "public", MaxOids: 60}).SendTrap(refused); err != nil {
		t.Fatal(err)
	}
	e.until("three events", func(events []model.Event, samples map[string]float64) bool {
		return len(events) == 3 && samples["nocturne_trap_received_total 127.0.0.1 core1"] == 3
	})
	for _, event := range e.told()[:2] {
		if event.Entity != "device/core1/port/p3" || event.Severity != model.Critical || event.Title != "core1 p3" {
			t.Errorf("event %+v", event)
		}
	}
	if len(dev.rechecked) != 2 || dev.rechecked[0] != 3 || dev.heard != 3 || dev.refused != 1 {
		t.Errorf("polled again: %v, heard %d times, refused %d", dev.rechecked, dev.heard, dev.refused)
	}
}

// TestRepeatedInform holds that an inform whose acknowledgement was lost counts once.
func TestRepeatedInform(t *testing.T) {
	e := listen(t, decoder(t, nil), nobody)
	conn := e.dial()
	b := datagram(t, gosnmp.Version2c, "public", linkTrap(oidLinkUp))
	b[strings.IndexByte(string(b), tagTrapV2)] = tagInform
	for range 3 {
		if _, err := conn.Write(b); err != nil {
			t.Fatal(err)
		}
		if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(make([]byte, 1500)); err != nil {
			t.Fatalf("not acknowledged: %v", err)
		}
	}
	e.until("two repeats", func(events []model.Event, samples map[string]float64) bool {
		return len(events) == 1 && samples["nocturne_trap_dropped_total duplicate"] == 2
	})
}

// TestRefusals holds that what is refused is told of once and counted always.
func TestRefusals(t *testing.T) {
	e := listen(t, decoder(t, []string{"other"}), nobody)
	client := e.client(&gosnmp.GoSNMP{Version: gosnmp.Version2c, Community: "public", MaxOids: 60})
	for range 5 {
		if _, err := client.SendTrap(linkTrap(oidLinkUp)); err != nil {
			t.Fatal(err)
		}
	}
	e.until("five refusals", func(events []model.Event, samples map[string]float64) bool {
		return len(events) == 1 && samples["nocturne_trap_refused_total community"] == 5
	})
	if got := e.told()[0]; got.Title != "127.0.0.1" || !strings.Contains(got.Text, "its community is unknown") || got.Severity != model.Warning {
		t.Errorf("event %+v", got)
	}
}

// TestStorm holds that 5,000 traps of one device make some events, a summary, and lose no count.
func TestStorm(t *testing.T) {
	const traps = 5000
	dev := &fixed{index: 3, port: Port{Name: "p3"}}
	e := listen(t, decoder(t, nil), func(netip.Addr) Device { return dev })
	conn := e.dial()
	b := datagram(t, gosnmp.Version2c, "public", linkTrap(oidLinkDown, ifVar("1", "3", 3)))
	for i := range traps {
		if _, err := conn.Write(b); err != nil {
			t.Fatal(err)
		}
		if i%50 == 49 { // as fast as it is taken in, so that the system's own buffer loses none
			e.until("taken in", func(_ []model.Event, samples map[string]float64) bool {
				return samples["nocturne_trap_received_total 127.0.0.1 core1"] >= float64(i)
			})
		}
	}
	shown, summed := 0, 0
	var summary model.Event
	e.until("all counted", func(events []model.Event, samples map[string]float64) bool {
		shown, summed = 0, 0
		for i := range events {
			if events[i].Labels["trap"] == "storm" {
				summed, summary = summed+events[i].Count, events[i]
			} else {
				shown++
			}
		}
		return samples["nocturne_trap_received_total 127.0.0.1 core1"] == traps &&
			samples["nocturne_trap_dropped_total storm"]+samples["nocturne_trap_dropped_total queue"]+float64(shown) == traps && summed > 0
	})
	if shown > 4*shownAtOnce || summed > traps {
		t.Errorf("%d traps are shown, %d summed up", shown, summed)
	}
	if summary.Entity != "device/core1" || !strings.Contains(summary.Text, "linkDown") {
		t.Errorf("summary %+v", summary)
	}
}

// TestSummaries holds how storms are summed up over time.
func TestSummaries(t *testing.T) {
	s := newSenders()
	at := now
	for range shownAtOnce {
		if !s.shows("core1", "linkDown", from, at) {
			t.Fatal("the first are not shown")
		}
	}
	for range 100 {
		if s.shows("core1", "linkDown", from, at) {
			t.Fatal("one too many is shown")
		}
	}
	if got := s.summaries(at); got != nil {
		t.Errorf("at once: %+v", got)
	}
	at = at.Add(firstSummary)
	got := s.summaries(at)
	if len(got) != 1 || got[0].Count != 100 || got[0].Entity != "device/core1" || got[0].Text != "trap storm: 100 more in 1s are not shown: linkDown 100; from 192.0.2.7 100" {
		t.Errorf("after a second: %+v", got)
	}
	for range 7 {
		s.shows("core1", "linkUp", from, at)
	}
	at = at.Add(10 * time.Second)
	if got := s.summaries(at); got != nil {
		t.Errorf("soon after: %+v", got)
	}
	at = at.Add(time.Minute)
	if got := s.summaries(at); len(got) != 1 || got[0].Count != 7 {
		t.Errorf("after a minute: %+v", got)
	}
	at = at.Add(time.Hour)
	if got := s.summaries(at); got != nil || len(s.devices) != 0 {
		t.Errorf("an hour later: %+v, %d devices are remembered", got, len(s.devices))
	}
	for i := range 100_000 {
		s.shows("", "linkDown", netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), at)
	}
	got = s.summaries(at.Add(time.Minute))
	if len(got) != 1 || got[0].Count != 100_000-shownAtOnce || got[0].Title != "unknown senders" || len(s.others.storm.senders) > maxCounted {
		t.Errorf("of strangers: %+v", got)
	}
	for i := range 1000 {
		for range shownAtOnce + 1 {
			s.shows(fmt.Sprint("sw", i), "linkDown", from, at)
		}
	}
	if got = s.summaries(at.Add(time.Hour)); len(got) != maxSummaries+1 || got[maxSummaries].Count != 1000-maxSummaries {
		t.Errorf("%d summaries, the last %+v", len(got), got[len(got)-1])
	}
}

// TestCounters holds that senders without end have a bounded number of series.
func TestCounters(t *testing.T) {
	s := newStats()
	for i := range 100_000 {
		s.receive(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), "")
	}
	total := 0.0
	for _, sample := range s.samples("traps") {
		if sample.Labels.Get("__name__") == "nocturne_trap_received_total" {
			total += sample.V
		}
	}
	if n := len(s.received); n != maxStrays+1 || total != 100_000 {
		t.Errorf("%d series, together %v", n, total)
	}
}

// TestRecent holds that what is remembered of senders is bounded.
func TestRecent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen, told := newRecent(), refusals{}
		for i := range 10_000 {
			addr := netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})
			n := &Notification{From: addr, ID: uint32(i), At: time.Now()}
			if seen.again(n) {
				t.Fatal("a new one is taken for a repeat")
			}
			seen.add(n)
			if !seen.again(n) {
				t.Fatal("a repeat is taken for a new one")
			}
			told.first(addr, BadUser, time.Now())
		}
		if len(seen.at) > len(seen.ring) || len(told) > maxRefusals {
			t.Errorf("%d informs and %d refusals are remembered", len(seen.at), len(told))
		}
		time.Sleep(refusedAgain)
		if !told.first(netip.MustParseAddr("10.9.9.9"), BadUser, time.Now()) || len(told) != 1 {
			t.Errorf("an hour later %d are remembered", len(told))
		}
	})
}

// TestTakenPort holds that a port that is taken is an error that says so.
func TestTakenPort(t *testing.T) {
	e := listen(t, decoder(t, nil), nobody)
	other := *e.listener
	if err := other.Watch(t.Context(), e.emit, func(error) {}); err == nil || !strings.Contains(err.Error(), "snmptrapd") || !strings.Contains(err.Error(), e.addr) {
		t.Errorf("error %v", err)
	}
}

// TestDebian holds that what Debian's snmptrap and snmpinform send is heard, in all versions.
func TestDebian(t *testing.T) {
	for _, program := range []string{"snmptrap", "snmpinform"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed (Debian package snmp)", program)
		}
	}
	e := listen(t, decoder(t, []string{"s3cret"}, v3client(t, "noc", gosnmp.SHA256, gosnmp.AES), v3client(t, "sha", gosnmp.SHA, gosnmp.NoPriv)), nobody)
	v2 := []string{"4200", "." + oidLinkDown, "." + oidIfIndex + "3", "i", "3", "." + oidIfAdminStatus + "3", "i", "1"}
	noc := []string{"-v3", "-l", "authPriv", "-u", "noc", "-a", "SHA-256", "-A", "authpass-noc", "-x", "AES", "-X", "privpass-noc"}
	sha := []string{"-v3", "-l", "authNoPriv", "-u", "sha", "-a", "SHA", "-A", "authpass-sha"}
	theirs := []string{"-e", "0x" + hex.EncodeToString([]byte(theirEngine))}
	for i, tc := range []struct {
		program string
		auth    []string
		args    []string
		version string
	}{
		{"snmptrap", []string{"-v1", "-c", "s3cret"}, []string{".1.3.6.1.4.1.8072.3.2.10", "10.1.2.3", "2", "0", "4200", "." + oidIfIndex + "3", "i", "3"}, "1"},
		{"snmptrap", []string{"-v2c", "-c", "s3cret"}, v2, "2c"},
		{"snmpinform", []string{"-v2c", "-c", "s3cret"}, v2, "2c"},
		{"snmptrap", append(theirs, noc...), v2, "3"},
		{"snmptrap", append(theirs, sha...), v2, "3"},
		{"snmpinform", noc, v2, "3"},
		{"snmpinform", sha, v2, "3"},
	} {
		args := append(append(append([]string{"-M", "", "-m", "", "-r", "1", "-t", "5"}, tc.auth...), e.addr), tc.args...)
		cmd := exec.CommandContext(t.Context(), tc.program, args...)
		cmd.Env = append(cmd.Environ(), "SNMP_PERSISTENT_DIR="+t.TempDir(), "SNMPCONFPATH="+t.TempDir())
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s %v: %v\n%s", tc.program, args, err, out)
		}
		e.until(fmt.Sprint(tc.program, " ", tc.auth[:2]), func(events []model.Event, _ map[string]float64) bool { return len(events) == i+1 })
		if got := e.told()[i]; got.Labels["version"] != tc.version || got.Labels["trap"] != "linkDown" || got.Labels["ifIndex"] != "3" || got.Severity != model.Critical {
			t.Errorf("%s %v: event %+v", tc.program, args, got)
		}
	}
}
