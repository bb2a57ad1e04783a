package syslog

import (
	"strings"
	"testing"
	"time"

	"github.com/nocturne-noc/nocturne/app/config"
	"github.com/nocturne-noc/nocturne/collectors"
)

func opened(t *testing.T, yaml string) ([]collectors.Job, error) {
	t.Helper()
	cfg, err := config.Parse("n.yaml", []byte("sources:\n  - kind: syslog\n    name: logs\n    "+yaml+"\n"), t.TempDir())
	if err != nil {
		return nil, err
	}
	s := cfg.Sources[0]
	return open(collectors.Env{Name: s.Name, Every: s.Every, Decode: s.Decode, Secret: cfg.Secret, Path: cfg.Abs, Now: time.Now})
}

func TestConfiguration(t *testing.T) {
	list, err := opened(t, "listen: ['udp://0.0.0.0:5514', 'tcp://[::1]:5514']\n    timezone: Asia/Seoul\n    patterns: [{name: login, match: 'Failed password'}]")
	if err != nil {
		t.Fatal(err)
	}
	l, ok := list[0].Watch.(*Listener)
	if !ok || len(list) != 1 || list[0].Target != "udp://0.0.0.0:5514 tcp://[::1]:5514" || list[0].Every != defaultEvery {
		t.Fatalf("%+v", list)
	}
	if l.Zone.String() != "Asia/Seoul" || l.Addresses[1] != (Address{Network: "tcp", Address: "[::1]:5514"}) || l.Patterns[0].Name != "login" {
		t.Errorf("%+v", l)
	}
	for yaml, want := range map[string]string{
		"listen: []":                                  "listen: want at least one address",
		"listen: [':514']":                            "want udp://, tcp:// or tls://",
		"listen: ['http://:514']":                     "want udp://, tcp:// or tls://",
		"listen: ['udp://:0']":                        "is no port",
		"listen: ['udp://x']":                         "want a host and a port",
		"listen: ['tls://:6514']":                     "want cert_file and key_file",
		"listen: ['udp://:514']\n    key_file: k.pem": "want both or neither",
		"listen: ['udp://:514']\n    cert_file: c.pem\n    key_file: k.pem":       "cert_file and key_file: ",
		"listen: ['udp://:514']\n    timezone: Seoul":                             "timezone: ",
		"listen: ['udp://:514']\n    patterns: [{name: a, match: '('}]":           "patterns[0] a: match: ",
		"listen: ['udp://:514']\n    patterns: [{name: a}]":                       "want a regular expression",
		"listen: ['udp://:514']\n    patterns: [{name: a, match: x}, {match: y}]": "patterns[1]: want a name of its own",
		"listen: ['udp://:514']\n    show: 5000":                                  "want 1 to 1000",
		"listen: ['udp://:514']\n    port: 514":                                   `unknown key "port"`,
	} {
		if _, err := opened(t, yaml); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", yaml, err, want)
		}
	}
}
