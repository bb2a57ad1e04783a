package probe

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestConfigurationIsRefusedInWords(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "urls.txt")
	if err := os.WriteFile(bad, []byte("https://a.example/\nftp://b.example/\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ yaml, want string }{
		{"targets: []", "targets: want at least one"},
		{"targets: [{name: x}]", "want exactly one of ping, tcp, tls, http and dns"},
		{"targets: [{ping: a, tcp: 'a:1'}]", "want exactly one of"},
		{"targets: [{ping: a}, {ping: a}]", `another one is called "a" too`},
		{"targets: [{tcp: a}]", `"a": want host:port`},
		{"targets: [{tcp: 'a:99999'}]", "want host:port"},
		{"targets: [{http: 'www.example.com'}]", "want a URL such as"},
		{"targets: [{http: 'http://u:secret@a/'}]", "use user and password"},
		{"targets: [{http: 'http://a/', match: '('}]", "match: "},
		{"targets: [{http: 'http://a/', bearer: hunter2}]", "bearer: "},
		{"targets: [{http: 'http://a/', user: u, password: hunter2}]", "password: "},
		{"targets: [{http: 'http://a/', status: [99]}]", "status 99: want 100 to 599"},
		{"targets: [{ping: a, echoes: 1000}]", "echoes 1000: want 1 to 100"},
		{"targets: [{ping: a, ip: '5'}]", "want 4 or 6"},
		{"targets: [{ping: a, labels: {device: x}}]", `label "device"`},
		{"targets: [{dns: {server: a, name: x, type: QQ}}]", `dns type "QQ"`},
		{"targets: [{dns: {name: x}}]", "dns server"},
		{"targets: [{tls: 'a:1', ca_file: missing.pem}]", "ca_file: "},
		{"targets: [{tls: 'a:1', cert_file: a}]", "want both or neither"},
		{"targets: [{pong: a}]", `unknown key "pong"`},
		{"urls: '" + bad + "'", ":2: http \"ftp://b.example/\""},
	} {
		_, err := jobs(t, c.yaml)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.yaml, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "secret@") {
			t.Errorf("%s: the error shows a password: %v", c.yaml, err)
		}
	}
}

func TestTargetsAndURLsBecomeJobs(t *testing.T) {
	file := filepath.Join(t.TempDir(), "urls.txt")
	if err := os.WriteFile(file, []byte("# ours\nhttps://www.example.com/ Home page\n\nshop.example.com/cart\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	list, err := jobs(t, "every: 20s\n    targets: [{ping: 10.0.0.1}, {tls: mail.example.com, timeout: 1m}, {dns: {server: 10.0.0.53, name: a.example, type: mx}}]\n    urls: '"+file+"'")
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		target  string
		timeout time.Duration
	}{
		{"10.0.0.1", 2 * time.Second}, {"tls mail.example.com", 20 * time.Second}, {"a.example MX @10.0.0.53", 5 * time.Second},
		{"Home page", 5 * time.Second}, {"https://shop.example.com/cart", 5 * time.Second},
	}
	if len(list) != len(want) {
		t.Fatalf("%d jobs", len(list))
	}
	for i, w := range want {
		if j := list[i]; j.Target != w.target || j.Every != 20*time.Second || j.Timeout != w.timeout+reportSlack {
			t.Errorf("job %d: %q %v %v, want %+v", i, j.Target, j.Every, j.Timeout, w)
		}
	}
}

func FuzzParseURLs(f *testing.F) {
	f.Add([]byte("https://a.example/ A\nb.example\n# c\n"))
	f.Add([]byte("http://u:p@x/\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := parseURLs(data)
		if err == nil && len(list) == 0 {
			t.Error("nothing without an error")
		}
		for _, tc := range list {
			if _, err := tc.Request.check(tc.HTTP, nil); err != nil {
				t.Errorf("%q was taken: %v", tc.HTTP, err)
			}
		}
	})
}
