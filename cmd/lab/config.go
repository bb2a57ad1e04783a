package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// wallConfig is a Nocturne configuration that watches everything in the lab. Its boards are the built-in ones.
func wallConfig(p plan, dir string) string {
	var targets []string
	for _, d := range p.Devices {
		targets = append(targets, fmt.Sprintf("'%s:%d'", agentAddress(d), agentPort))
	}
	return fmt.Sprintf(`sources:
  - {kind: host, every: 5s}
  - {kind: kubernetes, name: %s, kubeconfig: %q, context: %s, every: 5s}
  - kind: snmp
    name: campus
    version: 2c
    community: %q
    every: 5s
    targets: [%s]
`, clusterName, kubeconfigIn(dir), clusterName, "file:"+filepath.Join(dir, "community"), strings.Join(targets, ", "))
}

// writeWallConfig writes the configuration and the secret that it refers to.
func writeWallConfig(p plan, dir string) error {
	for name, text := range map[string]string{"nocturne.yaml": wallConfig(p, dir), "community": readCommunity + "\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return fmt.Errorf("configuration of the wallboard: %w", err)
		}
	}
	return nil
}
