package plot

import (
	"image/color"
	"math"
)

// Kind is a state that has a mark of its own.
type Kind int

// The kinds. KindNone is no state at all: a plain figure, an ordinary line.
const (
	KindNone Kind = iota
	KindOK
	KindWarning
	KindCritical
	KindStale
	KindUnknown
	KindAcknowledged
	KindMaintenance
)

// MarkOptions changes how a mark is drawn.
type MarkOptions struct {
	Ack     bool // outline instead of plate, and a tick disc at the lower right
	Hollow  bool // the empty grey shape of a count of nought
	Inverse bool // critical only: for a mark that stands on a critical plate
	// Behind is what the mark stands on, for the ring around the tick disc; the
	// palette's Surface where it is left zero.
	Behind color.NRGBA
}

// smallestLetter is the height below which a letter in a mark would be noise.
const smallestLetter = 12

// Mark draws the mark of a kind, s high, with its middle at (cx, cy). k is the
// density: letters smaller than 12*k are left out and the shape speaks alone.
func (c *Canvas) Mark(kind Kind, cx, cy, s float64, p *Palette, k float64, o MarkOptions) {
	if !(s > 0) || !finite(cx+cy+s) {
		return
	}
	if k <= 0 {
		k = 1
	}
	m := mark{c: c, p: p, cx: cx, cy: cy, s: s, line: 2 * math.Max(1, k) * math.Min(1, s/(16*math.Max(1, k))), letters: smallestLetter * k}
	if o.Hollow {
		m.hollow = true
	}
	if o.Behind.A == 0 {
		o.Behind = p.Surface
	}
	switch kind {
	case KindCritical:
		m.critical(o)
	case KindWarning:
		m.warning()
	case KindStale:
		m.stale()
	case KindUnknown:
		m.unknown()
	case KindMaintenance:
		m.maintenance()
	case KindAcknowledged:
		c.Check(cx, cy, s, math.Max(1, 0.12*s), m.colour(p.Muted))
		return
	case KindOK:
		if m.hollow {
			c.Circle(cx, cy, 0.297*s-m.line/2, m.line, p.Faint, nil)
		} else {
			c.Disc(cx, cy, 0.297*s, p.OK)
		}
	case KindNone:
		return
	}
	if o.Ack {
		m.ackDisc(o.Behind)
	}
}

// mark is one mark being drawn.
type mark struct {
	c         *Canvas
	p         *Palette
	cx, cy, s float64
	line      float64 // stroke of outlines
	letters   float64 // smallest letter
	hollow    bool
}

// colour returns col, or the grey of a hollow mark.
func (m *mark) colour(col color.NRGBA) color.NRGBA {
	if m.hollow {
		return m.p.Faint
	}
	return col
}

// letter writes the mark's letter where it is large enough to be read.
func (m *mark) letter(text string, size, drop float64, col color.NRGBA) {
	if size*m.s >= m.letters-1e-9 {
		m.c.TextCenter(m.cx, m.cy+drop*m.s, text, Font{Size: size * m.s, Bold: true}, m.colour(col))
	}
}

func (m *mark) critical(o MarkOptions) {
	half := 0.46 * m.s
	r, radius := Rect{m.cx - half, m.cy - half, 2 * half, 2 * half}, 0.1*m.s
	switch {
	case m.hollow:
		m.c.StrokeRound(r, radius, m.line, m.p.Faint, nil)
		m.letter("C", 0.56, 0.2, m.p.Faint)
	case o.Ack:
		m.c.FillRound(r, radius, m.p.CritTint)
		m.c.StrokeRound(r, radius, m.line, m.p.Critical, nil)
		m.letter("C", 0.66, 0.235, m.p.CritInk)
	case o.Inverse:
		m.c.FillRound(r, radius, m.p.OnCrit)
		m.letter("C", 0.66, 0.235, m.p.Critical)
	default:
		m.c.FillRound(r, radius, m.p.Critical)
		m.letter("C", 0.66, 0.235, m.p.OnCrit)
	}
}

func (m *mark) warning() {
	line := math.Min(0.11*m.s, 1.25*m.line)
	if 0.41*m.s < m.letters {
		line = math.Max(line, math.Min(0.11*m.s, 1.32*m.line)) // no letter: the shape alone must carry
	}
	s := m.s - line
	tri := [3]Point{{m.cx, m.cy - 0.48*s}, {m.cx + 0.57*s, m.cy + 0.46*s}, {m.cx - 0.57*s, m.cy + 0.46*s}}
	if !m.hollow {
		m.c.Polygon(tri[:], m.p.WarnTint)
	}
	m.c.StrokePolygon(tri[:], line, m.colour(m.p.Warning), nil)
	m.letter("W", 0.41, 0.325, m.p.WarnText)
}

