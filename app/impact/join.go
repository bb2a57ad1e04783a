package impact

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/nocturne-noc/nocturne/store/impact"
	"github.com/nocturne-noc/nocturne/store/model"
)

// Joined is what addresses, MACs and names say of who is who.
type Joined struct {
	Links []model.Link // sorted by kind and ends
	// Ambiguous counts what could be two machines, and is therefore linked to none.
	Ambiguous int
}

// mostClaims is how many entities may share an address, a MAC or a name for it to be looked into at all.
const mostClaims = 8

// Join finds which servers, nodes and devices are the same machine, on which machine a scraped service
// runs, and which machine a probe asks. cables are the links of the network map. What could be two
// machines is linked to none: a false link is worse than none.
func Join(things []model.Entity, cables []model.Link) Joined {
	j := joiner{machine: map[string]string{}, byKey: map[key][]int{}}
	j.list = identities(things)
	slices.SortFunc(j.list, func(a, b identity) int { return cmp.Compare(a.ID, b.ID) })
	for i := range j.list {
		for _, k := range j.list[i].keys() {
			j.byKey[k] = append(j.byKey[k], i)
		}
	}
	j.sameMachines()
	for i := range things {
		j.speaksOf(&things[i])
	}
	g := impact.New(things, slices.Concat(cables, j.Links))
	j.overCables(g, cables)
	slices.SortFunc(j.Links, compareLinks)
	j.Links = slices.CompactFunc(j.Links, func(a, b model.Link) bool { return compareLinks(a, b) == 0 })
	return j.Joined
}

// compareLinks orders links as their keys do, near enough: equal keys are equal.
func compareLinks(a, b model.Link) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.A, b.A), cmp.Compare(a.APort, b.APort), cmp.Compare(a.B, b.B), cmp.Compare(a.BPort, b.BPort))
}

// joiner is a Join at work.
type joiner struct {
	Joined
	list    []identity
	byKey   map[key][]int
	machine map[string]string // the ID that stands for the machine of an entity, where several do
}

func (j *joiner) link(from, kind, to string, confidence float64, evidence ...string) {
	l := model.Link{A: from, B: to, Kind: kind, State: model.OK, Confidence: confidence}
	for _, by := range evidence {
		l.Evidence = append(l.Evidence, model.Evidence{Source: by, Observer: from})
	}
	j.Links = append(j.Links, l)
}

// proof is what speaks for two entities being one machine.
type proof struct {
	kinds  []string // of evidence, sorted
	strong bool     // nobody else has any one of it
}

// sameMachines joins the entities that are the same machine.
func (j *joiner) sameMachines() {
	pairs := map[[2]int]*proof{}
	for k, claims := range j.byKey {
		if len(claims) < 2 || len(claims) > mostClaims {
			continue
		}
		for n, a := range claims {
			for _, b := range claims[n+1:] {
				if apart(j.list[a].kind, j.list[b].kind) || k.by == byName && !j.agree(a, b) {
					continue
				}
				p := pairs[[2]int{a, b}]
				if p == nil {
					p = &proof{}
					pairs[[2]int{a, b}] = p
				}
				if !slices.Contains(p.kinds, k.by) {
					p.kinds = append(p.kinds, k.by)
				}
				p.strong = p.strong || len(claims) == 2
			}
		}
	}
	order := make([][2]int, 0, len(pairs))
	for pair := range pairs {
		order = append(order, pair)
	}
	slices.SortFunc(order, func(a, b [2]int) int { return cmp.Or(a[0]-b[0], a[1]-b[1]) })
	group := make([]int, len(j.list))
	alone := make([]map[model.Kind]bool, len(j.list)) // kinds of which a machine has one, by the root of its group
	for i := range group {
		group[i] = i
		if kind := j.list[i].kind; kind != model.KindServer {
			alone[i] = map[model.Kind]bool{kind: true}
		}
	}
	root := func(i int) int {
		for group[i] != i {
			i = group[i]
		}
		return i
	}
	for _, pair := range order {
		a, b, p := &j.list[pair[0]], &j.list[pair[1]], pairs[pair]
		one, other := root(pair[0]), root(pair[1])
		if !p.holds(a, b) || one != other && common(alone[one], alone[other]) {
			j.Ambiguous++
			continue
		}
		slices.Sort(p.kinds)
		if standing(a.ID) < standing(b.ID) { // the server stands for all
			a, b = b, a
		}
		j.link(a.ID, impact.SameAs, b.ID, confidence(p.kinds), p.kinds...)
		if one != other {
			group[other] = one
			alone[one] = union(alone[one], alone[other])
		}
	}
	first := map[int]string{}
	for i := range j.list {
		id, at := j.list[i].ID, root(i)
		if was, ok := first[at]; !ok || standing(id) < standing(was) {
			first[at] = id
		}
	}
	for i := range j.list {
		j.machine[j.list[i].ID] = first[root(i)]
	}
}

