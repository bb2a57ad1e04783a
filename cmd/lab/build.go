package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// kubernetesVersion is what the programs say they are; it follows tools/kubernetes/go.mod.
const kubernetesVersion = "v1.36.3"

// A tool is a set of programs built from one module below tools, whose go.sum pins them.
type tool struct {
	Module   string            // folder below tools
	Programs map[string]string // program name to Go package
	LDFlags  string
}

func tools() []tool {
	k8s := func(name string) string { return "k8s.io/kubernetes/cmd/" + name }
	return []tool{
		{"etcd", map[string]string{"etcd": "go.etcd.io/etcd/server/v3"}, ""},
		{"kwok", map[string]string{"kwok": "sigs.k8s.io/kwok/cmd/kwok"}, ""},
		{"kubernetes", map[string]string{"kube-apiserver": k8s("kube-apiserver"), "kube-controller-manager": k8s("kube-controller-manager"),
			"kube-scheduler": k8s("kube-scheduler"), "kubectl": k8s("kubectl")},
			" -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=36" +
				" -X k8s.io/component-base/version.gitVersion=" + kubernetesVersion},
	}
}

// systemPrograms are what the network half takes from Debian, with the package of each.
var systemPrograms = [][2]string{{"ip", "iproute2"}, {"snmpd", "snmpd"}, {"lldpd", "lldpd"}, {"snmpwalk", "snmp"}, {"snmpset", "snmp"}}

// checkSystem names the Debian packages that are missing.
func checkSystem() error {
	missing := map[string]bool{}
	var packages []string
	for _, p := range systemPrograms {
		if _, err := exec.LookPath(p[0]); err != nil && !missing[p[1]] {
			missing[p[1]] = true
			packages = append(packages, p[1])
		}
	}
	if packages != nil {
		return fmt.Errorf("programs are missing: apt-get install %s", strings.Join(packages, " "))
	}
	return nil
}

// missingPrograms lists the programs of a tool that bin does not hold.
func (t tool) missingPrograms(bin string) []string {
	var missing []string
	for name := range t.Programs {
		if _, err := os.Stat(filepath.Join(bin, name)); err != nil {
			missing = append(missing, name)
		}
	}
	return missing
}

// checkBuilt fails where a program of the cluster has not been built.
func checkBuilt(bin string) error {
	for _, t := range tools() {
		if missing := t.missingPrograms(bin); missing != nil {
			return fmt.Errorf("%s not in %s: run 'lab build' first", strings.Join(missing, ", "), bin)
		}
	}
	return nil
}

// build compiles what bin does not hold yet, one program at a time, and reports progress to out.
func build(ctx context.Context, source, bin string, out io.Writer) error {
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return fmt.Errorf("build: %w", err)
	}
	for _, t := range tools() {
		missing := t.missingPrograms(bin)
		for _, name := range missing {
			fmt.Fprintf(out, "building %s\n", name)
			cmd := exec.CommandContext(ctx, "go", "build", "-C", filepath.Join(source, "tools", t.Module), "-buildvcs=false", "-trimpath",
				"-ldflags", "-s -w"+t.LDFlags, "-o", filepath.Join(bin, name), t.Programs[name])
			cmd.Stdout, cmd.Stderr = out, out
			if err := cmd.Run(); err != nil {
				return fmt.Errorf("build %s: %w", name, err)
			}
		}
		if missing == nil {
			fmt.Fprintf(out, "%s: built\n", t.Module)
		}
	}
	return checkSystem()
}

// findSource returns the folder of this program in the checkout that holds start or one of the other folders.
func findSource(starts ...string) (string, error) {
	for _, start := range starts {
		for folder := start; folder != filepath.Dir(folder); folder = filepath.Dir(folder) {
			candidate := filepath.Join(folder, "cmd", "lab")
			if _, err := os.Stat(filepath.Join(candidate, "tools", "etcd", "go.mod")); err == nil {
				return candidate, nil
			}
		}
	}
	return "", errors.New("cmd/lab not found above the working folder or the program: run inside a checkout of Nocturne")
}
