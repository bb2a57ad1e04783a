package snmp_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nocturne-noc/nocturne/collectors/snmp"
	"github.com/nocturne-noc/nocturne/collectors/snmp/snmptest"
)

// made writes a device with ports p1..pN, all up, 64-bit counters at 1000 times their number.
func made(t testing.TB, name string, ports int) *snmptest.Recording {
	t.Helper()
	rec, err := snmptest.Parse(strings.NewReader(madeText(name, ports)))
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

func madeText(name string, ports int) string {
	var text strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&text, format+"\n", args...) }
	line("1.3.6.1.2.1.1.1.0|4|Linux %s 6.1.0", name)
	line("1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.8072.3.2.10")
	line("1.3.6.1.2.1.1.3.0|67|360000")
	line("1.3.6.1.2.1.1.5.0|4|%s", name)
	for i := 1; i <= ports; i++ {
		line("1.3.6.1.2.1.2.2.1.2.%d|4|port %d", i, i)
		line("1.3.6.1.2.1.2.2.1.3.%d|2|6", i)
		line("1.3.6.1.2.1.2.2.1.5.%d|66|1000000000", i)
		line("1.3.6.1.2.1.2.2.1.6.%d|4x|02aabbcc%02x%02x", i, i>>8, i&255)
		line("1.3.6.1.2.1.2.2.1.7.%d|2|1", i)
		line("1.3.6.1.2.1.2.2.1.8.%d|2|1", i)
		line("1.3.6.1.2.1.2.2.1.14.%d|65|0", i)
		line("1.3.6.1.2.1.31.1.1.1.1.%d|4|p%d", i, i)
		line("1.3.6.1.2.1.31.1.1.1.6.%d|70|%d", i, 1000*i)
		line("1.3.6.1.2.1.31.1.1.1.10.%d|70|%d", i, 1000*i)
		line("1.3.6.1.2.1.31.1.1.1.15.%d|66|1000", i)
	}
	return text.String()
}

// hear adds an LLDP row: what local port number num hears.
func hear(r *snmptest.Recording, num int, chassis, sysName, port string) error {
	for _, o := range [][3]string{{"4", "2", "4"}, {"5", "4x", chassis}, {"6", "2", "5"}, {"7", "4", port}, {"9", "4", sysName}} {
		if err := r.Set(fmt.Sprintf("1.0.8802.1.1.2.1.4.1.1.%s.0.%d.1", o[0], num), o[1], o[2]); err != nil {
			return err
		}
	}
	return nil
}

// TestAgents discovers one device of 60 ports behind each misbehaviour.
func TestAgents(t *testing.T) {
	loopAt, _ := snmp.ParseOID("1.3.6.1.2.1.2.2.1.2.30")
	errAt, _ := snmp.ParseOID("1.3.6.1.2.1.31.1.1.1.1.20")
	for _, tc := range []struct {
		name    string
		bad     snmptest.Behaviour
		version string
		ports   int    // expected; -1 for an error
		says    string // in the error or in a warning
	}{
		{name: "good", ports: 60},
		{name: "version 1", version: "1", ports: 60},
		{name: "too big above 12", bad: snmptest.Behaviour{MaxObjects: 12}, ports: 60},
		{name: "too big and empty", bad: snmptest.Behaviour{MaxObjects: 12, EmptyTooBig: true}, ports: 60},
		{name: "answers twice", bad: snmptest.Behaviour{Twice: true}, ports: 60},
		{name: "slow", bad: snmptest.Behaviour{Delay: 5 * time.Millisecond}, ports: 60},
		{name: "loses every fourth", bad: snmptest.Behaviour{Lose: 4}, ports: 60},
		{name: "times out above 20", bad: snmptest.Behaviour{SilentAbove: 20}, ports: 60},
		{name: "loops", bad: snmptest.Behaviour{LoopAfter: loopAt}, ports: 60, says: "ifTable.2: the agent goes back"},
		{name: "half a table", bad: snmptest.Behaviour{GenErrAfter: errAt}, ports: 60, says: "ifXTable.1: the agent answered GenErr"},
		{name: "silent", bad: snmptest.Behaviour{Silent: true}, ports: -1, says: "a wrong community is answered with silence"},
		{name: "wrong community", bad: snmptest.Behaviour{Community: "other"}, ports: -1, says: "no answer from 127.0.0.1"},
		{name: "garbage", bad: snmptest.Behaviour{Garbage: []byte("HTTP/1.1 400 Bad Request\r\n\r\n")}, ports: -1, says: "does not answer in proper SNMP"},
		{name: "hostile lengths", bad: snmptest.Behaviour{Garbage: []byte{0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 2, 1, 1}}, ports: -1, says: "does not answer in proper SNMP"},
		{name: "cut short", bad: snmptest.Behaviour{Cut: 7}, ports: -1, says: "does not answer in proper SNMP"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			agent := serve(t, made(t, "sw1", 60), tc.bad)
			opt := options()
			opt.Credentials.Version = tc.version
			opt.Timing = snmp.Timing{Timeout: 250 * time.Millisecond, Retries: 1}
			r, err := snmp.Discover(t.Context(), opt, agent.Target())
			if tc.ports < 0 {
				if err == nil || !strings.Contains(err.Error(), tc.says) || !strings.Contains(err.Error(), agent.Target().String()) {
					t.Fatalf("error %v, want one that names %s and says %q", err, agent.Target(), tc.says)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Interfaces) != tc.ports || r.Device.SysName != "sw1" {
				t.Errorf("%d interfaces of %s, want %d", len(r.Interfaces), r.Device.SysName, tc.ports)
			}
			warnings := strings.Join(r.Warnings, "\n")
			if tc.says == "" && warnings != "" || !strings.Contains(warnings, tc.says) {
				t.Errorf("warnings %q, want %q", warnings, tc.says)
			}
			t.Logf("%d requests", agent.Requests())
		})
	}
}

