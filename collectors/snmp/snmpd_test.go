package snmp

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// realAgent is a net-snmp agent on loopback.
type realAgent struct {
	target Target
	dir    string // where it keeps its engine's boots
	binary string
}

// newRealAgent finds a port and the program, or skips.
func newRealAgent(t testing.TB) *realAgent {
	t.Helper()
	binary, err := exec.LookPath("snmpd")
	if err != nil {
		if binary, err = exec.LookPath("/usr/sbin/snmpd"); err != nil {
			t.Skip("snmpd is not installed: this test talks to the real agent")
		}
	}
	probe, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := probe.LocalAddr().(*net.UDPAddr)
	if err := probe.Close(); err != nil {
		t.Fatal(err)
	}
	return &realAgent{target: Target{Host: "127.0.0.1", Port: uint16(addr.Port)}, dir: t.TempDir(), binary: binary}
}

// start runs the agent until the test ends or stop is called, and waits until it answers a version 2c
// request; config allows the community "public".
func (a *realAgent) start(t testing.TB, config string) (stop func()) {
	t.Helper()
	file := filepath.Join(a.dir, "agent.conf")
	text := fmt.Sprintf("agentaddress udp:%s\nsysName real\nrocommunity public\n%s", a.target, config)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cmd := exec.CommandContext(ctx, a.binary, "-f", "-Lf", filepath.Join(a.dir, "log"), "-c", file, "-I", "-smux")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.Env = append(os.Environ(), "SNMP_PERSISTENT_DIR="+a.dir, "SNMPCONFPATH="+a.dir, "MIBS=")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop = func() { cancel(); _ = cmd.Wait() } // it ends by the signal
	t.Cleanup(stop)
	var err error
	for range 100 {
		s := newSession(a.target, Credentials{}, Timing{Timeout: 100 * time.Millisecond})
		_, err = s.get(t.Context(), oidSysName)
		s.close()
		if err == nil {
			return stop
		}
	}
	t.Fatal(err)
	return nil
}

// ask reads a scalar and a table.
func ask(t *testing.T, s *session) error {
	t.Helper()
	defer s.rest()
	system, _, err := readSystem(t.Context(), s)
	if err != nil {
		return err
	}
	tables, warnings, err := s.tables(t.Context(), columns{oidIfEntry, []uint32{2, 8}})
	if err == nil && (system.Name != "real" || len(tables[0].Rows()) == 0 || len(warnings) > 0) {
		return fmt.Errorf("sysName %q, %d interfaces, warnings %v", system.Name, len(tables[0].Rows()), warnings)
	}
	return err
}

const authPass, privPass = "authentic-pass", "private-pass"

// user is one user of SNMPv3, named after its protocols.
func user(auth, priv string) Credentials {
	c := Credentials{Version: "3", User: "user" + auth + priv}
	if auth != "" {
		c.Auth = Key{Protocol: auth, Password: authPass}
	}
	if priv != "" {
		c.Priv = Key{Protocol: priv, Password: privPass}
	}
	return c
}

// createUser writes the agent's own lines for a user.
func createUser(c Credentials) string {
	level, keys := "noauth", ""
	if c.Auth.Protocol != "" {
		level, keys = "auth", c.Auth.Protocol+" "+authPass
	}
	if c.Priv.Protocol != "" {
		level, keys = "priv", keys+" "+c.Priv.Protocol+" "+privPass
	}
	return fmt.Sprintf("createUser %s %s\nrouser %s %s\n", c.User, keys, c.User, level)
}

// everyProtocol are all combinations of SNMPv3's protocols, as net-snmp calls them.
func everyProtocol() []Credentials {
	users := []Credentials{user("", "")}
	for _, auth := range []string{"MD5", "SHA", "SHA-224", "SHA-256", "SHA-384", "SHA-512"} {
		for _, priv := range []string{"", "DES", "AES-128", "AES-192", "AES-256", "AES-192-C", "AES-256-C"} {
			users = append(users, user(auth, priv))
		}
	}
	return users
}

// TestRealAgent talks SNMPv3 to net-snmp in all protocols, in two rounds: the second one resumes.
func TestRealAgent(t *testing.T) {
	a := newRealAgent(t)
	users, config := everyProtocol(), ""
	for _, c := range users {
		config += createUser(c)
	}
	a.start(t, config)
	for _, c := range users {
		s := newSession(a.target, c, Timing{Timeout: 2 * time.Second, Retries: 1})
		if err := ask(t, s); err != nil {
			t.Errorf("%s: %v", c.User, err)
			continue
		}
		sent := s.requests
		if err := ask(t, s); err != nil || s.requests != 2*sent || s.lost != 0 {
			t.Errorf("%s: second round: %v, %d requests after %d, %d lost", c.User, err, s.requests-sent, sent, s.lost)
		}
	}
}

