package config

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/nocturne-noc/nocturne/store/model"
)

// AnyKind is the kind of the page for what has no page of its own.
const AnyKind model.Kind = "any"

// AnyExporter stands for the exporters that have no page of their own.
const AnyExporter = "any"

// Page is a template of the boards about one entity, its sheets. Texts in it hold variables.
type Page struct {
	For []model.Kind
	// Exporter is the label "exporter" of what the page is for, or AnyExporter; "" where that does not matter.
	Exporter string
	raw      Raw
}

// Sheet is one of the boards of a page.
type Sheet struct {
	Name  string // "" for the only one of a page without sheets
	Board Board  // its name is that of the page and of the sheet
}

// pageKeys are a board's keys with the kinds instead of the name, and sheets where one board is not enough.
type pageKeys struct {
	For      kindList        `yaml:"for"`
	Exporter string          `yaml:"exporter"`
	Title    model.Localized `yaml:"title"`
	Columns  int             `yaml:"columns"`
	Rows     int             `yaml:"rows"`
	Panels   []Raw           `yaml:"panels"`
	Sheets   []Raw           `yaml:"sheets"`
}

// maxSheets is how many sheets a page has at most: as many as there are keys for them, 1 to 9.
const maxSheets = 9

// kindList is one kind or a list of them.
type kindList []model.Kind

// UnmarshalYAML reads "pod" and "[pod, node]".
func (k *kindList) UnmarshalYAML(unmarshal func(any) error) error {
	var one model.Kind
	if unmarshal(&one) == nil {
		*k = kindList{one}
		return nil
	}
	return unmarshal((*[]model.Kind)(k))
}

// pageKinds are the kinds that a page can be for, each with the ID of one of them.
var pageKinds = func() map[model.Kind]string {
	ids := map[model.Kind]string{
		AnyKind: "", model.KindStub: "", model.KindServer: model.ServerID("x"), model.KindDevice: model.DeviceID("x"),
		model.KindInterface: model.PortID("x", "x"), model.KindSource: model.SourceID("x"), model.KindProbe: model.ProbeID("x"), model.KindCluster: model.ClusterID("x"),
		model.KindNode: model.NodeID("x", "x"), model.KindNamespace: model.NamespaceID("x", "x"),
		model.KindContainer: model.ContainerID(model.ObjectID("x", "x", model.KindPod, "x"), "x"),
	}
	for _, k := range []model.Kind{model.KindVolume, model.KindAPIService, model.KindCustomResources, model.KindProject} {
		ids[k] = model.ClusterObjectID("x", k, "x")
	}
	for _, k := range []model.Kind{
		model.KindPod, model.KindDeployment, model.KindStatefulSet, model.KindDaemonSet, model.KindService, model.KindJob,
		model.KindCronJob, model.KindVolumeClaim, model.KindAutoscaler, model.KindBudget, model.KindIngress, model.KindQuota,
		model.KindCertificate, model.KindHelmRelease, model.KindCustom,
	} {
		ids[k] = model.ObjectID("x", "x", k, "x")
	}
	return ids
}()

// Variables are what the variables of a page stand for: entity, name, kind, and the labels under which
// samples of the entity are known, as model.ParseID tells them.
func Variables(id string, kind model.Kind, name string) map[string]string {
	vars := map[string]string{}
	_, _, own, _ := model.ParseID(id)
	if _, scraped := own["instance"]; !scraped { // a service that is scraped has nothing of Kubernetes' services
		_, _, known, _ := model.ParseID(pageKinds[kind])
		for label := range known { // an object without a namespace has an empty one, as PromQL sees it
			vars[label] = ""
		}
	}
	for label, value := range own {
		vars[label] = value
	}
	vars["entity"], vars["name"], vars["kind"] = id, name, string(kind)
	return vars
}

// Example are the variables of something that the page is for, to try it with.
func (p Page) Example() map[string]string {
	if p.Exporter != "" { // under whose ID scraped things are known
		return Variables(model.ServerID("x"), p.For[0], "x")
	}
	return Variables(pageKinds[p.For[0]], p.For[0], "x")
}

// pages reads the templates, each filled in once for every kind that it is for, so that a typing error
// is found when the file is read.
func (r *reader) pages(raws []Raw) {
	type subject struct {
		kind     model.Kind
		exporter string
	}
	taken := map[subject]bool{}
	for _, raw := range raws {
		var k pageKeys
		before := len(r.d.errs)
		r.d.decode(raw.node, reflect.ValueOf(&k).Elem())
		if len(k.For) == 0 {
			r.fail(raw, "a page needs the kind that it is for, for: pod")
		}
		page := Page{k.For, k.Exporter, raw}
		for _, kind := range k.For {
			if taken[subject{kind, k.Exporter}] {
				r.fail(raw, "a second page is for %q: a kind has one", kind)
				continue
			}
			taken[subject{kind, k.Exporter}] = true
			r.page(page, kind)
		}
		if len(r.d.errs) == before {
			r.c.Pages = append(r.c.Pages, page)
		}
	}
}

// page checks a template by filling it in for a kind.
func (r *reader) page(page Page, kind model.Kind) {
	id, ok := pageKinds[kind]
	switch {
	case !ok:
		var names []string
		for name := range pageKinds {
			names = append(names, string(name))
		}
		r.d.failWith(page.raw.at("for").node, Unknown("kind", string(kind), names))
		return
	case page.Exporter != "" && kind != model.KindServer && kind != model.KindService:
		r.fail(page.raw.at("exporter"), "exporter: a %s has none: want for: server or for: service", kind)
		return
	case page.Exporter != "":
		id = model.ServerID("x") // under which scraped things are known
	}
	_, err := page.Sheets(Variables(id, kind, "x"))
	r.d.failWith(page.raw.node, err)
}

