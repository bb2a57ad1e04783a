package app

import (
	"cmp"
	"embed"
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

// Pages are the templates of the boards about one entity.
type Pages map[subject]config.Page

// subject is what a page is for: a kind, and with exporter those of a kind that it tells of.
type subject struct {
	kind     model.Kind
	exporter string
}

// PagesOf are the built-in pages with those of a configuration in their place; nil stands for none.
func PagesOf(cfg *config.Config) (Pages, error) {
	pages := Pages{}
	err := eachFile(assets.Scrape, "scrape/*.yaml", func(name string, data []byte) error {
		page, ok, err := config.ExporterPage(name, data)
		if ok {
			pages.add(page)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	err = eachFile(assets.Pages, "pages/*.yaml", func(name string, data []byte) error {
		c, err := config.Parse(name, data, ".")
		pages.add(c.Pages...)
		return err
	})
	if err != nil {
		return nil, err
	}
	if cfg != nil {
		pages.add(cfg.Pages...)
	}
	return pages, nil
}

// eachFile reads the built-in files of a pattern.
func eachFile(files embed.FS, pattern string, read func(name string, data []byte) error) error {
	names, err := fs.Glob(files, pattern)
	if err != nil {
		return fmt.Errorf("built-in %s: %w", pattern, err)
	}
	for _, name := range names {
		data, err := files.ReadFile(name)
		if err != nil {
			return fmt.Errorf("built-in %s: %w", name, err)
		}
		if err := read("built-in "+name, data); err != nil {
			return err
		}
	}
	return nil
}

func (p Pages) add(list ...config.Page) {
	for _, page := range list {
		for _, kind := range page.For {
			p[subject{kind, page.Exporter}] = page
		}
	}
}

// of finds the template of an entity: that of its exporter, else that of its kind, else that of any kind.
func (p Pages) of(id string, kind model.Kind, exporter string) (config.Page, bool) {
	var tries []subject
	if exporter != "" {
		tries = append(tries, subject{kind, exporter})
	}
	if scraped, _, _, _ := model.ParseID(id); scraped == model.KindServer { // no Service of Kubernetes, whatever it is
		tries = append(tries, subject{kind, config.AnyExporter})
	}
	for _, s := range append(tries, subject{kind: kind}, subject{kind: config.AnyKind}) {
		if page, ok := p[s]; ok {
			return page, true
		}
	}
	return config.Page{}, false
}

// Page is an opened page: boards about one entity.
type Page struct {
	Entity string
	Sheets []Sheet  // one at the least
	Trail  []string // the names of what the entity is in, outermost first, and its own
	of     subject
}

// Sheet is one of the boards of a page. The only one of a page without sheets has no name.
type Sheet struct {
	Name string
	board.Spec
}

// Sheet is the index of the sheet of that name, -1 for none.
func (p Page) Sheet(name string) int {
	return slices.IndexFunc(p.Sheets, func(s Sheet) bool { return s.Name == name })
}

// sheetNames lists the sheets for a message.
func (p Page) sheetNames() string {
	names := make([]string, len(p.Sheets))
	for i, s := range p.Sheets {
		names[i] = cmp.Or(s.Name, "none: it has no sheets")
	}
	return strings.Join(names, ", ")
}

// Tabs are the titles of the sheets, nil where there is one board alone.
func (p Page) Tabs(lang string) []string {
	if len(p.Sheets) < 2 {
		return nil
	}
	titles := make([]string, len(p.Sheets))
	for i, s := range p.Sheets {
		titles[i] = cmp.Or(s.Title.In(lang), s.Name)
	}
	return titles
}

// Open makes the page of an entity. What src does not know, or not any more, has one too as long as its
// ID tells what it is.
func (p Pages) Open(src model.Source, id string) (Page, error) {
	kind, name, _, ok := model.ParseID(id)
	exporter := ""
	if found := src.Entities(model.Filter{ID: id}); len(found) > 0 {
		kind, name, ok = found[0].Kind, cmp.Or(found[0].Name, name), true
		exporter = found[0].Labels["exporter"]
	}
	if !ok {
		return Page{}, fmt.Errorf("entity %q: nothing is known by this ID: nocturne entities lists those that are", id)
	}
	template, ok := p.of(id, kind, exporter)
	if !ok {
		return Page{}, errors.New("there is no page for any kind: put one with \"for: any\" under \"pages\" in the configuration")
	}
	sheets, err := template.Sheets(config.Variables(id, kind, name))
	if err != nil {
		return Page{}, fmt.Errorf("page of %s: %w", id, err)
	}
	page := Page{Entity: id, Trail: trail(src, id, name), of: subject{kind, template.Exporter}}
	for _, s := range sheets {
		page.Sheets = append(page.Sheets, Sheet{s.Name, Boards([]config.Board{s.Board})[0]})
	}
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