func (m *mark) stale() {
	if !m.hollow {
		m.c.Disc(m.cx, m.cy, 0.45*m.s, m.p.Surface)
	}
	m.c.Circle(m.cx, m.cy, 0.45*m.s, m.line, m.colour(m.p.Stale), Dash{0.17 * m.s, 0.113 * m.s})
	m.letter("S", 0.56, 0.2, m.p.Text2)
}

func (m *mark) unknown() {
	half := 0.5 * m.s
	dia := [4]Point{{m.cx, m.cy - half}, {m.cx + half, m.cy}, {m.cx, m.cy + half}, {m.cx - half, m.cy}}
	if !m.hollow {
		m.c.Polygon(dia[:], m.p.UnknownTint)
	}
	m.c.StrokePolygon(dia[:], m.line, m.colour(m.p.Unknown), nil)
	m.letter("?", 0.56, 0.2, m.p.Unknown)
}

func (m *mark) maintenance() {
	half := 0.43*m.s + m.line/2
	m.c.StrokeRound(Rect{m.cx - half, m.cy - half, 2 * half, 2 * half}, 0.2*m.s+m.line/2, m.line, m.colour(m.p.Muted), nil)
	m.c.Pause(m.cx, m.cy, m.s, m.colour(m.p.Text2))
}

// ackDisc draws the tick disc of what somebody has taken on.
func (m *mark) ackDisc(behind color.NRGBA) {
	x, y, r := m.cx+0.42*m.s, m.cy+0.36*m.s, 0.24*m.s
	m.c.Disc(x, y, r+0.75*m.line, behind)
	m.c.Disc(x, y, r, m.p.Text2)
	m.c.Check(x, y, 1.25*r, math.Max(1, math.Min(1.1*m.line, 0.3*r)), behind)
}

// Check draws a tick that fits a square of s.
func (c *Canvas) Check(cx, cy, s, width float64, col color.NRGBA) {
	pts := [3]Point{{cx - 0.36*s, cy + 0.02*s}, {cx - 0.1*s, cy + 0.3*s}, {cx + 0.38*s, cy - 0.28*s}}
	c.PolylineRound(pts[:], width, col)
}

// Pause draws the two bars of maintenance that fit a square of s.
func (c *Canvas) Pause(cx, cy, s float64, col color.NRGBA) {
	w, h := 0.1*s, 0.4*s
	c.FillRect(Rect{cx - 0.17*s, cy - h/2, w, h}, col)
	c.FillRect(Rect{cx + 0.07*s, cy - h/2, w, h}, col)
}

// Cross draws an X that fits a square of s.
func (c *Canvas) Cross(cx, cy, s, width float64, col color.NRGBA) {
	d := 0.32 * s
	a, b := [2]Point{{cx - d, cy - d}, {cx + d, cy + d}}, [2]Point{{cx - d, cy + d}, {cx + d, cy - d}}
	c.PolylineRound(a[:], width, col)
	c.PolylineRound(b[:], width, col)
}

// Chevron draws an open arrow head that points along angle (radians, 0 to the
// right, a quarter turn downwards) and fits a square of s.
func (c *Canvas) Chevron(cx, cy, s, width, angle float64, col color.NRGBA) {
	sin, cos := math.Sincos(angle)
	pts := [3]Point{{-0.22, -0.4}, {0.22, 0}, {-0.22, 0.4}}
	for i, q := range pts {
		pts[i] = Point{cx + s*(q.X*cos-q.Y*sin), cy + s*(q.X*sin+q.Y*cos)}
	}
	c.PolylineRound(pts[:], width, col)
}

// Arrow draws a shaft with a head from (x0, y0) to (x1, y1).
func (c *Canvas) Arrow(x0, y0, x1, y1, width float64, col color.NRGBA) {
	length := math.Hypot(x1-x0, y1-y0)
	if !(length > 0) || !finite(length) {
		return
	}
	dx, dy := (x1-x0)/length, (y1-y0)/length
	head := math.Min(4*width+2, length)
	bx, by, half := x1-dx*head, y1-dy*head, 0.6*head
	c.Line(x0, y0, bx+dx*0.2, by+dy*0.2, width, col, nil)
	tip := [3]Point{{x1, y1}, {bx - dy*half, by + dx*half}, {bx + dy*half, by - dx*half}}
	c.Polygon(tip[:], col)
}

// Lag draws the upright ring that binds the members of an aggregated link,
// across a link that runs along angle; s is its longer diameter.
func (c *Canvas) Lag(cx, cy, s, width, angle float64, col color.NRGBA) {
	sin, cos := math.Sincos(angle)
	buf := getScratch()
	defer putScratch(buf)
	buf.path = arcPath(buf.path[:0], 0, 0, s/4, s/2, 0, 2*math.Pi)
	for i, q := range buf.path {
		buf.path[i] = Point{cx + q.X*cos - q.Y*sin, cy + q.X*sin + q.Y*cos}
	}
	c.strokePath(buf, buf.path, width, col, nil, true)
}
