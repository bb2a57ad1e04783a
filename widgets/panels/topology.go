package panels

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"image"
	"maps"
	"reflect"
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
	// Groups frame devices that belong together; Background is a picture behind the map.
	Groups     []topologyGroup `yaml:"groups"`
	Background string          `yaml:"background,path"`
}

// Ports without 64-bit counters, or without ifHighSpeed, have what they have.
const (
	defaultUse   = `(rate(ifHCOutOctets[1m]) or rate(ifOutOctets[1m])) * 8 / ` + portSpeed
	defaultUseIn = `(rate(ifHCInOctets[1m]) or rate(ifInOctets[1m])) * 8 / ` + portSpeed
	portSpeed    = `((nocturne_interface_speed_bps or ifHighSpeed * 1e6) > 0)`
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
		return &topologyPanel{cfg: cfg}, cfg.checkGround()
	}}
}

// topologyPanel is a map. Its layout is kept between loads, so that what people have learnt to find
// stays where it is, and so is what they did to it: see topology_hand.go.
type topologyPanel struct {
	cfg    topologyConfig
	raster mapRaster

	mu      sync.Mutex // guards all below
	shape   uint64     // of the nodes and links that layout was made for
	layout  *plot.Layered
	memory  mapMemory
	last    mapRead
	base    mapBase
	detail  mapAnswer
	ground  *mapGround
	picture mapPicture
	index   *mapIndex // of the network that was searched last
	hand    mapHand
	open    string    // entity whose page somebody asked for
	shown   *shownMap // the last picture; nil for none
	ageing  bool      // it shows how old something is
}

// mapRead is what a source said at a moment.
type mapRead struct {
	src     model.Source
	at      time.Time
	revs    model.Revs
	network *network
}

// mapBase is the whole map at one size, before anybody came nearer.
type mapBase struct {
	network *network
	size    plot.Rect
	style   plot.Style
	lang    string
	pinned  map[string]plot.Point
	m       *netMap
	scene   *netScene
}

// mapAnswer is what was read of the selected thing when the map was.
type mapAnswer struct {
	network *network
	to      target
	detail  *mapDetail
}

// mapEvery is how often a map is read anew while only samples change.
const mapEvery = 5 * time.Second

// Deps implements Panel. The clock matters only while the map shows an age.
func (p *topologyPanel) Deps() Deps {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Deps{Samples: true, Entities: true, Alerts: true, Clock: p.ageing, Every: mapEvery}
}

// Load implements Panel.
func (p *topologyPanel) Load(ctx context.Context, src model.Source, env Env) (*View, error) {
	read, err := p.read(ctx, src)
	if err != nil {
		return nil, err
	}
	if len(read.network.nodes) == 0 {
		return &View{Notice: &Notice{
			State: model.Unknown,
			Head:  env.Text("No network device yet"),
			Lines: []string{
				env.Text("Devices appear once an SNMP source has answered"),
				env.Text("Add one to the configuration: sources, kind snmp, targets"),
			},
		}}, nil
	}
	p.recall(env)
	base := p.arranged(read.network, env)
	p.keep(env, read.at)
	m := base.m
	hand, kept := p.handNow()
	detail := p.detailOf(ctx, src, env, m, hand.selected)
	shown := newShownMap(base, hand, detail, p.indexOf(src, m.network, hand.search.open), env)
	shown.err, shown.fixed, shown.raster = kept, env.Fixed, &p.raster
	shown.ground, err = p.groundOf(hand.camera, base.scene.area, env.Style)
	if shown.err == nil {
		shown.err = err
	}
	p.mu.Lock()
	p.ageing = base.scene.flag != nil || base.scene.classes.stale || detail != nil
	p.shown = shown
	p.mu.Unlock()
	return &View{
		Right: m.count(),
		MinW:  480, MinH: 280,
		Paint: shown.paint,
		Spots: shown.scene.spotsOf(m),
	}, nil
}

