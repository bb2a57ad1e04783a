package snmp_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nocturne-noc/nocturne/collectors/snmp"
)

// snmpd starts a real agent on loopback and ends it with the test, or skips.
func snmpd(t *testing.T, config string) snmp.Target {
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
	dir := t.TempDir()
	file := filepath.Join(dir, "snmpd.conf")
	if err := os.WriteFile(file, []byte(fmt.Sprintf("agentaddress udp:127.0.0.1:%d\n%s", addr.Port, config)), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), binary, "-f", "-Lf", filepath.Join(dir, "log"), "-C", "-c", file, "-I", "-smux")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.Env = append(os.Environ(), "SNMP_PERSISTENT_DIR="+dir, "MIBS=")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() }) // it ends by the signal, with the test's context
	return snmp.Target{Host: "127.0.0.1", Port: uint16(addr.Port)}
}

// TestRealAgent talks SNMPv3 to net-snmp in all its protocols, and is refused as it should be.
func TestRealAgent(t *testing.T) {
	const auth, priv = "authentic-pass", "private-pass"
	combinations := []struct{ user, auth, priv, netSNMP string }{
		{"md5des", "MD5", "DES", "MD5 AUTH DES PRIV"},
		{"shaaes", "SHA", "AES", "SHA AUTH AES PRIV"},
		{"sha224", "SHA-224", "AES", "SHA-224 AUTH AES PRIV"},
		{"sha256", "sha256", "aes128", "SHA-256 AUTH AES PRIV"},
		{"sha384", "SHA-384", "AES", "SHA-384 AUTH AES PRIV"},
		{"sha512", "SHA-512", "AES", "SHA-512 AUTH AES PRIV"},
		{"aes192", "SHA-256", "AES-192", "SHA-256 AUTH AES-192 PRIV"},
		{"aes256", "SHA-512", "AES-256", "SHA-512 AUTH AES-256 PRIV"},
		{"noc", "SHA-256", "", "SHA-256 AUTH"},
		{"guest", "", "", ""},
	}
	config := "sysName real\nrocommunity public\n"
	for _, c := range combinations {
		level := map[bool]string{true: "priv", false: "auth"}[c.priv != ""]
		if c.auth == "" {
			level = "noauth"
		}
		keys := strings.NewReplacer("AUTH", auth, "PRIV", priv).Replace(c.netSNMP)
		config += fmt.Sprintf("createUser %s %s\nrouser %s %s\n", c.user, keys, c.user, level)
	}
	target := snmpd(t, config)
	ask := func(cred snmp.Credentials, timeout time.Duration) error {
		opt := snmp.Options{Credentials: cred, Timing: snmp.Timing{Timeout: timeout, Retries: 1}, Now: time.Now}
		r, err := snmp.Discover(t.Context(), opt, target)
		if err == nil && (r.Device.SysName != "real" || len(r.Interfaces) == 0 || len(r.Warnings) > 0) {
			return fmt.Errorf("report of %q with %d interfaces, warnings %v", r.Device.SysName, len(r.Interfaces), r.Warnings)
		}
		return err
	}
	err := ask(snmp.Credentials{}, 100*time.Millisecond)
	for range 50 { // until it has started
		if err == nil {
			break
		}
		err = ask(snmp.Credentials{}, 100*time.Millisecond)
	}
	if err != nil {
		t.Fatal(err)
	}
	good := func(user, authName, privName string) snmp.Credentials {
		c := snmp.Credentials{Version: "3", User: user}
		if authName != "" {
			c.Auth = snmp.Key{Protocol: authName, Password: auth}
		}
		if privName != "" {
			c.Priv = snmp.Key{Protocol: privName, Password: priv}
		}
		return c
	}
	for _, c := range combinations {
		if err := ask(good(c.user, c.auth, c.priv), 2*time.Second); err != nil {
			t.Errorf("%s/%s: %v", c.auth, c.priv, err)
		}
	}
	wrongAuth, wrongPriv := good("shaaes", "SHA", "AES"), good("shaaes", "SHA", "AES")
	wrongAuth.Auth.Password, wrongPriv.Priv.Password = "not-the-password", "not-the-password"
	for _, tc := range []struct {
		name string
		cred snmp.Credentials
		says string
	}{
		{"unknown user", good("nobody", "SHA", ""), `authentication refused by ` + target.String() + `: it does not accept user "nobody"`},
		{"wrong auth password", wrongAuth, "auth.protocol and auth.password"},
		{"wrong priv password", wrongPriv, "priv"},
		{"wrong auth protocol", good("shaaes", "SHA-256", "AES"), "auth.protocol and auth.password"},
		{"too low a level", good("noc", "", ""), "security level"},
		{"wrong community", snmp.Credentials{Community: "nope"}, "a wrong community is answered with silence"},
	} {
		if err := ask(tc.cred, 300*time.Millisecond); err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: error %v, want one that says %q", tc.name, err, tc.says)
		} else {
			t.Logf("%s: %v", tc.name, err)
		}
	}
}
