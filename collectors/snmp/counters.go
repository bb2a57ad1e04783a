package snmp

import (
	"math"
	"time"
)

// Counter is one counter of an interface under the name that it has in its MIB.
type Counter struct {
	Name  string
	Value uint64
	Wraps bool // it has 32 bits and counts traffic: it may pass its end between two rounds
	Size  int  // bits on the wire that one count stands for at least, 0 for unknown
}

const (
	octetBits = 8
	frameBits = 8 * (64 + 20) // the smallest Ethernet frame, its preamble and gap
	wrap32    = 1 << 32

	speedSlack = 1.1  // ifSpeed is rounded, and agents refresh their counters in steps
	absurdRate = 1e14 // bit/s: no interface is as fast, so it is no rate
)

// odometer makes the counters of one device true over wraps, resets and reboots, so that every rise of
// what it returns did happen. It keeps one reading a counter.
type odometer struct {
	system System
	seen   map[meter]meterState
}

// meter identifies a counter over reboots, which may renumber the interfaces.
type meter struct{ port, descr, mac, name string }

// meterState is a counter at one instant.
type meterState struct {
	at       time.Time
	raw      uint64 // as the agent tells it
	told     uint64
	restarts uint64 // ifCounterDiscontinuityTime
	liar     bool   // that changed although the counter went on: it says nothing
}

// correct replaces the raw values of a snapshot's counters by those that are told:
//
//   - A counter of 64 bits is told as it comes. PromQL takes a fall for a restart from zero, which it is
//     as long as that much can have passed since the last round; a fall to anything else (an agent that
//     erred, or another counter in its place) goes on from the value told before.
//   - A counter of 32 bits that stands in for one of 64 is counted on in 64 bits, from zero at the first
//     round: so neither its wraps nor a restart of this program look like traffic.
//
// Counters of ports that are gone are forgotten once a round has read all ports.
func (o *odometer) correct(s *Snapshot) {
	next := make(map[meter]meterState, len(o.seen))
	for i := range s.Interfaces {
		p := &s.Interfaces[i]
		for j := range p.Counters {
			c := &p.Counters[j]
			key := meter{p.Port, p.Descr, p.MAC, c.Name}
			now := meterState{at: p.CountersAt, raw: c.Value, restarts: p.restarts}
			if before, ok := o.seen[key]; ok {
				now.liar = before.liar || now.restarts != before.restarts && now.raw > before.raw
				now.told = before.told + o.rise(c, before, now, p.SpeedBPS, s)
			} else if !c.Wraps {
				now.told = now.raw
			}
			c.Value, next[key] = now.told, now
		}
	}
	if !s.HasInterfaces {
		for key, r := range o.seen {
			if _, read := next[key]; !read {
				next[key] = r
			}
		}
	}
	o.system, o.seen = s.System, next
}

// rise returns what to add to the value told before. For a counter of 64 bits that restarted it is
// negative in two's complement: the value told falls to the raw one.
func (o *odometer) rise(c *Counter, before, now meterState, speed float64, s *Snapshot) uint64 {
	elapsed := now.at.Sub(before.at)
	fits := func(n uint64) bool { return passes(n, c.Size, elapsed, speed) }
	restarted := rebooted(o.system, s.System, elapsed) || now.restarts != before.restarts && !now.liar
	up := now.raw - before.raw
	switch {
	case c.Wraps && now.raw < before.raw && !restarted && now.raw+wrap32 > before.raw:
		if wrapped := now.raw + wrap32 - before.raw; fits(wrapped) || speed == 0 && wrapped < wrap32/2 && !absurd(wrapped, c.Size, elapsed) {
			return wrapped
		}
		return 0 // a reset that nobody tells of: what passed before it is lost
	case c.Wraps && (now.raw < before.raw || restarted):
		if fits(now.raw) {
			return now.raw // since the restart
		}
		return 0
	case now.raw < before.raw && fits(now.raw):
		return now.raw - before.told
	case now.raw < before.raw || absurd(up, c.Size, elapsed):
		return 0
	}
	return up // a speed that is only a label, as of tunnels, must not cut off what did pass
}

// passes reports whether n counts can pass in a time at a speed in bit/s; never at an unknown one.
func passes(n uint64, size int, elapsed time.Duration, speed float64) bool {
	return float64(n)*float64(max(size, 1)) <= speed*elapsed.Seconds()*speedSlack
}

// absurd reports whether no interface at all can count that fast.
func absurd(n uint64, size int, elapsed time.Duration) bool {
	return float64(n)*float64(max(size, 1)) > absurdRate*math.Max(elapsed.Seconds(), 1)
}
