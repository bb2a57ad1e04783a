package assets

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// said lists the English texts that the code hands to a function named Text or T, with one place each.
func said(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	files := token.NewFileSet()
	for _, root := range []string{"../widgets", "../app"} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() && strings.HasSuffix(path, "test") {
				return fs.SkipDir // helpers of tests speak to nobody
			}
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(files, path, nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok || len(call.Args) == 0 {
					return true
				}
				name := ""
				switch f := call.Fun.(type) {
				case *ast.Ident:
					name = f.Name
				case *ast.SelectorExpr:
					name = f.Sel.Name
				}
				if name != "Text" && name != "text" && name != "T" {
					return true
				}
				if english, ok := literal(call.Args[0]); ok && translatable(english) {
					found[english] = files.Position(call.Pos()).String()
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found
}

// literal is the value of a constant text, also one that is put together with +.
func literal(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind != token.STRING {
			return "", false
		}
		s, err := strconv.Unquote(e.Value)
		return s, err == nil
	case *ast.BinaryExpr:
		a, okA := literal(e.X)
		b, okB := literal(e.Y)
		return a + b, okA && okB && e.Op == token.ADD
	}
	return "", false
}

// translatable tells words from what is the same in every language: "%d", "/", "–".
func translatable(s string) bool {
	return regexp.MustCompile(`\pL{2}`).MatchString(verb.ReplaceAllString(s, ""))
}

var verb = regexp.MustCompile(`%[-+# 0]*(\[\d+\])?[\d.*]*[a-zA-Z%]`)

func TestKoreanIsComplete(t *testing.T) {
	all, err := catalogs()
	if err != nil {
		t.Fatal(err)
	}
	texts := said(t)
	if len(texts) == 0 {
		t.Fatal("the code says nothing: does the test still find the calls?")
	}
	var missing []string
	for english, place := range texts {
		if all["ko"][english] == "" {
			missing = append(missing, place+": "+strconv.Quote(english))
		}
	}
	slices.Sort(missing)
	if len(missing) > 0 {
		t.Errorf("%d texts have no Korean in i18n/ko.yaml:\n%s", len(missing), strings.Join(missing, "\n"))
	}
}

func TestTranslationsKeepTheirVerbs(t *testing.T) {
	all, err := catalogs()
	if err != nil {
		t.Fatal(err)
	}
	for lang, catalog := range all {
		for english, text := range catalog {
			if e, l := verb.FindAllString(english, -1), verb.FindAllString(text, -1); !slices.Equal(e, l) {
				t.Errorf("%s: %q has the verbs %q, %q has %q", lang, english, e, text, l)
			}
		}
	}
}

func TestText(t *testing.T) {
	ko, en := Text("ko"), Text("en")
	if got := en("%d nodes", 3); got != "3 nodes" {
		t.Error(got)
	}
	if got := ko("a text that nobody translated: %d", 3); got != "a text that nobody translated: 3" {
		t.Error(got)
	}
	if got := Text("xx")("100 %"); got != "100 %" {
		t.Error(got)
	}
	for _, lang := range Languages() {
		if _, err := os.Stat("i18n/" + lang + ".yaml"); lang != "en" && err != nil {
			t.Error(err)
		}
	}
}
