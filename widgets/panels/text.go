package panels

import (
	"context"
	"fmt"
	"strings"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// textOptions are the keys of a text panel: a few lines that a person wrote. "# " begins a heading,
// "- " an item, "> " an aside, and what stands between ** is bold.
type textOptions struct {
	Common `yaml:",inline"`
	Text   model.Localized `yaml:"text"`
	By     string          `yaml:"by"` // who wrote it and when, at the right of the title
}

type textPanel struct{ textOptions }

func textKind() Kind {
	return Kind{Name: "text", New: func(decode func(any) error) (Panel, error) {
		var p textPanel
		if err := decode(&p.textOptions); err != nil {
			return nil, err
		}
		if len(p.Text) == 0 {
			return nil, fmt.Errorf("text: want the lines to show")
		}
		return &p, nil
	}}
}

func (p *textPanel) Deps() Deps { return Deps{} }

func (p *textPanel) Load(_ context.Context, _ model.Source, env Env) (*View, error) {
	lines := strings.Split(strings.TrimRight(p.Text.In(env.Lang), "\n"), "\n")
	return &View{State: model.OK, Right: p.By, MinW: 60, MinH: 24, Paint: func(c *plot.Canvas, body plot.Rect) {
		paintText(newPen(c, env.Style), body, lines)
	}}, nil
}

// word is a piece of a line that is never broken.
type word struct {
	text string
	bold bool
	lead bool // a space goes before it
}

// words splits a line at spaces; ** switches bold on and off.
func words(line string) []word {
	var out []word
	bold, space := false, false
	for i, part := range strings.Split(line, "**") {
		if i > 0 {
			bold = !bold
		}
		for j, w := range strings.Split(part, " ") {
			space = space || j > 0
			if w != "" {
				out = append(out, word{w, bold, space && len(out) > 0})
				space = false
			}
		}
	}
	return out
}

func paintText(n pen, body plot.Rect, lines []string) {
	k := n.k
	y := body.Y + 24*k
	for i, line := range lines {
		if y > body.Bottom() {
			n.right(body.Right(), body.Bottom()-2*k, fmt.Sprintf("+%d", len(lines)-i), 18, true, n.p.Muted)
			return
		}
		size, col, bold, x := 20.0, n.p.Text, false, body.X
		switch {
		case strings.HasPrefix(line, "# "):
			line, size, bold = line[2:], 26, true
		case strings.HasPrefix(line, "> "):
			line, col = line[2:], n.p.Muted
		case strings.HasPrefix(line, "- "):
			n.Disc(x+6*k, y-7*k, 3.5*k, n.p.Muted)
			line, x = line[2:], x+22*k
		}
		y = paintLine(n, body, x, y, words(line), size, bold, col) + (size+16)*k
	}
}

// paintLine writes words from x on, broken at the body's right edge, and returns the last baseline.
func paintLine(n pen, body plot.Rect, x, y float64, line []word, size float64, bold bool, col colour) float64 {
	at := x
	for _, w := range line {
		text := w.text
		if w.lead && at > x {
			text = " " + text
		}
		if at > x && at+n.width(text, size, bold || w.bold) > body.Right() {
			if y+(size+8)*n.k > body.Bottom() {
				n.text(at, y, n.fit("…", size, false, body.Right()-at), size, false, col)
				return y
			}
			at, y, text = x, y+(size+8)*n.k, w.text
		}
		at = n.text(at, y, n.fit(text, size, bold || w.bold, body.Right()-at), size, bold || w.bold, col)
	}
	return y
}
