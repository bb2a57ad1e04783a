package panels

import (
	"regexp"
	"unicode"

	"github.com/nocturne-noc/nocturne/widgets/plot"
)

const (
	readerText   = 18 // height of letters
	readerPitch  = 27
	readerNote   = 36  // height of the note below the lines
	readerSearch = 68  // height of a search above them
	maxLineRows  = 40  // of one line that is longer than the panel is wide
	maxFind      = 100 // letters of a search
	wheelLines   = 3
	columnWidth  = 10
	maxColumns   = 60
	hangingSpace = 20 // by which the further rows of a line stand in
)

// reader is what somebody did to a text that is longer than its panel. Lines have numbers, which stay
// theirs when others before them are held no more. The zero value shows the end of the text, and follows
// it.
type reader struct {
	held bool // a place is shown that somebody chose
	top  int  // its first line
	cut  bool // lines are cut at the panel's edge
	find string
	open bool // the search is being typed
	hit  int  // the line that was found last
}

// readable is a text as a reader shows it.
type readable struct {
	first, count int                       // number of the first line, and how many there are
	line         func(i int) (text string) // of index i
	columns      func(i int) int           // by how many the line stands in; nil for none
	items        func(i int) int           // how many dashes of a list are in the last of them, two columns each; nil for none
	inks         func(i int) []ink         // of parts of the line, in order; what is in none has the ink of values
	lead         func(i int) string        // stands before the line; nil for nothing
	leadLike     string                    // as wide as any lead
}

// ink is the colour of a part of a line, by its bytes.
type ink struct {
	from, to int
	col      colour
	bold     bool
}

// readRow is one row on the screen: a part of a line.
type readRow struct {
	line     int // index
	from, to int
}

// readPage is what a reader shows of a text.
type readPage struct {
	reader
	readable
	rows     []readRow
	leadW    float64
	area     plot.Rect // where the rows are
	lastTop  int       // number of the line from which on everything to the end fits
	visible  int       // lines that are shown
	found    []int     // numbers of the lines that have what is searched for
	matching *regexp.Regexp
}

// page lays a text out on a panel, with a note below it or not.
func (r reader) page(t readable, env Env, note bool) *readPage {
	k := env.Style.K
	w, h := env.Size.W-6*k, env.Size.H // at the right stands the bar
	p := &readPage{reader: r, readable: t}
	p.search()
	if p.open || p.find != "" {
		p.area.Y = readerSearch * k
	}
	if note {
		h -= readerNote * k
	}
	p.area.W, p.area.H = w, h-p.area.Y
	room := max(1, int(p.area.H/(readerPitch*k)))
	if t.lead != nil {
		p.leadW = env.Face.Measure(t.leadLike, plot.Font{Size: readerText * k}) + 14*k
	}
	widths := map[rune]float64{}
	rowsOf := func(i int) []readRow {
		return p.wrap(i, w-p.leadW-p.left(i, k), env, widths)
	}
	// The last page, from its end.
	used, top := 0, t.count
	var above []readRow
	for top > 0 {
		above = rowsOf(top - 1)
		if used+len(above) > room && top < t.count {
			break
		}
		used += len(above)
		top--
		above = nil
	}
	p.lastTop = t.first + top
	if p.held {
		p.top = min(max(p.top, t.first), p.lastTop)
	} else {
		p.top = p.lastTop
		if spare := room - used; spare > 0 && len(above) > 0 { // the end of a line before fills the page
			p.rows = append(p.rows, above[len(above)-min(spare, len(above)):]...)
		}
	}
	for i := p.top - t.first; i < t.count && len(p.rows) < room; i++ {
		p.rows = append(p.rows, rowsOf(i)...)
		p.visible++
	}
	p.rows = p.rows[:min(len(p.rows), room)]
	return p
}

// left is how far a line stands in, in pixels.
func (t *readable) left(i int, k float64) float64 {
	if t.columns == nil {
		return 0
	}
	return float64(min(t.columns(i), maxColumns)*columnWidth) * k
}