func (j *joiner) agree(a, b int) bool {
	return slices.ContainsFunc(j.list[a].Names, j.list[b].named)
}

// apart reports whether two entities of such kinds are always two machines.
func apart(a, b model.Kind) bool { return a == b && a != model.KindServer }

func common(a, b map[model.Kind]bool) bool {
	for kind := range a {
		if b[kind] {
			return true
		}
	}
	return false
}

func union(a, b map[model.Kind]bool) map[model.Kind]bool {
	if a == nil {
		return b
	}
	maps.Copy(a, b)
	return a
}

// standing orders what may stand for a machine.
func standing(id string) int {
	for n, prefix := range []string{"server/", "device/"} {
		if strings.HasPrefix(id, prefix) {
			return n
		}
	}
	return 2
}

// holds reports whether the proof is enough. Two kinds of evidence are. One alone is where nobody else has
// it, the two are told by different kinds of sources, and nothing speaks against it: servers may share an
// address that moves between them, and machines of different networks a name.
func (p *proof) holds(a, b *identity) bool {
	switch {
	case len(p.kinds) > 1:
		return true
	case !p.strong || a.kind == b.kind:
		return false
	case p.kinds[0] == byName:
		return len(a.Addresses) == 0 || len(b.Addresses) == 0
	}
	return true
}

// confidence is that in a link by so much evidence.
func confidence(kinds []string) float64 {
	switch {
	case len(kinds) > 1:
		return 1
	case kinds[0] == byMAC:
		return 0.9
	case kinds[0] == byAddress:
		return 0.8
	}
	return 0.6
}

// speaksOf links a probe to what it asks, and a scraped service to the machine that it runs on.
func (j *joiner) speaksOf(e *model.Entity) {
	var hosts []string
	kind := impact.Probes
	switch {
	case e.Kind == model.KindProbe:
		hosts = []string{e.Labels["address"], e.Labels["host"]}
		if hosts[0] == "" && hosts[1] == "" && e.Labels["prober"] != "dns" { // of a name server, the target is what is asked for
			hosts[1] = hostOf(e.Labels["target"])
		}
	case e.Kind == model.KindService && strings.HasPrefix(e.ID, "server/"):
		kind = impact.RunsOn
		_, instance, _, _ := model.ParseID(e.ID)
		hosts = append(strings.Fields(e.Labels["addresses"]), hostOf(instance), e.Labels["nodename"])
	default:
		return
	}
	var found, evidence []string
	for _, host := range hosts {
		machines, by := j.machines(host)
		for _, m := range machines {
			if !slices.Contains(found, m) {
				found = append(found, m)
			}
		}
		if len(machines) > 0 && !slices.Contains(evidence, by) {
			evidence = append(evidence, by)
		}
	}
	switch len(found) {
	case 0:
	case 1:
		j.link(e.ID, kind, found[0], confidence(evidence), evidence...)
	default:
		j.Ambiguous++
	}
}

// machines are those that a host name or an address may mean.
func (j *joiner) machines(host string) (ids []string, by string) {
	k := key{byName, shortName(strings.ToLower(host))}
	if addr, err := netip.ParseAddr(host); err == nil {
		if junkAddress(addr.Unmap()) {
			return nil, ""
		}
		k = key{byAddress, addr.Unmap().String()}
	} else if junkName(strings.ToLower(host)) {
		return nil, ""
	}
	for _, i := range j.byKey[k] {
		x := &j.list[i]
		if k.by == byName && !x.named(strings.ToLower(host)) {
			continue
		}
		if m := j.machine[x.ID]; !slices.Contains(ids, m) {
			ids = append(ids, m)
		}
	}
	return ids, k.by
}

// overCables links machines to the device that is their only way, and the ports of devices to the machines
// at the other ends of their cables, so that alerts of the one find those of the other.
func (j *joiner) overCables(g *impact.Graph, cables []model.Link) {
	for i := range cables {
		l := &cables[i]
		if l.Kind != impact.Cable {
			continue
		}
		for _, ends := range [2][3]string{{l.A, l.APort, l.B}, {l.B, l.BPort, l.A}} {
			kind, device, _, ok := model.ParseID(ends[0])
			if !ok || kind != model.KindDevice || standing(g.Standing(ends[2])) == 1 || strings.HasPrefix(ends[2], "stub/") {
				continue
			}
			for _, id := range g.Members(ends[2]) {
				j.link(model.PortID(device, ends[1]), impact.LeadsTo, id, l.Confidence, "cable")
				if g.Only(id) == ends[0] {
					j.link(id, impact.HangsOn, ends[0], l.Confidence, "cable")
				}
			}
		}
	}
}
