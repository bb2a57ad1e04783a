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

// Page is a template of a board about one entity. Texts in it hold variables.
type Page struct {
	For []model.Kind
	raw Raw
}

// pageKeys are a board's keys with the kinds instead of the name.
type pageKeys struct {
	For     kindList        `yaml:"for"`
	Title   model.Localized `yaml:"title"`
	Columns int             `yaml:"columns"`
	Rows    int             `yaml:"rows"`
	Panels  []Raw           `yaml:"panels"`
}

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
	_, _, known, _ := model.ParseID(pageKinds[kind])
	for label := range known { // an object without a namespace has an empty one, as PromQL sees it
		vars[label] = ""
	}
	_, _, own, _ := model.ParseID(id)
	for label, value := range own {
		vars[label] = value
	}
	vars["entity"], vars["name"], vars["kind"] = id, name, string(kind)
	return vars
}

// pages reads the templates, each filled in once for every kind that it is for, so that a typing error
// is found when the file is read.
func (r *reader) pages(raws []Raw) {
	taken := map[model.Kind]bool{}
	for _, raw := range raws {
		var k pageKeys
		before := len(r.d.errs)
		r.d.decode(raw.node, reflect.ValueOf(&k).Elem())
		if len(k.For) == 0 {
			r.fail(raw, "a page needs the kind that it is for, for: pod")
		}
		for _, kind := range k.For {
			if _, ok := pageKinds[kind]; !ok {
				var names []string
				for name := range pageKinds {
					names = append(names, string(name))
				}
				r.d.failWith(raw.at("for").node, Unknown("kind", string(kind), names))
				continue
			}
			if taken[kind] {
				r.fail(raw, "a second page is for %q: a kind has one", kind)
				continue
			}
			taken[kind] = true
			if _, err := (Page{k.For, raw}).Board(Variables(pageKinds[kind], kind, "x")); err != nil {
				r.d.failWith(raw.node, err)
			}
		}
		if len(r.d.errs) == before {
			r.c.Pages = append(r.c.Pages, Page{k.For, raw})
		}
	}
}

// Board is the page with its variables filled in. Errors have their place in the template; what is
// valid of the board is returned beside them.
func (p Page) Board(vars map[string]string) (Board, error) {
	raw := p.raw
	raw.vars = vars
	r := &reader{c: &Config{}, d: newDecoder(raw.doc)}
	r.d.vars = vars
	b := Board{Name: "page " + string(p.For[0])}
	var whole any // all texts are looked at, those of the panels' own keys too
	if !r.part(raw, &whole) {
		return b, r.d.errs.orNil()
	}
	k := pageKeys{Columns: DefaultColumns, Rows: DefaultRows}
	r.part(raw, &k)
	b = Board{Name: "page " + string(p.For[0]), Title: k.Title, Columns: k.Columns, Rows: k.Rows}
	if k.Columns < 1 || k.Columns > 96 || k.Rows < 1 || k.Rows > 96 {
		r.fail(raw, "the page has %d columns and %d rows: both are 1 to 96", k.Columns, k.Rows)
		return b, r.d.errs.orNil()
	}
	for _, raw := range k.Panels {
		if panel, ok := r.panel(raw, &b); ok {
			b.Panels = append(b.Panels, panel)
		}
	}
	return b, r.d.errs.orNil()
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
