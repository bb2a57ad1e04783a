package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nocturne-noc/nocturne/app/config"
	"github.com/nocturne-noc/nocturne/app/control"
	"github.com/nocturne-noc/nocturne/collectors/snmp"
)

// SNMPFlags are how a command says to ask SNMP agents. Secrets may be references (env:NAME,
// file:PATH); Auth and Priv are PROTOCOL:SECRET.
type SNMPFlags struct {
	Port      uint16
	Version   string
	Community string
	User      string
	Auth      string
	Priv      string
	Context   string
	Timeout   time.Duration
}

func (f SNMPFlags) options() (snmp.Options, error) {
	o := snmp.Options{Port: f.Port, Now: time.Now}
	if f.Timeout > 0 {
		o.Timing = snmp.Timing{Timeout: f.Timeout, Retries: 1}
	}
	var err error
	c := snmp.Credentials{Version: f.Version, User: f.User, Context: f.Context}
	if c.Version == "" && f.User != "" {
		c.Version = "3"
	}
	if c.Community, err = secret(f.Community); err != nil {
		return o, err
	}
	if c.Auth, err = key("--auth", f.Auth); err != nil {
		return o, err
	}
	if c.Priv, err = key("--priv", f.Priv); err != nil {
		return o, err
	}
	o.Credentials = c
	return o, c.Validate()
}

func key(flag, s string) (snmp.Key, error) {
	if s == "" {
		return snmp.Key{}, nil
	}
	protocol, ref, ok := strings.Cut(s, ":")
	if !ok {
		return snmp.Key{}, fmt.Errorf("%s: write PROTOCOL:SECRET, such as SHA:env:SNMP_AUTH", flag)
	}
	password, err := secret(ref)
	return snmp.Key{Protocol: protocol, Password: password}, err
}

// secret takes a literal, as a command line may, or a reference.
func secret(s string) (string, error) {
	if strings.HasPrefix(s, "env:") || strings.HasPrefix(s, "file:") || strings.HasPrefix(s, "keyring:") {
		return (&config.Config{Dir: "."}).Secret(s)
	}
	return s, nil
}

// DiscoverSNMP asks each target what it is and hands the answers over in the order asked. The
// error joins those of the targets that did not answer.
func DiscoverSNMP(ctx context.Context, f SNMPFlags, targets []string, found func(*SNMPReport) error) error {
	o, err := f.options()
	if err != nil {
		return err
	}
	var errs []error
	err = snmp.DiscoverAll(ctx, o, targets, func(r snmp.Result) {
		if r.Err == nil {
			r.Err = found(r.Report)
		}
		errs = append(errs, r.Err)
	})
	return errors.Join(append(errs, err)...)
}

// DiscoverTopology polls the targets once and returns the map of them, without touching the store.
// The error joins those of the targets that did not answer; the map is nil only when nothing could
// be asked at all.
func DiscoverTopology(ctx context.Context, f SNMPFlags, targets []string) (*control.Topology, error) {
	o, err := f.options()
	if err != nil {
		return nil, err
	}
	t, err := snmp.DiscoverTopology(ctx, o, targets)
	if err != nil {
		return nil, err
	}
	top := control.NewTopology(t.Nodes, t.Links)
	return &top, errors.Join(t.Errs...)
}

// SNMPReport is what a device told of itself.
type SNMPReport = snmp.Report