// TestHostileText holds that what a device sends cannot steer a terminal or swell without bound.
func TestHostileText(t *testing.T) {
	rec := made(t, "sw1", 1)
	for _, o := range [][3]string{
		{"1.3.6.1.2.1.1.5.0", "4x", "1b5b324a" + "7377" + "00" + "ff" + "e280ae"}, // ESC [2J sw NUL 0xff RLO
		{"1.3.6.1.2.1.1.1.0", "4", strings.Repeat("x", 60_000)},
	} {
		if err := rec.Set(o[0], o[1], o[2]); err != nil {
			t.Fatal(err)
		}
	}
	r, err := snmp.Discover(t.Context(), options(), serve(t, rec, snmptest.Behaviour{}).Target())
	if err != nil {
		t.Fatal(err)
	}
	if r.Device.SysName != "[2Jswÿ" || len(r.Device.SysDescr) > 4096 {
		t.Errorf("sysName %q, sysDescr of %d bytes", r.Device.SysName, len(r.Device.SysDescr))
	}
}

// TestDiscoverAll holds the order asked, and finds a subnet's devices.
func TestDiscoverAll(t *testing.T) {
	const port = 16117
	var subnet []*snmptest.Agent
	for _, host := range []string{"127.0.66.2", "127.0.66.5"} {
		agent, err := snmptest.Serve(t.Context(), fmt.Sprintf("%s:%d", host, port), made(t, "at-"+host, 2), snmptest.Behaviour{})
		if err != nil {
			t.Fatal(err)
		}
		subnet = append(subnet, agent)
	}
	defer func() {
		for _, a := range subnet {
			if err := a.Close(); err != nil {
				t.Error(err)
			}
		}
	}()
	slow := serve(t, made(t, "slow", 2), snmptest.Behaviour{Delay: 20 * time.Millisecond})
	fast := serve(t, made(t, "fast", 2), snmptest.Behaviour{})
	silent := serve(t, made(t, "silent", 2), snmptest.Behaviour{Silent: true})
	opt := options()
	opt.Timing = snmp.Timing{Timeout: 200 * time.Millisecond, Retries: 1}
	var got []string
	err := snmp.DiscoverAll(t.Context(), opt,
		[]string{slow.Target().String(), silent.Target().String(), fmt.Sprintf("127.0.66.0/29:%d", port), fast.Target().String()},
		func(r snmp.Result) {
			if r.Err != nil {
				got = append(got, "error")
				return
			}
			got = append(got, r.Report.Device.SysName)
		})
	if err != nil {
		t.Fatal(err)
	}
	if want := "[slow error at-127.0.66.2 at-127.0.66.5 fast]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestDiscoverEnds holds that a deadline ends a discovery in good time.
func TestDiscoverEnds(t *testing.T) {
	agent := serve(t, made(t, "sw1", 60), snmptest.Behaviour{Silent: true})
	ctx, cancel := context.WithCancel(t.Context())
	opt := options()
	opt.Timing.Timeout = 30 * time.Second
	done := make(chan error, 1)
	go func() {
		_, err := snmp.Discover(ctx, opt, agent.Target())
		done <- err
	}()
	for agent.Requests() == 0 {
		select {
		case err := <-done:
			t.Fatalf("ended early: %v", err)
		case <-time.After(time.Millisecond):
		}
	}
	cancel()
	select {
	case err := <-done:
		if err == nil {
			t.Error("no error from a discovery that was called off")
		}
	case <-time.After(5 * time.Second):
		t.Error("a discovery that was called off goes on waiting")
	}
}
