package assets

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// fillers are what may stand where the source puts a value into a sentence: a name, a time, a number, a number
// with a unit, a phrase.
var fillers = []string{"x", "03:12:51", "7", "5 s", "down", "x-1 (10.0.0.1:161)", "AbcDef", "service x"}

// sentences are examples of what an expression of the source says, one for each filler; nil where it has no words of
// its own. It knows literals, +, Sprintf and Errorf, and the helpers of the collectors.
func sentences(e ast.Expr) []string {
	if !strings.Contains(spell(e, "x"), " ") {
		return nil
	}
	var list []string
	for _, f := range fillers {
		list = append(list, spell(e, f))
	}
	return list
}

func spell(e ast.Expr, filler string) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if s, ok := literal(e); ok {
			return s
		}
	case *ast.ParenExpr:
		return spell(e.X, filler)
	case *ast.BinaryExpr:
		if e.Op == token.ADD {
			return spell(e.X, filler) + spell(e.Y, filler)
		}
	case *ast.CallExpr:
		name := ""
		switch f := e.Fun.(type) {
		case *ast.Ident:
			name = f.Name
		case *ast.SelectorExpr:
			name = f.Sel.Name
		}
		switch {
		case len(e.Args) == 0:
		case name == "clip" || name == "words" || name == "New" && len(e.Args) == 1 || name == "failed" && len(e.Args) == 1:
			return spell(e.Args[0], filler)
		case name == "clock" || name == "Format":
			return "03:12:51"
		case name == "number" || name == "Itoa" || name == "thousands":
			return "7"
		case name == "plural" && len(e.Args) == 2:
			return "7 " + spell(e.Args[1], filler) + "s"
		case name == "joinComma":
			return spell(e.Args[0], filler) + ", " + spell(e.Args[1], filler)
		case name == "Sprintf" || name == "Errorf" || name == "failed":
			format, ok := literal(e.Args[0])
			if !ok {
				return filler
			}
			return verb.ReplaceAllStringFunc(format, func(v string) string {
				switch v[len(v)-1] {
				case '%':
					return "%"
				case 'd', 'f', 'g':
					return "7"
				case 'q':
					return `"x"`
				}
				return filler
			})
		}
	}
	return filler
}

// reasons lists, with their places, the expressions of the collectors that say why something is in its state: the
// second of a Verdict, what is assigned to a Reason, an event's or a remark's Text, and the errors of some files.
func reasons(t *testing.T) map[string]ast.Expr {
	t.Helper()
	found := map[string]ast.Expr{}
	files := token.NewFileSet()
	add := func(e ast.Expr) { found[files.Position(e.Pos()).String()] = e }
	err := filepath.WalkDir("../collectors", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(files, path, nil, 0)
		if err != nil {
			return err
		}
		errors := slices.Contains(told, filepath.ToSlash(strings.TrimPrefix(path, "../collectors/")))
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CompositeLit:
				if name, ok := n.Type.(*ast.Ident); ok && name.Name == "Verdict" && len(n.Elts) == 2 {
					if _, keyed := n.Elts[0].(*ast.KeyValueExpr); !keyed {
						add(n.Elts[1])
					}
				}
			case *ast.KeyValueExpr:
				if key, ok := n.Key.(*ast.Ident); ok && (key.Name == "Reason" || key.Name == "Text") {
					add(n.Value)
				}
			case *ast.AssignStmt:
				for i, to := range n.Lhs {
					if field, ok := to.(*ast.SelectorExpr); ok && n.Tok == token.ASSIGN && len(n.Rhs) == len(n.Lhs) && (field.Sel.Name == "Reason" || field.Sel.Name == "Text") {
						add(n.Rhs[i])
					}
				}
			case *ast.ReturnStmt:
				for _, r := range n.Results {
					call, ok := r.(*ast.CallExpr)
					if _, text := r.(*ast.BinaryExpr); errors && (ok || text) {
						if !ok || len(call.Args) > 0 {
							add(r)
						}
					}
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// told are the files whose functions return sentences for people.
var told = []string{
	"kube/health.go", "kube/pod_judge.go", "kube/node.go", "kube/workload.go", "kube/relations.go", "kube/why.go", "probe/failure.go", "probe/dns.go",
	"scrape/explain.go", "scrape/kubernetes.go", "scrape/filesd.go", "snmp/refusal.go", "snmp/linkstate.go", "snmp/lag.go", "snmp/batch.go", "snmp/subnet.go", "snmp/walk.go", "syslog/desk.go",
}

// foreign are what needs no Korean: names and units, what the configuration says, and pieces that the sentences of
// testdata/reasons.txt have whole.
var foreign = regexp.MustCompile(`^(` + strings.Join([]string{
	`x x( @x)?`, `x \(x\)`, `, (sidecar|init container) x`, `(dns server|file_sd): x`, `x, \.\.\.`, ` on 03:12:51`, `7 bit/s`, `dns (type|name) "x": want .*`,
	`ended with xxx`, `x full, x: nothing more is admitted`, `not ready after x, x`, `x 7 % used, x`, `x changed at x: x`, `x, limit x`, `x, no limit of its own: .*`, `the TLS certificate of x has expiredx .*`, `no answer from x in x \(x\)x`,
}, "|") + `)$`)

func TestReasonsOfCollectorsHaveKorean(t *testing.T) {
	ko := Phrases("ko")
	list := reasons(t)
	if len(list) < 100 {
		t.Fatalf("%d reasons found: does the test still find them?", len(list))
	}
	var missing []string
	checked := 0
	for place, e := range list {
		examples := sentences(e)
		if examples == nil {
			continue
		}
		checked++
		if !slices.ContainsFunc(examples, func(s string) bool { return ko(s) != s }) && !foreign.MatchString(examples[0]) {
			missing = append(missing, place+": "+examples[0])
		}
	}
	slices.Sort(missing)
	if len(missing) > 0 {
		t.Errorf("%d of %d reasons fit no phrase of i18n/reasons.ko.yaml:\n%s", len(missing), checked, strings.Join(missing, "\n"))
	}
}
