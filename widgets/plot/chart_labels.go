package plot

import (
	"cmp"
	"fmt"
	"image/color"
	"math"
	"slices"
)

// endLabel is what stands at the right end of a line.
type endLabel struct {
	name, value string
	kind        Kind
	leader      color.NRGBA
	anchor      Sample  // the line's end
	rank        int     // who stays when there is no room for all
	width       float64 // of text and mark, without the leader
	y           float64 // where the text's middle comes to stand
}

const (
	labelPitch  = 27 // least distance of end labels
	labelLeader = 16 // from the plot to the text
	labelMark   = 27 // room of a mark before the text
)

// gatherLabels writes the end labels and returns how much room they need at the
// right, at most most.
func (d *chartDrawing) gatherLabels(most float64) float64 {
	anchors := d.anchors()
	for i := range d.lines {
		l := &d.lines[i]
		if !finite(l.last.V) || l.rest {
			continue
		}
		name, value := l.Label, ""
		if name == "" {
			name, value = l.Name, d.reading(l.last.V)
		}
		leader := l.colour
		if urgency(l.kind) >= 2 {
			leader = d.p.State(l.kind)
		}
		d.labels = append(d.labels, endLabel{name: name, value: value, kind: l.kind, leader: leader, anchor: anchors[i], rank: 10 * urgency(l.kind)})
	}
	if d.restN > 0 && d.spec.Stacked {
		middle := anchors[len(anchors)-(d.restN+1)/2]
		d.labels = append(d.labels, endLabel{name: fmt.Sprintf("+%d", d.restN), leader: d.p.Bar, anchor: middle, rank: 9})
	} else if d.restN > 0 {
		for i := len(d.rest) - 1; i >= 0; i-- {
			if r := d.rest[i]; finite(r.Lo) && finite(r.Hi) {
				d.labels = append(d.labels, endLabel{name: fmt.Sprintf("+%d", d.restN), leader: d.p.Bar, anchor: Sample{d.end, (r.Lo + r.Hi) / 2}, rank: 9})
				break
			}
		}
	}
	for _, l := range d.spec.Limits {
		if l.Label != "" && finite(l.Value) {
			d.labels = append(d.labels, endLabel{name: l.Label, leader: d.p.Muted, anchor: Sample{d.end, l.Value}, rank: -1})
		}
	}
	room := math.Max(0, most-labelLeader*d.k)
	widest := 0.0
	for i := range d.labels {
		l := &d.labels[i]
		d.fitLabel(l, room)
		widest = math.Max(widest, l.width)
	}
	if widest == 0 {
		return 0
	}
	return widest + (labelLeader+2)*d.k
}

// anchors returns where each line's label points to: its newest sample, or the
// middle of its layer in a stack.
func (d *chartDrawing) anchors() []Sample {
	anchors := make([]Sample, len(d.lines))
	for i := range d.lines {
		anchors[i] = d.lines[i].last
	}
	if d.spec.Stacked {
		n := 0
		d.stack(func(_ *chartLine, t int64, low, high float64) {
			anchors[n/(stackColumns+1)] = Sample{t, (low + high) / 2}
			n++
		})
	}
	return anchors
}

// reading writes a value as it stands in an end label.
func (d *chartDrawing) reading(v float64) string {
	if d.spec.Mirror {
		v = math.Abs(v)
	}
	if d.spec.Log {
		return FormatText(v, d.spec.Unit)
	}
	return d.axis.Value(v)
}

// fitLabel measures a label and shortens its name to the room that there is.
func (d *chartDrawing) fitLabel(l *endLabel, room float64) {
	f := d.labelFont(l)
	mark := 0.0
	if urgency(l.kind) > 0 {
		mark = labelMark * d.k
	}
	value := 0.0
	if l.value != "" {
		if l.name != "" {
			l.value = "  " + l.value
		}
		value = d.c.Measure(l.value, f)
	}
	l.name = d.c.Ellipsis(l.name, f, math.Max(0, room-mark-value))
	l.width = mark + d.c.Measure(l.name, f) + value
}

// labelFont is bold for what wants to be seen.
func (d *chartDrawing) labelFont(l *endLabel) Font {
	return Font{Size: 18 * d.k, Bold: urgency(l.kind) >= 2}
}

