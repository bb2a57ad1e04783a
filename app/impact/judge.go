package impact

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	prom "github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/nocturne-noc/nocturne/store/impact"
	"github.com/nocturne-noc/nocturne/store/model"
)

// Source is the name under which what this package finds is kept in the store.
const Source = "relations"

// originLabel, on the entity of a server that is judged here, is the source that has told of it before.
const originLabel = "source"

// World is what servers are judged by.
type World struct {
	Things []model.Entity // servers and services, nodes, devices, probes
	Cables []model.Link
	// Dead are the IDs of devices that cannot be reached because they, or others before them, are down or
	// cut off. That one is silent does not make it dead.
	Dead map[string]bool
	// Mute are the instances that the scraper is still looking for in vain. A server that was found down is
	// told of by its own source no more, so that only this says whether it is back.
	Mute map[string]bool
}

// Judged is what became of silent servers, and of the services on them.
type Judged struct {
	Entities []model.Entity // servers that are down or cannot be reached, as they are now
	Samples  []model.Sample // the same for rules, without time: see docs/impact.md
}

// Verdicts on a server, as names of samples. A server of which nothing else is known than that it is
// silent has none.
const (
	metricDown     = "nocturne_server_down"          // nothing of it answers, and something says that it is not there
	metricBehind   = "nocturne_server_behind"        // all its cables lead to devices that are dead; label "behind"
	metricExporter = "nocturne_server_exporter_down" // its exporter is silent, and something else answers; label "alive"
	metricService  = "nocturne_service_behind"       // a silent service on a server that is down or behind
	metricLinks    = "nocturne_relations"            // links of a kind; label "kind"
	metricUnsure   = "nocturne_relations_ambiguous"  // what could be two machines
)

// Judge finds out why servers are silent. joined is what Join says of the same world.
func Judge(w World, joined Joined) Judged {
	j := judge{World: w, verdicts: map[string]verdict{}}
	if slices.ContainsFunc(w.Things, func(e model.Entity) bool { return e.Kind == model.KindServer && j.silent(&e) }) {
		j.servers(joined)
	}
	counts := map[string]int{impact.SameAs: 0, impact.Probes: 0, impact.RunsOn: 0, impact.HangsOn: 0, impact.LeadsTo: 0}
	for i := range joined.Links {
		counts[joined.Links[i].Kind]++
	}
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		j.sample(metricLinks, float64(counts[kind]), "kind", kind)
	}
	j.sample(metricUnsure, float64(joined.Ambiguous))
	return j.Judged
}

// servers judges the silent ones, and what runs on them.
func (j *judge) servers(joined Joined) {
	j.graph = impact.New(j.Things, slices.Concat(j.Cables, joined.Links))
	j.byID = make(map[string]*model.Entity, len(j.Things))
	for i := range j.Things {
		j.byID[j.Things[i].ID] = &j.Things[i]
	}
	for i := range j.Things {
		if e := &j.Things[i]; e.Kind == model.KindServer && j.graph.Standing(e.ID) == e.ID && j.silent(e) {
			j.server(e)
		}
	}
	for i := range j.Things {
		j.service(&j.Things[i])
	}
}

// judge is a Judge at work.
type judge struct {
	World
	Judged
	graph    *impact.Graph
	byID     map[string]*model.Entity
	verdicts map[string]verdict // by server
}

// verdict is what a server is found to be.
type verdict struct {
	metric string
	state  model.State
	reason string
	pairs  []string // labels of the sample
}

// silent reports whether a server's own source does not hear it any more.
func (j *judge) silent(e *model.Entity) bool {
	if e.Source == Source {
		_, instance, _, _ := model.ParseID(e.ID)
		return j.Mute[instance]
	}
	return e.State == model.Stale
}

func (j *judge) server(e *model.Entity) {
	v, ok := j.judge(e)
	if !ok {
		return
	}
	j.verdicts[e.ID] = v
	_, instance, _, _ := model.ParseID(e.ID)
	j.sample(v.metric, 1, append([]string{"instance", instance, "target", e.Labels["target"], "from", j.origin(e)}, v.pairs...)...)
	if v.metric == metricExporter {
		return // what its exporter said last stays, as stale
	}
	now := model.Entity{ID: e.ID, Kind: e.Kind, Name: e.Name, Parent: e.Parent, State: v.state, Reason: v.reason, Labels: map[string]string{}}
	maps.Copy(now.Labels, e.Labels)
	delete(now.Labels, "last_state") // the store's, on what is stale
	delete(now.Labels, "last_reason")
	now.Labels[originLabel] = j.origin(e)
	j.Entities = append(j.Entities, now)
}

func (j *judge) origin(e *model.Entity) string {
	if e.Source == Source {
		return e.Labels[originLabel]
	}
	return e.Source
}

