package snmp

import (
	"encoding/hex"
	"testing"

	"github.com/gosnmp/gosnmp"
)

// TestLocalisedKeys holds the keys that passwords become: the vectors of RFC 3414, A.3.1 and A.3.2, of
// draft-reeder-snmpv3-usm-3desede-00, B.1 and B.2 for Reeder's extension, and for Blumenthal's (draft-
// blumenthal-aes-usm-04, 3.1.2.1) the key followed by its own digest. RFC 7860 has no vectors; the real agent
// checks its protocols.
func TestLocalisedKeys(t *testing.T) {
	const (
		engineID  = "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02"
		md5       = "526f5eed9fcce26f8964c2930787d82b"
		md5Reeder = "79eff44a90650ee0a3a40abfac5acc12"
		sha       = "6695febc9288e36282235fc7151f128497b38f3f"
		shaReeder = "9b8b6d78936ba6e7d19dfd9cd2d5065547743fb5"
	)
	for _, tc := range []struct {
		auth, priv        string
		authKey, privKey  string
		extendedByItsHash bool
	}{
		{auth: "MD5", priv: "DES", authKey: md5, privKey: md5},
		{auth: "SHA", priv: "DES", authKey: sha, privKey: sha},
		{auth: "MD5", priv: "AES-128", authKey: md5, privKey: md5},
		{auth: "SHA", priv: "AES-128", authKey: sha, privKey: sha[:32]},
		{auth: "MD5", priv: "AES-256-C", authKey: md5, privKey: md5 + md5Reeder},
		{auth: "SHA", priv: "AES-192-C", authKey: sha, privKey: sha + shaReeder[:8]},
		{auth: "SHA", priv: "AES-256-C", authKey: sha, privKey: sha + shaReeder[:24]},
		{auth: "MD5", priv: "AES-256", authKey: md5, privKey: md5, extendedByItsHash: true},
		{auth: "SHA", priv: "AES-192", authKey: sha, privKey: sha, extendedByItsHash: true},
		{auth: "SHA", priv: "AES-256", authKey: sha, privKey: sha, extendedByItsHash: true},
	} {
		c := Credentials{Version: "3", User: "u", Auth: Key{tc.auth, "maplesyrup"}, Priv: Key{tc.priv, "maplesyrup"}}
		if err := c.Validate(); err != nil {
			t.Fatal(err)
		}
		var g gosnmp.GoSNMP
		c.apply(&g)
		usm := g.SecurityParameters.(*gosnmp.UsmSecurityParameters)
		usm.AuthoritativeEngineID = engineID
		if err := usm.InitSecurityKeys(); err != nil {
			t.Fatal(err)
		}
		want := tc.privKey
		if tc.extendedByItsHash {
			hash := usm.AuthenticationProtocol.HashType().New()
			hash.Write(usm.SecretKey)
			want = (want + hex.EncodeToString(hash.Sum(nil)))[:2*len(usm.PrivacyKey)]
		}
		if got := hex.EncodeToString(usm.SecretKey); got != tc.authKey {
			t.Errorf("%s: key %s, want %s", tc.auth, got, tc.authKey)
		}
		if got := hex.EncodeToString(usm.PrivacyKey); got != want {
			t.Errorf("%s with %s: key %s, want %s", tc.priv, tc.auth, got, want)
		}
	}
}
