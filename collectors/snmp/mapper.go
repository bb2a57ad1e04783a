package snmp

import (
	"slices"
	"strings"
	"sync"
	"time"

	prom "github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/nocturne-noc/nocturne/collectors"
	"github.com/nocturne-noc/nocturne/store/model"
)

// forgetAfter is how long a link may stay unheard of, with its ports up, before it is forgotten.
const forgetAfter = 24 * time.Hour

// topologyScope is the scope under which a source's links and stubs live.
const topologyScope = "topology"

// mapper keeps the last word of each device of a source and emits the map that follows from it.
// It is safe for concurrent use; maps leave in the order in which they were made.
type mapper struct {
	source string
	every  time.Duration
	now    func() time.Time

	mu      sync.Mutex
	targets map[string]bool      // true once asked
	nodes   map[string]*Node     // by target
	owner   map[string]string    // device name -> target
	known   []model.Link         //
	unheard map[string]time.Time // link key -> since when no neighbour row confirms it
	settled bool                 // each target was asked once
	emitted time.Time
}

func newMapper(source string, every time.Duration, known []model.Link, now func() time.Time) *mapper {
	return &mapper{
		source: source, every: every, now: now, known: known,
		targets: map[string]bool{}, nodes: map[string]*Node{}, owner: map[string]string{}, unheard: map[string]time.Time{},
	}
}

// expect says that a target will be asked.
func (m *mapper) expect(target string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.targets[target]; !ok {
		m.targets[target] = false
	}
}

// claim returns the name that a target's device goes by: its sysName, unless another target has
// that name already, else its address.
func (m *mapper) claim(target, sysName, address string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	name := sysName
	if name == "" || junkChassis[name] {
		name = address
	}
	if owner, taken := m.owner[name]; taken && owner != target {
		name += " (" + target + ")"
	}
	for old, owner := range m.owner { // the device was renamed
		if owner == target && old != name {
			delete(m.owner, old)
		}
	}
	m.owner[name] = target
	return name
}

// linked returns the ports of a device that have, or had, a known neighbour.
func (m *mapper) linked(device string) map[string]bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	id := model.DeviceID(device)
	ports := map[string]bool{}
	for _, l := range m.known {
		if l.A == id {
			ports[l.APort] = true
		}
		if l.B == id {
			ports[l.BPort] = true
		}
	}
	return ports
}

// observe takes in the round of a device that answered and emits the map.
func (m *mapper) observe(target string, node Node, emit collectors.Emit) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.targets[target], m.nodes[target] = true, &node
	m.draw(emit)
}

// silent takes in that a device did not answer and emits the map.
func (m *mapper) silent(target string, emit collectors.Emit) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.targets[target] = true
	if node := m.nodes[target]; node != nil {
		node.Answers = false
	}
	m.draw(emit)
}

// draw merges, remembers and emits. m.mu is held.
func (m *mapper) draw(emit collectors.Emit) {
	settled := true
	for _, asked := range m.targets {
		settled = settled && asked
	}
	if m.settled = m.settled || settled; !m.settled {
		return // what is not polled yet would flash up as a stub
	}
	nodes := make([]Node, 0, len(m.nodes))
	names := map[string]string{}
	for _, node := range m.nodes {
		nodes = append(nodes, *node)
		names[node.ID()] = node.Device
	}
	links, stubs := BuildMap(nodes, m.known, settled)
	for _, stub := range stubs {
		names[stub.ID] = stub.Name
	}
	now := m.now()
	before := m.known
	m.known = m.remember(links, now)
	// Each device's round draws the map. Told are changes, and what confirms the rest in time.
	if now.Sub(m.emitted) < m.every/2 && equalLinks(before, m.known) {
		return
	}
	if !now.After(m.emitted) {
		now = m.emitted.Add(time.Millisecond) // the series must go forward
	}
	m.emitted = now
	emit(model.Batch{
		Scope: topologyScope, Time: now, Every: m.every, Replace: true,
		Entities: stubs, Links: m.known, Samples: m.linkSamples(names, now),
	})
}

func equalLinks(a, b []model.Link) bool {
	return slices.EqualFunc(a, b, func(x, y model.Link) bool {
		return x.Key() == y.Key() && x.State == y.State && x.Reason == y.Reason && x.Confidence == y.Confidence &&
			x.SpeedBPS == y.SpeedBPS && slices.Equal(x.Evidence, y.Evidence)
	})
}

// remember drops the links that were not heard of for long although their ports are up.
func (m *mapper) remember(links []model.Link, now time.Time) []model.Link {
	unheard := make(map[string]time.Time, len(m.unheard))
	kept := make([]model.Link, 0, len(links))
	for _, l := range links {
		if l.State == model.OK && l.Confidence <= notHeard {
			since, ok := m.unheard[l.Key()]
			if !ok {
				since = now
			}
			if now.Sub(since) > forgetAfter {
				continue
			}
			unheard[l.Key()] = since
		}
		kept = append(kept, l)
	}
	m.unheard = unheard
	return kept
}

// linkSamples is one series a cable: nocturne_link_up is 1 or 0, and absent while nobody knows.
// a and b are the names of the two devices. nocturne_interface_peer is 1 for each port that hangs on
// another polled device's port, so that rules can join a port's figures with what is at its far end.
func (m *mapper) linkSamples(names map[string]string, now time.Time) []model.Sample {
	var samples []model.Sample
	for _, l := range m.known {
		if l.State == model.Stale || l.State == model.Unknown {
			continue
		}
		up := 1.0
		if l.State == model.Critical {
			up = 0
		}
		name := func(id string) string {
			if n := names[id]; n != "" {
				return n
			}
			return displayName(id)
		}
		samples = append(samples, model.Sample{
			Labels: labels.FromStrings(prom.MetricNameLabel, "nocturne_link_up", "source", m.source,
				"a", name(l.A), "a_port", l.APort, "b", name(l.B), "b_port", l.BPort),
			T: now.UnixMilli(), V: up,
		})
		if strings.HasPrefix(l.A, stubPrefix) || strings.HasPrefix(l.B, stubPrefix) {
			continue
		}
		peer := func(id, port, far, farPort string) model.Sample {
			return model.Sample{
				Labels: labels.FromStrings(prom.MetricNameLabel, "nocturne_interface_peer", "source", m.source,
					"device", name(id), "ifName", port, "peer", name(far), "peer_port", farPort),
				T: now.UnixMilli(), V: 1,
			}
		}
		samples = append(samples, peer(l.A, l.APort, l.B, l.BPort), peer(l.B, l.BPort, l.A, l.APort))
	}
	return samples
}