// drawLabels places the labels at their lines' ends and draws them.
func (d *chartDrawing) drawLabels() {
	pitch := labelPitch * d.k
	top, bottom := d.plot.Y+2*d.k, d.plot.Bottom()+8*d.k
	if fit := int((bottom-top)/pitch) + 1; len(d.labels) > fit {
		slices.SortStableFunc(d.labels, func(a, b endLabel) int { return cmp.Compare(b.rank, a.rank) })
		d.labels = d.labels[:max(fit, 1)]
	}
	ends := make([]float64, len(d.labels))
	for i := range d.labels {
		d.labels[i].y = clamp(d.at(d.labels[i].anchor).Y, d.plot.Y, d.plot.Bottom())
	}
	slices.SortStableFunc(d.labels, func(a, b endLabel) int { return cmp.Compare(a.y, b.y) })
	for i := range d.labels {
		ends[i] = d.labels[i].y
	}
	places := Spread(ends, pitch, top, bottom)
	for i := range d.labels {
		l := &d.labels[i]
		l.y = places[i]
		d.drawLabel(l, ends[i])
	}
}

// drawLabel draws a label whose line ends at the height end.
func (d *chartDrawing) drawLabel(l *endLabel, end float64) {
	x := d.plot.Right()
	leader := d.alpha(l.leader, 0.6)
	if gap := d.at(l.anchor).X; gap < x-6*d.k { // the line ends before the plot does
		d.c.Line(math.Max(gap+4*d.k, d.plot.X), end, x, end, 1, d.alpha(l.leader, 0.35), Dash{2 * d.k, 4 * d.k})
	}
	pts := [3]Point{{x + 2*d.k, end}, {x + 4*d.k, end}, {x + 13*d.k, l.y}}
	if math.Abs(end-l.y) < 0.75 {
		y := math.Floor(end) + 0.5
		pts = [3]Point{{x + 2*d.k, y}, {x + 4*d.k, y}, {x + 13*d.k, y}}
	}
	d.c.Polyline(pts[:], math.Max(1, math.Round(d.k)), leader, nil)
	x += labelLeader * d.k
	f := d.labelFont(l)
	ink := d.p.Muted
	if urgency(l.kind) > 0 {
		d.c.Mark(l.kind, x+11*d.k, l.y, 24*d.k, d.p, d.k, MarkOptions{})
		x += labelMark * d.k
		ink = d.p.Ink(l.kind)
	}
	base := l.y + 6.4*d.k
	x += d.c.Text(x, base, l.name, f, ink)
	d.c.Text(x, base, l.value, f, ink)
}

// Spread moves places, which are in ascending order, as little as needed until
// neighbours are at least pitch apart and all lie within lo..hi. Where they
// cannot all fit, they are spread evenly over the whole extent.
func Spread(places []float64, pitch, lo, hi float64) []float64 {
	n := len(places)
	out := make([]float64, n)
	if n == 0 {
		return out
	}
	if float64(n-1)*pitch > hi-lo {
		for i := range out {
			out[i] = lo
			if n > 1 {
				out[i] += float64(i) * math.Max(hi-lo, 0) / float64(n-1)
			}
		}
		return out
	}
	// Neighbours that would touch form a block around the mean of where its members
	// want to be (pool adjacent violators).
	type block struct {
		want float64 // sum of the wanted places of the block's first member
		n    int
	}
	start := func(b block) float64 {
		return clamp(b.want/float64(b.n), lo, hi-float64(b.n-1)*pitch)
	}
	var blocks []block
	for _, p := range places {
		blocks = append(blocks, block{clamp(p, lo, hi), 1})
		for len(blocks) > 1 {
			a, b := blocks[len(blocks)-2], blocks[len(blocks)-1]
			if start(a)+float64(a.n)*pitch <= start(b) {
				break
			}
			blocks = append(blocks[:len(blocks)-2], block{a.want + b.want - float64(a.n*b.n)*pitch, a.n + b.n})
		}
	}
	i := 0
	for _, b := range blocks {
		at := start(b)
		for range b.n {
			out[i] = at
			at += pitch
			i++
		}
	}
	return out
}