// wrap breaks a line into rows of w pixels, after a space where there is one near the edge.
func (p *readPage) wrap(i int, w float64, env Env, widths map[rune]float64) []readRow {
	text := p.line(i)
	if p.cut {
		return []readRow{{i, 0, len(text)}}
	}
	font := plot.Font{Size: readerText * env.Style.K}
	var rows []readRow
	from, space, x, atSpace := 0, -1, 0.0, 0.0
	for at, r := range text {
		rw, ok := widths[r]
		if !ok {
			rw = env.Face.Measure(string(r), font)
			widths[r] = rw
		}
		if x+rw > w && at > from {
			to := at
			if space > from && atSpace > w/2 {
				to, x = space, x-atSpace
			} else {
				x = 0
			}
			rows = append(rows, readRow{i, from, to})
			if len(rows) == maxLineRows {
				return rows
			}
			if len(rows) == 1 {
				w -= hangingSpace * env.Style.K
			}
			from, space = to, -1
		}
		x += rw
		if r == ' ' || r == ',' {
			space, atSpace = at+1, x
		}
	}
	return append(rows, readRow{i, from, len(text)})
}

// search finds the lines that have what is searched for.
func (p *readPage) search() {
	if p.find == "" {
		return
	}
	p.matching = regexp.MustCompile("(?i)" + regexp.QuoteMeta(p.find))
	for i := range p.count {
		if p.matching.MatchString(p.line(i)) {
			p.found = append(p.found, p.first+i)
		}
	}
}

// take moves the reader over the page by a gesture and reports whether it was one for it.
func (r *reader) take(g Gesture, p *readPage) bool {
	switch g.Kind {
	case Scroll:
		if g.By.Y == 0 {
			return false
		}
		if g.By.Y > 0 {
			r.goTo(p.top-wheelLines, p)
		} else {
			r.goTo(p.top+wheelLines, p)
		}
		return true
	case Key:
		if r.open {
			r.typed(g, p)
			return true
		}
		return r.key(g, p)
	}
	return false
}

func (r *reader) key(g Gesture, p *readPage) bool {
	step := max(1, p.visible-1)
	switch g.Key {
	case "Prior", "PageUp":
		r.goTo(p.top-step, p)
		return true
	case "Next", "PageDown":
		r.goTo(p.top+step, p)
		return true
	case "Home":
		r.goTo(p.first, p)
		return true
	case "End":
		r.goTo(p.lastTop, p)
		return true
	case "Escape":
		if r.find == "" {
			return false
		}
		r.find = ""
		return true
	}
	switch g.Rune {
	case '/':
		r.open, r.find = true, ""
		return true
	case 'n':
		return r.next(1, p)
	case 'N':
		return r.next(-1, p)
	case 'w', 'W':
		r.cut = !r.cut
		return true
	}
	return false
}

// goTo shows a line first; at the end of the text it is followed.
func (r *reader) goTo(line int, p *readPage) {
	r.top = max(line, p.first)
	r.held = r.top < p.lastTop
}

// typed takes a key while a search is typed: all of them belong to it.
func (r *reader) typed(g Gesture, p *readPage) {
	switch g.Key {
	case "Escape":
		r.open, r.find = false, ""
		return
	case "Return", "KP_Enter":
		r.open = false
		return
	case "BackSpace":
		letters := []rune(r.find)
		r.find = string(letters[:max(0, len(letters)-1)])
	case "Up":
		r.next(-1, p)
		return
	case "Down":
		r.next(1, p)
		return
	case "":
		if !unicode.IsPrint(g.Rune) || len([]rune(r.find)) >= maxFind {
			return
		}
		r.find += string(g.Rune)
	default:
		return
	}
	next := &readPage{reader: *r, readable: p.readable}
	next.search()
	r.hit = p.top
	for i, line := range next.found { // the first below the page's head, else the last of all
		if line >= p.top || i == len(next.found)-1 {
			r.show(line, p)
			break
		}
	}
}

// next goes to the next line that was found, round and round.
func (r *reader) next(by int, p *readPage) bool {
	n := len(p.found)
	if n == 0 {
		return false
	}
	at := 0
	for at < n && p.found[at] < r.hit {
		at++
	}
	switch {
	case at == n || p.found[at] != r.hit: // between two of them
		if by < 0 {
			at--
		}
	default:
		at += by
	}
	r.show(p.found[(at+n)%n], p)
	return true
}

// show brings a line that was found into view.
func (r *reader) show(line int, p *readPage) {
	r.hit = line
	if line < p.top || line >= p.top+p.visible {
		r.goTo(line-p.visible/3, p)
	}
}