// TestRefused holds that each refusal is told as one, with what to mend, and never as silence.
func TestRefused(t *testing.T) {
	a := newRealAgent(t)
	config := createUser(user("SHA-256", ""))
	type refused struct {
		name string
		cred Credentials
		says string
	}
	cases := []refused{
		{"unknown user", user("SHA", ""), `authentication refused by ` + a.target.String() + `: it knows no user "userSHA" (check user)`},
		{"too low a level", func() Credentials { c := user("SHA-256", ""); c.Auth = Key{}; return c }(), "security level"},
		{"wrong community", Credentials{Community: "nope"}, "a wrong community is answered with silence"},
	}
	for _, auth := range []string{"MD5", "SHA", "SHA-224", "SHA-384", "SHA-512"} {
		c := user(auth, "AES-128")
		config += createUser(c)
		c.Auth.Password = "not-the-password"
		cases = append(cases, refused{"wrong password of " + auth, c, "wrong digest (check auth.protocol and auth.password of user"})
		c = user(auth, "AES-128")
		c.Auth.Protocol = "SHA-256"
		cases = append(cases, refused{"wrong protocol for " + auth, c, "wrong digest (check auth.protocol and auth.password of user"})
	}
	for _, priv := range []string{"DES", "AES-128", "AES-192", "AES-256", "AES-192-C", "AES-256-C"} {
		c := user("SHA-256", priv)
		config += createUser(c)
		c.Priv.Password = "not-the-password"
		cases = append(cases, refused{"wrong password of " + priv, c, "(check priv.protocol and priv.password of user"})
	}
	a.start(t, config)
	for _, tc := range cases {
		s := newSession(a.target, tc.cred, Timing{Timeout: 150 * time.Millisecond, Retries: 1})
		err := ask(t, s)
		if err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: error %v, want one that says %q", tc.name, err, tc.says)
			continue
		}
		if refused := tc.cred.Version == "3"; refusal(err) != refused || strings.Contains(err.Error(), " refused by "+a.target.String()) != refused {
			t.Errorf("%s: %v: told as a refusal: %v", tc.name, err, refusal(err))
		}
	}
}

// TestEngine holds that an agent whose engine is not what it was is discovered anew in the same round,
// and that two agents with one engine ID do not disturb each other.
func TestEngine(t *testing.T) {
	const id = "exactEngineID 0x8000000004010203\n"
	for _, c := range []Credentials{user("SHA-256", "AES-128"), user("MD5", "DES"), user("SHA", ""), user("", "")} {
		t.Run(c.User, func(t *testing.T) {
			a := newRealAgent(t)
			stop := a.start(t, id+createUser(c))
			s := newSession(a.target, c, Timing{Timeout: time.Second, Retries: 1})
			well := func(when string) {
				t.Helper()
				if err := ask(t, s); err != nil {
					t.Errorf("%s: %v", when, err)
				}
			}
			well("at first")

			s.engine.at = s.engine.at.Add(-time.Hour) // our clock says that the agent's is an hour ahead
			well("clock ahead")
			s.engine.usm.AuthoritativeEngineTime, s.engine.usm.AuthoritativeEngineBoots = 1<<31-1, 1<<31-1
			well("clock and boots at their end")
			s.engine.usm.AuthoritativeEngineBoots = 0
			well("boots behind")

			stop()
			stop = a.start(t, id+createUser(c)) // it counts its boots
			well("restarted")

			stop()
			a.dir = t.TempDir()
			stop = a.start(t, id+createUser(c))
			well("boots forgotten")

			stop()
			a.dir = t.TempDir()
			a.start(t, "exactEngineID 0x8000000004999999\n"+createUser(c))
			well("another engine ID")
			if got := hex.EncodeToString([]byte(s.engineID())); got != "8000000004999999" {
				t.Errorf("engine ID %s", got)
			}
		})
	}

	one, two := newRealAgent(t), newRealAgent(t)
	c := user("SHA-256", "AES-128")
	stop := one.start(t, id+createUser(c))
	stop()
	one.start(t, id+createUser(c)) // one boot more than two
	two.start(t, id+createUser(c))
	timing := Timing{Timeout: time.Second, Retries: 1}
	first, second := newSession(one.target, c, timing), newSession(two.target, c, timing)
	for range 3 {
		for _, s := range []*session{first, second} {
			if err := ask(t, s); err != nil {
				t.Errorf("%s: %v", s.target, err)
			}
		}
	}
	if first.engineID() != second.engineID() || first.engine.usm.AuthoritativeEngineBoots == second.engine.usm.AuthoritativeEngineBoots {
		t.Fatalf("engines %q and %q with %d and %d boots: want one engine ID and two clocks", first.engineID(), second.engineID(),
			first.engine.usm.AuthoritativeEngineBoots, second.engine.usm.AuthoritativeEngineBoots)
	}
}

// TestEngineIDs holds that shared engine IDs are found, and those that were given up are free.
func TestEngineIDs(t *testing.T) {
	var ids engineIDs
	for i, tc := range []struct{ id, target, other string }{
		{"a", "sw1", ""}, {"a", "sw2", "sw1"}, {"a", "sw1", ""}, {"", "sw3", ""},
		{"b", "sw1", ""}, {"a", "sw2", ""}, {"a", "sw1", "sw2"}, {"", "sw2", ""}, {"a", "sw1", ""},
	} {
		if other := ids.claim(tc.id, tc.target); other != tc.other {
			t.Errorf("%d: %s claims %q: shared with %q, want %q", i, tc.target, tc.id, other, tc.other)
		}
	}
}

// TestUnsignedReport holds that nothing but a known Report is taken out of a foreign datagram.
func TestUnsignedReport(t *testing.T) {
	for _, text := range []string{"", "30", "3003020103", "308200ffff", "300e020100040770616e6963206d65"} {
		b, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := unsignedReport(b); !errors.Is(got, errKey) {
			t.Errorf("%s: %v", text, got)
		}
	}
}

func FuzzUnsignedReport(f *testing.F) {
	f.Add([]byte{0x30, 0x03, 0x02, 0x01, 0x03})
	f.Fuzz(func(t *testing.T, datagram []byte) {
		if err := unsignedReport(datagram); !refusal(err) {
			t.Errorf("%v is no refusal", err)
		}
	})
}
