package host

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// maxFailedNamed is how many failed units are named in a reason.
const maxFailedNamed = 3

// unit is one of systemd's.
type unit struct {
	name  string
	state string // of unitStates
	kind  string // a service's Type, "" for what is no service
}

// unitStates are all that a unit can be in, as node_exporter lists them.
var unitStates = []string{"activating", "active", "deactivating", "failed", "inactive"}

// unitMetrics tell of services and of whatever has failed. Units that are only known by name were left out
// before.
func unitMetrics(units []unit) []metric {
	counts := map[string]int{}
	var told []unit
	for _, u := range units {
		counts[u.state]++
		if u.state == "failed" || strings.HasSuffix(u.name, ".service") {
			told = append(told, u)
		}
	}
	slices.SortFunc(told, func(a, b unit) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.name, b.name))
	})
	var out []metric
	for _, state := range unitStates {
		out = append(out, metric{"node_systemd_units", []string{"state", state}, float64(counts[state])})
	}
	for _, u := range told[:min(maxUnits, len(told))] {
		for _, state := range unitStates {
			v := 0.0
			if state == u.state {
				v = 1
			}
			out = append(out, metric{"node_systemd_unit_state", []string{"name", u.name, "state", state, "type", u.kind}, v})
		}
	}
	return out
}

// rank puts failed units first and those that do nothing last.
func rank(u unit) int {
	switch u.state {
	case "failed":
		return 0
	case "inactive":
		return 2
	}
	return 1
}

// failedUnits are the names of those that have failed, in order.
func failedUnits(units []unit) []string {
	var names []string
	for _, u := range units {
		if u.state == "failed" {
			names = append(names, u.name)
		}
	}
	slices.Sort(names)
	return names
}

// failedReason says what has failed, "" for nothing.
func failedReason(names []string) string {
	switch n := len(names); {
	case n == 0:
		return ""
	case n == 1:
		return "1 systemd unit has failed: " + names[0]
	case n > maxFailedNamed:
		return fmt.Sprintf("%d systemd units have failed: %s and %d more", n, strings.Join(names[:maxFailedNamed], ", "), n-maxFailedNamed)
	default:
		return fmt.Sprintf("%d systemd units have failed: %s", n, strings.Join(names, ", "))
	}
}
