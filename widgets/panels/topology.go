package panels

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"sync"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// topologyConfig are the keys of a map.
type topologyConfig struct {
	Common `yaml:",inline"`
	Map    string `yaml:"map"`    // "network", the default
	Detail string `yaml:"detail"` // "folded", the default: healthy access switches as squares; or "full"
	// Use and UseIn are the share of its speed (0..1) that a port sends and receives, with the labels
	// device and ifName.
	Use   string `yaml:"use"`
	UseIn string `yaml:"use_in"`
}

const (
	defaultUse   = `rate(ifHCOutOctets[1m]) * 8 / (ifHighSpeed * 1e6)`
	defaultUseIn = `rate(ifHCInOctets[1m]) * 8 / (ifHighSpeed * 1e6)`
)

// topologyKind makes maps of the network.
func topologyKind() Kind {
	return Kind{Name: "topology", New: func(decode func(into any) error) (Panel, error) {
		var cfg topologyConfig
		if err := decode(&cfg); err != nil {
			return nil, err
		}
		if _, err := oneOf("map", cfg.Map, "network"); err != nil {
			return nil, err
		}
		var err error
		if cfg.Detail, err = oneOf("detail", cfg.Detail, "folded", "full"); err != nil {
			return nil, err
		}
		cfg.Use, cfg.UseIn = cmp.Or(cfg.Use, defaultUse), cmp.Or(cfg.UseIn, defaultUseIn)
		if _, err = parseExpression("use", cfg.Use); err != nil {
			return nil, err
		}
		if _, err = parseExpression("use_in", cfg.UseIn); err != nil {
			return nil, err
		}
		return &topologyPanel{cfg: cfg}, nil
	}}
}

// topologyPanel is a map. Its layout is kept between loads, so that what people have learnt to find
// stays where it is.
type topologyPanel struct {
	cfg topologyConfig

	mu     sync.Mutex // guards all below
	shape  uint64     // of the nodes and links that layout was made for
	layout *plot.Layered
	ageing bool // the last picture shows how old something is
}

// Deps implements Panel. The clock matters only while the map shows an age.
func (p *topologyPanel) Deps() Deps {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Deps{Samples: true, Entities: true, Alerts: true, Clock: p.ageing, Every: 5 * time.Second}
}

// Load implements Panel.
func (p *topologyPanel) Load(ctx context.Context, src model.Source, env Env) (*View, error) {
	use, err := readUse(ctx, src, p.cfg.Use, p.cfg.UseIn)
	if err != nil {
		return nil, err
	}
	n := readNetwork(src, use)
	if len(n.nodes) == 0 {
		return &View{Notice: &Notice{
			State: model.Unknown,
			Head:  env.Text("No network device yet"),
			Lines: []string{
				env.Text("Devices appear once an SNMP source has answered"),
				env.Text("Add one to the configuration: sources, kind snmp, targets"),
			},
		}}, nil
	}
	layout := p.place(n)
	m := &netMap{
		network: n, layout: layout, full: p.cfg.Detail == "full",
		style: env.Style, text: env.Text, face: env.Face,
	}
	m.impacts = findImpacts(n, layout)
	s := m.arrange(plot.Rect{W: env.Size.W, H: env.Size.H})
	p.mu.Lock()
	p.ageing = s.flag != nil || s.classes.stale
	p.mu.Unlock()
	return &View{
		Right: m.count(),
		MinW:  480, MinH: 280,
		Paint: func(c *plot.Canvas, body plot.Rect) { m.paint(c, s.at(m, body)) },
		Spots: s.spotsOf(m),
	}, nil
}

// place returns the layout of a network: the kept one as long as nodes and links are the same.
func (p *topologyPanel) place(n *network) *plot.Layered {
	h := fnv.New64a()
	for _, node := range n.nodes {
		_, _ = fmt.Fprintf(h, "%s\x00%d\x01", node.id, node.hint)
	}
	for _, l := range n.links {
		_, _ = fmt.Fprintf(h, "%d\x00%d\x02", l.a, l.b)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if shape := h.Sum64(); p.layout == nil || shape != p.shape {
		p.layout, p.shape = plot.LayoutGraph(n.graphNodes(), n.graphEdges(), p.layout), shape
	}
	return p.layout
}

// count is the text at the right of the title: "45 devices, 60 links".
func (m *netMap) count() string {
	devices, links := m.text("%d devices", m.devices), m.text("%d links", m.cables)
	if m.devices == 1 {
		devices = m.text("1 device")
	}
	if m.cables == 1 {
		links = m.text("1 link")
	}
	s := devices + ", " + links
	if !m.full || m.changed.IsZero() {
		return s
	}
	return s + ", " + m.text("last change %s", clock(m.changed, m.now, m.zone(), "15:04:05"))
}

// zone is the time zone of the wall.
func (m *netMap) zone() *time.Location {
	if m.style.Loc == nil {
		return time.UTC
	}
	return m.style.Loc
}
