package panels

import (
	"math"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// placeEdge places what stands above the core, on a map with full detail: firewalls and routers in a
// row, providers above them, sites as frames at the right.
func (a *arranger) placeEdge() {
	row, ok := a.rows[plot.LayerEdge]
	if !ok || !a.full {
		return
	}
	var sites, gates, providers []int
	for _, n := range a.layout.Row(plot.LayerEdge) {
		i := a.index[n.ID]
		p, _ := a.layout.Node(n.Parent)
		switch {
		case a.nodes[i].site != nil:
			sites = append(sites, i)
		case p.Layer == plot.LayerEdge:
			providers = append(providers, i)
		default:
			gates = append(gates, i)
		}
	}
	w, h, font := a.spineBox(plot.LayerEdge)
	right := a.field.Right()
	for n := len(sites) - 1; n >= 0; n-- {
		width := a.siteWidth(sites[n])
		if right-width < a.field.X+0.45*a.field.W { // the rest as boxes, in the gates' row
			gates = append(gates, sites[:n+1]...)
			break
		}
		a.placeSite(sites[n], plot.Rect{X: right - width, Y: row.y, W: width, H: row.h})
		right -= width + 24*a.k
	}
	// Each stands above what it hangs on, as far as the others leave room.
	y := row.y + row.h - h
	a.placeNear(gates, a.field.X, right, w, func(x float64, i int) {
		form := formBox
		if a.nodes[i].kind == model.KindStub {
			form = formPill
		}
		a.add(netBox{Rect: plot.Rect{X: x - w/2, Y: y, W: w, H: h}, node: i, form: form, label: a.nodes[i].name, size: font, bold: form == formBox})
	})
	ph := 38 * a.k
	a.placeNear(providers, a.field.X, right, 112*a.k, func(x float64, i int) {
		a.add(netBox{Rect: plot.Rect{X: x - 56*a.k, Y: y - 76*a.k, W: 112 * a.k, H: ph}, node: i, form: formPill, label: a.nodes[i].name, size: 18 * a.k})
	})
}

// placeNear places boxes of width w between left and right, each as near above what it is linked to
// as the ones before it allow, and leans them to the outside, where no cables of the core run.
func (a *arranger) placeNear(nodes []int, left, right, w float64, place func(x float64, i int)) {
	if len(nodes) == 0 {
		return
	}
	gap := 24 * a.k
	want := make([]float64, len(nodes))
	for n, i := range nodes {
		sum, count := 0.0, 0
		for _, l := range a.links {
			other := -1
			if l.a == i {
				other = l.b
			} else if l.b == i {
				other = l.a
			}
			if other < 0 || a.boxOf[other] < 0 {
				continue
			}
			c := a.boxes[a.boxOf[other]].Center()
			sum += c.X
			count++
		}
		want[n] = left + (right-left)*(float64(n)+0.5)/float64(len(nodes))
		if count > 0 {
			want[n] = sum / float64(count)
		}
	}
	at := left + w/2
	for n := range want {
		want[n] = math.Max(at, math.Min(want[n], right-w/2))
		at = want[n] + w + gap
	}
	limit := right - w/2
	for n := len(want) - 1; n >= 0; n-- {
		want[n] = math.Min(want[n], limit)
		limit = want[n] - w - gap
	}
	for n, i := range nodes {
		place(want[n], i)
	}
}

// siteRows is how many rows a site's devices stand in.
const siteRows = 2

// siteWidth is the width of a site's frame, with room for its age should it fall silent.
func (a *arranger) siteWidth(i int) float64 {
	cols := math.Min(4, math.Ceil(float64(len(a.nodes[i].site.nodes))/siteRows))
	return math.Max(cols*116*a.k+34*a.k, a.measure(a.staleTitle(a.nodes[i].name, 99*time.Minute), 18*a.k, true)+70*a.k)
}

// siteTitle names a site and, where it fell silent, says how old its picture is.
func (a *arranger) siteTitle(i int) string {
	n := a.nodes[i]
	if n.state == model.Stale && !n.seen.IsZero() {
		return a.staleTitle(n.name, a.now.Sub(n.seen))
	}
	return n.name
}

func (a *arranger) staleTitle(name string, age time.Duration) string {
	return a.text("%s, %s old", name, Duration(a.text, age))
}

// placeSite places a frame and the site's devices in it: the gateway first, in reading order.
func (a *arranger) placeSite(i int, r plot.Rect) {
	site := a.nodes[i].site
	box := a.add(netBox{Rect: r, node: i, form: formSite, label: a.siteTitle(i), size: 18 * a.k, bold: true, inner: site})
	_, body := r.Inset(14 * a.k).CutTop(40 * a.k)
	cols := int(math.Max(1, math.Floor((body.W+12*a.k)/(104*a.k))))
	cols = min(cols, (len(site.nodes)+siteRows-1)/siteRows)
	fit := cols * siteRows
	gap := 28 * a.k
	w := (body.W - gap*float64(cols-1)) / float64(cols)
	w = math.Min(w, 120*a.k)
	left := body.X + (body.W-w*float64(cols)-gap*float64(cols-1))/2
	h := 38 * a.k
	for n, node := range site.nodes {
		cell := netBox{Rect: plot.Rect{
			X: left + float64(n%cols)*(w+gap), Y: body.Y + 8*a.k + float64(n/cols)*(h+30*a.k), W: w, H: h,
		}, node: n, form: formBox, label: node.name, size: 18 * a.k}
		if n == fit-1 && len(site.nodes) > fit {
			cell.node, cell.label = -1, "+"+itoa(len(site.nodes)-n)
			box.cells = append(box.cells, cell)
			break
		}
		box.cells = append(box.cells, cell)
	}
}
