package panels

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// kubemapOptions are the keys of a map of Kubernetes.
type kubemapOptions struct {
	Common `yaml:",inline"`
	By     string `yaml:"by"`    // "node" (default), "namespace", "service"
	Under  string `yaml:"under"` // ID of a cluster or namespace; default all
	Foot   *bool  `yaml:"foot"`  // names the worst below the map, the default
}

// kubemap is one of three maps of Kubernetes: nodes with their pods, namespaces with their workloads, or the
// ways from ingresses through services to workloads, nodes and volumes.
type kubemap struct {
	kubemapOptions
	mu    sync.Mutex // guards all below
	hand  kubeHand
	shown kubeShown
}

// kubeHand is what people did to a map.
type kubeHand struct {
	camera   camera
	selected string // ID of a box of the map by service, "" for the worst one
	typing   bool
	text     string // that is searched for
}

// kubeShown is what gestures need to know of the last picture.
type kubeShown struct {
	area   plot.Rect
	blocks *blockMap // nil on a map by service
	boxes  []flowBox // nil on the others
}

func kubemapKind() Kind {
	return Kind{Name: "kubemap", New: func(decode func(any) error) (Panel, error) {
		var m kubemap
		if err := decode(&m.kubemapOptions); err != nil {
			return nil, err
		}
		var err error
		m.By, err = oneOf("by", m.By, "node", "namespace", "service")
		return &m, err
	}}
}

// Deps implements Panel.
func (m *kubemap) Deps() Deps {
	return Deps{Entities: true, Samples: m.By == "service", Every: 10 * time.Second}
}

// Load implements Panel.
func (m *kubemap) Load(_ context.Context, src model.Source, env Env) (*View, error) {
	if m.By == "service" {
		return m.loadFlow(src, env), nil
	}
	of := model.KindNode
	if m.By == "namespace" {
		of = model.KindNamespace
	}
	world := readByNode
	if m.By == "namespace" {
		world = readByNamespace
	}
	read := world(src, m.Under, env)
	v := &View{State: model.OK, MinW: 240, MinH: 120}
	if len(read.zones) == 0 {
		v.State, v.Notice = model.Unknown, nothing(src, env, of, m.Under)
		return v, nil
	}
	v.State = read.dress()
	v.AsOf, v.Every = read.asOf, cmp.Or(everyOf(src, read.source), defaultEvery)
	area := plot.Rect{W: env.Size.W, H: env.Size.H}
	var foot plot.Rect
	if read.worst != nil && m.foot() && area.H >= 160*env.Style.K {
		foot, area = area.CutBottom(combFoot * env.Style.K)
		area.H -= 6 * env.Style.K
	}
	blocks := layBlocks(read.zones, read.most, area, env.Style.K)
	blocks.named = m.By == "namespace"
	m.mu.Lock()
	hand := m.hand
	m.shown = kubeShown{area: area, blocks: blocks}
	m.mu.Unlock()
	blocks.named = blocks.named || hand.camera.near()
	now := src.Now()
	v.Head = func(c *plot.Canvas, row plot.Rect) {
		paintCounts(newPen(c, env.Style), env, row, read.things, read.counts)
	}
	v.Paint = func(c *plot.Canvas, body plot.Rect) {
		n := newPen(c, env.Style)
		blocks.paint(n, env, body, hand.camera, hand.text)
		if !foot.Empty() {
			paintWorst(n, env, foot.Offset(body.X, body.Y), read.worst, now)
		}
		hand.paintSearch(n, env, area.Offset(body.X, body.Y), func() int { return read.count(hand.text) })
	}
	v.Spots = blocks.spots(hand.camera)
	if !foot.Empty() {
		v.Spots = append(v.Spots, Spot{Rect: foot, Entity: read.worst.id})
	}
	return v, nil
}

func (m *kubemap) foot() bool { return m.Foot == nil || *m.Foot }

// Handle implements Interactive.
func (m *kubemap) Handle(g Gesture) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.shown.area.Empty() {
		return false
	}
	was := m.hand
	switch g.Kind {
	case Tap:
		return m.tap(g.At)
	case Drag:
		m.hand.camera = m.hand.camera.moved(g.By, m.shown.area)
	case Scroll:
		if m.shown.blocks != nil && g.By.Y != 0 {
			factor := zoomStep
			if g.By.Y < 0 {
				factor = 1 / zoomStep
			}
			m.hand.camera = m.hand.camera.nearer(factor, g.At, m.shown.area)
		}
	case Key:
		return m.key(g)
	case Leave:
		m.hand = kubeHand{}
	}
	return m.hand != was
}

