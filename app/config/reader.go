package config

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// reader takes the parts of the file apart and keeps what is valid.
type reader struct {
	c *Config
	d *decoder
}

// part decodes one part of the file into keys and reports whether that went well.
func (r *reader) part(raw Raw, into any, also ...string) bool {
	before := len(r.d.errs)
	r.d.decode(raw.node, reflect.ValueOf(into).Elem(), also...)
	return len(r.d.errs) == before
}

// frame decodes only the keys that every panel or source has, and passes over the kind's own.
func (r *reader) frame(raw Raw, into any) bool {
	return r.part(raw, into, r.keys(raw)...)
}

// keys lists the keys that a part has.
func (r *reader) keys(raw Raw) []string {
	list, ok := newDecoder(raw.doc).entries(newDecoder(raw.doc).resolve(raw.node))
	if !ok {
		return nil
	}
	names := make([]string, len(list))
	for i, e := range list {
		names[i] = e.name
	}
	return names
}

func (r *reader) fail(at Raw, format string, args ...any) {
	r.d.fail(at.node, format, args...)
}

func (r *reader) boards(raws []Raw) {
	names := map[string]bool{}
	for _, raw := range raws {
		k := boardKeys{Columns: DefaultColumns, Rows: DefaultRows}
		r.part(raw, &k)
		switch {
		case k.Name == "":
			r.fail(raw, "a board needs a name")
			continue
		case names[k.Name]:
			r.fail(raw, "a second board is named %q: names are unique", shorten(k.Name))
			continue
		case k.Columns < 1 || k.Columns > 96 || k.Rows < 1 || k.Rows > 96:
			r.fail(raw, "board %q has %d columns and %d rows: both are 1 to 96", shorten(k.Name), k.Columns, k.Rows)
			continue
		}
		names[k.Name] = true
		b := Board{Name: k.Name, Title: k.Title, Columns: k.Columns, Rows: k.Rows}
		if len(b.Title) == 0 {
			b.Title = map[string]string{"en": k.Name}
		}
		for _, raw := range k.Panels {
			if p, ok := r.panel(raw, &b); ok {
				b.Panels = append(b.Panels, p)
			}
		}
		r.c.Boards = append(r.c.Boards, b)
	}
}

func (r *reader) panel(raw Raw, b *Board) (Panel, bool) {
	var k panelKeys
	if !r.frame(raw, &k) {
		return Panel{}, false
	}
	if k.Kind == "" {
		r.fail(raw, "a panel needs a kind")
		return Panel{}, false
	}
	if len(k.At) != 4 {
		r.fail(raw, "panel %q needs its place, at: [column, row, width, height]", shorten(k.Kind))
		return Panel{}, false
	}
	p := Panel{Kind: k.Kind, At: [4]int(k.At), Raw: raw}
	p.also = []string{"kind", "at", "title", "unit"}
	x, y, w, h := p.At[0], p.At[1], p.At[2], p.At[3]
	if x < 0 || y < 0 || w < 1 || h < 1 || w > b.Columns || h > b.Rows || x > b.Columns-w || y > b.Rows-h {
		r.fail(raw, "panel %q at %v does not fit on the %d x %d grid of board %q", shorten(k.Kind), p.At, b.Columns, b.Rows, shorten(b.Name))
		return Panel{}, false
	}
	for _, other := range b.Panels {
		if overlap(p.At, other.At) {
			r.fail(raw, "panel %q at %v lies over panel %q at %v", shorten(k.Kind), p.At, shorten(other.Kind), other.At)
			return Panel{}, false
		}
	}
	return p, true
}

func overlap(a, b [4]int) bool {
	return a[0] < b[0]+b[2] && b[0] < a[0]+a[2] && a[1] < b[1]+b[3] && b[1] < a[1]+a[3]
}

func (r *reader) sources(raws []Raw) {
	names := map[string]bool{}
	for _, raw := range raws {
		var k sourceKeys
		if !r.frame(raw, &k) {
			continue
		}
		if k.Name == "" {
			k.Name = k.Kind
		}
		switch {
		case k.Kind == "":
			r.fail(raw, "a source needs a kind")
		case names[k.Name]:
			r.fail(raw, "a second source is named %q: give each its own name", shorten(k.Name))
		case k.Every != 0 && k.Every < minEvery:
			r.fail(raw, "source %q: every is %v, at least %v is allowed", shorten(k.Name), k.Every, minEvery)
		default:
			names[k.Name] = true
			raw.also = []string{"kind", "name", "every"}
			r.c.Sources = append(r.c.Sources, Source{Kind: k.Kind, Name: k.Name, Every: k.Every, Raw: raw})
		}
	}
}

// rules expands the globs to files, each once.
func (r *reader) rules(raws []Raw) {
	for _, raw := range raws {
		var glob string
		if !r.part(raw, &glob) {
			continue
		}
		pattern := expand(glob, r.c.Dir)
		r.c.globs = append(r.c.globs, pattern)
		files, err := filepath.Glob(pattern)
		if err != nil {
			r.fail(raw, "%q is not a file pattern: %v", shorten(glob), err)
			continue
		}
		if len(files) == 0 && !strings.ContainsAny(glob, "*?[") {
			r.fail(raw, "there is no rule file %s", shorten(pattern))
		}
		for _, f := range files {
			if info, err := os.Stat(f); err == nil && info.Mode().IsRegular() && !slices.Contains(r.c.Rules, f) {
				r.c.Rules = append(r.c.Rules, f)
			}
		}
	}
}

var bcrypt = regexp.MustCompile(`^\$2[abxy]\$\d\d\$[./A-Za-z0-9]{53}$`)

func (r *reader) wall(raw Raw) {
	if raw.node == nil {
		return
	}
	w := defaultWall()
	r.part(raw, &w)
	check := func(good bool, fallback func(), format string, args ...any) {
		if !good {
			r.fail(raw, format, args...)
			fallback()
		}
	}
	check(w.Distance >= 0.3 && w.Distance <= 50, func() { w.Distance = defaultWall().Distance },
		"wall.distance is %v: it is the reading distance in metres, 0.3 to 50", w.Distance)
	check(w.Screen >= 5 && w.Screen <= 1000, func() { w.Screen = defaultWall().Screen },
		"wall.screen is %v: it is the screen's diagonal in inches, 5 to 1000", w.Screen)
	check(w.Language == "" || w.Language == "en" || w.Language == "ko", func() { w.Language = "" },
		"wall.language is %q: there are en and ko", shorten(w.Language))
	check(w.Theme == "dark" || w.Theme == "light", func() { w.Theme = "dark" },
		"wall.theme is %q: there are dark and light", shorten(w.Theme))
	check(w.Rotation == 0 || w.Rotation >= minEvery, func() { w.Rotation = 0 },
		"wall.rotation is %v: it is how long each board stands, at least %v", w.Rotation, minEvery)
	check(w.KioskPINHash == "" || bcrypt.MatchString(w.KioskPINHash), func() {},
		"wall.kiosk_pin_hash is not a bcrypt hash: make one with htpasswd -nBC 10 kiosk, and take what is behind the colon")
	r.listen(raw, &w)
	r.c.Wall = w
}
