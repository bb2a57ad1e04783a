package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
)

// wallConfig is a Nocturne configuration that watches the networks and clusters of a lab that are up: what is not has no
// listener either, so that the walls of two labs of which one is without a network do not want the same port. Its boards
// are the built-in ones.
func wallConfig(networks []plan, clusters []clusterPlan, dir string) string {
	var text strings.Builder
	text.WriteString("sources:\n  - {kind: host, every: 5s}\n")
	for _, c := range clusters {
		more := ""
		if c.Rich { // what a role must be asked for
			more = ", certificates: true, helm: true, kubelet_summary: true, custom: [lab.example]"
		}
		fmt.Fprintf(&text, "  - {kind: kubernetes, name: %s, kubeconfig: %q, context: %s, every: 5s%s}\n", c.Name, kubeconfigIn(dir), c.Name, more)
	}
	for _, p := range networks {
		text.WriteString(networkSources(p, dir) + serverSources(p))
	}
	return text.String()
}

// writeWallConfig writes the configuration and the secrets that it refers to.
func writeWallConfig(networks []plan, clusters []clusterPlan, dir string) error {
	files := map[string]string{"nocturne.yaml": wallConfig(networks, clusters, dir)}
	maps.Copy(files, networkSecrets)
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return fmt.Errorf("configuration of the wallboard: %w", err)
		}
	}
	return nil
}
