package trap

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"hash"
	"time"

	"github.com/gosnmp/gosnmp"
)

// Engine is our own SNMP engine: the authoritative one for informs (RFC 3414, section 1.5.1), whose
// senders ask for its ID, boots and time first.
type Engine struct {
	ID    []byte // 5 to 32 bytes (RFC 3411)
	Began time.Time
}

// bootsEpoch is where the count of our engine's boots begins.
var bootsEpoch = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

// boots is snmpEngineBoots. It only has to rise with each start, and must not be lost: seconds since a
// fixed day do both without a file, until 2092.
func (e Engine) boots() uint32 { return uint32(max(1, int64(e.Began.Sub(bootsEpoch)/time.Second))) }

// time is snmpEngineTime: seconds since the engine began.
func (e Engine) time(now time.Time) uint32 { return uint32(max(0, now.Sub(e.Began)/time.Second)) }

// timeWindow is by how much the sender of an inform may be wrong about our clock (RFC 3414, 3.2.7).
const timeWindow = 150

// timely reports whether a message with our own engine's boots and time is none of long ago.
func (e Engine) timely(m *message, now time.Time) bool {
	d := int64(e.time(now)) - int64(m.time)
	return m.boots == e.boots() && d <= timeWindow && d >= -timeWindow
}

// user is one user of version 3.
type user struct {
	client *gosnmp.GoSNMP // holds its keys, and decodes with them
	name   string
	hash   func() hash.Hash
	size   int    // of its digests in a message, 0 without authentication
	key    []byte // of the passphrase, not yet localised (RFC 3414, A.2)
	priv   bool
}

// digestSizes are the bytes of a digest in a message (RFC 3414, RFC 7860).
var digestSizes = map[gosnmp.SnmpV3AuthProtocol]int{
	gosnmp.MD5: 12, gosnmp.SHA: 12, gosnmp.SHA224: 16, gosnmp.SHA256: 24, gosnmp.SHA384: 32, gosnmp.SHA512: 48,
}

func newUser(client *gosnmp.GoSNMP) (*user, error) {
	usm, ok := client.SecurityParameters.(*gosnmp.UsmSecurityParameters)
	if !ok || client.Version != gosnmp.Version3 {
		return nil, fmt.Errorf("a user of traps has no keys of version 3")
	}
	u := &user{client: client, name: usm.UserName, priv: usm.PrivacyProtocol > gosnmp.NoPriv}
	if u.size = digestSizes[usm.AuthenticationProtocol]; u.size > 0 {
		u.hash = usm.AuthenticationProtocol.HashType().New
		u.key = passphraseKey(u.hash(), usm.AuthenticationPassphrase)
	}
	return u, nil
}

// passphraseKey stretches a passphrase to a megabyte and hashes it (RFC 3414, A.2).
func passphraseKey(h hash.Hash, passphrase string) []byte {
	const stretched = 1 << 20
	if passphrase == "" {
		return nil
	}
	block := make([]byte, 0, len(passphrase)*64)
	for range 64 {
		block = append(block, passphrase...)
	}
	for left := stretched; left > 0; left -= len(block) {
		h.Write(block[:min(left, len(block))])
	}
	return h.Sum(nil)
}

// signed reports whether the message's digest is right. It is checked before gosnmp sees the message,
// which derives keys for each new engine ID, at a price of milliseconds and for good: only somebody who
// knows the key may cause that.
func (u *user) signed(datagram []byte, m *message) bool {
	if m.mac[1]-m.mac[0] != u.size {
		return false
	}
	h := u.hash()
	h.Write(u.key)
	h.Write(m.engine)
	h.Write(u.key)
	mac := hmac.New(u.hash, h.Sum(nil))
	mac.Write(datagram[:m.mac[0]])
	mac.Write(make([]byte, u.size))
	mac.Write(datagram[m.mac[1]:m.size])
	return subtle.ConstantTimeCompare(mac.Sum(nil)[:u.size], datagram[m.mac[0]:m.mac[1]]) == 1
}

