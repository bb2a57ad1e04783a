package panels

import (
	"math"
	"slices"
	"strings"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// arranger places the nodes of a map; lengths are in pixels.
type arranger struct {
	*netMap
	*netScene
	k       float64
	index   map[string]int // node by ID
	field   plot.Rect      // what the nodes stand in: the area without the layers' names
	units   []unitPlan
	rows    map[plot.Layer]rowSpan
	parents plot.Layer // the row that units hang on
	form    boxForm    // of access switches
	cell    float64    // side of a square; 0 until the rows' heights are known
	lines   int        // how many lines of squares a row of access switches holds
	stacked int        // how many servers stand below each other; 0: they are counted
	zoned   map[int]bool
	hidden  int     // access switches that found no place
	thin    float64 // share of their width that cables are drawn with, where they are many
	sides   float64 // width at the left and right that the edge is folded into
}

// rowSpan is the upper edge and the height of a row.
type rowSpan struct{ y, h float64 }

func (r rowSpan) middle() float64 { return r.y + r.h/2 }

// arrange makes the scene for a body.
func (m *netMap) arrange(body plot.Rect) *netScene {
	a := &arranger{
		netMap: m, k: m.style.K, netScene: &netScene{size: body}, index: map[string]int{},
		rows: map[plot.Layer]rowSpan{}, zoned: map[int]bool{},
	}
	a.boxOf = make([]int, len(m.nodes))
	for i, n := range m.nodes {
		a.index[n.id], a.boxOf[i] = i, -1
	}
	for _, im := range m.impacts {
		for i := range im.nodes {
			a.zoned[i] = true
		}
	}
	legend := 40 * a.k
	if m.full {
		legend = 58 * a.k
	}
	if body.H < 300*a.k {
		legend = 0
	}
	foot, area := body.CutBottom(legend)
	a.area = area
	a.field = area
	if !m.full {
		if w := a.layerNamesWidth(); w < area.W/5 {
			_, a.field = area.CutLeft(w)
		}
	}
	a.parents = plot.LayerDistribution
	if len(m.layout.Row(plot.LayerDistribution)) == 0 {
		a.parents = plot.LayerCore
	}
	if a.parents == plot.LayerCore && !a.full {
		a.reserveSides()
	}
	a.planUnits()
	a.chooseForm()
	a.placeRows()
	a.placeUnits()
	a.placeCore()
	a.placeEdge()
	a.placeList(plot.LayerApart, a.apart())
	a.placeList(plot.LayerServers, a.troubled())
	a.placePinned()
	a.settleLabels()
	if len(a.links) == 0 {
		a.sayNoLinks()
	}
	a.routeWires()
	a.placeGroups()
	a.placeZones()
	a.placeCrosses()
	a.placeMarks()
	if a.field.X > a.area.X {
		a.nameLayers()
	}
	a.classes = a.findClasses()
	if legend > 0 {
		a.makeLegend(foot)
	}
	return a.netScene
}

// add puts a box on the map and returns it.
func (a *arranger) add(b netBox) *netBox {
	if b.node >= 0 {
		a.boxOf[b.node] = len(a.boxes)
	}
	a.boxes = append(a.boxes, b)
	return &a.boxes[len(a.boxes)-1]
}

func (a *arranger) measure(s string, size float64, bold bool) float64 {
	return a.face.Measure(s, plot.Font{Size: size, Bold: bold})
}

// spineBox is the size and the font of boxes in a row of the spine.
func (a *arranger) spineBox(layer plot.Layer) (w, h, font float64) {
	switch {
	case !a.full:
		return 124 * a.k, 48 * a.k, 20 * a.k
	case layer == plot.LayerCore:
		return 128 * a.k, 52 * a.k, 24 * a.k
	case layer == plot.LayerEdge:
		return 92 * a.k, 52 * a.k, 20 * a.k
	}
	return 128 * a.k, 52 * a.k, 22 * a.k
}

// placeRows spreads the rows that have nodes over the height, the gaps between them in the
// proportions of a campus: a wide one below the core, where cables cross.
func (a *arranger) placeRows() {
	type row struct {
		layer  plot.Layer
		h, gap float64 // gap above
	}
	k := a.k
	var rows []row
	has := func(layer plot.Layer) bool { return len(a.layout.Row(layer)) > 0 }
	if a.full && has(plot.LayerEdge) {
		rows = append(rows, row{plot.LayerEdge, a.edgeHeight(), 0})
	}
	_, h, _ := a.spineBox(plot.LayerCore)
	if has(plot.LayerCore) || !a.full && has(plot.LayerEdge) {
		rows = append(rows, row{plot.LayerCore, h, 56 * k})
	}
	if has(plot.LayerDistribution) {
		rows = append(rows, row{plot.LayerDistribution, h, 99 * k})
	}
	if a.full && len(rows) > 0 && rows[len(rows)-1].layer == plot.LayerDistribution {
		rows[len(rows)-1].gap = 150 * k
	}
	if a.anyMembers() {
		h, gap := a.memberHeight(), 92*k
		if a.full {
			gap = 100 * k
		}
		if !has(plot.LayerDistribution) {
			gap = 140 * k
		}
		rows = append(rows, row{plot.LayerAccess, h, gap})
	}
	if n := a.deepest(); n > 0 && a.form != formCell {
		h, gap := 44*k, 53*k
		if a.form == formSquare || a.form == formCell || !a.full {
			a.stacked = 0
		} else {
			a.stacked, gap = n, 36*k
			h = float64(n)*44*k - 10*k
		}
		rows = append(rows, row{plot.LayerServers, h, gap})
	}
	if len(a.troubled()) > 0 {
		rows = append(rows, row{plot.LayerServers, 44 * k, 36 * k})
	}
	if has(plot.LayerApart) {
		rows = append(rows, row{plot.LayerApart, 44 * k, 30 * k})
	}
	top := 12 * k
	if !a.full {
		top = 14 * k
	}
	for {
		sum, gaps := top, 0.0
		for i, r := range rows {
			sum += r.h
			if i > 0 {
				gaps += r.gap
			}
		}
		scale := 1.0
		if gaps > 0 {
			scale = (a.area.H - sum - 16*k) / gaps
		}
		last := &rows[len(rows)-1]
		switch {
		case scale < 0.8 && last.layer == plot.LayerServers && a.stacked > 1:
			a.stacked--
			last.h = float64(a.stacked)*44*k - 10*k
			continue
		case scale < 0.3 && last.layer == plot.LayerServers && len(rows) > 1:
			rows = rows[:len(rows)-1]
			a.stacked = 0
			continue
		}
		limit := 1.6
		if a.full && a.stacked == 0 {
			limit = 2.2
		} else if a.full {
			limit = 1.45
		}
		scale = math.Max(0.15, math.Min(scale, limit))
		y := a.area.Y + top
		if spare := a.area.H - sum - gaps*scale; !a.full && spare > 0 {
			y += spare / 2
		}
		for i, r := range rows {
			if i > 0 {
				y += r.gap * scale
			}
			a.rows[r.layer] = rowSpan{y, r.h}
			y += r.h
		}
		return
	}
}

// edgeHeight is the height of the rows above the core.
func (a *arranger) edgeHeight() float64 {
	h := 52 * a.k
	if a.twoEdgeRows() {
		h += 76 * a.k
	}
	for _, n := range a.layout.Row(plot.LayerEdge) {
		if a.nodes[a.index[n.ID]].site != nil {
			h = math.Max(h, 176*a.k)
		}
	}
	return h
}

// twoEdgeRows tells whether something stands above the edge: a provider behind a firewall.
func (a *arranger) twoEdgeRows() bool {
	for _, n := range a.layout.Row(plot.LayerEdge) {
		if p, ok := a.layout.Node(n.Parent); ok && p.Layer == plot.LayerEdge {
			return true
		}
	}
	return false
}

// placeCore places the core. Where it carries the units itself it has been placed with them.
func (a *arranger) placeCore() {
	row, ok := a.rows[plot.LayerCore]
	core := a.layout.Row(plot.LayerCore)
	var left, right []int // the edge, folded into the core's row
	if !a.full {
		left, right = a.edgeSides()
	}
	if !ok {
		return
	}
	if a.parents == plot.LayerCore { // it has been placed with its units
		a.foldEdge(left, a.field.X-a.sides/2, a.sides-16*a.k, row)
		a.foldEdge(right, a.field.Right()+a.sides/2, a.sides-16*a.k, row)
		return
	}
	w, h, font := a.spineBox(plot.LayerCore)
	slots, first := float64(len(core)+1), 1.0
	if len(left)+len(right) > 0 {
		side := max(btoi(len(left) > 0), btoi(len(right) > 0))
		slots, first = float64(len(core)+2*side), 0.5+float64(side)
	}
	at := func(i float64) float64 { return a.field.X + a.field.W*i/slots }
	form := formBox
	if room := a.field.W/slots - 12*a.k; room < w {
		w = math.Max(room, 14*a.k)
		if w < 56*a.k {
			form, w, h = formSquare, math.Min(w, 26*a.k), math.Min(w, 26*a.k)
		}
	}
	for i, n := range core {
		x := at(first + float64(i))
		a.add(netBox{Rect: plot.Rect{X: x - w/2, Y: row.middle() - h/2, W: w, H: h}, node: a.index[n.ID], form: form, label: a.nodes[a.index[n.ID]].name, size: font, bold: true})
	}
	a.foldEdge(left, at(0.5), a.field.W/slots-24*a.k, row)
	a.foldEdge(right, at(slots-0.5), a.field.W/slots-24*a.k, row)
}

// reserveSides keeps room beside the core for the edge, where the core carries the units itself.
func (a *arranger) reserveSides() {
	if left, right := a.edgeSides(); len(left)+len(right) > 0 {
		a.sides = math.Min(200*a.k, a.field.W/5)
		a.field = a.field.InsetXY(a.sides, 0)
	}
}

// edgeSides divides the edge: sites, and what leads to them, to the right, the others to the left.
func (a *arranger) edgeSides() (left, right []int) {
	towards := map[int]bool{}
	row := a.layout.Row(plot.LayerEdge)
	for _, n := range row {
		i := a.index[n.ID]
		if a.nodes[i].site == nil {
			continue
		}
		for _, l := range a.links {
			if l.a == i {
				towards[l.b] = true
			} else if l.b == i {
				towards[l.a] = true
			}
		}
	}
	for _, n := range row {
		i := a.index[n.ID]
		switch {
		case a.nodes[i].site != nil || towards[i]:
			right = append(right, i)
		case a.nodes[i].kind != model.KindStub:
			left = append(left, i)
		}
	}
	return left, right
}

// foldEdge puts several edge devices into one box about x: their names, or their number. Sites give
// their name to what leads to them.
func (a *arranger) foldEdge(nodes []int, x, room float64, row rowSpan) {
	if len(nodes) == 0 {
		return
	}
	named := nodes
	if sites := slices.DeleteFunc(slices.Clone(nodes), func(i int) bool { return a.nodes[i].site == nil }); len(sites) > 0 {
		named = sites
	}
	worst := nodes[0]
	var names []string
	for _, i := range nodes {
		if a.nodes[i].state.Worse(a.nodes[worst].state) {
			worst = i
		}
	}
	if !a.nodes[worst].sick() {
		worst = named[0]
	}
	for _, i := range named {
		names = append(names, a.nodes[i].name)
	}
	font, mark := 20*a.k, 0.0
	if a.nodes[worst].sick() {
		mark = 34 * a.k
	}
	room = math.Min(room, 220*a.k)
	name := strings.Join(names, " ")
	if len(named) > 1 && a.measure(name, font, true)+mark+24*a.k > room {
		switch {
		case mark > 0:
			name = a.nodes[worst].name + " +" + itoa(len(named)-1)
		case a.nodes[named[0]].site != nil:
			name = a.text("%d sites", len(named))
		default:
			name = a.text("%d edge devices", len(named))
		}
	}
	w := math.Min(room, math.Max(124*a.k, a.measure(name, font, true)+mark+28*a.k))
	x = math.Max(a.field.X-a.sides+w/2+1, math.Min(x, a.field.Right()+a.sides-w/2-1))
	r := plot.Rect{X: x - w/2, Y: row.middle() - 24*a.k, W: w, H: 48 * a.k}
	a.add(netBox{Rect: r, node: worst, form: formBox, label: name, size: font, bold: true})
	for _, i := range nodes {
		a.boxOf[i] = a.boxOf[worst]
	}
}

// apart is what is linked to nothing, problems first.
func (a *arranger) apart() []int {
	return a.problemsFirst(a.layout.Row(plot.LayerApart))
}

// troubled are the problems among switches that are too small on the map to be named there.
func (a *arranger) troubled() []int {
	if a.form != formCell {
		return nil
	}
	nodes := append(slices.Clone(a.layout.Row(plot.LayerDistribution)), a.layout.Row(plot.LayerAccess)...)
	nodes = append(nodes, a.layout.Row(plot.LayerServers)...)
	sick := a.problemsFirst(nodes)
	for n, i := range sick {
		if !a.nodes[i].sick() {
			return sick[:n]
		}
	}
	return sick
}

func (a *arranger) problemsFirst(nodes []plot.LayeredNode) []int {
	out := make([]int, len(nodes))
	for n, node := range nodes {
		out[n] = a.index[node.ID]
	}
	slices.SortStableFunc(out, func(x, y int) int { return a.nodes[y].state.Rank() - a.nodes[x].state.Rank() })
	return out
}

// placeList places named boxes in a row of their own, as many as there is room for.
func (a *arranger) placeList(layer plot.Layer, nodes []int) {
	row, ok := a.rows[layer]
	if !ok || len(nodes) == 0 {
		return
	}
	w, gap := 116*a.k, 12*a.k
	for _, i := range nodes {
		w = math.Max(w, math.Min(180*a.k, a.labelWidth(i, 20*a.k)+24*a.k))
	}
	fit := int(math.Max(1, (a.field.W+gap)/(w+gap)))
	shown, more := len(nodes), 0
	if shown > fit {
		shown, more = max(1, fit-1), len(nodes)-max(1, fit-1)
	}
	cells := float64(shown + btoi(more > 0))
	x := a.field.Center().X - (cells*(w+gap)-gap)/2
	for _, i := range nodes[:shown] {
		was := a.boxOf[i] // a named problem keeps its place among the squares too
		a.add(netBox{Rect: plot.Rect{X: x, Y: row.y, W: w, H: row.h}, node: i, form: formBox, label: a.nodes[i].name, size: 20 * a.k, bold: true})
		if was >= 0 {
			a.boxOf[i] = was
		}
		x += w + gap
	}
	if more > 0 {
		a.add(netBox{Rect: plot.Rect{X: x, Y: row.y, W: w, H: row.h}, node: -1, form: formPlain, label: "+" + itoa(more), size: 20 * a.k})
	}
}

// sayNoLinks says why nothing is linked.
func (a *arranger) sayNoLinks() {
	y := a.area.Y
	for _, b := range a.boxes {
		y = math.Max(y, b.Bottom())
	}
	s := a.text("No links known yet: LLDP on the devices tells them")
	a.labels = append(a.labels, netLabel{x: a.field.Center().X, y: y + 48*a.k, s: s, size: 18 * a.k, node: -1})
}

// labelWidth is what a node's name and mark need within a box.
func (a *arranger) labelWidth(i int, size float64) float64 {
	w := a.measure(a.nodes[i].name, size, true)
	if !a.full && a.nodes[i].state != model.OK {
		w += 34 * a.k
	}
	return w
}
