package snmp

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gosnmp/gosnmp"

	"github.com/nocturne-noc/nocturne/assets"
	"github.com/nocturne-noc/nocturne/collectors"
	"github.com/nocturne-noc/nocturne/collectors/snmp/trap"
)

// TrapConfig is what one source of kind "traps" has beside kind, name and every.
type TrapConfig struct {
	Listen      string     `yaml:"listen"`       // UDP address, ":162"
	Communities []string   `yaml:"communities"`  // references; of versions 1 and 2c
	Users       []TrapUser `yaml:"users"`        // of version 3
	EngineID    string     `yaml:"engine_id"`    // hexadecimal; one made of this machine's without it
	ModuleFiles []string   `yaml:"module_files"` // in the format of snmp.yml, for the names of objects
}

// TrapUser is a user of SNMPv3 that sends traps or informs.
type TrapUser struct {
	User string `yaml:"user"`
	Auth Key    `yaml:"auth"` // password is a reference
	Priv Key    `yaml:"priv"` // password is a reference
}

const (
	defaultTrapListen = ":162"
	defaultTrapEvery  = 30 * time.Second
	maxModuleFile     = 64 << 20
)

// openTraps makes the one job of a source of kind "traps".
func openTraps(env collectors.Env, known *roster) ([]collectors.Job, error) {
	var c TrapConfig
	if err := env.Decode(&c); err != nil {
		return nil, err
	}
	listener, err := c.listener(env)
	if err != nil {
		return nil, fmt.Errorf("source %s: %w", env.Name, err)
	}
	listener.Find = known.find
	return []collectors.Job{{Target: listener.Listen, Every: listener.Every, Watch: listener}}, nil
}

func (c *TrapConfig) listener(env collectors.Env) (*trap.Listener, error) {
	l := &trap.Listener{Source: env.Name, Listen: c.Listen, Every: env.Every, Now: env.Now}
	if l.Listen == "" {
		l.Listen = defaultTrapListen
	}
	if l.Every <= 0 {
		l.Every = defaultTrapEvery
	}
	if _, port, err := net.SplitHostPort(l.Listen); err != nil {
		return nil, fmt.Errorf("listen %.80q: want an address and a port such as :162 or 127.0.0.1:1162", l.Listen)
	} else if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return nil, fmt.Errorf("listen %.80q: %q is no port", l.Listen, port)
	}
	var communities []string
	for i, ref := range c.Communities {
		community, err := env.Secret(ref)
		if err != nil {
			return nil, fmt.Errorf("communities[%d]: %w", i, err)
		}
		communities = append(communities, community)
	}
	var users []*gosnmp.GoSNMP
	for _, u := range c.Users {
		client, err := u.client(env.Secret)
		if err != nil {
			return nil, err
		}
		users = append(users, client)
	}
	id, err := engineID(c.EngineID, env.Name)
	if err != nil {
		return nil, err
	}
	if l.Decoder, err = trap.NewDecoder(communities, users, trap.Engine{ID: id, Began: env.Now()}); err != nil {
		return nil, err
	}
	if l.Names, err = c.names(env.Paths(c.ModuleFiles)); err != nil {
		return nil, err
	}
	return l, nil
}

// client holds the credentials of one user.
func (u *TrapUser) client(secret func(string) (string, error)) (*gosnmp.GoSNMP, error) {
	cred, err := Login{Version: "3", User: u.User, Auth: u.Auth, Priv: u.Priv}.Resolve(secret)
	if err != nil {
		return nil, fmt.Errorf("user %.40q: %w", u.User, err)
	}
	client := &gosnmp.GoSNMP{}
	cred.apply(client)
	return client, nil
}

// names are the built-in ones and those of the module files.
func (c *TrapConfig) names(files []string) (*trap.Names, error) {
	names, err := trap.ParseNames(assets.SNMPTraps)
	if err != nil {
		return nil, fmt.Errorf("built-in names of traps: %w", err)
	}
	for _, path := range files {
		info, err := os.Stat(path)
		if err != nil {
			return nil, fmt.Errorf("module file: %w", err)
		}
		if info.Size() > maxModuleFile {
			return nil, fmt.Errorf("module file %s has %d bytes: at most %d are read", path, info.Size(), maxModuleFile)
		}
		file, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("module file: %w", err)
		}
		if names, err = names.WithModules(file); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	return names, nil
}

// engineID reads the configured engine ID of the listener, or makes one of its source's name and this
// machine's identity, which stays the same over restarts. RFC 3411 wants an enterprise number in it; as
// none is ours it is that of Net-SNMP, as in the engines of all programs that are made with its library.
func engineID(configured, source string) ([]byte, error) {
	if configured != "" {
		id, err := hex.DecodeString(strings.TrimPrefix(strings.ReplaceAll(configured, ":", ""), "0x"))
		if err != nil || len(id) < 5 || len(id) > 32 {
			return nil, fmt.Errorf("engine_id %.80q: want 5 to 32 bytes in hexadecimal, such as 80001f8805c0ffee01", configured)
		}
		return id, nil
	}
	machine, err := os.ReadFile("/etc/machine-id")
	if err != nil {
		host, err := os.Hostname()
		if err != nil {
			return nil, fmt.Errorf("this machine has neither an ID nor a name: set engine_id: %w", err)
		}
		machine = []byte(host)
	}
	sum := sha256.Sum256(append([]byte("nocturne traps "+source+" "), machine...))
	return append([]byte{0x80, 0, 0x1f, 0x88, 5}, sum[:12]...), nil
}
