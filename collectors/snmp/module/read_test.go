package module

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/gosnmp/gosnmp"
)

// fake answers from a list and writes down what it was asked.
type fake struct {
	objects []Object
	partial string // a root, dotted, that it gives only a part of
	broken  string // a root, dotted, at which it falls silent
	asked   []string
}

var errSilent = errors.New("silent")

func (f *fake) Get(_ context.Context, oids []OID) ([]Object, error) {
	var out []Object
	for _, oid := range oids {
		f.asked = append(f.asked, "get "+dotted(oid))
		for _, o := range f.objects {
			if slices.Equal(o.OID, oid) {
				out = append(out, o)
			}
		}
	}
	return out, nil
}

func (f *fake) Walk(_ context.Context, roots []OID, visit func(Object)) (warnings []string, err error) {
	for _, root := range roots {
		f.asked = append(f.asked, "walk "+dotted(root))
		if dotted(root) == f.broken {
			return warnings, errSilent
		}
		for _, o := range f.objects {
			if hasPrefix(o.OID, root) && len(o.OID) > len(root) {
				visit(o)
			}
		}
		if dotted(root) == f.partial {
			warnings = append(warnings, "a part of "+f.partial)
		}
	}
	return warnings, nil
}

func TestRead(t *testing.T) {
	const text = `modules:
  t:
    get: [1.3.9.0, 1.3.2.7]
    walk: [1.3.2, 1.3.3, 1.3.3.1, 1.3.8.0]
    filters: [{oid: 1.3.1, targets: [1.3.2], values: ['^eth']}]
    metrics:
    - {name: a, oid: 1.3.2, type: gauge, help: h, indexes: [{labelname: i, type: gauge}]}
    - {name: b, oid: 1.3.3, type: gauge, help: h, indexes: [{labelname: i, type: gauge}]}
    - {name: c, oid: 1.3.8, type: gauge, help: h}
`
	gauge := func(oid ...uint32) Object { return Object{oid, gosnmp.Gauge32, uint(1)} }
	objects := []Object{
		{OID{1, 3, 1, 4}, gosnmp.OctetString, []byte("eth0")}, {OID{1, 3, 1, 5}, gosnmp.OctetString, []byte("lo")},
		gauge(1, 3, 2, 4), gauge(1, 3, 2, 5), gauge(1, 3, 3, 4), gauge(1, 3, 8, 0), gauge(1, 3, 9, 0),
	}
	for _, tt := range []struct {
		name            string
		partial, broken string
		asked           []string
		found           int
		warnings        int
		err             error
	}{
		{name: "filtered", asked: []string{"walk 1.3.1", "get 1.3.9.0", "get 1.3.2.4", "walk 1.3.3", "walk 1.3.8.0", "get 1.3.8.0"}, found: 4},
		{name: "a filter that is known in part only is none", partial: "1.3.1", warnings: 1, found: 5,
			asked: []string{"walk 1.3.1", "get 1.3.9.0", "get 1.3.2.7", "walk 1.3.2", "walk 1.3.3", "walk 1.3.8.0", "get 1.3.8.0"}},
		{name: "silent in the middle", broken: "1.3.8.0", asked: []string{"walk 1.3.1", "get 1.3.9.0", "get 1.3.2.4", "walk 1.3.3", "walk 1.3.8.0"}, found: 3, err: errSilent},
		{name: "silent at the filter", broken: "1.3.1", asked: []string{"walk 1.3.1"}, err: errSilent},
	} {
		t.Run(tt.name, func(t *testing.T) {
			agent := &fake{objects: objects, partial: tt.partial, broken: tt.broken}
			got, warnings, err := parse(t, text).Read(t.Context(), agent)
			if diff := cmp.Diff(tt.asked, agent.asked); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
			if len(got) != tt.found || len(warnings) != tt.warnings || !errors.Is(err, tt.err) {
				t.Errorf("%d objects, warnings %q, error %v", len(got), warnings, err)
			}
		})
	}
}

func TestOpenErrors(t *testing.T) {
	for _, tt := range []struct{ name, rules, other, want string }{
		{"good", "- {module: one, sysObjectID: [1.3.6.1.4.1.9], answers: 1.3.6, every: 4m}", "", ""},
		{"unknown module", "- module: on", "", `d/match.yaml: module "on" is unknown, did you mean one?`},
		{"unknown key", "- {module: one, evry: 1m}", "", `d/match.yaml:1: `},
		{"too seldom", "- {module: one, every: 10m}", "", "every 10m0s: want at most 4m0s"},
		{"no OID", "- {module: one, answers: ifTable}", "", `answers: "ifTable" is no OID`},
		{"no prefix", "- {module: one, sysObjectID: [cisco]}", "", `sysObjectID: "cisco" is no OID`},
		{"in two files", "", small, "module one is there already, in another file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files := fstest.MapFS{"d/match.yaml": {Data: []byte(tt.rules)}, "d/a.yml": {Data: []byte(small)}}
			if tt.other != "" {
				files["d/b.yml"] = &fstest.MapFile{Data: []byte(tt.other)}
			}
			_, err := Open(files, "d")
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}
