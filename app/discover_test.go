package app

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nocturne-noc/nocturne/collectors/snmp"
)

func TestSNMPFlags(t *testing.T) {
	t.Setenv("NOCTURNE_TEST_AUTH", "long-enough")
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("secret", "from-a-file\n")
	good := write("good.yaml", "credentials:\n- {name: new, community: \"file:secret\"}\n- {version: 3, user: noc, auth: {protocol: SHA, password: \"env:NOCTURNE_TEST_AUTH\"}}\n")
	literal := write("literal.yaml", "credentials: [{community: hunter2}]\n")
	unknown := write("unknown.yaml", "credentials: [{comunity: env:A}]\n")
	tests := []struct {
		name  string
		flags SNMPFlags
		err   string
	}{
		{"defaults", SNMPFlags{}, ""},
		{"a user means version 3", SNMPFlags{User: "noc", Auth: "SHA:env:NOCTURNE_TEST_AUTH", Priv: "AES:also-long-enough"}, ""},
		{"secret not set", SNMPFlags{Communities: []string{"env:NOCTURNE_TEST_NONE"}}, "is not set"},
		{"no protocol", SNMPFlags{User: "noc", Auth: "secret"}, "--auth: write PROTOCOL:SECRET"},
		{"unknown protocol", SNMPFlags{User: "noc", Auth: "ROT13:long-enough"}, `"ROT13" is unknown`},
		{"short secret", SNMPFlags{User: "noc", Auth: "SHA:short"}, "shorter than"},
		{"user with version 2c", SNMPFlags{Version: "2c", User: "noc"}, "version 3"},
		{"icmp", SNMPFlags{ICMP: "always"}, "--icmp"},
		{"no file", SNMPFlags{Credentials: filepath.Join(dir, "none.yaml")}, "none.yaml"},
		{"a literal in the file", SNMPFlags{Credentials: literal}, "written into the file itself"},
		{"unknown key in the file", SNMPFlags{Credentials: unknown}, "comunity"},
		{"file", SNMPFlags{Credentials: good}, ""},
	}
	for _, tt := range tests {
		o, err := tt.flags.options()
		if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: %v", tt.name, err)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s tells a secret: %v", tt.name, err)
		}
		if tt.flags.User != "" && tt.err == "" && (o.Credentials.Version != "3" || o.Credentials.Auth.Password != "long-enough") {
			t.Errorf("%s: %+v", tt.name, o.Credentials)
		}
	}
	o, err := SNMPFlags{Credentials: good}.options()
	if err != nil || o.Credentials.Community != "from-a-file" || o.Credentials.Name != "new" || len(o.Others) != 1 || o.Others[0].Name != "2" || o.Others[0].Auth.Password != "long-enough" {
		t.Errorf("from the file: %d others, names %q (%v)", len(o.Others), o.Credentials.Name, err)
	}
}

// TestSaveSources holds that what is saved passes the check, tells no secret, and that a hostile device
// name cannot add a line.
func TestSaveSources(t *testing.T) {
	t.Setenv("SNMP_COMMUNITY_1", "hunter2")
	t.Setenv("NOCTURNE_TEST_AUTH", "long-enough")
	found := func(addr, name string) SNMPResult {
		r := &snmp.Report{Target: addr + ":161"}
		r.Device.SysName, r.Device.Vendor = name, "Acme"
		return SNMPResult{Target: snmp.Target{Host: addr, Port: 161}, Report: r}
	}
	results := []SNMPResult{
		found("127.0.0.2", "sw2"), found("127.0.0.3", "evil\n- kind: host\n\u2028\u0085x"),
		{Target: snmp.Target{Host: "127.0.0.4", Port: 161}, Err: errors.New("none of 2 credentials is accepted")},
	}
	f := SNMPFlags{Communities: []string{"hunter2"}, User: "noc", Auth: "SHA:env:NOCTURNE_TEST_AUTH"}
	path := filepath.Join(t.TempDir(), "found.yaml")
	if err := SaveSources(path, `cam"pus`, f, results); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for _, want := range []string{
		`  - "127.0.0.2:161" # sw2 Acme` + "\n", `  - "127.0.0.3:161" # evil - kind: host x Acme` + "\n",
		`  # - "127.0.0.4:161" # none of 2 credentials is accepted`, "env:SNMP_COMMUNITY_1", "env:NOCTURNE_TEST_AUTH",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
	if strings.Contains(text, "hunter2") || strings.Contains(text, "long-enough") {
		t.Errorf("a secret is in:\n%s", text)
	}
	if errs := CheckConfig(path); len(errs) > 0 {
		t.Errorf("it does not pass the check: %v\n%s", errs, text)
	}
	if err := SaveSources(path, "campus", f, results); err == nil || !strings.Contains(err.Error(), "exists already") {
		t.Errorf("written over: %v", err)
	}
	if err := SaveSources(path+"2", "campus", f, results[2:]); err == nil {
		t.Error("a file without any device was written")
	}
}

// TestAccepted holds that accepted devices outlive a restart.
func TestAccepted(t *testing.T) {
	dir := t.TempDir()
	a := acceptedIn(dir)
	for _, list := range [][]string{{"10.0.0.2:161", "10.0.0.1:161"}, {"10.0.0.2:161"}} {
		if err := a.add("campus", list); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(acceptedIn(dir).of("campus"), " "); got != "10.0.0.1:161 10.0.0.2:161" || len(a.of("campus")) != 2 || len(a.of("other")) != 0 {
		t.Errorf("kept %q", got)
	}
	var none *accepted
	if err := none.add("campus", []string{"10.0.0.1"}); err == nil || none.of("campus") != nil {
		t.Error("a wallboard that keeps nothing took one")
	}
}
