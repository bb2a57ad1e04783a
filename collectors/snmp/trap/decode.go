package trap

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/gosnmp/gosnmp"
)

// Reason says why a message was refused; it is a label of nocturne_trap_refused_total.
type Reason string

// The reasons.
const (
	BadMessage   Reason = "message"   // no SNMP, or no notification
	BadCommunity Reason = "community" // unknown
	BadUser      Reason = "user"      // unknown
	BadLevel     Reason = "level"     // not signed, or not encrypted, although the user has keys
	BadDigest    Reason = "digest"    // signed with another key
	BadPrivacy   Reason = "privacy"   // encrypted with another key
	BadTime      Reason = "time"      // an old inform that somebody sends again
)

// Refusal is the error of a message that is not taken. Its text is fit to be shown.
type Refusal struct {
	Reason Reason
	Text   string
}

func (r *Refusal) Error() string { return r.Text }

func refuse(reason Reason, format string, args ...any) *Refusal {
	return &Refusal{Reason: reason, Text: fmt.Sprintf(format, args...)}
}

// Decoder turns datagrams into notifications. It is not for concurrent use.
type Decoder struct {
	communities [][]byte
	users       map[string]*user
	engine      Engine
	plain       gosnmp.GoSNMP // for versions 1 and 2c
	reports     map[string]uint32
}

// NewDecoder returns a decoder. With neither communities nor users, messages of versions 1 and 2c are
// taken whatever their community is; with users alone, only their own. Each user is a client that has
// the credentials of version 3.
func NewDecoder(communities []string, users []*gosnmp.GoSNMP, engine Engine) (*Decoder, error) {
	d := &Decoder{users: map[string]*user{}, engine: engine, reports: map[string]uint32{}}
	for _, c := range communities {
		d.communities = append(d.communities, []byte(c))
	}
	for _, client := range users {
		u, err := newUser(client)
		if err != nil {
			return nil, err
		}
		if d.users[u.name] != nil {
			return nil, fmt.Errorf("user %q is listed twice", u.name)
		}
		d.users[u.name] = u
	}
	return d, nil
}

// Decode reads one datagram, which it may overwrite. The reply, when there is one, is to be sent to
// where the datagram came from: once the notification is safe, if there is one. Without one and without
// error, the message was a question for our engine's ID or time. Errors are Refusals.
func (d *Decoder) Decode(datagram []byte, from netip.Addr, now time.Time) (n *Notification, reply []byte, err error) {
	defer func() {
		if p := recover(); p != nil { // gosnmp has had bugs that a datagram could trigger
			n, reply, err = nil, nil, refuse(BadMessage, "it cannot be read: %.100v", p)
		}
	}()
	m, err := readMessage(datagram)
	if err != nil {
		return nil, nil, refuse(BadMessage, "it is no SNMP message: %v", err)
	}
	if m.version == version3 {
		n, reply, err = d.decodeV3(datagram[:m.size], &m, now)
	} else {
		n, reply, err = d.decodeCommunity(datagram[:m.size], &m)
	}
	if n != nil {
		n.At, n.From = now, from.Unmap()
	}
	return n, reply, err
}

func (d *Decoder) decodeCommunity(datagram []byte, m *message) (*Notification, []byte, error) {
	if !d.accepts(m.community) {
		return nil, nil, refuse(BadCommunity, "its community is unknown")
	}
	packet, err := d.plain.UnmarshalTrap(datagram, false)
	if err != nil {
		return nil, nil, refuse(BadMessage, "it cannot be read: %.200v", err)
	}
	n, err := notification(packet)
	if err != nil {
		return nil, nil, refuse(BadMessage, "%v", err)
	}
	if !n.Inform {
		return n, nil, nil
	}
	// The reply is the inform itself but for the type (RFC 3416, section 4.2.7).
	reply := bytes.Clone(datagram)
	reply[m.pdu] = tagResponse
	return n, reply, nil
}

func (d *Decoder) accepts(community []byte) bool {
	if len(d.communities) == 0 {
		return len(d.users) == 0
	}
	return slices.ContainsFunc(d.communities, func(c []byte) bool { return bytes.Equal(c, community) })
}

// decodeV3 checks a message as RFC 3414, section 3.2 orders. Whose engine is not ours is a trap's
// sender, who is its own authority: how far its clock may have gone back is not checked, since devices
// that forget their boots are common, and an old trap only has a port polled once more.
func (d *Decoder) decodeV3(datagram []byte, m *message, now time.Time) (*Notification, []byte, error) {
	ours := bytes.Equal(m.engine, d.engine.ID)
	if !ours && (m.flags&flagReportable != 0 || len(m.engine) < 5 || len(m.engine) > 32) {
		reply, err := d.report(m, statsUnknownEngines, nil, now)
		if err != nil {
			return nil, nil, refuse(BadMessage, "it cannot be answered: %v", err)
		}
		if reply == nil {
			return nil, nil, refuse(BadMessage, "its engine ID has %d bytes", len(m.engine))
		}
		return nil, reply, nil
	}
	refused := func(counter string, signer *user, r *Refusal) (*Notification, []byte, error) {
		reply, err := d.report(m, counter, signer, now)
		if err != nil {
			return nil, nil, errors.Join(r, err)
		}
		return nil, reply, r
	}
	u := d.users[string(m.user)]
	switch {
	case u == nil:
		return refused(statsUnknownUsers, nil, refuse(BadUser, "its user %.40q is unknown", m.user))
	case u.size > 0 && m.flags&flagAuth == 0:
		return nil, nil, refuse(BadLevel, "user %q has a key, but it is not signed", u.name)
	case u.priv && m.flags&flagPriv == 0:
		return nil, nil, refuse(BadLevel, "user %q has a priv key, but it is not encrypted", u.name)
	case u.size == 0 && m.flags&flagAuth != 0, !u.priv && m.flags&flagPriv != 0:
		return nil, nil, refuse(BadLevel, "it is signed or encrypted, but user %q has no key for that", u.name)
	case u.size > 0 && !u.signed(datagram, m):
		return refused(statsWrongDigests, nil, refuse(BadDigest, "it is signed with another key than that of user %q (check auth)", u.name))
	case ours && u.size > 0 && !d.engine.timely(m, now):
		if reply, err := d.report(m, statsNotInTimeWindows, u, now); err == nil && reply != nil {
			return nil, reply, nil // each sender begins so: it does not know our clock yet
		}
		return nil, nil, refuse(BadTime, "it is older than %d seconds by our clock", timeWindow)
	}
	packet, err := u.client.UnmarshalTrap(datagram, true)
	if err != nil && u.priv {
		return refused(statsDecryptionErrors, u, refuse(BadPrivacy, "it cannot be decrypted with the key of user %q (check priv): %.100v", u.name, err))
	} else if err != nil {
		return nil, nil, refuse(BadMessage, "it cannot be read: %.200v", err)
	}
	n, err := notification(packet)
	if err != nil {
		return nil, nil, refuse(BadMessage, "%v", err)
	}
	n.User = u.name
	if !n.Inform {
		return n, nil, nil
	}
	reply, err := d.acknowledge(packet, now)
	if err != nil {
		return nil, nil, refuse(BadMessage, "it cannot be answered: %v", err)
	}
	return n, reply, nil
}
