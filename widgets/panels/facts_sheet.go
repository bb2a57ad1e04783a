package panels

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// sheet lays the rows of a facts panel out in columns, top to bottom; what has no room is counted.
type sheet struct {
	pen
	env    Env
	now    time.Time
	area   plot.Rect
	colW   float64
	cols   int
	col    int
	y      float64
	rows   []sheetRow
	hidden int
	titled bool // the last row is a title: it goes along with the row behind it
}

// sheetRow is one row at its place in the body.
type sheetRow struct {
	at     plot.Rect
	entity string
	paint  func(n pen, r plot.Rect)
}

// sheetColumn is how wide a column is at least at density 1.
const sheetColumn = 420

func (s *sheet) divide(size plot.Rect) {
	s.area = plot.Rect{W: size.W, H: size.H}
	gap := 28 * s.k
	s.cols = max(1, int((size.W+gap)/(sheetColumn*s.k+gap)))
	s.colW = (size.W - float64(s.cols-1)*gap) / float64(s.cols)
}

// add puts a row of height h (density 1) into the first column that has room.
func (s *sheet) add(h float64, entity string, paint func(n pen, r plot.Rect)) {
	h *= s.k
	if s.y+h > s.area.H-s.foot() {
		var title *sheetRow
		if s.titled { // a title does not stay behind at a column's end
			last := s.rows[len(s.rows)-1]
			title, s.rows = &last, s.rows[:len(s.rows)-1]
		}
		if s.col+1 >= s.cols {
			s.hidden++
			s.y, s.titled = s.area.H, false
			return
		}
		s.col, s.y = s.col+1, 0
		if title != nil {
			title.at.X, title.at.Y = s.left(), 0
			s.rows, s.y = append(s.rows, *title), title.at.H
		}
	}
	s.rows = append(s.rows, sheetRow{plot.Rect{X: s.left(), Y: s.y, W: s.colW, H: h}, entity, paint})
	s.y += h
	s.titled = false
}

// foot is kept free in the last column for the count of what has no room.
func (s *sheet) foot() float64 {
	if s.col+1 < s.cols {
		return 0
	}
	return 26 * s.k
}

func (s *sheet) left() float64 { return float64(s.col) * (s.colW + 28*s.k) }

func (s *sheet) spots() []Spot {
	var out []Spot
	for _, r := range s.rows {
		if r.entity != "" {
			out = append(out, Spot{Rect: r.at, Entity: r.entity})
		}
	}
	return out
}

func (s *sheet) paint(n pen, body plot.Rect) {
	for _, r := range s.rows {
		at := r.at
		at.X, at.Y = at.X+body.X, at.Y+body.Y
		r.paint(n, at)
	}
	if s.hidden > 0 {
		n.right(body.Right(), body.Bottom()-4*n.k, s.env.Text("+%d more", s.hidden), 18, true, n.p.Text2)
	}
}

// head is the state in one word, since when, and why, whole.
func (s *sheet) head(e aboutEntity) {
	word := s.env.Text(e.State.String())
	since := ""
	switch {
	case e.gone && !e.since.IsZero():
		word = s.env.Text("gone since %s", clock(e.since, s.now, s.env.Style.Loc, "15:04"))
	case e.gone:
		word = s.env.Text("not known")
	case !e.Since.IsZero():
		since = s.env.Text("Since %s", clock(e.Since, s.now, s.env.Style.Loc, "15:04")) + ", " + Duration(s.env.Text, s.now.Sub(e.Since))
	}
	s.add(56, "", func(n pen, r plot.Rect) {
		k := n.k
		n.mark(e.State, r.X+22*k, r.Y+26*k, 40)
		n.text(r.X+54*k, r.Y+36*k, middle(n, e.Name, 28, true, r.W-54*k), 28, true, n.p.Text)
	})
	s.add(34, "", func(n pen, r plot.Rect) {
		x := n.text(r.X, r.Y+23*n.k, n.fit(word, 22, true, r.W), 22, true, n.ink(e.State)) + 14*n.k
		if r.Right()-x > 60*n.k {
			n.text(x, r.Y+23*n.k, n.fit(since, 18, false, r.Right()-x), 18, false, n.p.Muted)
		}
	})
	for _, line := range wrapWords(s.pen, s.env.Said(e.Reason), 20, false, s.colW, 8) {
		s.add(28, "", func(n pen, r plot.Rect) { n.text(r.X, r.Y+20*n.k, line, 20, false, n.p.Text) })
	}
}

