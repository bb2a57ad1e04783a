package config

import (
	"strings"
	"testing"

	"github.com/nocturne-noc/nocturne/store/model"
)

func TestSubstitute(t *testing.T) {
	vars := map[string]string{"name": "api-1", "q": `a"b\c`, "s": `it's`, "re": "a.b+c", "nl": "x\ny", "entity": "device/a", "x_y": "z"}
	for _, tc := range []struct{ text, want string }{
		{`plain`, `plain`},
		{`$name`, `api-1`},
		{`$name$entity`, `api-1device/a`},
		{`up{pod="$name"}`, `up{pod="api-1"}`},
		{`up{pod="$q"}`, `up{pod="a\"b\\c"}`},
		{`up{pod='$s'}`, `up{pod='it\'s'}`},
		{`up{pod="$nl"}`, `up{pod="x\ny"}`},
		{`up{pod=~"$re-.*"}`, `up{pod=~"a\\.b\\+c-.*"}`},
		{`up{pod!~"$re"}`, `up{pod!~"a\\.b\\+c"}`},
		{`up{a=~"x", pod="$re"}`, `up{a=~"x", pod="a.b+c"}`},
		{`up{a="\"$name", b="$q"}`, `up{a="\"api-1", b="a\"b\\c"}`},
		{`under $q`, `under a"b\c`},
		{`rate(x{pod="$name"}[$__rate_interval])`, `rate(x{pod="api-1"}[$__rate_interval])`},
		{`label_replace(x, "a", "$1", "b", "(.*)")`, `label_replace(x, "a", "$1", "b", "(.*)")`},
		{`x{a=~"b$"}`, `x{a=~"b$"}`},
		{`$$name costs $$5`, `$name costs $5`},
		{`$x_y`, `z`},
	} {
		got, err := substitute(tc.text, vars)
		if err != nil || got != tc.want {
			t.Errorf("%s: %q %v, want %q", tc.text, got, err, tc.want)
		}
	}
	if _, err := substitute(`up{pod="$pdo"}`, vars); err == nil || !strings.Contains(err.Error(), "$pdo") {
		t.Errorf("an unknown variable is let pass: %v", err)
	}
}

func TestPagesAreChecked(t *testing.T) {
	for _, tc := range []struct{ name, yaml, want string }{
		{"variable of a panel", "pages:\n  - for: pod\n    panels:\n      - {kind: text, at: [0, 0, 1, 1],\n         text: $device}\n", "n.yaml:5:16: unknown variable $device"},
		{"variable of the title", "pages:\n  - for: node\n    title: $pod\n", "n.yaml:3:12: unknown variable $pod"},
		{"kind", "pages:\n  - for: podd\n", "n.yaml:2:10: unknown kind \"podd\": did you mean \"pod\"?"},
		{"no kind", "pages:\n  - title: x\n", "a page needs the kind"},
		{"twice", "pages:\n  - for: [pod, node]\n  - for: pod\n", "a second page is for \"pod\""},
		{"key", "pages:\n  - for: pod\n    name: x\n", "unknown key \"name\""},
		{"exporter of what has none", "pages:\n  - for: pod\n    exporter: redis\n", "n.yaml:3:15: exporter: a pod has none"},
		{"variable of a scraped service", "pages:\n  - for: service\n    exporter: redis\n    title: $namespace\n", "n.yaml:4:12: unknown variable $namespace"},
		{"exporter twice", "pages:\n  - {for: service, exporter: redis}\n  - {for: service}\n  - {for: service, exporter: redis}\n", "n.yaml:4"},
		{"sheet without a name", "pages:\n  - for: pod\n    sheets:\n      - panels: []\n", "n.yaml:4:9: a sheet needs a name"},
		{"sheet twice", "pages:\n  - for: pod\n    sheets:\n      - name: a\n      - name: a\n", "n.yaml:5:9: a second sheet is named \"a\""},
		{"key of a sheet", "pages:\n  - for: pod\n    sheets:\n      - name: a\n        pannels: []\n", "n.yaml:5:9: unknown key \"pannels\""},
		{"variable of a sheet", "pages:\n  - for: pod\n    sheets:\n      - name: a\n        panels: [{kind: text, at: [0, 0, 1, 1],\n          text: $device}]\n", "n.yaml:6:17: unknown variable $device"},
		{"overlap on a sheet", "pages:\n  - for: pod\n    sheets:\n      - name: a\n        panels:\n          - {kind: text, at: [0, 0, 2, 2]}\n          - {kind: text, at: [1, 1, 2, 2]}\n", "n.yaml:7"},
		{"panels and sheets", "pages:\n  - for: pod\n    panels: [{kind: text, at: [0, 0, 1, 1]}]\n    sheets: [{name: a}]\n", "n.yaml:3:13: a page has panels or sheets"},
		{"too many sheets", "pages:\n  - for: pod\n    sheets: [" + strings.Repeat("{name: a}, ", 10) + "]\n", "at most 9 sheets"},
		{"overlap", "pages:\n  - for: pod\n    panels:\n      - {kind: text, at: [0, 0, 2, 2]}\n      - {kind: text, at: [1, 1, 2, 2]}\n", "n.yaml:5"},
	} {
		c, err := Parse("n.yaml", []byte(tc.yaml), ".")
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q in it", tc.name, err, tc.want)
		}
		if !strings.HasSuffix(tc.name, "twice") && len(c.Pages) != 0 {
			t.Errorf("%s: the page is taken all the same", tc.name)
		}
	}
}

