package snmp

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// realNet is a few net-snmp agents on 127.0.50.0/24, one process each, all on one port.
const realNetPort = 16150

// startAgent runs a net-snmp agent on an address until the test ends.
func startAgent(t *testing.T, host, config string, ready Credentials) {
	t.Helper()
	binary, err := exec.LookPath("snmpd")
	if err != nil {
		if binary, err = exec.LookPath("/usr/sbin/snmpd"); err != nil {
			t.Skip("snmpd is not installed: this test talks to real agents")
		}
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "agent.conf")
	text := fmt.Sprintf("agentaddress udp:%s:%d\nsysName at-%s\n%s", host, realNetPort, host, config)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cmd := exec.CommandContext(ctx, binary, "-f", "-Lf", filepath.Join(dir, "log"), "-c", file, "-I", "-smux")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.Env = append(os.Environ(), "SNMP_PERSISTENT_DIR="+dir, "SNMPCONFPATH="+dir, "MIBS=")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = cmd.Wait() }) // it ends by the signal
	for range 100 {
		s := newSession(Target{Host: host, Port: realNetPort}, ready, Timing{Timeout: 100 * time.Millisecond})
		_, err = s.get(t.Context(), oidSysName)
		s.close()
		if err == nil {
			return
		}
	}
	t.Fatal(err)
}

// TestSweepReal sweeps a network of real agents with mixed credentials: each is found with those that
// it accepts, and one that accepts none is told as such.
func TestSweepReal(t *testing.T) {
	v3, other := user("SHA-256", "AES-128"), user("SHA-512", "")
	a, b := Credentials{Name: "a", Community: "alpha"}, Credentials{Name: "b", Community: "beta"}
	startAgent(t, "127.0.50.3", "rocommunity alpha\n", a)
	startAgent(t, "127.0.50.9", "rocommunity beta\n", b)
	startAgent(t, "127.0.50.77", createUser(v3), v3)
	startAgent(t, "127.0.50.200", createUser(other), other) // nobody has its credentials
	startAgent(t, "127.0.50.250", "rocommunity alpha\n", a) // excluded
	for _, icmp := range []string{ICMPAuto, ICMPNever, ICMPOnly} {
		t.Run(icmp, func(t *testing.T) {
			if icmp == ICMPOnly {
				if p, err := openPinger([]Block{loopback(t, "127.0.50.0/24")}); err != nil {
					t.Skip(err)
				} else {
					p.close()
				}
			}
			got := map[string]string{}
			var last Progress
			x, err := parseExclusions([]string{"127.0.50.240/28"})
			if err != nil {
				t.Fatal(err)
			}
			s := &sweep{
				blocks: []Block{loopback(t, fmt.Sprintf("127.0.50.0/24:%d", realNetPort))}, skip: x.cover,
				logins: []Credentials{a, b, v3}, timeout: 500 * time.Millisecond, icmp: icmp,
				found: func(f finding) {
					got[f.target.Host] = fmt.Sprint(f.which)
					if f.err != nil {
						got[f.target.Host] = f.err.Error()
					}
				},
				told: func(p Progress) { last = p },
			}
			if _, err := s.run(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got["127.0.50.3"] != "0" || got["127.0.50.9"] != "1" || got["127.0.50.77"] != "2" || len(got) != 4 ||
				!strings.Contains(got["127.0.50.200"], "none of 3 credentials is accepted") || !strings.Contains(got["127.0.50.200"], "knows no user") {
				t.Errorf("found %v", got)
			}
			for _, text := range got {
				if strings.Contains(text, authPass) || strings.Contains(text, privPass) || strings.Contains(text, "alpha") {
					t.Errorf("a secret is told: %s", text)
				}
			}
			if last.Total != 239 || last.Asked != 239 || last.Found != 3 || last.Refused != 1 || last.Left != 0 {
				t.Errorf("progress %+v", last)
			}
		})
	}
}

func loopback(t testing.TB, text string) Block {
	t.Helper()
	_, block, err := ParseTarget(text, 0)
	if err != nil {
		t.Fatal(err)
	}
	return block
}

// TestSweepEnds holds that a sweep that is called off ends, in each of its parts.
func TestSweepEnds(t *testing.T) {
	for _, icmp := range []string{ICMPAuto, ICMPNever} {
		ctx, cancel := context.WithCancel(t.Context())
		s := &sweep{
			blocks: []Block{loopback(t, "127.3.0.0/16:16151")}, logins: []Credentials{{}}, timeout: time.Minute, icmp: icmp,
			found: func(f finding) { t.Errorf("found %v", f) },
		}
		s.told = func(Progress) { cancel() }
		if icmp == ICMPNever {
			time.AfterFunc(10*time.Millisecond, cancel)
		}
		if _, err := s.run(ctx); err == nil {
			t.Errorf("icmp %s: no error", icmp)
		}
		cancel()
	}
}

// TestTimeLeft holds the estimate of what is left of a sweep.
func TestTimeLeft(t *testing.T) {
	for _, tc := range []struct {
		p           Progress
		pinged      int
		pings, only bool
		want        time.Duration
	}{
		{Progress{Total: 100}, 0, false, false, 2 * time.Second},
		{Progress{Total: 5120}, 0, false, false, 20 * time.Second},
		{Progress{Total: 5120, Asked: 2560, Elapsed: time.Minute}, 0, false, false, time.Minute},
		{Progress{Total: 100, Asked: 100, Elapsed: time.Minute}, 0, false, false, 0},
		{Progress{Total: 1000, Asked: 1, Alive: 1, Elapsed: time.Second}, 500, true, false, time.Second + 2*999*time.Second/512},
		{Progress{Total: 1000, Alive: 20, Asked: 20, Elapsed: time.Minute}, 1000, true, true, 0},
	} {
		if got := left(tc.p, tc.pinged, tc.pings, tc.only, 2*time.Second); got != tc.want {
			t.Errorf("%+v, %d pinged: %s left, want %s", tc.p, tc.pinged, got, tc.want)
		}
	}
	for _, tc := range []struct {
		p    Progress
		want string
	}{
		{Progress{Total: 65534, Asked: 12000, Found: 31, Left: 2 * time.Minute}, "12,000 of 65,534, 31 found, 2 min left"},
		{Progress{Total: 254, Asked: 3, Refused: 1, Left: 9 * time.Second}, "3 of 254, 0 found, 1 refused, 9 s left"},
		{Progress{Total: 1}, "0 of 1, 0 found"},
	} {
		if got := tc.p.String(); got != tc.want {
			t.Errorf("%q, want %q", got, tc.want)
		}
	}
}
