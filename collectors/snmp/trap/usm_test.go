package trap

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"
)

// theirEngine is that of a device that sends traps.
const theirEngine = "\x80\x00\x1f\x88\x80device-1"

func v3client(t testing.TB, user string, auth gosnmp.SnmpV3AuthProtocol, priv gosnmp.SnmpV3PrivProtocol) *gosnmp.GoSNMP {
	t.Helper()
	flags := gosnmp.NoAuthNoPriv
	switch {
	case priv > gosnmp.NoPriv:
		flags = gosnmp.AuthPriv
	case auth > gosnmp.NoAuth:
		flags = gosnmp.AuthNoPriv
	}
	return &gosnmp.GoSNMP{
		Version: gosnmp.Version3, SecurityModel: gosnmp.UserSecurityModel, MsgFlags: flags, Timeout: time.Second, MaxOids: 60,
		SecurityParameters: &gosnmp.UsmSecurityParameters{
			UserName: user, AuthenticationProtocol: auth, AuthenticationPassphrase: "authpass-" + user,
			PrivacyProtocol: priv, PrivacyPassphrase: "privpass-" + user,
		},
	}
}

// v3trap is what a sender with that engine sends.
func v3trap(t testing.TB, client *gosnmp.GoSNMP, engine string, trap gosnmp.SnmpTrap) []byte {
	t.Helper()
	return v3message(t, client, engine, 7, 1000, gosnmp.SNMPv2Trap, 0, trap.Variables)
}

