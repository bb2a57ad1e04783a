package syslog

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/nocturne-noc/nocturne/collectors"
)

const (
	defaultEvery = 15 * time.Second
	maxPatterns  = 50
	maxShow      = 1000
	maxFile      = 4 << 20
)

// Config is the configuration of a source of kind "syslog".
type Config struct {
	Listen   []string        `yaml:"listen"`    // udp://host:port, tcp://host:port, tls://host:port
	CertFile string          `yaml:"cert_file"` // PEM, for tls
	KeyFile  string          `yaml:"key_file"`  // PEM, for tls
	CAFile   string          `yaml:"ca_file"`   // PEM: senders must show a certificate of these authorities
	Timezone string          `yaml:"timezone"`  // of lines that name none (RFC 3164); this machine's
	Patterns []PatternConfig `yaml:"patterns"`
	Show     float64         `yaml:"show"` // lines a second that are shown when more come; 15
}

// PatternConfig is a kind of line that is counted as nocturne_syslog_pattern_total.
type PatternConfig struct {
	Name  string `yaml:"name"`
	Match string `yaml:"match"` // regular expression on the message
}

// Kind is the collector kind "syslog".
func Kind() collectors.Kind { return collectors.Kind{Name: "syslog", Open: open} }

func open(env collectors.Env) ([]collectors.Job, error) {
	var c Config
	if err := env.Decode(&c); err != nil {
		return nil, err
	}
	l, err := c.listener(env)
	if err != nil {
		return nil, err
	}
	return []collectors.Job{{Target: strings.Join(c.Listen, " "), Every: l.Every, Watch: l}}, nil
}

func (c *Config) listener(env collectors.Env) (*Listener, error) {
	l := &Listener{
		Source: env.Name, Every: cmp.Or(env.Every, defaultEvery), Zone: time.Local, Show: cmp.Or(c.Show, defaultShow), Entities: env.Entities, Now: env.Now,
	}
	if len(c.Listen) == 0 {
		return nil, errors.New("listen: want at least one address, such as udp://0.0.0.0:5514")
	}
	if l.Show < 1 || l.Show > maxShow {
		return nil, fmt.Errorf("show %v: want 1 to %d lines a second", c.Show, maxShow)
	}
	if c.Timezone != "" {
		zone, err := time.LoadLocation(c.Timezone)
		if err != nil {
			return nil, fmt.Errorf("timezone: %w: want a name such as Asia/Seoul", err)
		}
		l.Zone = zone
	}
	secure, err := c.tls(env)
	if err != nil {
		return nil, err
	}
	for _, text := range c.Listen {
		at, err := parseAddress(text)
		if err != nil {
			return nil, err
		}
		if at.Network == "tls" {
			if secure == nil {
				return nil, fmt.Errorf("listen %s: want cert_file and key_file", at)
			}
			at.TLS = secure
		}
		l.Addresses = append(l.Addresses, at)
	}
	l.Patterns, err = c.patterns()
	return l, err
}

func parseAddress(text string) (Address, error) {
	network, address, ok := strings.Cut(text, "://")
	if !ok || network != "udp" && network != "tcp" && network != "tls" {
		return Address{}, fmt.Errorf("listen %.80q: want udp://, tcp:// or tls:// and host:port", text)
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return Address{}, fmt.Errorf("listen %.80q: want a host and a port, such as %s://0.0.0.0:5514", text, network)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return Address{}, fmt.Errorf("listen %.80q: %q is no port", text, port)
	}
	return Address{Network: network, Address: address}, nil
}

// tls is the configuration of tls listeners, nil where no certificate is configured.
func (c *Config) tls(env collectors.Env) (*tls.Config, error) {
	if (c.CertFile == "") != (c.KeyFile == "") {
		return nil, errors.New("cert_file and key_file: want both or neither")
	}
	if c.CertFile == "" {
		return nil, nil
	}
	files := env.Paths([]string{c.CertFile, c.KeyFile})
	pair, err := tls.LoadX509KeyPair(files[0], files[1])
	if err != nil {
		return nil, fmt.Errorf("cert_file and key_file: %w", err)
	}
	out := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	if c.CAFile == "" {
		return out, nil
	}
	path := env.Paths([]string{c.CAFile})[0]
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("ca_file: %w", err)
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("ca_file %s has %d bytes: at most %d are read", path, info.Size(), maxFile)
	}
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("ca_file: %w", err)
	}
	out.ClientCAs, out.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
	if !out.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("ca_file %s holds no certificate in PEM", path)
	}
	return out, nil
}

func (c *Config) patterns() ([]Pattern, error) {
	if len(c.Patterns) > maxPatterns {
		return nil, fmt.Errorf("patterns: %d of them, at most %d are looked for", len(c.Patterns), maxPatterns)
	}
	var out []Pattern
	seen := map[string]bool{}
	for i, p := range c.Patterns {
		if p.Name == "" || len(p.Name) > maxWord || seen[p.Name] {
			return nil, fmt.Errorf("patterns[%d]: want a name of its own", i)
		}
		seen[p.Name] = true
		if p.Match == "" {
			return nil, fmt.Errorf("patterns[%d] %s: match: want a regular expression", i, p.Name)
		}
		match, err := regexp.Compile(p.Match)
		if err != nil {
			return nil, fmt.Errorf("patterns[%d] %s: match: %w", i, p.Name, err)
		}
		out = append(out, Pattern{p.Name, match})
	}
	return out, nil
}
