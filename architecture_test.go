package nocturne_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/nocturne-noc/nocturne"

// mayImport is the house plan: which rooms each room may import. A room is the package of that path
// and, with /... behind it, those below. The first that fits a package counts.
var mayImport = []struct {
	room  string
	rooms []string
}{
	{"cmd/nocturne/...", []string{"cmd/nocturne/...", "app/...", "store/...", "assets"}},
	{"app/config", []string{"store/model"}},
	{"app/alert/...", []string{"app/alert/...", "store", "store/model"}},
	{"app/control", []string{"store", "store/model", "app/alert"}},
	{"app/impact", []string{"collectors/snmp", "store/impact", "store/model"}},
	{"app/board/...", []string{"app/board/...", "widgets/...", "store/model"}},
	{"app", []string{"app/...", "widgets/...", "collectors/...", "store/...", "assets"}},
	{"widgets/plot/...", []string{"widgets/plot/..."}},
	{"widgets/panels/...", []string{"widgets/panels/...", "widgets", "widgets/plot/...", "store/impact", "store/model"}},
	{"widgets/...", []string{"widgets", "widgets/plot/...", "store/model"}},
	{"collectors/catalog", []string{"collectors/..."}},
	{"collectors", []string{"store/model"}},
	{"collectors/host/...", []string{"collectors/host/...", "collectors", "store/model"}},
	{"collectors/scrape/...", []string{"collectors/scrape/...", "collectors", "store/model", "assets"}},
	{"collectors/kube/...", []string{"collectors/kube/...", "collectors", "store/model", "assets"}},
	{"collectors/snmp/...", []string{"collectors/snmp/...", "collectors/icmp", "collectors", "store/model", "assets"}},
	{"collectors/icmp", nil},
	{"collectors/probe", []string{"collectors/icmp", "collectors", "store/model"}},
	{"collectors/syslog", []string{"collectors", "store/model"}},
	{"store/impact", []string{"store/model"}},
	{"store/model", nil},
	{"store/bolt", []string{"store/model"}},
	{"store/chunk", nil},
	{"store/rollup", []string{"store/chunk"}},
	{"store/eventlog", []string{"store/model"}},
	{"store", []string{"store/model", "store/bolt", "store/chunk", "store/rollup", "store/eventlog"}},
	{"app/clock", nil},
	{"assets", nil},
	{"", nil},
}

// only says which rooms alone may import a library; the first that fits counts.
var only = []struct {
	library string
	rooms   []string
}{
	{"fyne.io/fyne/v2/app", []string{"cmd/nocturne"}},
	{"fyne.io/fyne/v2", []string{"cmd/nocturne", "app", "app/board/...", "widgets", "widgets/panels/..."}},
	{"k8s.io/client-go", []string{"collectors/kube/..."}},
	{"k8s.io/api", []string{"collectors/kube/..."}},
	{"k8s.io/apimachinery", []string{"collectors/kube/..."}},
	{"k8s.io/metrics", []string{"collectors/kube/..."}},
	{"github.com/gosnmp/gosnmp", []string{"collectors/snmp/..."}},
	{"golang.org/x/net/icmp", []string{"collectors/icmp"}},
	{"github.com/miekg/dns", []string{"collectors/probe"}},
	{"github.com/leodido/go-syslog", []string{"collectors/syslog"}},
	{"go.etcd.io/bbolt", []string{"store/bolt"}},
	{"github.com/wcharczuk/go-chart", []string{"widgets/plot/..."}},
	{"github.com/spf13/cobra", []string{"cmd/nocturne"}},
}

// listed is what `go list -json` says of a package.
type listed struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) []listed {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", "./...").Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		t.Fatalf("go list: %s", failed.Stderr)
	}
	if err != nil {
		t.Fatal(err)
	}
	var list []listed
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

// roomOf is the path of a package inside the module, and whether it is one of the module's.
func roomOf(path string) (string, bool) {
	if path == module {
		return "", true
	}
	return strings.CutPrefix(path, module+"/")
}

func fits(pattern, room string) bool {
	below, tree := strings.CutSuffix(pattern, "/...")
	return room == below || tree && strings.HasPrefix(room, below+"/")
}

func fitsAny(patterns []string, room string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return fits(p, room) })
}

func TestImportArrows(t *testing.T) {
	for _, p := range packages(t) {
		room, _ := roomOf(p.ImportPath)
		plan := -1
		for i, m := range mayImport {
			if fits(m.room, room) {
				plan = i
				break
			}
		}
		if plan < 0 {
			t.Errorf("package %s is in no room of the plan: give it one in mayImport", room)
			continue
		}
		for _, imported := range p.Imports {
			other, ours := roomOf(imported)
			if ours && !fitsAny(mayImport[plan].rooms, other) {
				t.Errorf("%s imports %s, which its room may not", room, other)
			}
			for _, o := range only {
				if imported != o.library && !strings.HasPrefix(imported, o.library+"/") {
					continue
				}
				if !fitsAny(o.rooms, room) {
					t.Errorf("%s imports %s, which is for %s alone", room, imported, strings.Join(o.rooms, ", "))
				}
				break
			}
		}
	}
}

// The plan itself is no dead letter: what it forbids is found.
func TestFits(t *testing.T) {
	for _, tt := range []struct {
		pattern, room string
		want          bool
	}{
		{"store", "store", true}, {"store", "store/model", false}, {"store/...", "store/model", true},
		{"store/...", "store", true}, {"store/...", "storefront", false}, {"", "", true}, {"", "app", false},
	} {
		if got := fits(tt.pattern, tt.room); got != tt.want {
			t.Errorf("fits(%q, %q) = %v", tt.pattern, tt.room, got)
		}
	}
}
