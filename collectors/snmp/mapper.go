package snmp

import (
	"reflect"
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
	targets map[string]bool            // true once asked
	unasked int                        // of the targets
	nodes   map[string]*Node           // by target
	owner   map[string]string          // device name -> target
	names   map[string]string          // target -> device name
	known   []model.Link               //
	ports   map[string]map[string]bool // of known: by device's entity ID, never changed but replaced
	unheard map[string]time.Time       // link key -> since when no neighbour row confirms it
	settled bool                       // each target was asked once
	dirty   bool                       // something changed since it was drawn
	drawn   time.Time
	busy    time.Time // until when it is not drawn, by the monotonic clock
	emitted time.Time

	hosts  func() []Host     // servers and Kubernetes nodes of other sources; nil for none
	around []Host            // what hosts returned last
	view   stationView       // of the tables that were read last
	viewed time.Time         // when view was made
	news   bool              // a device has new tables since
	lags   map[string]string // the aggregation of each member link, by its key
	out    []model.Entity    // devices that cannot be reached
	stubs  map[string]model.Entity
}

// A map that is costly is drawn for at most a twentieth of the time. It has so many devices that the round of
// another one soon draws what is left.
const (
	costlyDraw = 10 * time.Millisecond
	drawShare  = 20
)

func newMapper(source string, every time.Duration, known []model.Link, now func() time.Time) *mapper {
	return &mapper{
		source: source, every: every, now: now, known: known, ports: linkedPorts(known), targets: map[string]bool{},
		nodes: map[string]*Node{}, owner: map[string]string{}, names: map[string]string{}, unheard: map[string]time.Time{},
	}
}

// linkedPorts are the ports that have, or had, a known neighbour, by the entity ID of their device.
func linkedPorts(links []model.Link) map[string]map[string]bool {
	ports := map[string]map[string]bool{}
	add := func(device, port string) {
		if ports[device] == nil {
			ports[device] = map[string]bool{}
		}
		ports[device][port] = true
	}
	for _, l := range links {
		if strings.HasPrefix(l.B, guessPrefix) {
			continue // who works behind a switch that nobody manages goes home in the evening
		}
		add(l.A, l.APort)
		add(l.B, l.BPort)
	}
	return ports
}

// expect says that a target will be asked.
func (m *mapper) expect(target string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.targets[target]; !ok {
		m.targets[target] = false
		m.unasked++
	}
}

// asked notes that a target was asked. m.mu is held.
func (m *mapper) asked(target string) {
	if was, expected := m.targets[target]; expected && !was {
		m.unasked--
	}
	m.targets[target] = true
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
	if old := m.names[target]; old != name && m.owner[old] == target { // the device was renamed
		delete(m.owner, old)
	}
	m.owner[name], m.names[target] = target, name
	return name
}

// linked returns the ports of a device that have, or had, a known neighbour. The result is not to be
// changed.
func (m *mapper) linked(device string) map[string]bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.ports[model.DeviceID(device)]
}

// observe takes in the round of a device that answered and emits the map.
func (m *mapper) observe(target string, node Node, emit collectors.Emit) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked(target)
	old := m.nodes[target]
	m.nodes[target] = &node
	m.news = m.news || old == nil || old.Around != node.Around
	m.draw(emit, old == nil || !sameOnMap(old, &node))
}

// silent takes in that a device did not answer and emits the map.
func (m *mapper) silent(target string, emit collectors.Emit) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked(target)
	node := m.nodes[target]
	changed := node != nil && node.Answers
	if changed {
		node.Answers = false
	}
	m.draw(emit, changed)
}

// sameOnMap reports whether two rounds of a device say the same to the map. Most rounds do, and a map of
// ten thousand devices is not to be drawn ten thousand times an interval.
func sameOnMap(a, b *Node) bool {
	return a.Device == b.Device && a.Address == b.Address && a.Chassis == b.Chassis && a.Answers == b.Answers && a.Around == b.Around &&
		slices.Equal(a.Names, b.Names) && reflect.DeepEqual(a.Neighbours, b.Neighbours) &&
		slices.EqualFunc(a.Ports, b.Ports, func(x, y Interface) bool {
			return x.Index == y.Index && x.Port == y.Port && x.Name == y.Name && x.Descr == y.Descr && x.Alias == y.Alias &&
				x.Type == y.Type && x.MAC == y.MAC && x.Admin == y.Admin && x.Oper == y.Oper && x.SpeedBPS == y.SpeedBPS
		})
}

