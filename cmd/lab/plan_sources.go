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

// networkSecrets are the files that networkSources refers to.
var networkSecrets = map[string]string{"community": readCommunity + "\n", "password": usmPassword + "\n"}
