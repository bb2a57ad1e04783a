package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/nocturne-noc/nocturne/app/config"
	"github.com/nocturne-noc/nocturne/app/control"
	"github.com/nocturne-noc/nocturne/collectors/snmp"
)

// SNMPFlags are how a command says to ask SNMP agents. Secrets may be references (env:NAME,
// file:PATH); Auth and Priv are PROTOCOL:SECRET.
type SNMPFlags struct {
	Port        uint16
	Version     string
	Communities []string // tried in this order
	User        string
	Auth        string
	Priv        string
	Context     string
	Timeout     time.Duration
	Credentials string   // file of further ones, tried after those of the other flags
	Exclude     []string // of subnets and ranges
	ICMP        string   // auto, never or only; "" is auto

	Progress func(SNMPProgress) // of a sweep; nil tells nobody
	Remark   func(string)       // what a sweep could not use; nil tells nobody
}

// SNMPProgress is how far a sweep has come.
type SNMPProgress = snmp.Progress

func (f SNMPFlags) options() (snmp.Options, error) {
	o := snmp.Options{Port: f.Port, Now: time.Now, Exclude: f.Exclude, ICMP: f.ICMP, Progress: f.Progress, Remark: f.Remark}
	if f.Timeout > 0 {
		o.Timing = snmp.Timing{Timeout: f.Timeout, Retries: 1}
	}
	if !slices.Contains([]string{"", snmp.ICMPAuto, snmp.ICMPNever, snmp.ICMPOnly}, f.ICMP) {
		return o, fmt.Errorf("--icmp is %.40q: want auto, never or only", f.ICMP)
	}
	logins, dir, err := f.logins()
	if err != nil {
		return o, err
	}
	list, err := snmp.ResolveLogins(logins, func(ref string) (string, error) { return secret(ref, dir) })
	if err != nil {
		return o, err
	}
	o.Credentials, o.Others = list[0], list[1:]
	return o, nil
}

// logins are the credentials in the order to be tried, and the folder that file references in them are
// relative to.
func (f SNMPFlags) logins() (list []snmp.Login, dir string, err error) {
	for _, community := range f.Communities {
		list = append(list, snmp.Login{Version: snmp.Version(f.Version), Community: community})
	}
	if f.User != "" || f.Auth != "" || f.Priv != "" || len(list) == 0 && f.Credentials == "" {
		l := snmp.Login{Version: snmp.Version(f.Version), User: f.User, Context: f.Context}
		if l.Version == "" && f.User != "" {
			l.Version = "3"
		}
		if l.Auth, err = key("--auth", f.Auth); err != nil {
			return nil, "", err
		}
		if l.Priv, err = key("--priv", f.Priv); err != nil {
			return nil, "", err
		}
		list = append(list, l)
	}
	if f.Credentials == "" {
		return list, ".", nil
	}
	more, err := readLogins(f.Credentials)
	if len(list) > 0 { // their file references are relative to where the command runs
		dir = "."
	} else {
		dir = filepath.Dir(f.Credentials)
	}
	return append(list, more...), dir, err
}

// readLogins reads a file of credentials: a list as in the configuration, with "credentials:" before it.
// Its secrets are references.
func readLogins(path string) ([]snmp.Login, error) {
	raw, err := config.ReadRaw(path)
	if err != nil {
		return nil, err
	}
	var file struct {
		Credentials []snmp.Login `yaml:"credentials"`
	}
	if err := raw.Decode(&file); err != nil {
		return nil, err
	}
	if len(file.Credentials) == 0 {
		return nil, fmt.Errorf("%s: holds no credentials: write credentials: and a list", path)
	}
	for i, l := range file.Credentials {
		for _, ref := range []string{l.Community, l.Auth.Password, l.Priv.Password} {
			if ref != "" && !isReference(ref) {
				return nil, fmt.Errorf("%s: credentials %d: a secret is written into the file itself: put it into an environment variable or a file and write env:NAME or file:PATH", path, i+1)
			}
		}
	}
	return file.Credentials, nil
}

func key(flag, s string) (snmp.Key, error) {
	if s == "" {
		return snmp.Key{}, nil
	}
	protocol, ref, ok := strings.Cut(s, ":")
	if !ok {
		return snmp.Key{}, fmt.Errorf("%s: write PROTOCOL:SECRET, such as SHA:env:SNMP_AUTH", flag)
	}
	return snmp.Key{Protocol: protocol, Password: ref}, nil
}

func isReference(s string) bool {
	return strings.HasPrefix(s, "env:") || strings.HasPrefix(s, "file:") || strings.HasPrefix(s, "keyring:")
}

// secret takes a literal, as a command line may, or a reference.
func secret(s, dir string) (string, error) {
	if isReference(s) {
		return (&config.Config{Dir: dir}).Secret(s)
	}
	return s, nil
}

// DiscoverSNMP asks each target what it is and hands the answers over in the order asked: a report, or the
// error of a target that gave none. The error joins those.
func DiscoverSNMP(ctx context.Context, f SNMPFlags, targets []string, found func(SNMPResult) error) error {
	o, err := f.options()
	if err != nil {
		return err
	}
	var errs []error
	err = snmp.DiscoverAll(ctx, o, targets, func(r snmp.Result) { errs = append(errs, found(r), r.Err) })
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

// SNMPResult is what discovery found at one target: a report, or why there is none.
type SNMPResult = snmp.Result
