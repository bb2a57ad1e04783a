package snmp

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	prom "github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/nocturne-noc/nocturne/store/model"
)

// outage is what the map tells of a device that does not answer: that it is cut off, or that it is behind
// one that is. Silence alone tells neither.
type outage struct {
	node   *Node
	cables int      // of one that is cut off, to devices that answer: none has a link
	behind []string // names of those that are, for the others
}

// outages finds the devices that cannot be reached, by their IDs. Devices that are silent and cabled
// with each other are cut off together when all cables from them to devices that answer are down. Of
// these, the ones that have such a cable are down, or their cables are; the others nobody can know of.
// One cable that is up, or nobody outside who answers, and no more is said than that they are silent.
func (d *directory) outages(links []model.Link) []outage {
	silent := func(id string) bool { n := d.byID[id]; return n != nil && !n.Answers }
	inside, outside := map[string][]string{}, map[string][]model.State{}
	for i := range links {
		l := &links[i]
		if l.Kind != kindCable {
			continue
		}
		for _, e := range [][2]string{{l.A, l.B}, {l.B, l.A}} {
			switch far := d.byID[e[1]]; {
			case !silent(e[0]) || far == nil:
			case far.Answers:
				outside[e[0]] = append(outside[e[0]], l.State)
			default:
				inside[e[0]] = append(inside[e[0]], e[1])
			}
		}
	}
	var list []outage
	seen := map[string]bool{}
	for i := range d.nodes {
		if id := d.nodes[i].ID(); silent(id) && !seen[id] {
			list = append(list, d.cutOff(island(id, inside, seen), outside)...)
		}
	}
	slices.SortFunc(list, func(a, b outage) int { return cmp.Compare(a.node.Device, b.node.Device) })
	return list
}

// island lists what is cabled with a device, itself included.
func island(id string, cables map[string][]string, seen map[string]bool) []string {
	seen[id] = true
	list := []string{id}
	for i := 0; i < len(list); i++ {
		for _, next := range cables[list[i]] {
			if !seen[next] {
				seen[next] = true
				list = append(list, next)
			}
		}
	}
	return list
}

// cutOff judges silent devices that are cabled with each other by the states of their cables to the others.
func (d *directory) cutOff(devices []string, outside map[string][]model.State) []outage {
	var roots []string
	for _, id := range devices {
		if slices.ContainsFunc(outside[id], func(s model.State) bool { return s != model.Critical }) {
			return nil
		}
		if len(outside[id]) > 0 {
			roots = append(roots, d.byID[id].Device)
		}
	}
	if len(roots) == 0 {
		return nil
	}
	slices.Sort(roots)
	list := make([]outage, 0, len(devices))
	for _, id := range devices {
		o := outage{node: d.byID[id], cables: len(outside[id])}
		if o.cables == 0 {
			o.behind = roots
		}
		list = append(list, o)
	}
	return list
}

// entity is the device as it is now. It wins over what the device said of itself once that is stale.
func (o *outage) entity() model.Entity {
	e := model.Entity{
		ID: o.node.ID(), Kind: model.KindDevice, Name: o.node.Device, State: model.Unknown, Labels: o.node.labels(),
		Reason: "behind " + strings.Join(o.behind, ", ") + ", down or cut off",
	}
	switch {
	case o.cables == 1:
		e.State, e.Reason = model.Critical, "down or cut off: no answer, and no link on its cable"
	case o.cables > 1:
		e.State, e.Reason = model.Critical, fmt.Sprintf("down or cut off: no answer, and no link on any of its %d cables", o.cables)
	}
	return e
}

// sample is nocturne_device_down for one that is cut off, with the value of its cables, and
// nocturne_device_behind for the others; both are absent for all that can be reached. target joins
// them with what is said of the device's polling.
func (o *outage) sample(source, target string, at int64) model.Sample {
	name, value, behind := "nocturne_device_down", float64(o.cables), ""
	if o.cables == 0 {
		name, value, behind = "nocturne_device_behind", 1, o.behind[0]
	}
	return model.Sample{
		Labels: labels.FromStrings(prom.MetricNameLabel, name, "source", source, "device", o.node.Device, "target", target, "behind", behind),
		T:      at, V: value,
	}
}
