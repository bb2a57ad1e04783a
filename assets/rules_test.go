package assets

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// Prometheus' own promtool runs the unit tests of the built-in rules: testdata/rules/NAME.yml is of rules/NAME.yml.
func TestRules(t *testing.T) {
	path, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed (Debian's package prometheus has it; .ci/deps test installs it)")
	}
	files, err := filepath.Glob("testdata/rules/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no unit tests of rules: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			if out, err := exec.CommandContext(t.Context(), path, "test", "rules", file).CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}