func TestPageIsFilledIn(t *testing.T) {
	c, err := Parse("n.yaml", []byte("pages:\n  - for: pod\n    title: 'of $name'\n    panels:\n      - {kind: text, at: [0, 0, 2, 2], text: 'x{pod=\"$pod\", ns=\"$namespace\"}', deep: [{a: $entity}]}\n"), ".")
	if err != nil {
		t.Fatal(err)
	}
	id := model.ObjectID("prod", `sh"op`, model.KindPod, "api-1")
	for range 2 { // a template is not used up
		sheets, err := c.Pages[0].Sheets(Variables(id, model.KindPod, "api-1"))
		if err != nil || len(sheets) != 1 || sheets[0].Name != "" {
			t.Fatal(sheets, err)
		}
		b := sheets[0].Board
		var keys struct {
			Text string
			Deep []struct{ A string }
		}
		if err := b.Panels[0].Decode(&keys); err != nil {
			t.Fatal(err)
		}
		if b.Title.In("en") != "of api-1" || keys.Text != `x{pod="api-1", ns="sh\"op"}` || keys.Deep[0].A != id {
			t.Errorf("%q %+v", b.Title, keys)
		}
	}
}

func TestSheets(t *testing.T) {
	c, err := Parse("n.yaml", []byte(`pages:
  - for: [server, device]
    columns: 12
    sheets:
      - name: summary
        title: {en: Summary, ko: 요약}
        panels: [{kind: text, at: [0, 0, 12, 12], text: 'up{x="$entity"}'}]
      - name: cpu
        rows: 6
        panels: [{kind: text, at: [11, 5, 1, 1]}, {kind: text, at: [0, 0, 1, 1]}]
`), ".")
	if err != nil {
		t.Fatal(err)
	}
	sheets, err := c.Pages[0].Sheets(Variables("device/a", model.KindDevice, "a"))
	if err != nil || len(sheets) != 2 {
		t.Fatal(sheets, err)
	}
	a, b := sheets[0], sheets[1]
	if a.Name != "summary" || a.Board.Title.In("ko") != "요약" || a.Board.Columns != 12 || a.Board.Rows != DefaultRows || len(a.Board.Panels) != 1 {
		t.Errorf("%+v", a)
	}
	if b.Name != "cpu" || b.Board.Title.In("ko") != "cpu" || b.Board.Columns != 12 || b.Board.Rows != 6 || len(b.Board.Panels) != 2 || b.Board.Name == a.Board.Name {
		t.Errorf("%+v", b)
	}
	var keys struct{ Text string }
	if err := a.Board.Panels[0].Decode(&keys); err != nil || keys.Text != `up{x="device/a"}` {
		t.Errorf("%+v %v", keys, err)
	}
}

func TestExporterPage(t *testing.T) {
	const head = "name: redis\nkind: service\nany: [redis_up]\n"
	for _, tc := range []struct{ name, yaml, want string }{
		{"no page", head, ""},
		{"whole", head + "page:\n  panels: [{kind: text, at: [0, 0, 1, 1], text: $instance}]\n", "redis"},
		{"variable", head + "page:\n  title: $pod\n", "x.yaml:5:10: unknown variable $pod"},
		{"key", head + "page:\n  tilte: x\n", "x.yaml:5:3: unknown key \"tilte\""},
		{"kind", "name: x\nkind: pod\npage: {title: x}\n", "a pod has none"},
		{"no YAML", "a: [", "x.yaml"},
	} {
		page, ok, err := ExporterPage("x.yaml", []byte(tc.yaml))
		switch {
		case err != nil:
			if tc.want == "" || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%s: %v, want %q in it", tc.name, err, tc.want)
			}
		case ok != (tc.want != "") || page.Exporter != tc.want:
			t.Errorf("%s: %v %+v, want %q", tc.name, ok, page, tc.want)
		}
	}
}

func FuzzSubstitute(f *testing.F) {
	f.Add(`up{pod=~"$name"}`, `a"b`)
	f.Add(`$$ $name '`, `\`)
	f.Fuzz(func(t *testing.T, text, value string) {
		got, err := substitute(text, map[string]string{"name": value})
		if err == nil && !strings.Contains(text, "$") && got != text {
			t.Errorf("%q became %q", text, got)
		}
	})
}
