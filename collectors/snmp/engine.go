package snmp

import (
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/gosnmp/gosnmp"

	"github.com/nocturne-noc/nocturne/store/model"
)

// engine is what SNMPv3 keeps of one agent between rounds: the engine's ID, boots and time, and
// the keys localised to it (RFC 3414, section 2.2). It belongs to one session: there are devices
// that share an engine ID, each with a clock of its own.
type engine struct {
	usm     *gosnmp.UsmSecurityParameters // nil: to be discovered
	context string                        // the context engine ID
	at      time.Time                     // when its clock was last heard
}

// remember takes over what a client has learnt.
func (e *engine) remember(g *gosnmp.GoSNMP, now time.Time) {
	usm, ok := g.SecurityParameters.(*gosnmp.UsmSecurityParameters)
	if !ok || usm.AuthoritativeEngineID == "" {
		*e = engine{}
		return
	}
	*e = engine{usm: usm, context: g.ContextEngineID, at: now}
}

// apply gives a client what is known of the engine, whose clock went on since it was heard (RFC 3414,
// section 2.3): an agent answers a time that is 150 s off with a Report.
func (e *engine) apply(g *gosnmp.GoSNMP) {
	if e.usm == nil {
		return
	}
	passed := max(0, int64(time.Since(e.at)/time.Second))
	e.usm.AuthoritativeEngineTime = uint32(min(int64(e.usm.AuthoritativeEngineTime)+passed, math.MaxInt32))
	g.SecurityParameters, g.ContextEngineID = e.usm, e.context
}

// engineID returns the agent's engine ID, "" where none is known.
func (s *session) engineID() string {
	usm := s.engine.usm
	if s.client != nil {
		usm, _ = s.client.SecurityParameters.(*gosnmp.UsmSecurityParameters)
	}
	if usm == nil {
		return ""
	}
	return usm.AuthoritativeEngineID
}

// engineIDs finds targets of one source that share an engine ID, which RFC 3411 forbids and which
// a cloned configuration does all the same. It is safe for concurrent use.
type engineIDs struct {
	mu     sync.Mutex
	id     map[string]string // by target
	target map[string]string // by engine ID, who had it first
}

// claim says that a target answered with an engine ID, "" for none, and returns the other target
// that does so as well, "" for nobody.
func (e *engineIDs) claim(id, target string) (other string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.id == nil {
		e.id, e.target = map[string]string{}, map[string]string{}
	}
	if old := e.id[target]; old != id && e.target[old] == target {
		delete(e.target, old)
	}
	if e.id[target] = id; id == "" {
		delete(e.id, target)
		return ""
	}
	first, taken := e.target[id]
	if !taken {
		e.target[id] = target
	}
	if first == target {
		return ""
	}
	return first
}

// sharedEngine is the event that a device has the engine ID of another one, once.
func (d *device) sharedEngine(now time.Time) []model.Event {
	other := d.engines.claim(d.session.engineID(), d.target.String())
	if other == d.twin {
		return nil
	}
	if d.twin = other; other == "" {
		return nil
	}
	return []model.Event{{
		Time: now, Severity: model.Warning, Kind: "state", Entity: model.DeviceID(d.name), Title: d.name,
		Text: fmt.Sprintf("has the same SNMPv3 engine ID as %s: their traps cannot be told apart (delete the engine ID on one, so that it makes its own)", other),
	}}
}
