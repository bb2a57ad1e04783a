package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// What the programs of Kubernetes say they are; these follow tools/kubernetes/go.mod and tools/kubernetes-older/go.mod.
const (
	kubernetesVersion = "v1.36.3"
	olderVersion      = "v1.35.4"
)

// certificateCRD is the definition of cert-manager's certificates, which is copied beside the programs.
const certificateCRD = "cert-manager.io_certificates.yaml"

// A tool is a set of programs built from one module below tools, whose go.sum pins them.
type tool struct {
	Module   string            // folder below tools
	Programs map[string]string // program name to Go package
	LDFlags  string
}

// tools are the programs for so many clusters.
func tools(clusters int) []tool {
	k8s := func(suffix string, names ...string) map[string]string {
		programs := map[string]string{}
		for _, name := range names {
			programs[name+suffix] = "k8s.io/kubernetes/cmd/" + name
		}
		return programs
	}
	list := []tool{
		{Module: "etcd", Programs: map[string]string{"etcd": "go.etcd.io/etcd/server/v3"}},
		{Module: "kwok", Programs: map[string]string{"kwok": "sigs.k8s.io/kwok/cmd/kwok"}},
		{Module: "metrics-server", Programs: map[string]string{"metrics-server": "sigs.k8s.io/metrics-server/cmd/metrics-server"}},
		{Module: "kubernetes", Programs: k8s("", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl"), LDFlags: versionFlags(kubernetesVersion)},
	}
	if clusters > 1 {
		list = append(list, tool{Module: "kubernetes-older", Programs: k8s("-"+olderVersion, "kube-apiserver", "kube-controller-manager", "kube-scheduler"),
			LDFlags: versionFlags(olderVersion)})
	}
	return list
}

// versionFlags let the programs say which version of Kubernetes they are.
func versionFlags(version string) string {
	const variable = " -X k8s.io/component-base/version."
	numbers := strings.Split(strings.TrimPrefix(version, "v"), ".")
	return variable + "gitMajor=" + numbers[0] + variable + "gitMinor=" + numbers[1] + variable + "gitVersion=" + version
}

// systemPrograms are what the network half takes from Debian, with the package of each.
var systemPrograms = [][2]string{{"ip", "iproute2"}, {"snmpd", "snmpd"}, {"lldpd", "lldpd"}, {"snmpwalk", "snmp"}, {"snmpset", "snmp"},
	{"prometheus-node-exporter", "prometheus-node-exporter"}, {"redis-server", "redis-server"}, {"prometheus-redis-exporter", "prometheus-redis-exporter"},
	{"mkfs.ext4", "e2fsprogs"}, {"nsenter", "util-linux"}}

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

// checkBuilt fails where something that so many clusters need has not been built.
func checkBuilt(bin string, clusters int) error {
	var missing []string
	for _, t := range tools(clusters) {
		missing = append(missing, t.missingPrograms(bin)...)
	}
	if _, err := os.Stat(filepath.Join(bin, certificateCRD)); err != nil {
		missing = append(missing, certificateCRD)
	}
	if missing != nil {
		return fmt.Errorf("%s not in %s: run 'lab build' first", strings.Join(missing, ", "), bin)
	}
	return nil
}

// fetchDefinition copies the definition of cert-manager's certificates out of its module, whose go.sum pins it.
func fetchDefinition(ctx context.Context, source, bin string) error {
	const module = "github.com/cert-manager/cert-manager"
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", module)
	cmd.Dir = filepath.Join(source, "tools", "cert-manager")
	text, err := outputOf(cmd)
	if err != nil {
		return fmt.Errorf("module %s: %w", module, err)
	}
	var found struct{ Dir string }
	if err := json.Unmarshal([]byte(text), &found); err != nil {
		return fmt.Errorf("module %s: %w", module, err)
	}
	definition, err := os.ReadFile(filepath.Join(found.Dir, "deploy", "crds", certificateCRD))
	if err != nil {
		return fmt.Errorf("module %s: %w", module, err)
	}
	return os.WriteFile(filepath.Join(bin, certificateCRD), definition, 0o600)
}

// build compiles what bin does not hold yet, one program at a time, and reports progress to out.
func build(ctx context.Context, source, bin string, out io.Writer) error {
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return fmt.Errorf("build: %w", err)
	}
	if err := fetchDefinition(ctx, source, bin); err != nil {
		return err
	}
	for _, t := range tools(len(clusterPlans())) {
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
