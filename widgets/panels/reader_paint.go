package panels

import (
	"fmt"
	"slices"

	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// paint draws a page, and the note below it, "" for none.
func (p *readPage) paint(n pen, env Env, body plot.Rect, note string, col colour) {
	if note != "" {
		paintNote(n, body, note, col)
	}
	p.searching(n, env, body)
	body.Y, body.H = body.Y+p.area.Y, p.area.H
	for i, row := range p.rows {
		base := body.Y + (float64(i)*readerPitch+19)*n.k
		x := body.X
		if p.lead != nil {
			if row.from == 0 {
				n.text(x, base, p.lead(row.line), readerText, false, n.p.Muted)
			}
			x += p.leadW
		}
		x += p.left(row.line, n.k)
		if p.items != nil && row.from == 0 {
			for item := range p.items(row.line) {
				n.text(x-float64(2*columnWidth*(item+1)-4)*n.k, base, "-", readerText, false, n.p.Muted)
			}
		}
		if row.from > 0 {
			x += hangingSpace * n.k
		}
		p.paintRow(n, x, base, body.Right(), row)
	}
	if len(p.rows) > 0 && p.count > p.visible {
		p.bar(n, body)
	}
}

// bar says where in the text the page is.
func (p *readPage) bar(n pen, body plot.Rect) {
	track := plot.Rect{X: body.Right() + 5*n.k, Y: body.Y, W: 4 * n.k, H: body.H}
	n.FillRound(track, 2*n.k, n.p.BarTrack)
	share := float64(p.visible) / float64(p.count)
	knob := track
	knob.H = max(18*n.k, track.H*share)
	knob.Y += (track.H - knob.H) * clamp01(float64(p.top-p.first)/float64(max(1, p.lastTop-p.first)))
	n.FillRound(knob, 2*n.k, n.p.Bar)
}

// paintRow draws a part of a line: its inks, and what was found in it.
func (p *readPage) paintRow(n pen, x, base, right float64, row readRow) {
	text := p.line(row.line)
	var found [][]int
	if p.matching != nil {
		found = p.matching.FindAllStringIndex(text, 100)
	}
	inks := p.inks(row.line)
	cuts := []int{row.from, row.to}
	for _, m := range found {
		cuts = append(cuts, m...)
	}
	for _, i := range inks {
		cuts = append(cuts, i.from, i.to)
	}
	slices.Sort(cuts)
	for j := 1; j < len(cuts) && x < right; j++ {
		from, to := max(cuts[j-1], row.from), min(cuts[j], row.to)
		if from >= to {
			continue
		}
		part := ink{col: n.p.Text}
		for _, i := range inks {
			if i.from <= from && to <= i.to {
				part = i
			}
		}
		hit := slices.ContainsFunc(found, func(m []int) bool { return m[0] <= from && to <= m[1] })
		word := text[from:to]
		if p.cut {
			word = n.fit(word, readerText, part.bold, right-x)
		}
		if hit {
			ground := plot.Rect{X: x - 1*n.k, Y: base - 18*n.k, W: n.width(word, readerText, part.bold) + 2*n.k, H: 24 * n.k}
			if p.first+row.line == p.hit {
				n.FillRound(ground, 3*n.k, n.p.Inverse)
				part.col = n.p.OnInverse
			} else {
				n.FillRound(ground, 3*n.k, n.p.Outline)
			}
		}
		x = n.text(x, base, word, readerText, part.bold, part.col)
	}
}

// searching draws the search over the lines, while it is typed and as long as it holds.
func (p *readPage) searching(n pen, env Env, body plot.Rect) {
	if !p.open && p.find == "" {
		return
	}
	box, _ := searchBox(body, n.k, 0)
	n.FillRound(box, 6*n.k, n.p.Raised)
	n.StrokeRound(box, 6*n.k, 1.5*n.k, n.p.Outline, nil)
	n.Circle(box.X+24*n.k, box.Y+24*n.k, 7*n.k, 2*n.k, n.p.Muted, nil)
	n.Line(box.X+29*n.k, box.Y+29*n.k, box.X+35*n.k, box.Y+35*n.k, 2*n.k, n.p.Muted, nil)
	right := ""
	switch at, exact := slices.BinarySearch(p.found, p.hit); {
	case p.find != "" && len(p.found) == 0:
		right = env.Text("nothing found")
	case exact:
		right = env.Text("%d of %d", at+1, len(p.found))
	case len(p.found) > 0:
		right = fmt.Sprint(len(p.found))
	}
	end := n.right(box.Right()-16*n.k, box.Y+33*n.k, right, 18, false, n.p.Muted) - 12*n.k
	x, y := box.X+48*n.k, box.Y+34*n.k
	if p.find == "" {
		n.text(x+6*n.k, y, n.fit(env.Text("Search the lines"), 20, false, end-x), 20, false, n.p.Muted)
	} else {
		x = n.text(x, y, n.fit(p.find, 22, false, end-x), 22, false, n.p.Text)
	}
	if p.open {
		n.FillRect(plot.Rect{X: x + 2*n.k, Y: box.Y + 14*n.k, W: max(1, 2*n.k), H: 25 * n.k}, n.p.Text)
	}
}

// withheld is the face of a panel whose contents are not for those who stand before the wall, and where
// nothing can be asked; nil where it can.
func withheld(env Env) *Notice {
	switch {
	case env.Withheld:
		return &Notice{Head: env.Text("Not shown in kiosk mode"), Lines: []string{env.Text("Documents and logs may not be meant for everybody who passes")}}
	case env.Live == nil:
		return &Notice{Head: env.Text("Only on a live wall"), Lines: []string{env.Text("Documents and logs are never kept: a recording has none")}}
	}
	return nil
}

// unreadable is the face of a panel whose source would not answer, or cannot.
func unreadable(env Env, err string) *Notice {
	n := &Notice{Head: env.Text("Cannot be read"), Lines: []string{env.Said(err)}}
	if forbidden(err) {
		n.Head = env.Text("No permission")
	}
	return n
}

// paintNote writes a line below a text.
func paintNote(n pen, body plot.Rect, text string, col colour) {
	row := plot.Rect{X: body.X, Y: body.Bottom() - (readerNote-6)*n.k, W: body.W, H: (readerNote - 6) * n.k}
	n.FillRound(row, 4*n.k, n.p.Raised)
	n.text(row.X+10*n.k, row.Y+21*n.k, n.fit(text, readerText, false, row.W-20*n.k), readerText, false, col)
}
