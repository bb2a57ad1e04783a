package syslog

import (
	"cmp"
	"net/netip"
	"slices"
	"time"
)

// How much is shown line by line. It is what people can still read, and what the store keeps for a window of
// hours; what goes beyond it is a flood, which is counted and announced.
const (
	defaultShow   = 15.0 // lines a second, of all senders
	showAtOnce    = 2000 // of all senders
	senderAtOnce  = 100
	criticalRate  = 5.0 // lines a second that are emergencies, alerts or critical, beside the others
	criticalBurst = 500

	announceEvery = 10 * time.Second
	maxAnnounced  = 20     // senders, each in an event of its own
	maxSenders    = 10_000 // that have a budget of their own
)

// bucket is a bucket of tokens.
type bucket struct {
	tokens float64
	at     time.Time
}

// has fills the bucket and reports whether there is a token in it.
func (b *bucket) has(now time.Time, rate, size float64) bool {
	if b.at.IsZero() {
		b.tokens = size
	} else if d := now.Sub(b.at); d > 0 {
		b.tokens = min(size, b.tokens+d.Seconds()*rate)
	}
	b.at = now
	return b.tokens >= 1
}

// sender keeps the books of one sender, or of all beyond maxSenders.
type sender struct {
	from   netip.Addr
	budget bucket
	seen   time.Time
	last   uint64 // pattern of its last line
	missed int    // lines that nothing has announced yet
	who    who    // of the last of them
}

// floods shares out what is shown.
type floods struct {
	show     float64
	senders  map[netip.Addr]*sender
	all      bucket
	critical bucket
	active   int // senders of late
}

func newFloods(show float64) *floods {
	return &floods{show: show, senders: map[netip.Addr]*sender{}}
}

func (f *floods) of(from netip.Addr) *sender {
	s := f.senders[from]
	if s == nil && len(f.senders) >= maxSenders {
		from = netip.Addr{}
		s = f.senders[from]
	}
	if s == nil {
		s = &sender{from: from}
		f.senders[from] = s
		f.active++
	}
	return s
}

// shows reports whether a line is shown. Critical ones have a budget of their own beside. Of the others nobody has
// more than his share, and a share is always left over: who is quiet is heard beside those who are not.
func (f *floods) shows(s *sender, critical bool, now time.Time) bool {
	s.seen = now
	if critical && f.critical.has(now, criticalRate, criticalBurst) {
		f.critical.tokens--
		return true
	}
	share := f.show / float64(f.active+1)
	if !s.budget.has(now, share, senderAtOnce) || !f.all.has(now, f.show, showAtOnce) {
		return false
	}
	s.budget.tokens--
	f.all.tokens--
	return true
}

// missing is what was not shown of one sender.
type missing struct {
	from  netip.Addr
	who   who
	lines int
}

// announce returns what was not shown since the last time, the most first, and forgets quiet senders.
func (f *floods) announce(now time.Time) []missing {
	var out []missing
	f.active = 0
	for from, s := range f.senders {
		quiet := now.Sub(s.seen)
		switch {
		case s.missed > 0:
			out = append(out, missing{s.from, s.who, s.missed})
			s.missed = 0
			f.active++
		case quiet > foldWindow:
			delete(f.senders, from)
		case quiet <= announceEvery:
			f.active++
		}
	}
	slices.SortFunc(out, func(a, b missing) int { return cmp.Or(cmp.Compare(b.lines, a.lines), a.from.Compare(b.from)) })
	return out
}
