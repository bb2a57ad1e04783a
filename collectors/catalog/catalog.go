// Package catalog is the list of collector kinds.
package catalog

import (
	"slices"
	"sync"

	"github.com/nocturne-noc/nocturne/collectors"
	"github.com/nocturne-noc/nocturne/collectors/host"
	"github.com/nocturne-noc/nocturne/collectors/kube"
	"github.com/nocturne-noc/nocturne/collectors/probe"
	"github.com/nocturne-noc/nocturne/collectors/scrape"
	"github.com/nocturne-noc/nocturne/collectors/snmp"
	"github.com/nocturne-noc/nocturne/collectors/syslog"
)

// Kinds returns the collector kinds that a configuration may name, in the order in which they are
// listed to people. They are made once: "traps" finds the devices that "snmp" polls, in whatever source.
var Kinds = sync.OnceValue(func() []collectors.Kind {
	return slices.Concat([]collectors.Kind{host.Kind(), kube.Kind(), scrape.Kind(), probe.Kind(), syslog.Kind()}, snmp.Kinds())
})