// ExporterPage reads the page that stands under "page" in a file about an exporter, as they are in
// assets/scrape: for its kind and its name. Other keys are not looked at. ok is false where it has none.
func ExporterPage(file string, data []byte) (page Page, ok bool, err error) {
	doc, err := parse(file, data)
	if err != nil || doc.root == nil {
		return Page{}, false, err
	}
	r := &reader{c: &Config{}, d: newDecoder(doc)}
	var k struct {
		Name string     `yaml:"name"`
		Kind model.Kind `yaml:"kind"`
		Page Raw        `yaml:"page"`
	}
	if !r.frame(Raw{doc: doc, node: doc.root}, &k) || k.Page.node == nil {
		return Page{}, false, r.d.errs.orNil()
	}
	page = Page{For: []model.Kind{k.Kind}, Exporter: k.Name, raw: k.Page}
	r.page(page, k.Kind)
	return page, true, r.d.errs.orNil()
}

// Sheets are the boards of the page with its variables filled in. Errors have their place in the
// template; what is valid is returned beside them.
func (p Page) Sheets(vars map[string]string) ([]Sheet, error) {
	raw := p.raw
	raw.vars = vars
	r := &reader{c: &Config{}, d: newDecoder(raw.doc)}
	r.d.vars = vars
	name := "page " + string(p.For[0])
	var whole any // all texts are looked at, those of the panels' own keys too
	if !r.part(raw, &whole) {
		return nil, r.d.errs.orNil()
	}
	k := pageKeys{Columns: DefaultColumns, Rows: DefaultRows}
	r.part(raw, &k)
	switch {
	case len(k.Sheets) == 0:
		return []Sheet{{Board: r.sheet(raw, boardKeys{name, k.Title, k.Columns, k.Rows, k.Panels})}}, r.d.errs.orNil()
	case len(k.Panels) > 0:
		r.fail(raw.at("panels"), "a page has panels or sheets: put these panels into a sheet")
	case len(k.Sheets) > maxSheets:
		r.fail(raw.at("sheets"), "a page has at most %d sheets, not %d", maxSheets, len(k.Sheets))
	}
	var sheets []Sheet
	for _, raw := range k.Sheets {
		own := boardKeys{Columns: k.Columns, Rows: k.Rows}
		r.part(raw, &own)
		switch {
		case own.Name == "":
			r.fail(raw, "a sheet needs a name")
			continue
		case slices.ContainsFunc(sheets, func(s Sheet) bool { return s.Name == own.Name }):
			r.fail(raw, "a second sheet is named %q: names are unique", shorten(own.Name))
			continue
		}
		if len(own.Title) == 0 {
			own.Title = model.Localized{"en": own.Name}
		}
		sheet := Sheet{Name: own.Name}
		own.Name = name + " " + own.Name
		sheet.Board = r.sheet(raw, own)
		sheets = append(sheets, sheet)
	}
	return sheets, r.d.errs.orNil()
}

// sheet makes the board of a page, or of one of its sheets.
func (r *reader) sheet(at Raw, k boardKeys) Board {
	b := Board{Name: k.Name, Title: k.Title, Columns: k.Columns, Rows: k.Rows}
	if k.Columns < 1 || k.Columns > 96 || k.Rows < 1 || k.Rows > 96 {
		r.fail(at, "the page has %d columns and %d rows: both are 1 to 96", k.Columns, k.Rows)
		return b
	}
	for _, raw := range k.Panels {
		if panel, ok := r.panel(raw, &b); ok {
			b.Panels = append(b.Panels, panel)
		}
	}
	return b
}

// pageVariable finds "$name" and "$$". What begins with an underscore or a digit is not a page's: $__interval
// belongs to charts, $1 to label_replace.
var pageVariable = regexp.MustCompile(`\$(\$|[a-zA-Z][a-zA-Z0-9_]*)`)

// substitute puts values in the places of variables. Within quotes a value is escaped as PromQL wants it,
// and behind =~ or !~ also as a regular expression; "$$" is a dollar sign.
func substitute(text string, vars map[string]string) (string, error) {
	if !strings.Contains(text, "$") {
		return text, nil
	}
	var out strings.Builder
	var quote byte // the quote that is open, 0 for none
	regex := false
	at := 0
	copied := func(to int) {
		for ; at < to; at++ {
			c := text[at]
			out.WriteByte(c)
			switch {
			case quote != 0 && c == '\\' && at+1 < to:
				at++
				out.WriteByte(text[at])
			case quote == c:
				quote = 0
			case quote == 0 && (c == '"' || c == '\''):
				quote, regex = c, at > 0 && text[at-1] == '~'
			}
		}
	}
	for _, m := range pageVariable.FindAllStringSubmatchIndex(text, -1) {
		copied(m[0])
		at = m[1]
		name := text[m[2]:m[3]]
		if name == "$" {
			out.WriteByte('$')
			continue
		}
		value, ok := vars[name]
		if !ok {
			known := make([]string, 0, len(vars))
			for v := range vars {
				known = append(known, "$"+v)
			}
			slices.Sort(known)
			return text, fmt.Errorf("unknown variable $%s: want one of %s, or $$ for a dollar sign", name, strings.Join(known, ", "))
		}
		if quote != 0 {
			if regex {
				value = regexp.QuoteMeta(value)
			}
			value = strings.NewReplacer(`\`, `\\`, string(quote), `\`+string(quote), "\n", `\n`).Replace(value)
		}
		out.WriteString(value)
	}
	copied(len(text))
	return out.String(), nil
}