// The counters of RFC 3414, section 5, that a Report tells of.
const (
	statsNotInTimeWindows = "1.3.6.1.6.3.15.1.1.2.0"
	statsUnknownUsers     = "1.3.6.1.6.3.15.1.1.3.0"
	statsUnknownEngines   = "1.3.6.1.6.3.15.1.1.4.0"
	statsWrongDigests     = "1.3.6.1.6.3.15.1.1.5.0"
	statsDecryptionErrors = "1.3.6.1.6.3.15.1.1.6.0"
)

// report tells the sender of a message why it is not taken, and our engine's ID, boots and time with
// it: that is how an inform's sender learns them. nil for senders that do not want to know. u signs the
// report; nil for one without signature.
func (d *Decoder) report(m *message, counter string, u *user, now time.Time) ([]byte, error) {
	if m.flags&flagReportable == 0 {
		return nil, nil
	}
	d.reports[counter]++
	usm := &gosnmp.UsmSecurityParameters{AuthenticationProtocol: gosnmp.NoAuth, PrivacyProtocol: gosnmp.NoPriv}
	packet := &gosnmp.SnmpPacket{
		Version: gosnmp.Version3, MsgFlags: gosnmp.NoAuthNoPriv, SecurityModel: gosnmp.UserSecurityModel,
		SecurityParameters: usm, ContextEngineID: string(d.engine.ID), MsgID: m.id, PDUType: gosnmp.Report,
		Variables: []gosnmp.SnmpPDU{{Name: "." + counter, Type: gosnmp.Counter32, Value: d.reports[counter]}},
	}
	if u != nil && u.size > 0 {
		copied, ok := u.client.SecurityParameters.Copy().(*gosnmp.UsmSecurityParameters)
		if !ok {
			return nil, fmt.Errorf("user %q has no keys", u.name)
		}
		usm = copied
		usm.SecretKey, usm.PrivacyKey = nil, nil
		packet.SecurityParameters, packet.MsgFlags = usm, gosnmp.AuthNoPriv
	}
	return d.seal(packet, usm, now)
}

// acknowledge makes the reply to an inform of version 3, under the keys that it came with.
func (d *Decoder) acknowledge(p *gosnmp.SnmpPacket, now time.Time) ([]byte, error) {
	usm, ok := p.SecurityParameters.(*gosnmp.UsmSecurityParameters)
	if !ok {
		return nil, fmt.Errorf("an inform without security parameters")
	}
	p.PDUType, p.Error, p.ErrorIndex = gosnmp.GetResponse, gosnmp.NoError, 0
	p.MsgFlags &^= gosnmp.Reportable
	usm.AuthenticationParameters = ""
	reply, err := d.seal(p, usm, now)
	if err != nil {
		// gosnmp cannot write every type that it reads. Senders look at the request-id alone.
		p.Variables = nil
		reply, err = d.seal(p, usm, now)
	}
	return reply, err
}

// seal signs and encrypts a message of our own engine.
func (d *Decoder) seal(p *gosnmp.SnmpPacket, usm *gosnmp.UsmSecurityParameters, now time.Time) ([]byte, error) {
	usm.AuthoritativeEngineID = string(d.engine.ID)
	usm.AuthoritativeEngineBoots, usm.AuthoritativeEngineTime = d.engine.boots(), d.engine.time(now)
	if p.MsgFlags&gosnmp.AuthPriv == gosnmp.AuthPriv {
		// A salt of its own: under the one that it came with, the reply would have the inform's key stream.
		usm.PrivacyParameters = make([]byte, 8)
		if _, err := rand.Read(usm.PrivacyParameters); err != nil {
			return nil, fmt.Errorf("salt of a reply: %w", err)
		}
	}
	if err := usm.InitSecurityKeys(); err != nil {
		return nil, fmt.Errorf("keys of a reply: %w", err)
	}
	b, err := p.MarshalMsg()
	if err != nil {
		return nil, fmt.Errorf("write a reply: %w", err)
	}
	return b, nil
}
