package main

import (
	"fmt"
	"path/filepath"
	"strings"
)

// networkSources are the sources of the wallboard that watch the network.
func networkSources(p plan, dir string) string {
	targets := map[bool][]string{} // true: of version 3
	for _, d := range p.Devices {
		targets[d.V3] = append(targets[d.V3], fmt.Sprintf("'%s:%d'", agentAddress(d), agentPort))
	}
	secret := func(name string) string { return "file:" + filepath.Join(dir, name) }
	return fmt.Sprintf(`  - kind: snmp
    name: campus
    version: 2c
    community: %[1]q
    every: 5s
    targets: [%[2]s]
  - kind: snmp
    name: secure
    version: 3
    user: %[3]s
    auth: {protocol: SHA256, password: %[4]q}
    priv: {protocol: AES, password: %[4]q}
    every: 5s
    targets: [%[5]s]
  - {kind: traps, name: traps, listen: %[6]q, communities: [%[1]q], every: 5s}
`, secret("community"), strings.Join(targets[false], ", "), usmUser, secret("password"), strings.Join(targets[true], ", "), trapAddress)
}

// serverSources are the sources of the wallboard that watch the servers.
func serverSources(p plan) string {
	var text strings.Builder
	text.WriteString("  - kind: scrape\n    name: servers\n    every: 5s\n    timeout: 2s\n    targets: [")
	var targets, probes []string
	for _, s := range p.Servers {
		probe := func(format string, args ...any) {
			probes = append(probes, fmt.Sprintf("      - {"+format+"}\n", args...))
		}
		targets = append(targets, s.at(exporterPort))
		probe("ping: %s, name: %s ping", s.address(), s.Name)
		switch {
		case s.Redis:
			targets = append(targets, s.at(redisExporterPort))
			probe("tcp: %q, name: %s redis", s.at(redisPort), s.Name)
		case s.Clock:
			probe("http: 'http://%s/', name: %s page, match: 'Node Exporter'", s.at(exporterPort), s.Name)
		}
	}
	fmt.Fprintf(&text, "'%s']\n  - kind: probe\n    name: probes\n    every: 5s\n    timeout: 2s\n    targets:\n%s", strings.Join(targets, "', '"), strings.Join(probes, ""))
	return text.String()
}

// networkSecrets are the files that networkSources refers to.
var networkSecrets = map[string]string{"community": readCommunity + "\n", "password": usmPassword + "\n"}
