package snmp

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/nocturne-noc/nocturne/store/model"
)

// KindLag is the kind of the link that stands for an aggregation (IEEE 802.1AX); its members stay links of
// kind "ethernet", one a cable.
const KindLag = "lag"

var (
	// IEEE8023-LAG-MIB, dot3adAggPortTable
	oidAggPortEntry = mustOID("1.2.840.10006.300.43.1.2.1.1")
	// CISCO-PAGP-MIB, pagpEtherChannelTable: also of channels without a protocol
	oidPAgPEntry = mustOID("1.3.6.1.4.1.9.9.98.1.1.1.1")
	// IF-MIB, ifStackTable
	oidIfStackEntry = mustOID("1.3.6.1.2.1.31.1.2.1")
	oidCisco        = oidEnterprises.Append(9)
)

const (
	aggSelected, aggAttached = 12, 13
	pagpGroupIfIndex         = 8
	ifStackStatus            = 3

	typeEthernet, typeGigabit, typeLag = 6, 117, 161
	typeVirtual, typeMultiplexor       = 53, 54 // what some vendors call an aggregate
)

// readLags returns the aggregate of each member, both by port name.
func readLags(ctx context.Context, r reader, objectID OID, ports []Interface) (map[string]string, []string, error) {
	want := []columns{{oidAggPortEntry, []uint32{aggSelected, aggAttached}}}
	if objectID.Under(oidCisco) {
		want = append(want, columns{oidPAgPEntry, []uint32{pagpGroupIfIndex}})
	}
	if slices.ContainsFunc(ports, func(p Interface) bool { return p.Type == typeLag }) {
		want = append(want, columns{oidIfStackEntry, []uint32{ifStackStatus}})
	}
	t, warnings, err := r.tables(ctx, want...)
	var agg, pagp, stack Table
	for i := range t {
		switch {
		case i == 0:
			agg = t[i]
		case slices.Equal(want[i].entry, oidPAgPEntry):
			pagp = t[i]
		default:
			stack = t[i]
		}
	}
	return lags(&agg, &pagp, &stack, ports), warnings, err
}

// lags finds the aggregate of each port: the one that LACP attached it to, else the one that it is
// selected for, else the one of Cisco's channel, else the one that is stacked upon it.
func lags(agg, pagp, stack *Table, ports []Interface) map[string]string {
	byIndex := make(map[uint32]*Interface, len(ports))
	for i := range ports {
		byIndex[ports[i].Index] = &ports[i]
	}
	stacked := stackedMembers(stack, byIndex)
	members := map[string]string{}
	for i := range ports {
		p := &ports[i]
		for _, v := range []Value{
			agg.Get(p.Index).At(aggAttached), agg.Get(p.Index).At(aggSelected), pagp.Get(p.Index).At(pagpGroupIfIndex),
		} {
			// A port that is in no aggregation names itself, or one that is no interface.
			if n, ok := v.Uint(); ok && n != uint64(p.Index) && n < wrap32 && byIndex[uint32(n)] != nil {
				members[p.Port] = byIndex[uint32(n)].Port
				break
			}
		}
		if members[p.Port] == "" && stacked[p.Index] != nil {
			members[p.Port] = stacked[p.Index].Port
		}
	}
	for member, aggregate := range members {
		if members[aggregate] != "" { // no aggregation of aggregations: the agent is confused
			delete(members, member)
		}
	}
	return members
}

// stackedMembers finds the Ethernet ports below each aggregate; a unit may lie between.
func stackedMembers(stack *Table, byIndex map[uint32]*Interface) map[uint32]*Interface {
	below := map[uint32][]uint32{}
	for _, row := range stack.Rows() {
		if len(row.Index) == 2 && row.Index[0] != 0 && row.Index[1] != 0 {
			below[row.Index[0]] = append(below[row.Index[0]], row.Index[1])
		}
	}
	members := map[uint32]*Interface{}
	for _, index := range slices.Sorted(maps.Keys(byIndex)) {
		if byIndex[index].Type != typeLag {
			continue
		}
		seen := map[uint32]bool{index: true} // agents exist that stack in a circle
		for todo := []uint32{index}; len(todo) > 0; {
			from := todo[0]
			todo = todo[1:]
			for _, lower := range below[from] {
				p := byIndex[lower]
				if p == nil || seen[lower] {
					continue
				}
				seen[lower] = true
				if (p.Type == typeEthernet || p.Type == typeGigabit) && len(below[lower]) == 0 {
					members[lower] = byIndex[index]
				} else {
					todo = append(todo, lower)
				}
			}
		}
	}
	return members
}

// keepLags takes over those members of before that are down: what has no link is attached to nothing.
func keepLags(now, before map[string]string, ports []Interface) {
	for i := range ports {
		p := &ports[i]
		if old := before[p.Port]; old != "" && now[p.Port] == "" && p.Oper != StatusUp && now[old] == "" {
			now[p.Port] = old
		}
	}
}

// lagOf returns the aggregate that a port belongs to, "" for none.
func (d *directory) lagOf(e end) string {
	if node := d.byID[e.device]; node != nil {
		return node.Around.lag(e.port)
	}
	return ""
}