func v3message(t testing.TB, client *gosnmp.GoSNMP, engine string, boots, at uint32, pdu gosnmp.PDUType, more gosnmp.SnmpV3MsgFlags, vars []gosnmp.SnmpPDU) []byte {
	t.Helper()
	usm := client.SecurityParameters.Copy().(*gosnmp.UsmSecurityParameters)
	usm.SecretKey, usm.PrivacyKey = nil, nil
	usm.AuthoritativeEngineID, usm.AuthoritativeEngineBoots, usm.AuthoritativeEngineTime = engine, boots, at
	usm.PrivacyParameters = []byte("saltsalt")
	if err := usm.InitSecurityKeys(); err != nil {
		t.Fatal(err)
	}
	p := &gosnmp.SnmpPacket{
		Version: gosnmp.Version3, MsgFlags: client.MsgFlags | more, SecurityModel: gosnmp.UserSecurityModel, SecurityParameters: usm,
		ContextEngineID: engine, MsgID: 99, RequestID: 77, PDUType: pdu, Variables: vars,
	}
	b, err := p.MarshalMsg()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var protocols = []struct {
	auth gosnmp.SnmpV3AuthProtocol
	priv gosnmp.SnmpV3PrivProtocol
}{
	{gosnmp.NoAuth, gosnmp.NoPriv}, {gosnmp.MD5, gosnmp.NoPriv}, {gosnmp.SHA, gosnmp.DES}, {gosnmp.SHA, gosnmp.AES},
	{gosnmp.SHA224, gosnmp.AES192}, {gosnmp.SHA256, gosnmp.AES}, {gosnmp.SHA384, gosnmp.AES256}, {gosnmp.SHA512, gosnmp.AES256C},
}

// TestUsers holds that traps of version 3 are read in all protocols, and that one bit that is wrong is
// one too many.
func TestUsers(t *testing.T) {
	for _, p := range protocols {
		t.Run(fmt.Sprint(p.auth, "-", p.priv), func(t *testing.T) {
			client := v3client(t, "noc", p.auth, p.priv)
			d := decoder(t, nil, client)
			b := v3trap(t, client, theirEngine, linkTrap(oidLinkDown, ifVar("1", "3", 3)))
			n, reply, err := d.Decode(bytes.Clone(b), from, now)
			if err != nil || reply != nil || n.OID != oidLinkDown || n.Port() != 3 || n.User != "noc" || n.Version != "3" {
				t.Fatalf("%+v, reply %x, error %v", n, reply, err)
			}
			if p.auth == gosnmp.NoAuth {
				return
			}
			bad := bytes.Clone(b)
			bad[len(bad)-1] ^= 1
			n, _, err = d.Decode(bad, from, now)
			var r *Refusal
			if n != nil || !errors.As(err, &r) || r.Reason != BadDigest {
				t.Errorf("with a wrong bit: %+v, error %v", n, err)
			}
		})
	}
}

// TestLevels holds that a user with keys is not heard without them, and that another key is told apart.
func TestLevels(t *testing.T) {
	d := decoder(t, nil, v3client(t, "noc", gosnmp.SHA, gosnmp.AES), v3client(t, "open", gosnmp.NoAuth, gosnmp.NoPriv))
	otherPriv := v3client(t, "noc", gosnmp.SHA, gosnmp.AES)
	otherPriv.SecurityParameters.(*gosnmp.UsmSecurityParameters).PrivacyPassphrase = "something else"
	otherAuth := v3client(t, "noc", gosnmp.SHA, gosnmp.AES)
	otherAuth.SecurityParameters.(*gosnmp.UsmSecurityParameters).AuthenticationPassphrase = "something else"
	for _, tc := range []struct {
		name   string
		client *gosnmp.GoSNMP
		want   Reason
	}{
		{"unsigned", v3client(t, "noc", gosnmp.NoAuth, gosnmp.NoPriv), BadLevel},
		{"in the clear", v3client(t, "noc", gosnmp.SHA, gosnmp.NoPriv), BadLevel},
		{"signed without need", v3client(t, "open", gosnmp.SHA, gosnmp.NoPriv), BadLevel},
		{"another protocol", v3client(t, "noc", gosnmp.SHA256, gosnmp.AES), BadDigest},
		{"another auth password", otherAuth, BadDigest},
		{"another priv password", otherPriv, BadPrivacy},
		{"another user", v3client(t, "somebody", gosnmp.SHA, gosnmp.AES), BadUser},
	} {
		n, reply, err := d.Decode(v3trap(t, tc.client, theirEngine, linkTrap(oidLinkUp)), from, now)
		var r *Refusal
		if n != nil || reply != nil || !errors.As(err, &r) || r.Reason != tc.want {
			t.Errorf("%s: %+v, reply %x, error %v, want %s", tc.name, n, reply, err, tc.want)
		}
	}
}

// TestInformV3 plays the sender of an inform: it asks for our engine, learns our time, and is
// acknowledged; what comes again later is not taken.
func TestInformV3(t *testing.T) {
	for _, p := range protocols {
		t.Run(fmt.Sprint(p.auth, "-", p.priv), func(t *testing.T) {
			client := v3client(t, "noc", p.auth, p.priv)
			d := decoder(t, nil, client)
			vars := linkTrap(oidLinkUp).Variables
			blank := v3client(t, "", gosnmp.NoAuth, gosnmp.NoPriv)

			n, reply, err := d.Decode(v3message(t, blank, "", 0, 0, gosnmp.GetRequest, gosnmp.Reportable, nil), from, now)
			m := told(t, n, reply, err)
			if m.id != 99 || !bytes.Equal(m.engine, ours.ID) || m.boots != ours.boots() || m.time != 3600 {
				t.Errorf("the engine's report: %+v", m)
			}
			if p.auth > gosnmp.NoAuth { // the sender that does not know our clock
				n, reply, err = d.Decode(v3message(t, client, string(ours.ID), 0, 0, gosnmp.InformRequest, gosnmp.Reportable, vars), from, now)
				if m = told(t, n, reply, err); m.flags != flagAuth || m.boots != ours.boots() || m.time != 3600 {
					t.Errorf("the clock's report: %+v", m)
				}
			}
			inform := v3message(t, client, string(ours.ID), m.boots, m.time, gosnmp.InformRequest, gosnmp.Reportable, vars)
			n, reply, err = d.Decode(bytes.Clone(inform), from, now.Add(time.Minute))
			if err != nil || n == nil || !n.Inform || n.ID != 77 {
				t.Fatalf("the inform: %+v, error %v", n, err)
			}
			packet, err := client.UnmarshalTrap(bytes.Clone(reply), true)
			if err != nil {
				t.Fatalf("the reply: %v", err)
			}
			if packet.PDUType != gosnmp.GetResponse || packet.RequestID != 77 || packet.MsgID != 99 || len(packet.Variables) != 2 || packet.MsgFlags != client.MsgFlags {
				t.Errorf("the reply: %+v", packet)
			}
			if p.priv > gosnmp.NoPriv && bytes.Equal(packet.SecurityParameters.(*gosnmp.UsmSecurityParameters).PrivacyParameters, []byte("saltsalt")) {
				t.Error("the reply has the salt of the inform")
			}
			if p.auth == gosnmp.NoAuth {
				return
			}
			n, _, err = d.Decode(inform, from, now.Add(time.Hour))
			if n != nil {
				t.Errorf("an hour later: %+v, error %v", n, err)
			}
		})
	}
}

// told reads a Report.
func told(t *testing.T, n *Notification, reply []byte, err error) message {
	t.Helper()
	if n != nil || err != nil || reply == nil {
		t.Fatalf("%+v, reply %x, error %v, want a report", n, reply, err)
	}
	m, err := readMessage(reply)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(reply, []byte{tagReport}) {
		t.Fatalf("%x is no report", reply)
	}
	return m
}

// TestPassphraseKey holds the vectors of RFC 3414, A.3.
func TestPassphraseKey(t *testing.T) {
	engine := append(make([]byte, 11), 2)
	for _, tc := range []struct {
		auth gosnmp.SnmpV3AuthProtocol
		key  string
	}{
		{gosnmp.MD5, "526f5eed9fcce26f8964c2930787d82b"},
		{gosnmp.SHA, "6695febc9288e36282235fc7151f128497b38f3f"},
	} {
		h := tc.auth.HashType().New()
		key := passphraseKey(h, "maplesyrup")
		h.Reset()
		h.Write(key)
		h.Write(engine)
		h.Write(key)
		if got := hex.EncodeToString(h.Sum(nil)); got != tc.key {
			t.Errorf("%v: %s, want %s", tc.auth, got, tc.key)
		}
	}
}

// TestBoots holds that the count of boots rises with each start.
func TestBoots(t *testing.T) {
	later := Engine{ID: ours.ID, Began: ours.Began.Add(time.Second)}
	if later.boots() <= ours.boots() || (Engine{}).boots() != 1 {
		t.Errorf("boots %d, then %d; at a wrong clock %d", ours.boots(), later.boots(), (Engine{}).boots())
	}
}

// FuzzDecode holds that no datagram does harm, and that whatever is told is bounded.
func FuzzDecode(f *testing.F) {
	client := v3client(f, "noc", gosnmp.SHA, gosnmp.AES)
	open := v3client(f, "open", gosnmp.NoAuth, gosnmp.NoPriv)
	trap := linkTrap(oidLinkDown, ifVar("1", "3", 3), gosnmp.SnmpPDU{Name: ".1.3.6.1.2.1.1.5.0", Type: gosnmp.OctetString, Value: "core1"})
	f.Add(datagram(f, gosnmp.Version2c, "public", trap))
	f.Add(datagram(f, gosnmp.Version1, "public", gosnmp.SnmpTrap{
		Enterprise: ".1.3.6.1.4.1.9", AgentAddress: "10.0.0.1", GenericTrap: 6, SpecificTrap: 1, Variables: trap.Variables}))
	f.Add(v3trap(f, client, theirEngine, trap))
	f.Add(v3trap(f, open, theirEngine, trap))
	f.Add(v3message(f, open, string(ours.ID), 0, 0, gosnmp.InformRequest, gosnmp.Reportable, trap.Variables))
	f.Add([]byte{0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 2, 1, 1})
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	d, known := decoder(f, []string{"public"}, client, open), names(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		n, reply, err := d.Decode(bytes.Clone(b), from, now)
		var r *Refusal
		switch {
		case err != nil && (n != nil || !errors.As(err, &r) || len(r.Text) > 1000):
			t.Fatalf("%+v, error %v", n, err)
		case err == nil && n == nil && reply == nil:
			t.Fatal("neither taken, nor answered, nor refused")
		case n == nil:
			return
		}
		if len(n.VarBinds) > maxVarBinds || len(reply) > 2*len(b)+200 {
			t.Fatalf("%d variables, a reply of %d bytes to %d", len(n.VarBinds), len(reply), len(b))
		}
		if e := event(n, known, nil); len(e.Text) > maxEventText+10+2*maxText || e.Title == "" {
			t.Fatalf("event %+v", e)
		}
	})
}

// FuzzNames holds that no file of names brings the program down.
func FuzzNames(f *testing.F) {
	f.Add([]byte("1.3.6 x up=1 ok\n"))
	f.Add([]byte("modules: {a: {metrics: [{name: x, oid: 1.3.6, enum_values: {1: up}}]}}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := ParseNames(b)
		if err != nil {
			n = &Names{}
		}
		if more, err := n.WithModules(b); err == nil {
			_ = more.Name("1.3.6.1")
		}
	})
}
