package panels

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// documentOptions are the keys of a document panel: an object as its source has it now.
type documentOptions struct {
	Common `yaml:",inline"`
	Of     string `yaml:"of"` // ID of the entity
}

// document is asked for anew every documentEvery; between, the last answer is shown.
type document struct {
	documentOptions

	mu    sync.Mutex
	hand  reader
	page  *readPage // that is shown, nil for none
	last  model.Document
	lines []string // of last
	err   error    // of the last question
	asked time.Time
}

const (
	documentEvery = 10 * time.Second
	documentWait  = 500 * time.Millisecond // for an answer, before the wall goes on without
	pictureWait   = 5 * time.Second        // likewise for a document or a log, before a picture shows none: it has no next time
)

func documentKind() Kind {
	return Kind{Name: "document", New: func(decode func(any) error) (Panel, error) {
		d := &document{hand: reader{held: true}}
		if err := decode(&d.documentOptions); err != nil {
			return nil, err
		}
		if d.Of == "" {
			return nil, fmt.Errorf("of: want the ID of an entity, on a page $entity")
		}
		return d, nil
	}}
}

// Deps implements Panel.
func (d *document) Deps() Deps { return Deps{Clock: true} }

// Load implements Panel.
func (d *document) Load(ctx context.Context, src model.Source, env Env) (*View, error) {
	v := &View{MinW: 160, MinH: 54}
	if v.Notice = withheld(env); v.Notice != nil {
		return v, nil
	}
	d.ask(ctx, src.Now(), env)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.lines == nil {
		d.page = nil
		v.Notice = d.notice(env)
		return v, nil
	}
	v.State, v.AsOf, v.Every = model.OK, d.last.At, 2*documentEvery
	v.Right = env.Text("read at %s", d.last.At.In(env.Style.Loc).Format(time.TimeOnly))
	note := ""
	if d.err != nil {
		note = env.Text("not read anew: %s", d.err)
	}
	page := d.hand.page(d.text(env), env, note != "")
	d.page = page
	v.Paint = func(c *plot.Canvas, body plot.Rect) {
		page.paint(newPen(c, env.Style), env, body, note, env.Style.Palette.Muted)
	}
	return v, nil
}

// ask asks for the document where that is due. An answer that does not come soon is left for the next time.
func (d *document) ask(ctx context.Context, now time.Time, env Env) {
	d.mu.Lock()
	due := d.asked.IsZero() || now.Sub(d.asked).Abs() >= documentEvery || errors.Is(d.err, context.DeadlineExceeded)
	d.mu.Unlock()
	if !due {
		return
	}
	wait := documentWait
	if env.Fixed {
		wait = pictureWait
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	doc, err := env.Live.Document(ctx, d.Of)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked, d.err = now, err
	if err == nil {
		d.last, d.lines = doc, strings.Split(strings.TrimRight(doc.Text, "\n"), "\n")
	}
}

// notice is the face of a panel that has no document.
func (d *document) notice(env Env) *Notice {
	switch {
	case errors.Is(d.err, context.DeadlineExceeded), errors.Is(d.err, context.Canceled):
		return &Notice{Head: env.Text("Being read"), Lines: []string{d.Of}}
	case errors.Is(d.err, model.ErrNotLive):
		return &Notice{State: model.OK, Head: env.Text("No document"), Lines: []string{env.Text("Its source keeps none of it"), d.Of}}
	}
	return unreadable(env, d.err.Error())
}

// text is the document as a reader shows it: each line stands in by its own columns, its key before its
// value.
func (d *document) text(env Env) readable {
	lines := d.lines
	key, mark := env.Style.Palette.Text2, env.Style.Palette.Muted
	return readable{
		count: len(lines),
		line: func(i int) string {
			columns, _ := beginning(lines[i])
			return lines[i][columns:]
		},
		columns: func(i int) int {
			columns, _ := beginning(lines[i])
			return columns
		},
		items: func(i int) int {
			_, items := beginning(lines[i])
			return items
		},
		inks: func(i int) []ink {
			columns, _ := beginning(lines[i])
			text := lines[i][columns:]
			if strings.HasPrefix(text, "#") {
				return []ink{{0, len(text), mark, false}}
			}
			return []ink{{0, keyEnd(text), key, false}}
		},
	}
}

// beginning is by how many columns the text of a line of YAML stands in, and how many dashes of lists are
// in them.
func beginning(line string) (columns, items int) {
	columns = len(line) - len(strings.TrimLeft(line, " "))
	for strings.HasPrefix(line[columns:], "- ") {
		columns, items = columns+2, items+1
	}
	return columns, items
}

// keyEnd is where the key of a line of YAML ends, behind its colon; 0 for none.
func keyEnd(text string) int {
	if at := strings.Index(text, ": "); at >= 0 && !strings.ContainsAny(text[:at], " \"'{[") {
		return at + 1
	}
	if strings.HasSuffix(text, ":") && !strings.Contains(text, " ") {
		return len(text)
	}
	return 0
}

// Handle implements Interactive.
func (d *document) Handle(g Gesture) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if g.Kind == Leave {
		was := d.hand
		d.hand = reader{held: true}
		return was != d.hand
	}
	if d.page == nil {
		return false
	}
	used := d.hand.take(g, d.page)
	if !d.hand.held { // at its end: a document is not followed
		d.hand.held = true
	}
	return used
}
