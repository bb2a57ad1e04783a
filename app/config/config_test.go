package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nocturne-noc/nocturne/store/model"
)

const contractExample = `
boards:
  - name: overview
    title: {en: Overview, ko: 종합 현황}
    columns: 24
    panels:
      - {kind: topology, at: [0, 0, 14, 10], map: network}
      - {kind: timeseries, at: [14, 0, 10, 5], title: Core uplinks, unit: bit/s,
         queries: [{expr: 'rate(ifHCInOctets{device="core1"}[1m])*8', legend: '{{ifName}} in'}]}
sources:
  - {kind: host}
  - {kind: kubernetes, name: prod, kubeconfig: ~/.kube/config, context: prod}
  - {kind: snmp, name: campus, targets: [10.0.0.1, 10.0.1.0/24], version: 2c, community: env:SNMP_COMMUNITY, every: 30s}
rules: [rules/*.yml]
wall: {distance: 3, rotation: 20s, language: ko, theme: light, reduce_motion: true}
store: {retention: 30d}
`

func TestParseContractExample(t *testing.T) {
	dir := t.TempDir()
	rule := filepath.Join(dir, "rules", "own.yml")
	if err := os.MkdirAll(filepath.Dir(rule), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(rule, []byte("groups: []\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := Parse("n.yaml", []byte(contractExample), dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Boards[0].Title.In("ko"); got != "종합 현황" {
		t.Errorf("Korean title %q", got)
	}
	if c.Boards[0].Rows != DefaultRows || len(c.Boards[0].Panels) != 2 {
		t.Errorf("board %+v", c.Boards[0])
	}
	var panel struct {
		Title   model.Localized `yaml:"title"`
		Unit    string          `yaml:"unit"`
		Queries []struct {
			Expr   string `yaml:"expr"`
			Legend string `yaml:"legend"`
		} `yaml:"queries"`
	}
	if err := c.Boards[0].Panels[1].Decode(&panel); err != nil {
		t.Fatal(err)
	}
	if panel.Unit != "bit/s" || panel.Title.In("ko") != "Core uplinks" || panel.Queries[0].Legend != "{{ifName}} in" {
		t.Errorf("panel %+v", panel)
	}
	var snmp struct {
		Targets   []string `yaml:"targets"`
		Version   string   `yaml:"version"`
		Community string   `yaml:"community"`
	}
	if err := c.Sources[2].Decode(&snmp); err != nil {
		t.Fatal(err)
	}
	if s := c.Sources[2]; s.Name != "campus" || s.Every != 30*time.Second || snmp.Version != "2c" || len(snmp.Targets) != 2 {
		t.Errorf("source %+v %+v", s, snmp)
	}
	if diff := cmp.Diff([]string{rule}, c.Rules); diff != "" {
		t.Error(diff)
	}
	want := Wall{Distance: 3, Screen: 55, Rotation: 20 * time.Second, Language: "ko", Theme: "light", ReduceMotion: true}
	if diff := cmp.Diff(want, c.Wall); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(defaultStore(), c.Store); diff != "" {
		t.Error(diff)
	}
}

// Every wrong input gets an error that names its place and the remedy, and all of them at once.
func TestParseErrors(t *testing.T) {
	tests := []struct {
		name string
		yaml string
		want []string // one per error, in order
	}{
		{"misspelt top key", "bords: []\n", []string{`n.yaml:1:1: unknown key "bords": did you mean "boards"?`}},
		{"nothing near", "zzzzzz: 1\n", []string{`n.yaml:1:1: unknown key "zzzzzz": known are boards, notify, pages, rules, sources, store, wall`}},
		{"all at once", "wal: {}\nwall: {distence: 3, theme: blue}\nstore: {retention: soon}\n", []string{
			`n.yaml:1:1: unknown key "wal": did you mean "wall"?`,
			`n.yaml:2:8: unknown key "distence": did you mean "distance"?`,
			`n.yaml:2:8: wall.theme is "blue"`,
			`n.yaml:3:20: "soon" is not a duration`,
		}},
		{"not YAML", "a: [1\nb", []string{"n.yaml:"}},
		{"a list", "- 1\n", []string{"n.yaml:1:1: want keys and values, not a list"}},
		{"two documents", "wall: {}\n---\nwall: {}\n", []string{"n.yaml: holds more than one YAML document"}},
		{"duplicate key", "wall: {}\nwall: {}\n", []string{`n.yaml:2:1: "wall" stands here a second time: the first is in line 1`}},
		{"wrong types", "wall: {distance: far, reduce_motion: 3, theme: [x], rotation: 20}\n", []string{
			`n.yaml:1:18: want a number, not the text "far"`,
			`n.yaml:1:38: want true or false, not the number 3`,
			`n.yaml:1:48: want a text, not a list`,
			`n.yaml:1:63: want a duration with its unit such as 30s or 5m, not the number 20`,
		}},
		{"source names", "sources:\n  - {kind: host}\n  - {kind: host}\n  - {name: x}\n", []string{
			`n.yaml:3:6: a second source is named "host": give each its own name`, "n.yaml:4:6: a source needs a kind"}},
		{"too often", "sources: [{kind: host, every: 10ms}]\n", []string{`every is 10ms, at least 1s`}},
		{"board names", "boards: [{name: a}, {name: a}, {title: b}]\n", []string{`a second board is named "a"`, "a board needs a name"}},
		{"off the grid", "boards: [{name: a, panels: [{kind: text, at: [20, 0, 5, 1]}]}]\n", []string{`does not fit on the 24 x 12 grid of board "a"`}},
		{"huge place", "boards: [{name: a, panels: [{kind: text, at: [9223372036854775807, 0, 1, 1]}]}]\n", []string{`does not fit`}},
		{"overlap", "boards: [{name: a, panels: [{kind: text, at: [0, 0, 5, 5]}, {kind: stat, at: [4, 4, 1, 1]}]}]\n",
			[]string{`panel "stat" at [4 4 1 1] lies over panel "text" at [0 0 5 5]`}},
		{"no place", "boards: [{name: a, panels: [{kind: text}]}]\n", []string{`panel "text" needs its place`}},
		{"rule file", "rules: [nowhere.yml]\n", []string{"there is no rule file"}},
		{"unknown alias", "wall: *x\n", []string{"n.yaml:1:7: alias *x has no anchor"}},
		{"circle", "wall: &x {<<: *x}\n", []string{"is nested deeper than"}},
		{"open to the world", "wall: {listen: ':9000'}\n", []string{"write 127.0.0.1:PORT"}},
		{"open to every user", "wall:\n  listen: 127.0.0.1:9000\n", []string{"n.yaml:2:11: wall.listen: the API is served with a token only, and wall.token is missing: make one"}},
		{"plain PIN", "wall: {kiosk_pin_hash: '1234'}\n", []string{"is not a bcrypt hash"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := Parse("n.yaml", []byte(tt.yaml), t.TempDir())
			if c == nil {
				t.Fatal("no configuration beside the error")
			}
			var errs Errors
			if !errors.As(err, &errs) || len(errs) != len(tt.want) {
				t.Fatalf("want %d errors, got:\n%v", len(tt.want), err)
			}
			for i, want := range tt.want {
				if !strings.Contains(errs[i].Error(), want) {
					t.Errorf("error %d is %q, want %q in it", i, errs[i], want)
				}
			}
		})
	}
}

// What is valid beside an error runs on.
func TestParseKeepsTheValidPart(t *testing.T) {
	c, err := Parse("n.yaml", []byte(`
boards: [{name: a, panels: [{kind: text, at: [0, 0, 1, 1]}, {kind: text}]}]
sources: [{kind: host}, {kind: snmp, every: soon}]
wall: {theme: blue, language: ko}
`), t.TempDir())
	if err == nil {
		t.Fatal("no error")
	}
	if len(c.Boards) != 1 || len(c.Boards[0].Panels) != 1 || len(c.Sources) != 1 || c.Wall.Language != "ko" || c.Wall.Theme != "dark" {
		t.Errorf("kept %+v", c)
	}
}

func TestPanelDecodeErrors(t *testing.T) {
	c, err := Parse("n.yaml", []byte("boards: [{name: a, panels: [{kind: text, at: [0, 0, 1, 1], title: {en: A}, txet: x, size: many}]}]\n"), ".")
	if err != nil {
		t.Fatal(err)
	}
	p := c.Boards[0].Panels[0]
	var keys struct {
		Text string `yaml:"text"`
		Size int    `yaml:"size"`
	}
	err = p.Decode(&keys)
	var errs Errors
	if !errors.As(err, &errs) || len(errs) != 2 {
		t.Fatalf("want two errors, got %v", err)
	}
	if got := errs[0].Error(); got != `n.yaml:1:76: unknown key "txet": did you mean "text"?` {
		t.Error(got)
	}
	if got := p.Locate(errors.New("bad expression")).Error(); got != "n.yaml:1:30: bad expression" {
		t.Error(got)
	}
	if got := p.Locate(err); !reflect.DeepEqual(got, error(errs)) {
		t.Errorf("an error with a place was given another: %v", got)
	}
}

func TestAliasesAndMerges(t *testing.T) {
	c, err := Parse("n.yaml", []byte(`
boards:
  - name: a
    panels:
      - &base {kind: text, at: [0, 0, 1, 1], text: one}
      - {<<: *base, at: [1, 0, 1, 1]}
`), ".")
	if err != nil {
		t.Fatal(err)
	}
	var keys struct {
		Text string `yaml:"text"`
	}
	p := c.Boards[0].Panels[1]
	if err := p.Decode(&keys); err != nil || keys.Text != "one" || p.At != [4]int{1, 0, 1, 1} {
		t.Errorf("%v %+v %v", err, keys, p.At)
	}
}

// Each of these once exhausted something in some YAML reader.
func TestHostileFiles(t *testing.T) {
	bomb := "x0: &x0 [a,a,a,a,a,a,a,a,a]\n"
	for i := 1; i < 30; i++ {
		l := string(rune('0'+i/10)) + string(rune('0'+i%10))
		p := string(rune('0'+(i-1)/10)) + string(rune('0'+(i-1)%10))
		bomb += "x" + l + ": &x" + l + " [*x" + p + ",*x" + p + ",*x" + p + ",*x" + p + ",*x" + p + ",*x" + p + "]\n"
	}
	tests := map[string]string{
		"brackets":     strings.Repeat("[", maxFileBytes-1),
		"braces":       strings.Repeat("{a: ", maxFileBytes/4-1),
		"dashes":       strings.Repeat("- ", maxFileBytes/2-1),
		"keys":         strings.Repeat("? ", maxFileBytes/2-1),
		"tags":         strings.Repeat("!!a ", maxFileBytes/4-1),
		"anchors":      strings.Repeat("&a ", maxFileBytes/3-1),
		"later tags":   "a: " + strings.Repeat("!!a ", maxFileBytes/4-2),
		"later dashes": "a:\n  b: " + strings.Repeat("- ", maxFileBytes/2-8),
		"aliases":      "notify: " + bomb,
		"bomb":         "notify: [{a: *x29}]\n" + bomb,
		"too long":     strings.Repeat("#", maxFileBytes+1),
	}
	for name, data := range tests {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			if c, err := Parse("n.yaml", []byte(data), "."); err == nil || c == nil {
				t.Errorf("config %v, error %v", c, err)
			}
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

func TestSecret(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "pw"), []byte("hush\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("NOCTURNE_TEST_SECRET", "public")
	c := &Config{Dir: dir}
	tests := []struct{ ref, want, err string }{
		{"env:NOCTURNE_TEST_SECRET", "public", ""},
		{"file:pw", "hush", ""},
		{"file:" + filepath.Join(dir, "pw"), "hush", ""},
		{"env:NOCTURNE_TEST_MISSING", "", "is not set"},
		{"file:missing", "", "no such file"},
		{"file:.", "", "not a regular file"},
		{"keyring:x", "", "not supported yet"},
		{"swordfish", "", "write env:NAME or file:PATH"},
		{"pass:word", "", "write env:NAME or file:PATH"},
	}
	for _, tt := range tests {
		got, err := c.Secret(tt.ref)
		if got != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: %q, %v", tt.ref, got, err)
		}
	}
	if _, err := c.Secret("swordfish"); strings.Contains(err.Error(), "swordfish") {
		t.Errorf("the error gives the secret away: %v", err)
	}
}

func TestHashIgnoresFormAndSeesContent(t *testing.T) {
	hash := func(yaml string) string {
		c, err := Parse("n.yaml", []byte(yaml), ".")
		if err != nil {
			t.Fatal(err)
		}
		return c.Sources[0].Hash()
	}
	a := hash("sources: [{kind: snmp, targets: [a, b]}]")
	b := hash("# x\nsources:\n  - targets: # y\n      - a\n      - b\n    kind: snmp\n")
	other := hash("sources: [{kind: snmp, targets: [b, a]}]")
	if a != b || a == other {
		t.Errorf("hashes %s %s %s", a, b, other)
	}
}

func TestLoad(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(home, "cfg"))
	t.Setenv("KUBECONFIG", "")
	c, err := Load("")
	if err != nil || len(c.Sources) != 1 || c.Sources[0].Kind != "host" || c.Path != "" {
		t.Fatalf("default: %+v, %v", c, err)
	}
	kubeconfig := filepath.Join(home, "kc")
	t.Setenv("KUBECONFIG", kubeconfig)
	if err := os.WriteFile(kubeconfig, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err := Load(""); err != nil || len(c.Sources) != 2 || c.Sources[1].Kind != "kubernetes" {
		t.Fatalf("with a kubeconfig: %+v, %v", c, err)
	}
	path, err := DefaultPath()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("wall: {theme: light}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err := Load(""); err != nil || c.Wall.Theme != "light" || c.Path != path {
		t.Fatalf("the user's own: %+v, %v", c, err)
	}
	if c, err := Load(filepath.Join(home, "missing.yaml")); err == nil || c == nil {
		t.Fatalf("missing: %+v, %v", c, err)
	}
}

func TestNearest(t *testing.T) {
	known := []string{"boards", "sources", "rules", "notify", "wall", "store"}
	for name, want := range map[string]string{"baords": "boards", "source": "sources", "wal": "wall", "x": "", "timeseries": "", "": ""} {
		if got := Nearest(name, known); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", name, got, want)
		}
	}
}

// FuzzParse: no bytes whatever make the reader panic or run away.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{contractExample, "a: &a [*a]", "<<: {a: 1}", "? x\n: y", "- !!binary x", "wall: {<<: [*a, *b]}", "a: |\n  b", "\t", "boards: [{name: ~}]", "sources: [{kind: host, x: .nan}]"} {
		f.Add([]byte(seed))
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse("n.yaml", data, dir)
		if c == nil {
			t.Fatal("no configuration")
		}
		if err != nil && err.Error() == "" {
			t.Fatal("an error without words")
		}
		for _, s := range c.Sources {
			var keys struct {
				Targets []string       `yaml:"targets"`
				Labels  map[string]any `yaml:"labels"`
			}
			_ = s.Decode(&keys) // must only not panic
			if s.Hash() == "" {
				t.Fatal("no hash")
			}
		}
	})
}

// TestPathOption holds that a file's name with the option "path" is made absolute, and other texts are not.
func TestPathOption(t *testing.T) {
	c, err := Parse("n.yaml", []byte("boards: [{name: b, panels: [{kind: k, at: [0, 0, 1, 1], plan: floor/2.png, other: floor/2.png, whole: /srv/2.png, none: ''}]}]"), "/etc/noc")
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Plan  string `yaml:"plan,path"`
		Other string `yaml:"other"`
		Whole string `yaml:"whole,path"`
		None  string `yaml:"none,path"`
	}
	if err := c.Boards[0].Panels[0].Decode(&got); err != nil {
		t.Fatal(err)
	}
	if got.Plan != "/etc/noc/floor/2.png" || got.Other != "floor/2.png" || got.Whole != "/srv/2.png" || got.None != "" {
		t.Errorf("%+v", got)
	}
}