// chain is why, each line because of the next and so further in.
func (s *sheet) chain(lines []string) {
	s.title(s.env.Text("Why"))
	for i, line := range lines {
		in := float64(min(i, 6)) * 18 * s.k
		for j, part := range wrapWords(s.pen, s.env.Said(line), 18, false, s.colW-in-22*s.k, 3) {
			s.add(27, "", func(n pen, r plot.Rect) {
				if j == 0 && i > 0 {
					n.Chevron(r.X+in+6*n.k, r.Y+13*n.k, 12*n.k, 2*n.k, 0, n.p.Muted)
				}
				n.text(r.X+in+20*n.k, r.Y+19*n.k, part, 18, false, n.p.Text2)
			})
		}
	}
}

// containers are a pod's containers, each the place of its own page.
func (s *sheet) containers(e aboutEntity) {
	var names []string
	for label := range e.Labels {
		if name, ok := strings.CutPrefix(label, containerPrefix); ok {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return
	}
	slices.Sort(names)
	s.title(s.env.Text("Containers"))
	for _, name := range names {
		c, ok := containerOf(e.Labels[containerPrefix+name])
		if !ok {
			continue
		}
		state := c.judge()
		if e.State == model.Stale {
			state = model.Stale
		}
		said := s.env.Said(cmp.Or(c.Reason, c.State))
		if c.Last != "" {
			said += ", " + s.env.Text("before: %s", s.env.Said(c.Last))
		}
		s.add(56, model.ContainerID(e.ID, name), func(n pen, r plot.Rect) {
			k := n.k
			n.mark(state, r.X+12*k, r.Y+18*k, 22)
			right := r.Right()
			if c.Restarts > 0 {
				right = n.right(right, r.Y+25*k, s.env.Text("%d restarts", c.Restarts), 18, true, n.p.Text2) - 12*k
			}
			x := n.text(r.X+32*k, r.Y+25*k, middle(n, name, 20, true, (right-r.X)*0.6), 20, true, n.p.Text) + 12*k
			n.text(x, r.Y+25*k, n.fit(said, 18, false, right-x), 18, false, n.ink(state))
			n.text(r.X+32*k, r.Y+48*k, middle(n, c.Image, 18, false, r.W-32*k), 18, false, n.p.Muted)
		})
	}
}

// ownLabels are the names of the labels of an entity that are shown as such: those that are wanted first, in that
// order, and the others by name.
func ownLabels(e aboutEntity, wanted []string) (first, others []string) {
	isOwn := func(name string) bool {
		return e.Labels[name] != "" && name != whyLabel && !strings.HasPrefix(name, containerPrefix) &&
			!strings.HasPrefix(name, annotationPrefix) && !slices.Contains(first, name)
	}
	for _, name := range wanted {
		if isOwn(name) {
			first = append(first, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(e.Labels)) {
		if isOwn(name) {
			others = append(others, name)
		}
	}
	return first, others
}

// labels are those of names, below a title.
func (s *sheet) labels(title string, e aboutEntity, names []string) {
	if len(names) == 0 {
		return
	}
	s.title(s.env.Text(title))
	for _, name := range names {
		value := amountText(name, e.Labels[name])
		switch name { // what was known before an entity fell silent
		case "last_state":
			value = s.env.Text(value)
		case "last_reason":
			value = s.env.Said(value)
		}
		s.pair(s.env.Text(strings.ReplaceAll(name, "_", " ")), value, "")
	}
}

// origin is where the entity belongs and who tells of it.
func (s *sheet) origin(src model.Source, e aboutEntity) {
	s.title(s.env.Text("Origin"))
	if e.Parent != "" {
		p := s.entity(src, e.Parent)
		s.pair(s.env.Text("belongs to"), p.Name, p.ID)
	}
	if e.Source != "" {
		s.pair(s.env.Text("told by"), e.Source, model.SourceID(e.Source))
	}
	if !e.Seen.IsZero() {
		s.pair(s.env.Text("seen"), s.env.Text("%s ago", Duration(s.env.Text, s.now.Sub(e.Seen))), "")
	}
	s.pair("ID", e.ID, "")
}

func (s *sheet) title(text string) {
	s.add(38, "", func(n pen, r plot.Rect) {
		n.rule(r.X, r.Right(), r.Y+8*n.k, n.p.Grid)
		n.text(r.X, r.Y+31*n.k, n.fit(text, 18, true, r.W), 18, true, n.p.Muted)
	})
	s.titled = s.y < s.area.H
}

// pair is a name and its value; entity makes it a place that opens a page.
func (s *sheet) pair(name, value, entity string) {
	s.add(28, entity, func(n pen, r plot.Rect) {
		cut := min(150*n.k, r.W*0.4)
		n.text(r.X, r.Y+20*n.k, n.fit(name, 18, false, cut-10*n.k), 18, false, n.p.Muted)
		n.text(r.X+cut, r.Y+20*n.k, middle(n, value, 18, false, r.W-cut), 18, entity != "", n.p.Text2)
	})
}

// tally is a kind with its counts by state.
func (s *sheet) tally(name string, counts map[model.State]int) {
	total := 0
	for _, c := range counts {
		total += c
	}
	s.add(32, "", func(n pen, r plot.Rect) {
		x := n.text(r.X, r.Y+22*n.k, n.fit(name, 18, false, r.W*0.5), 18, false, n.p.Text2) + 10*n.k
		n.text(x, r.Y+22*n.k, fmt.Sprint(total), 20, true, n.p.Text)
		sick := maps.Clone(counts)
		delete(sick, model.OK)
		delete(sick, model.Maintenance)
		if len(sick) > 0 {
			paintTally(n, r.Right()-tallyWidth(n, sick), r.Y+22*n.k, sick)
		}
	})
}

// thing is another entity and what it has to do with this one.
func (s *sheet) thing(e model.Entity, how, more string) {
	s.add(32, e.ID, func(n pen, r plot.Rect) {
		k, x := n.k, r.X
		n.mark(e.State, x+12*k, r.Y+16*k, 20)
		x += 32 * k
		if how != "" {
			x = n.text(x, r.Y+22*k, how, 18, false, n.p.Muted) + 8*k
		}
		room := r.Right() - x
		if more != "" {
			room *= 0.6
		}
		x = n.text(x, r.Y+22*k, middle(n, e.Name, 18, true, room), 18, true, n.p.Text) + 10*k
		if r.Right()-x > 30*k {
			n.text(x, r.Y+22*k, n.fit(more, 18, false, r.Right()-x), 18, false, n.p.Muted)
		}
	})
}

func (s *sheet) line(text string) {
	s.add(26, "", func(n pen, r plot.Rect) { n.text(r.X+32*n.k, r.Y+19*n.k, text, 18, true, n.p.Text2) })
}

// amountText scales the labels that hold amounts: people do not count eleven digits.
func amountText(name, value string) string {
	unit := ""
	switch name {
	case "memory_allocatable":
		unit = "bytes"
	case "speed_bps":
		unit = "bps"
	}
	v, err := strconv.ParseFloat(value, 64)
	if unit == "" || err != nil {
		return value
	}
	number, suffix := plot.Format(v, unit)
	return strings.TrimSpace(number + " " + suffix)
}
