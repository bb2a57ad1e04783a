package assets

import "embed"

// SNMPModules are our SNMP modules, snmp/modules/*.yml in the format of snmp_exporter, and match.yaml,
// which says for which devices each is.
//
//go:embed snmp/modules
var SNMPModules embed.FS