// foldLags adds one link for each aggregation between two devices: its state is what its members carry
// together. A member that is down while others carry on is a warning, not an outage. It returns the name
// of the aggregation of each member link, by its key.
func (d *directory) foldLags(links []model.Link) ([]model.Link, map[string]string) {
	type trunk struct{ a, b end }
	members := map[trunk][]int{}
	names := map[string]string{}
	far := map[end]map[string]bool{} // devices at the other ends of an aggregate's members
	for i, l := range links {
		if l.Kind != kindCable {
			continue
		}
		a, b := d.lagOf(end{l.A, l.APort}), d.lagOf(end{l.B, l.BPort})
		if a == "" && b == "" {
			continue
		}
		t := trunk{end{l.A, a}, end{l.B, b}}
		members[t] = append(members[t], i)
		names[l.Key()] = cmp.Or(a, b)
		for _, side := range [][2]end{{t.a, t.b}, {t.b, t.a}} {
			if far[side[0]] == nil {
				far[side[0]] = map[string]bool{}
			}
			far[side[0]][side[1].device] = true
		}
	}
	var trunks []model.Link
	for t, list := range members {
		l := model.Link{A: t.a.device, APort: t.a.port, B: t.b.device, BPort: t.b.port, Kind: KindLag}
		sum := tally{}
		for _, i := range list {
			m := &links[i]
			sum.add(m.State, m.SpeedBPS)
			l.Confidence = max(l.Confidence, m.Confidence)
			l.Evidence = append(l.Evidence, m.Evidence...)
		}
		var unheard tally // both ends tell of the same cables: the one that tells of more counts
		for _, side := range []end{t.a, t.b} {
			if side.port == "" {
				continue
			}
			l.Evidence = append(l.Evidence, model.Evidence{Source: "LAG", Observer: side.device})
			if len(far[side]) > 1 {
				continue // nobody knows where a member leads that hears no neighbour
			}
			if own := d.unheardMembers(side, list, links); own.all > unheard.all {
				unheard = own
			}
		}
		sum.join(unheard)
		slices.SortFunc(l.Evidence, compareEvidence)
		l.Evidence = slices.Compact(l.Evidence)
		l.State, l.Reason, l.SpeedBPS = sum.state(), sum.reason(), sum.capacity
		if sum.up > 0 {
			for _, i := range list {
				if m := &links[i]; m.State == model.Critical {
					m.State = model.Warning
					m.Reason = fmt.Sprintf("%s; %s carries on with %d of %d members", m.Reason, cmp.Or(t.a.port, t.b.port), sum.up, sum.all)
				}
			}
		}
		trunks = append(trunks, l)
	}
	return append(links, trunks...), names
}

// silentLags are those of before between devices that do not answer: nobody tells of them.
func (d *directory) silentLags(known, links []model.Link) []model.Link {
	var kept []model.Link
	for _, l := range known {
		a, b := d.byID[l.A], d.byID[l.B]
		if l.Kind != KindLag || a != nil && a.Answers && a.Around != nil || b != nil && b.Answers && b.Around != nil ||
			slices.ContainsFunc(links, func(have model.Link) bool { return have.Key() == l.Key() }) {
			continue
		}
		if (a == nil || !a.Answers) && (b == nil || !b.Answers) {
			l.State, l.Reason = model.Stale, "no end answers"
		}
		kept = append(kept, l)
	}
	return kept
}

// unheardMembers counts the members of one end of which no cable is known.
func (d *directory) unheardMembers(side end, list []int, links []model.Link) tally {
	node := d.byID[side.device]
	var own tally
	for i := range node.Ports {
		p := &node.Ports[i]
		known := slices.ContainsFunc(list, func(n int) bool {
			return links[n].A == side.device && links[n].APort == p.Port || links[n].B == side.device && links[n].BPort == p.Port
		})
		if known || node.Around.lag(p.Port) != side.port || p.Admin == StatusDown {
			continue
		}
		switch {
		case !node.Answers:
			own.add(model.Stale, p.SpeedBPS)
		case p.Oper.Down():
			own.add(model.Critical, p.SpeedBPS)
		case p.Oper == StatusUp:
			own.add(model.OK, p.SpeedBPS)
		}
	}
	return own
}

// tally counts the members of an aggregation by what they carry.
type tally struct {
	all, up, down  int
	stale          int
	capacity, each float64 // bit/s: of what is up, and of the fastest member
}

func (t *tally) add(s model.State, speed float64) {
	t.all++
	t.each = max(t.each, speed)
	switch s {
	case model.OK:
		t.up++
		t.capacity += speed
	case model.Critical, model.Warning: // Warning is a port that is switched off at one end
		t.down++
	case model.Stale:
		t.stale++
	}
}

func (t *tally) join(o tally) {
	t.all, t.up, t.down, t.stale = t.all+o.all, t.up+o.up, t.down+o.down, t.stale+o.stale
	t.capacity, t.each = t.capacity+o.capacity, max(t.each, o.each)
}

func (t *tally) state() model.State {
	switch {
	case t.up == t.all:
		return model.OK
	case t.up > 0 && t.down > 0:
		return model.Warning
	case t.up > 0:
		return model.OK
	case t.down == t.all:
		return model.Critical
	case t.stale > 0:
		return model.Stale
	}
	return model.Unknown
}

func (t *tally) reason() string {
	switch {
	case t.state() == model.Critical:
		return fmt.Sprintf("down: none of %d members is up", t.all)
	case t.state() == model.Stale:
		return "no end answers"
	case t.down > 0 && t.each > 0:
		return fmt.Sprintf("%d of %d members up, %s of %s", t.up, t.all, bitRate(t.capacity), bitRate(t.each*float64(t.all)))
	case t.down > 0:
		return fmt.Sprintf("%d of %d members up", t.up, t.all)
	}
	return ""
}

// bitRate writes a speed as people say it.
func bitRate(bps float64) string {
	for _, unit := range []struct {
		size float64
		name string
	}{{1e12, "Tbit/s"}, {1e9, "Gbit/s"}, {1e6, "Mbit/s"}, {1e3, "kbit/s"}} {
		if bps >= unit.size {
			return strings.TrimSuffix(fmt.Sprintf("%.1f", bps/unit.size), ".0") + " " + unit.name
		}
	}
	return fmt.Sprintf("%.0f bit/s", bps)
}
