package snmp

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gosnmp/gosnmp"
)

// Key is one of SNMPv3's two keys: a protocol and its passphrase.
type Key struct {
	Protocol string `yaml:"protocol"`
	Password string `yaml:"password"` // in a configuration a reference, in Credentials the passphrase
}

// Credentials are what an agent asks for. Community counts for versions 1 and 2c, the rest for 3.
type Credentials struct {
	Name      string // what people call them, never a secret; "" where there are no others
	Version   string // "1", "2c", "3"; "" is 2c
	Community string // "" is "public", the standard's own example
	User      string
	Auth      Key
	Priv      Key
	Context   string
}

var (
	authProtocols = map[string]gosnmp.SnmpV3AuthProtocol{
		"MD5": gosnmp.MD5, "SHA": gosnmp.SHA, "SHA-1": gosnmp.SHA, "SHA-224": gosnmp.SHA224,
		"SHA-256": gosnmp.SHA256, "SHA-384": gosnmp.SHA384, "SHA-512": gosnmp.SHA512,
	}
	// AES-192 and AES-256 were never standardised: "-C" is Reeder's key extension, which Cisco
	// uses, the plain name Blumenthal's.
	privProtocols = map[string]gosnmp.SnmpV3PrivProtocol{
		"DES": gosnmp.DES, "AES": gosnmp.AES, "AES-128": gosnmp.AES, "AES-192": gosnmp.AES192, "AES-256": gosnmp.AES256,
		"AES-192-C": gosnmp.AES192C, "AES-256-C": gosnmp.AES256C,
	}
)

// minPassphrase is the shortest passphrase that RFC 3414, section 11.2 allows.
const minPassphrase = 8

// Validate says what is missing or unknown, without the secrets.
func (c Credentials) Validate() error {
	switch c.Version {
	case "", "1", "2c":
		if c.User != "" || c.Auth != (Key{}) || c.Priv != (Key{}) {
			return fmt.Errorf("user, auth and priv belong to version 3, but version is %q: set version: 3", c.versionName())
		}
		if len(c.Community) > 127 {
			return fmt.Errorf("the community has %d bytes: at most 127 can be sent", len(c.Community))
		}
		return nil
	case "3":
	default:
		return fmt.Errorf("version %q is unknown: want 1, 2c or 3", c.Version)
	}
	if c.User == "" {
		return fmt.Errorf("version 3 needs a user")
	}
	if err := checkKey("auth", c.Auth, authProtocols); err != nil {
		return err
	}
	if err := checkKey("priv", c.Priv, privProtocols); err != nil {
		return err
	}
	if c.Priv.Protocol != "" && c.Auth.Protocol == "" {
		return fmt.Errorf("priv needs auth: SNMPv3 has no encryption without authentication")
	}
	return nil
}

func checkKey[P any](what string, k Key, known map[string]P) error {
	if k == (Key{}) {
		return nil
	}
	if _, ok := protocol(known, k.Protocol); !ok {
		names := make([]string, 0, len(known))
		for name := range known {
			names = append(names, name)
		}
		slices.Sort(names)
		return fmt.Errorf("%s.protocol %q is unknown: want one of %s", what, k.Protocol, strings.Join(names, ", "))
	}
	if len(k.Password) < minPassphrase {
		return fmt.Errorf("%s.password is shorter than %d characters, which SNMPv3 forbids", what, minPassphrase)
	}
	return nil
}

// protocol finds a protocol by its name in any of the usual spellings: sha256, SHA-256, SHA_256.
func protocol[P any](known map[string]P, name string) (P, bool) {
	plain := func(s string) string {
		return strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToUpper(s))
	}
	for k, p := range known {
		if plain(k) == plain(name) {
			return p, true
		}
	}
	var none P
	return none, false
}

func (c Credentials) versionName() string {
	if c.Version == "" {
		return "2c"
	}
	return c.Version
}

// community returns the community of versions 1 and 2c.
func (c Credentials) community() string {
	if c.Community == "" {
		return "public"
	}
	return c.Community
}

// apply writes the credentials of version 3 into a gosnmp client, over those that it had; c is valid.
func (c Credentials) apply(g *gosnmp.GoSNMP) {
	usm := &gosnmp.UsmSecurityParameters{
		UserName:               c.User,
		AuthenticationProtocol: gosnmp.NoAuth,
		PrivacyProtocol:        gosnmp.NoPriv,
	}
	g.Version, g.SecurityModel, g.MsgFlags = gosnmp.Version3, gosnmp.UserSecurityModel, gosnmp.NoAuthNoPriv
	if c.Auth.Protocol != "" {
		g.MsgFlags = gosnmp.AuthNoPriv
		usm.AuthenticationProtocol, _ = protocol(authProtocols, c.Auth.Protocol)
		usm.AuthenticationPassphrase = c.Auth.Password
	}
	if c.Priv.Protocol != "" {
		g.MsgFlags = gosnmp.AuthPriv
		usm.PrivacyProtocol, _ = protocol(privProtocols, c.Priv.Protocol)
		usm.PrivacyPassphrase = c.Priv.Password
	}
	g.MsgFlags |= gosnmp.Reportable
	g.SecurityParameters, g.ContextName = usm, c.Context
}