// judge weighs what others say of a silent server: what answers in its stead, the ports that its cables
// end at, and what is asked of it from outside.
func (j *judge) judge(e *model.Entity) (verdict, bool) {
	alive, failed := j.witnesses(e.ID)
	if alive != "" {
		return verdict{metric: metricExporter, pairs: []string{"alive", alive}}, true
	}
	c := j.cables(e.ID)
	switch {
	case c.all > 0 && len(c.dead) == c.all:
		behind := c.dead[0]
		return verdict{metricBehind, model.Unknown, "behind " + behind + ", down or cut off", []string{"behind", behind}}, true
	case c.all > 0 && len(c.cut) > 0 && len(c.cut)+len(c.dead) == c.all:
		return verdict{metricDown, model.Critical, "down or cut off: no answer, and no link on " + strings.Join(c.cut, ", "), nil}, true
	case failed == "" || c.all > 0 && c.silent == c.all: // or nobody knows how the network before it fares
		return verdict{}, false
	case c.up != "":
		return verdict{metricDown, model.Critical, "down: neither its exporter nor " + failed + " gets an answer, though " + c.up + " has a link", nil}, true
	}
	return verdict{metricDown, model.Critical, "down: neither its exporter nor " + failed + " gets an answer", nil}, true
}

// witnesses finds what else tells of a machine: the name of one thing that answers, else of one that fails
// in a way that says that nobody is there.
func (j *judge) witnesses(id string) (alive, failed string) {
	for _, member := range j.graph.Members(id) {
		e := j.byID[member]
		if e == nil || j.Dead[member] {
			continue
		}
		answers := e.State == model.OK || e.State == model.Warning
		if answers && member != id && (e.Kind != model.KindServer || e.Source != Source) {
			return e.Name, ""
		}
	}
	for _, user := range j.graph.Users(id) {
		e := j.byID[user]
		switch {
		case e == nil:
		case (e.Kind == model.KindProbe || e.Kind == model.KindService && strings.HasPrefix(e.ID, "server/")) && alife(e):
			return e.Name, ""
		case e.Kind == model.KindProbe && e.State == model.Critical && failed == "" && nobody(e):
			failed = e.Name
		}
	}
	return "", failed
}

// alife reports whether something on a machine answers, if only to say no.
func alife(e *model.Entity) bool {
	switch e.State {
	case model.OK, model.Warning:
		return true
	case model.Critical:
		return e.Kind == model.KindService || e.Reason == "connection refused" || strings.HasPrefix(e.Reason, "status ") || strings.HasPrefix(e.Reason, "certificate")
	}
	return false
}

// nobody reports whether a probe failed because nobody answered at all.
func nobody(e *model.Entity) bool {
	return e.Labels["prober"] == "icmp" || strings.HasPrefix(e.Reason, "timed out") || e.Reason == "no route to it"
}

// ends are the cables of a machine by what is at their other ends.
type ends struct {
	all    int
	dead   []string // names of devices that are dead
	cut    []string // "device port" of devices that answer and have no link there
	silent int      // to devices of which nobody knows
	up     string   // "device port" of one that has a link
}

func (j *judge) cables(id string) ends {
	var c ends
	for _, w := range j.graph.Wires(id) {
		far := j.byID[w.To]
		if far == nil || far.Kind != model.KindDevice {
			continue
		}
		c.all++
		at := far.Name + " " + w.FarPort
		switch {
		case j.Dead[w.To]:
			c.dead = append(c.dead, far.Name)
		case far.State == model.Stale || w.State == model.Stale || w.State == model.Unknown:
			c.silent++
		case w.State == model.Critical:
			c.cut = append(c.cut, at)
		default:
			c.up = cmp.Or(c.up, at)
		}
	}
	return c
}

// service notes a silent service on a server that is not there.
func (j *judge) service(e *model.Entity) {
	if e.Kind != model.KindService || e.State != model.Stale || !strings.HasPrefix(e.ID, "server/") {
		return
	}
	steps := j.graph.Up(e.ID, 1)
	if len(steps) == 0 {
		return
	}
	on := steps[0][0].ID
	if v, ok := j.verdicts[on]; !ok || v.metric == metricExporter {
		return
	}
	_, instance, _, _ := model.ParseID(e.ID)
	_, host, _, _ := model.ParseID(on)
	j.sample(metricService, 1, "instance", instance, "target", e.Labels["target"], "from", e.Source, "behind", host)
}

// sample adds a value; pairs are label names and values, of which empty ones are left out.
func (j *judge) sample(name string, v float64, pairs ...string) {
	all := map[string]string{prom.MetricNameLabel: name, "source": Source}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			all[pairs[i]] = pairs[i+1]
		}
	}
	j.Samples = append(j.Samples, model.Sample{Labels: labels.FromMap(all), V: v})
}