// read asks the source, unless it was asked a moment ago and nothing but samples has come since: who
// moves over a map wants to see it move.
func (p *topologyPanel) read(ctx context.Context, src model.Source) (mapRead, error) {
	now, revs := src.Now(), src.Revs()
	p.mu.Lock()
	last := p.last
	p.mu.Unlock()
	if age := now.Sub(last.at); last.network != nil && sameSource(src, last.src) && age >= 0 && age < mapEvery &&
		revs.Entities == last.revs.Entities && revs.Alerts == last.revs.Alerts {
		return last, nil
	}
	use, err := readUse(ctx, src, p.cfg.Use, p.cfg.UseIn)
	if err != nil {
		return mapRead{}, err
	}
	last = mapRead{src: src, at: now, revs: revs, network: readNetwork(src, use)}
	p.mu.Lock()
	p.last = last
	p.mu.Unlock()
	return last, nil
}

// detailOf reads what is selected, once for each time that the map is read.
func (p *topologyPanel) detailOf(ctx context.Context, src model.Source, env Env, m *netMap, t target) *mapDetail {
	p.mu.Lock()
	last := p.detail
	p.mu.Unlock()
	if last.network == m.network && last.to == t {
		return last.detail
	}
	d := readDetail(ctx, src, env, m, t)
	p.mu.Lock()
	p.detail = mapAnswer{network: m.network, to: t, detail: d}
	p.mu.Unlock()
	return d
}

// indexOf is what can be found on the map, nil while nobody searches.
func (p *topologyPanel) indexOf(src model.Source, n *network, wanted bool) *mapIndex {
	if !wanted {
		return nil
	}
	p.mu.Lock()
	x := p.index
	p.mu.Unlock()
	if x == nil || x.network != n {
		x = indexMap(src, n)
		p.mu.Lock()
		p.index = x
		p.mu.Unlock()
	}
	return x
}

// mapPicture is the background's file as it was read, once.
type mapPicture struct {
	once sync.Once
	img  *image.Gray
	err  error
}

// groundOf is the background as a camera sees it, nil for none.
func (p *topologyPanel) groundOf(cam camera, area plot.Rect, style plot.Style) (*mapGround, error) {
	if p.cfg.Background == "" {
		return nil, nil
	}
	p.picture.once.Do(func() { p.picture.img, p.picture.err = readGround(p.cfg.Background) })
	if p.picture.err != nil {
		return nil, p.picture.err
	}
	p.mu.Lock()
	g := p.ground
	p.mu.Unlock()
	if g == nil || g.cam != cam || g.area != area || g.style != style {
		g = newGround(p.picture.img, cam, area, style)
		p.mu.Lock()
		p.ground = g
		p.mu.Unlock()
	}
	return g, nil
}

// sameSource tells whether two sources are one, where that can be told.
func sameSource(a, b model.Source) bool {
	t := reflect.TypeOf(a)
	return t == reflect.TypeOf(b) && t.Comparable() && a == b
}

// arranged returns the whole map at a size, made anew only where something that it depends on changed.
func (p *topologyPanel) arranged(n *network, env Env) mapBase {
	p.mu.Lock()
	base, pinned := p.base, p.memory.pinned
	p.mu.Unlock()
	if base.network == n && base.size == env.Size && base.style == env.Style && base.lang == env.Lang && maps.Equal(base.pinned, pinned) {
		return base
	}
	layout := p.place(n)
	m := &netMap{
		network: n, layout: layout, full: p.cfg.Detail == "full", pinned: pinned, grouping: p.cfg.Groups, lang: env.Lang,
		style: env.Style, text: env.Text, face: env.Face,
	}
	m.impacts = findImpacts(n, layout)
	base = mapBase{network: n, size: env.Size, style: env.Style, lang: env.Lang, pinned: pinned, m: m}
	base.scene = m.arrange(plot.Rect{W: env.Size.W, H: env.Size.H})
	p.mu.Lock()
	p.base = base
	p.mu.Unlock()
	return base
}

// place returns the layout of a network: the kept one as long as nodes and links are the same, and
// otherwise one that leaves in its place what was ever seen on this map.
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
		p.layout, p.shape = plot.LayoutGraph(n.graphNodes(), n.graphEdges(), p.memory.order), shape
		p.memory.order, p.memory.changed = p.layout.Remembering(p.memory.order, maxAbsent), true
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
