// Package catalog is the list of collector kinds.
package catalog

import (
	"github.com/nocturne-noc/nocturne/collectors"
	"github.com/nocturne-noc/nocturne/collectors/host"
	"github.com/nocturne-noc/nocturne/collectors/kube"
	"github.com/nocturne-noc/nocturne/collectors/snmp"
)

// Kinds are the collector kinds that a configuration may name, in the order in which they are listed
// to people.
func Kinds() []collectors.Kind {
	return []collectors.Kind{
		host.Kind(),
		kube.Kind(),
		snmp.Kind(),
	}
}
