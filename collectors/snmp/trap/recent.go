package trap

import (
	"net/netip"
	"time"
)

// recent knows the informs of the last while: one whose acknowledgement was lost comes again.
type recent struct {
	ring [512]informKey
	next int
	at   map[informKey]time.Time
}

type informKey struct {
	from netip.Addr
	id   uint32
	oid  string
}

// repeatWithin is how late an inform may be sent again; later, its number means another one.
const repeatWithin = time.Minute

func newRecent() *recent { return &recent{at: map[informKey]time.Time{}} }

func keyOf(n *Notification) informKey { return informKey{n.From, n.ID, n.OID} }

// again reports whether the inform came before.
func (r *recent) again(n *Notification) bool {
	at, ok := r.at[keyOf(n)]
	return ok && n.At.Sub(at) < repeatWithin
}

func (r *recent) add(n *Notification) {
	key := keyOf(n)
	if _, ok := r.at[key]; !ok {
		delete(r.at, r.ring[r.next])
		r.ring[r.next] = key
		r.next = (r.next + 1) % len(r.ring)
	}
	r.at[key] = n.At
}

// refusals knows who was told of lately as refused: one event for each sender and reason is enough.
type refusals map[refusalKey]time.Time

type refusalKey struct {
	from   netip.Addr
	reason Reason
}

const (
	refusedAgain = time.Hour
	maxRefusals  = 1024 // senders that are remembered; when more are refused, the others are only counted
)

func (r refusals) first(from netip.Addr, reason Reason, now time.Time) bool {
	key := refusalKey{from, reason}
	if at, ok := r[key]; ok && now.Sub(at) < refusedAgain {
		return false
	}
	if len(r) >= maxRefusals {
		for key, at := range r {
			if now.Sub(at) >= refusedAgain {
				delete(r, key)
			}
		}
	}
	if len(r) >= maxRefusals {
		return false
	}
	r[key] = now
	return true
}