// tap selects a box of a map by service. A tap on what is selected, and one on the other maps, is left to the
// spots, which open the page of what is tapped.
func (m *kubemap) tap(at plot.Point) bool {
	for _, b := range m.shown.boxes {
		if b.id != "" && b.Contains(at.X, at.Y) {
			if m.hand.selected == b.id {
				return false
			}
			m.hand.selected = b.id
			return true
		}
	}
	return false
}

// key takes a key: "/" searches, z and x go nearer and back, 0 shows all, the arrows move.
func (m *kubemap) key(g Gesture) bool {
	h, area := &m.hand, m.shown.area
	was := *h
	if h.typing {
		h.typed(g)
		return true
	}
	switch g.Key {
	case "Escape":
		switch {
		case h.text != "":
			h.text = ""
		case h.selected != "":
			h.selected = ""
		default:
			h.camera = camera{}
		}
		return *h != was
	case "Left", "Right", "Up", "Down":
		d := directions[g.Key]
		h.camera = h.camera.moved(plot.Point{X: -d.X * area.W / 4, Y: -d.Y * area.H / 4}, area)
		return *h != was
	}
	switch g.Rune {
	case '/':
		h.typing, h.text = true, ""
		return true
	case 'z', 'Z':
		if m.shown.blocks != nil {
			h.camera = h.camera.nearer(zoomStep*zoomStep, area.Center(), area)
		}
	case 'x', 'X':
		h.camera = h.camera.nearer(1/zoomStep/zoomStep, area.Center(), area)
	case '0':
		h.camera = camera{}
	}
	return *h != was
}

// typed takes a key of a search. Return leaves what was found ringed.
func (h *kubeHand) typed(g Gesture) {
	switch g.Key {
	case "Escape":
		h.typing, h.text = false, ""
	case "Return", "KP_Enter":
		h.typing = false
	case "BackSpace":
		letters := []rune(h.text)
		h.text = string(letters[:max(0, len(letters)-1)])
	case "":
		if unicode.IsPrint(g.Rune) && len([]rune(h.text)) < maxSearch {
			h.text += strings.ToLower(string(g.Rune))
		}
	}
}

// paintSearch shows what is searched for and how many were found.
func (h *kubeHand) paintSearch(n pen, env Env, area plot.Rect, count func() int) {
	if !h.typing && h.text == "" {
		return
	}
	k := n.k
	box := plot.Rect{X: area.Center().X - min(230*k, area.W/2), Y: area.Y + 6*k, W: min(460*k, area.W), H: 44 * k}
	n.FillRound(box, 6*k, n.p.Raised)
	n.StrokeRound(box, 6*k, 1.5*k, n.p.Focus, nil)
	right, text, col := "", h.text, n.p.Text
	if h.text != "" {
		right = env.Text("%d found", count())
	} else {
		text, col = env.Text("Name of a pod, workload or node"), n.p.Muted
	}
	end := n.right(box.Right()-14*k, box.Y+29*k, right, 18, false, n.p.Muted) - 12*k
	n.text(box.X+16*k, box.Y+29*k, n.fit(text, 20, false, end-box.X-16*k), 20, false, col)
}

// kubeWorld is what a map of blocks shows.
type kubeWorld struct {
	zones  []kubeZone
	things string // what the cells are called
	counts map[model.State]int
	most   int // cells for which each block has room; 0: as many as it holds
	worst  *cell
	asOf   time.Time
	source string
}

// dress is the state of the frame: stale where all is.
func (w *kubeWorld) dress() model.State {
	total := 0
	for _, n := range w.counts {
		total += n
	}
	if total > 0 && w.counts[model.Stale] == total {
		return model.Stale
	}
	return model.OK
}

// count says how many cells and blocks have a text in their names.
func (w *kubeWorld) count(text string) int {
	found := 0
	for _, z := range w.zones {
		for i := range z.combs {
			if strings.Contains(z.combs[i].name, text) {
				found++
			}
			for j := range z.combs[i].cells {
				if strings.Contains(z.combs[i].cells[j].name, text) {
					found++
				}
			}
		}
	}
	return found
}

// see notes how new the map's data are.
func (w *kubeWorld) see(e *model.Entity) {
	if e.Seen.After(w.asOf) {
		w.asOf, w.source = e.Seen, e.Source
	}
}

// ofDesired writes "3/4", "" where it is not known.
func ofDesired(e *model.Entity) string {
	if e.Labels["desired"] == "" {
		return ""
	}
	return fmt.Sprintf("%s/%s", cmp.Or(e.Labels["ready"], "–"), e.Labels["desired"])
}
