package panels

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/nocturne-noc/nocturne/store/impact"
	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// impactEvery is how long what was read of what hangs on what is good for.
const impactEvery = 5 * time.Second

// impactOptions are the keys of an impact panel: what a thing hangs on, and what hangs on it.
type impactOptions struct {
	Common `yaml:",inline"`
	Of     string `yaml:"of"`   // ID of the thing; none: what the worst present alert is about
	Show   string `yaml:"show"` // "thing" (default), or "all": switches, machines and what runs on them
}

type impactPanel struct {
	impactOptions
	mu   sync.Mutex // guards all below
	last impactRead
}

// impactRead is what was read, and when.
type impactRead struct {
	src    model.Source
	at     time.Time
	of     string
	alerts uint64
	board  *impactBoard
}

func impactKind() Kind {
	return Kind{Name: "impact", New: func(decode func(any) error) (Panel, error) {
		var p impactPanel
		if err := decode(&p.impactOptions); err != nil {
			return nil, err
		}
		var err error
		if p.Show, err = oneOf("show", p.Show, "thing", "all"); err != nil {
			return nil, err
		}
		if p.Show == "all" && p.Of != "" {
			return nil, fmt.Errorf("of: %q: \"show: all\" is about no one thing", p.Of)
		}
		return &p, nil
	}}
}

// Deps implements Panel.
func (p *impactPanel) Deps() Deps {
	return Deps{Entities: true, Alerts: p.Of == "", Samples: true, Every: impactEvery}
}

// Load implements Panel.
func (p *impactPanel) Load(ctx context.Context, src model.Source, env Env) (*View, error) {
	of := p.Of
	if of == "" && p.Show == "thing" {
		if of = worstThing(src); of == "" {
			return &View{State: model.OK, Notice: &Notice{State: model.OK, Head: env.Text("Nothing is wrong"), Lines: []string{
				env.Text("When something fails, what it hangs on and what hangs on it stand here"),
			}}}, nil
		}
	}
	b, err := p.read(ctx, src, of, env)
	if err != nil {
		return nil, err
	}
	v := &View{State: model.OK, MinW: 260, MinH: 110, Hold: impactEvery}
	if b.empty() {
		v.State, v.Notice = model.Unknown, p.unknown(of, env)
		return v, nil
	}
	v.Right = b.words
	if s := b.state; s == model.Stale || s == model.Critical {
		v.State = s
	}
	lay := layImpact(b, env)
	for _, box := range lay.boxes {
		v.Spots = append(v.Spots, Spot{Rect: box.Rect, Entity: box.id})
	}
	v.Paint = func(c *plot.Canvas, body plot.Rect) { lay.paint(newPen(c, env.Style), env, body) }
	return v, nil
}

// unknown says why there is nothing to show.
func (p *impactPanel) unknown(of string, env Env) *Notice {
	if p.Show == "all" {
		return &Notice{State: model.Unknown, Head: env.Text("No server yet"), Lines: []string{
			env.Text("Servers, nodes and services stand here once a source has told of them"),
			env.Text("What they hang on is told by switches: LLDP, forwarding tables, ARP"),
		}}
	}
	return &Notice{State: model.Unknown, Head: env.Text("Nothing is known that it hangs on"), Lines: []string{
		of,
		env.Text("Servers and nodes are joined by addresses, MACs and names"),
		env.Text("What they hang on is told by switches: LLDP, forwarding tables, ARP"),
	}}
}

// read asks the source, unless it was asked a moment ago.
func (p *impactPanel) read(ctx context.Context, src model.Source, of string, env Env) (*impactBoard, error) {
	now, alerts := src.Now(), src.Revs().Alerts
	p.mu.Lock()
	last := p.last
	p.mu.Unlock()
	if age := now.Sub(last.at); last.board != nil && sameSource(src, last.src) && last.of == of && age >= 0 && age < impactEvery && last.alerts == alerts {
		return last.board, nil
	}
	use, err := readUse(ctx, src, defaultUse, defaultUseIn)
	if err != nil {
		return nil, fmt.Errorf("impact: %w", err)
	}
	var b *impactBoard
	if p.Show == "all" {
		b = allOf(impact.New(readMachines(src)), use, env)
	} else {
		b = aboutThing(readGraph(src, of), of, use, env, now)
	}
	p.mu.Lock()
	p.last = impactRead{src: src, at: now, of: of, alerts: alerts, board: b}
	p.mu.Unlock()
	return b, nil
}

// worstThing is what the worst present alert is about that no other explains, "" for none. What somebody has
// taken on comes last.
func worstThing(src model.Source) string {
	taken := ""
	for _, a := range src.Alerts() { // the worst first
		kind, _, _, ok := model.ParseID(a.Entity)
		switch {
		case a.Pending || a.Cause != "" || !a.Severity.Problem() || !ok || kind == model.KindSource:
		case a.AckBy == "":
			return a.Entity
		case taken == "":
			taken = a.Entity
		}
	}
	return taken
}

// readMachines reads the network, machines, and what is scraped and probed on them.
func readMachines(src model.Source) ([]model.Entity, []model.Link) {
	things := src.Entities(model.Filter{Under: "server"}) // and the services that are scraped
	for _, kind := range []model.Kind{model.KindDevice, model.KindStub, model.KindNode, model.KindProbe} {
		things = append(things, src.Entities(model.Filter{Kind: kind})...)
	}
	var links []model.Link
	for _, kind := range []string{impact.Cable, impact.SameAs, impact.Probes, impact.RunsOn} {
		links = append(links, src.Links(model.Filter{Kind: model.Kind(kind)})...)
	}
	return things, links
}

// readGraph reads all that a thing may have to do with. Clusters are read only where it, or what hangs on
// it, is in them.
func readGraph(src model.Source, of string) *impact.Graph {
	things, links := readMachines(src)
	if kind, _, _, ok := model.ParseID(of); ok && kind == model.KindInterface {
		things = append(things, src.Entities(model.Filter{ID: of})...)
	}
	g := impact.New(things, links)
	clusters := map[string]bool{}
	need := func(id string) {
		for _, member := range g.Members(id) {
			if c := ancestor(member); c != "" {
				clusters[c] = true
			}
		}
	}
	need(of)
	for _, l := range g.Down(of) {
		need(l.ID)
	}
	if len(clusters) == 0 {
		return g
	}
	for c := range clusters {
		for _, e := range src.Entities(model.Filter{Under: c}) {
			if e.Kind != model.KindNode && e.Kind != model.KindCluster && e.Kind != model.KindNamespace {
				things = append(things, e)
			}
		}
	}
	for _, kind := range []string{"owns", "selects", "routes", "mounts", "bound"} {
		links = append(links, src.Links(model.Filter{Kind: model.Kind(kind)})...)
	}
	return impact.New(things, links)
}
