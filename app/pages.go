package app

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/nocturne-noc/nocturne/app/board"
	"github.com/nocturne-noc/nocturne/app/config"
	"github.com/nocturne-noc/nocturne/assets"
	"github.com/nocturne-noc/nocturne/store/model"
)

// Pages are the templates of the boards about one entity, by its kind.
type Pages map[model.Kind]config.Page

// PagesOf are the built-in pages with those of a configuration in their place; nil stands for none.
func PagesOf(cfg *config.Config) (Pages, error) {
	pages := Pages{}
	files, err := fs.Glob(assets.Pages, "pages/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("built-in pages: %w", err)
	}
	for _, file := range files {
		data, err := assets.Pages.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("built-in page %s: %w", file, err)
		}
		c, err := config.Parse("built-in "+file, data, ".")
		if err != nil {
			return nil, err
		}
		pages.add(c.Pages)
	}
	if cfg != nil {
		pages.add(cfg.Pages)
	}
	return pages, nil
}

func (p Pages) add(list []config.Page) {
	for _, page := range list {
		for _, kind := range page.For {
			p[kind] = page
		}
	}
}

// Page is an opened page: a board about one entity.
type Page struct {
	Entity string
	Spec   board.Spec
	Trail  []string // the names of what the entity is in, outermost first, and its own
}

// Open makes the page of an entity. What src does not know, or not any more, has one too as long as its
// ID tells what it is.
func (p Pages) Open(src model.Source, id string) (Page, error) {
	kind, name, _, ok := model.ParseID(id)
	if found := src.Entities(model.Filter{ID: id}); len(found) > 0 {
		kind, name, ok = found[0].Kind, cmp.Or(found[0].Name, name), true
	}
	if !ok {
		return Page{}, fmt.Errorf("entity %q: nothing is known by this ID: nocturne entities lists those that are", id)
	}
	template, ok := p[kind]
	if !ok {
		if template, ok = p[config.AnyKind]; !ok {
			return Page{}, errors.New("there is no page for any kind: put one with \"for: any\" under \"pages\" in the configuration")
		}
	}
	b, err := template.Board(config.Variables(id, kind, name))
	if err != nil {
		return Page{}, fmt.Errorf("page of %s: %w", id, err)
	}
	page := Page{Entity: id, Spec: Boards([]config.Board{b})[0], Trail: trail(src, id, name)}
	page.Spec.Title = model.Localized{"en": name}
	return page, nil
}

// trail names what an entity is in, outermost first. The ID itself says it, and so it stays when the
// entity is gone.
func trail(src model.Source, id, name string) []string {
	var out []string
	parts := strings.Split(id, "/")
	for n := 2; n < len(parts); n += 2 {
		above := strings.Join(parts[:n], "/")
		_, known, _, ok := model.ParseID(above)
		if !ok {
			continue
		}
		if found := src.Entities(model.Filter{ID: above}); len(found) > 0 {
			known = cmp.Or(found[0].Name, known)
		}
		out = append(out, known)
	}
	return append(out, name)
}

// mostPages is how deep pages are stacked; the oldest makes room.
const mostPages = 16

// openPage shows the page of an entity over what is shown.
func (w *Wall) openPage(id string) {
	w.mu.Lock()
	pages, again := w.pages, len(w.stack) > 0 && w.stack[len(w.stack)-1].Entity == id
	w.mu.Unlock()
	if again {
		return
	}
	page, err := pages.Open(w.o.Source, id)
	if err != nil {
		w.o.Log.Warn("no page is opened", "entity", id, "error", err)
		return
	}
	w.mu.Lock()
	if len(w.stack) == mostPages {
		w.stack = slices.Delete(w.stack, 0, 1)
	}
	w.stack = append(w.stack, page)
	w.hands = handsStand
	w.mu.Unlock()
	w.rebuild()
}

// back goes from a page to what it was opened on, and reports whether there was one.
func (w *Wall) back() bool {
	w.mu.Lock()
	n := len(w.stack)
	if n > 0 {
		w.stack[n-1] = Page{}
		w.stack = w.stack[:n-1]
		w.hands = handsStand
	}
	w.mu.Unlock()
	if n > 0 {
		w.rebuild()
	}
	return n > 0
}

// closePages goes back to the board.
func (w *Wall) closePages() {
	w.mu.Lock()
	open := len(w.stack) > 0
	w.stack = nil
	w.mu.Unlock()
	if open {
		w.rebuild()
	}
}

// target is a spot that can be selected by keyboard.
type target struct {
	board.Selected
	rank int
}

// selectNext moves the selection by so many spots, the worst first.
func (w *Wall) selectNext(by int) {
	states := map[string]model.Entity{}
	for _, e := range w.o.Source.Entities(model.Filter{}) {
		states[e.ID] = e
	}
	alerts := map[string]model.Alert{}
	for _, a := range w.o.Source.Alerts() {
		alerts[a.ID] = a
	}
	var targets []target
	for _, s := range w.view.Spots() {
		if s.Spot.Entity == "" && s.Spot.Alert == "" || s.Spot.Ack {
			continue
		}
		t := target{Selected: s, rank: states[s.Spot.Entity].State.Rank()}
		if _, known := states[s.Spot.Entity]; !known {
			t.rank = 0
		}
		if a, ok := alerts[s.Spot.Alert]; ok {
			t.rank = a.Severity.Rank()
		}
		targets = append(targets, t)
	}
	if len(targets) == 0 {
		return
	}
	slices.SortStableFunc(targets, func(a, b target) int {
		return cmp.Or(b.rank-a.rank, cmp.Compare(a.Tile, b.Tile))
	})
	next := 0
	if by < 0 {
		next = len(targets) - 1
	}
	if now, ok := w.view.Selection(); ok {
		if i := slices.IndexFunc(targets, func(t target) bool { return t.Same(now) }); i >= 0 {
			next = ((i+by)%len(targets) + len(targets)) % len(targets)
		}
	}
	w.view.Select(targets[next].Selected)
	w.touched()
}
