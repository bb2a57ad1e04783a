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
		{"overlap", "pages:\n  - for: pod\n    panels:\n      - {kind: text, at: [0, 0, 2, 2]}\n      - {kind: text, at: [1, 1, 2, 2]}\n", "n.yaml:5"},
	} {
		c, err := Parse("n.yaml", []byte(tc.yaml), ".")
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q in it", tc.name, err, tc.want)
		}
		if tc.name != "twice" && len(c.Pages) != 0 {
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
		b, err := c.Pages[0].Board(Variables(id, model.KindPod, "api-1"))
		if err != nil {
			t.Fatal(err)
		}
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
