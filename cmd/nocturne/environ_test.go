package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestEnvironComesBeforeFyne holds what package environ is built on: its place among the
// initialisations of this very program.
func TestEnvironComesBeforeFyne(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	at := func(pkg string) int {
		i := strings.Index(string(out), "init "+pkg+" @")
		if i < 0 {
			t.Fatalf("package %s is not initialised in this program", pkg)
		}
		return i
	}
	environ := at("github.com/nocturne-noc/nocturne/cmd/nocturne/environ")
	for _, pkg := range []string{"fyne.io/fyne/v2/internal/cache", "fyne.io/fyne/v2/lang"} {
		if at(pkg) < environ {
			t.Errorf("%s is initialised before package environ", pkg)
		}
	}
}