// draw merges, remembers and emits: at once what changed, and twice an interval what confirms the
// rest. m.mu is held.
func (m *mapper) draw(emit collectors.Emit, changed bool) {
	settled := m.unasked == 0
	first := settled && !m.settled
	if m.settled = m.settled || settled; !m.settled {
		return // what is not polled yet would flash up as a stub
	}
	now, start := m.now(), time.Now()
	m.dirty = m.dirty || changed || first || now.Sub(m.drawn).Abs() >= m.every/2
	if !m.dirty || start.Before(m.busy) {
		return
	}
	m.dirty, m.drawn = false, now
	defer func() {
		if cost := time.Since(start); cost > costlyDraw {
			m.busy = start.Add(drawShare * cost)
		}
	}()
	nodes := make([]Node, 0, len(m.nodes))
	names := map[string]string{}
	for _, node := range m.nodes {
		nodes = append(nodes, *node)
		names[node.ID()] = node.Device
	}
	m.look(nodes, now)
	drawn := drawMap(nodes, m.around, m.view, m.known, settled)
	m.recallStubs(drawn.stubs)
	for _, stub := range drawn.stubs {
		names[stub.ID] = stub.Name
	}
	before, beforeOut := m.known, m.out
	m.out = nil
	for i := range drawn.out {
		m.out = append(m.out, drawn.out[i].entity())
	}
	m.known, m.lags = m.remember(drawn, now), drawn.lags
	m.ports = linkedPorts(m.known)
	if now.Sub(m.emitted).Abs() < m.every/2 && equalLinks(before, m.known) && equalStates(beforeOut, m.out) {
		return
	}
	if !now.After(m.emitted) {
		now = m.emitted.Add(time.Millisecond) // the series must go forward
	}
	m.emitted = now
	emit(model.Batch{
		Scope: topologyScope, Time: now, Every: m.every, Replace: true,
		Entities: append(drawn.stubs, m.out...), Links: m.known,
		Samples: append(m.linkSamples(names, now), m.outageSamples(drawn.out, now)...),
	})
}

// recallStubs gives stubs of which nobody tells any more the name and labels that they had. m.mu is held.
func (m *mapper) recallStubs(stubs []model.Entity) {
	before := m.stubs
	m.stubs = make(map[string]model.Entity, len(stubs))
	for i := range stubs {
		s := &stubs[i]
		if old, ok := before[s.ID]; ok && s.Reason == unheardStub {
			s.Name, s.Labels = old.Name, old.Labels
		}
		m.stubs[s.ID] = *s
	}
}

func (m *mapper) outageSamples(out []outage, now time.Time) []model.Sample {
	samples := make([]model.Sample, 0, len(out))
	for i := range out {
		o := &out[i]
		samples = append(samples, o.sample(m.source, m.owner[o.node.Device], now.UnixMilli()))
	}
	return samples
}

func equalStates(a, b []model.Entity) bool {
	return slices.EqualFunc(a, b, func(x, y model.Entity) bool {
		return x.ID == y.ID && x.State == y.State && x.Reason == y.Reason
	})
}

const (
	lookEvery = time.Minute     // at other sources' hosts
	lookPause = 2 * time.Second // between two looks at all stations
)

// look finds out anew what hangs where, when a device has read its tables and from time to time: hosts
// of other sources come and go. m.mu is held.
func (m *mapper) look(nodes []Node, now time.Time) {
	since := now.Sub(m.viewed).Abs()
	if since < lookPause || !m.news && since < lookEvery {
		return
	}
	if m.hosts != nil {
		m.around = m.hosts()
	}
	m.view, m.viewed, m.news = findStations(nodes, m.around), now, false
}

func equalLinks(a, b []model.Link) bool {
	return slices.EqualFunc(a, b, func(x, y model.Link) bool {
		return x.Key() == y.Key() && x.State == y.State && x.Reason == y.Reason && x.Confidence == y.Confidence &&
			x.SpeedBPS == y.SpeedBPS && slices.Equal(x.Evidence, y.Evidence)
	})
}

// remember drops the links that were not heard of for long although their ports are up, and the
// adjacencies of which nobody has told for long: that is how one is taken down for good.
func (m *mapper) remember(d drawing, now time.Time) []model.Link {
	unheard := make(map[string]time.Time, len(m.unheard))
	kept := make([]model.Link, 0, len(d.links))
	for _, l := range d.links {
		adjacent := l.Kind == KindOSPF || l.Kind == KindBGP
		if (l.State == model.OK || adjacent) && l.Confidence <= notHeard && !d.seen[l.Key()] {
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
// a and b are the names of the two devices; lag is the aggregation that the cable is a member of, whose
// cables carry on for each other. nocturne_interface_peer is 1 for each port that hangs on
// another polled device's port, so that rules can join a port's figures with what is at its far end.
func (m *mapper) linkSamples(names map[string]string, now time.Time) []model.Sample {
	var samples []model.Sample
	for _, l := range m.known {
		if l.Kind != kindCable || l.State == model.Stale || l.State == model.Unknown {
			continue
		}
		up, lag := 1.0, m.lags[l.Key()]
		if l.State == model.Critical || l.State == model.Warning && lag != "" {
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
				"a", name(l.A), "a_port", l.APort, "b", name(l.B), "b_port", l.BPort, "lag", lag),
			T: now.UnixMilli(), V: up,
		})
		if device := model.DeviceID(""); !strings.HasPrefix(l.A, device) || !strings.HasPrefix(l.B, device) {
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
