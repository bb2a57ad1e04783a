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
	ports  []portMeters
}

// portMeters are the counters of one port. A port is known by these names over reboots, which may renumber the
// interfaces.
type portMeters struct {
	port, descr, mac string
	meters           []meterState
}

// meterState is a counter at one instant.
type meterState struct {
	name     string
	at       int64  // Unix nanoseconds
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
	next := make([]portMeters, 0, len(s.Interfaces))
	for i := range s.Interfaces {
		p := &s.Interfaces[i]
		before := o.of(p, i)
		port := portMeters{p.Port, p.Descr, p.MAC, make([]meterState, 0, len(p.Counters))}
		for j := range p.Counters {
			c := &p.Counters[j]
			now := meterState{name: c.Name, at: p.CountersAt.UnixNano(), raw: c.Value, restarts: p.restarts}
			if was := before.of(c.Name); was != nil {
				now.liar = was.liar || now.restarts != was.restarts && now.raw > was.raw
				now.told = was.told + o.rise(c, *was, now, p.SpeedBPS, s)
			} else if !c.Wraps {
				now.told = now.raw
			}
			c.Value, port.meters = now.told, append(port.meters, now)
		}
		if before != nil && !s.HasInterfaces {
			for _, m := range before.meters {
				if port.of(m.name) == nil {
					port.meters = append(port.meters, m)
				}
			}
		}
		next = append(next, port)
	}
	if !s.HasInterfaces {
		now := odometer{ports: next}
		for i, port := range o.ports {
			if now.of(&Interface{Port: port.port, Descr: port.descr, MAC: port.mac}, i) == nil {
				next = append(next, port)
			}
		}
	}
	o.system, o.ports = s.System, next
}

// of returns the meters of a port, nil for a new one. It is most likely where it was in the round before.
func (o *odometer) of(p *Interface, likely int) *portMeters {
	same := func(m *portMeters) bool { return m.port == p.Port && m.descr == p.Descr && m.mac == p.MAC }
	if likely < len(o.ports) && same(&o.ports[likely]) {
		return &o.ports[likely]
	}
	for i := range o.ports {
		if same(&o.ports[i]) {
			return &o.ports[i]
		}
	}
	return nil
}

func (p *portMeters) of(name string) *meterState {
	if p != nil {
		for i := range p.meters {
			if p.meters[i].name == name {
				return &p.meters[i]
			}
		}
	}
	return nil
}

// rise returns what to add to the value told before. For a counter of 64 bits that restarted it is
// negative in two's complement: the value told falls to the raw one.
func (o *odometer) rise(c *Counter, before, now meterState, speed float64, s *Snapshot) uint64 {
	elapsed := time.Duration(now.at - before.at)
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
