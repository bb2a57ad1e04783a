package host

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// refreshPort is how often what seldom changes of a port is read anew: some drivers ask the card for it.
const refreshPort = time.Minute

// ports reads the state of the network ports from /sys/class/net. See the kernel's
// Documentation/ABI/testing/sysfs-class-net.
type ports struct {
	tree
	known map[string]*port
}

// port is what seldom changes of a port.
type port struct {
	read    time.Time
	state   string  // operstate
	changes float64 // of the carrier
	metrics []metric
}

func (p *ports) readPorts(context.Context) ([]metric, error) {
	dir := filepath.Join(p.sys, "class/net")
	entries, err := os.ReadDir(dir)
	if err != nil {
		if absent(err) == nil {
			return nil, nil
		}
		return nil, fmt.Errorf("list of ports: %w", err)
	}
	now := time.Now()
	known := make(map[string]*port, len(entries))
	var out []metric
	for _, e := range entries {
		name := e.Name()
		path := filepath.Join(dir, name)
		state, ok := attribute(path, "operstate")
		if !ok || ofContainer.MatchString(name) {
			continue // not a port, as bonding_masters
		}
		device := []string{"device", name}
		up := 0.0
		if state == "up" {
			up = 1
		}
		out = append(out, metric{"node_network_up", device, up})
		if v, ok := number(path, "carrier"); ok { // not of one that is switched off
			out = append(out, metric{"node_network_carrier", device, v})
		}
		changes, ok := number(path, "carrier_changes")
		if ok {
			out = append(out, metric{"node_network_carrier_changes_total", device, changes})
		}
		k := p.known[name]
		if k == nil || now.Sub(k.read) >= refreshPort || k.state != state || k.changes != changes {
			k = &port{read: now, state: state, changes: changes, metrics: portMetrics(path, device, state)}
		}
		known[name] = k
		out = append(out, k.metrics...)
	}
	p.known = known
	return out, nil
}

func portMetrics(path string, device []string, state string) []metric {
	var out []metric
	if v, ok := number(path, "mtu"); ok {
		out = append(out, metric{"node_network_mtu_bytes", device, v})
	}
	if mbps, ok := number(path, "speed"); ok && mbps > 0 { // -1 where nobody knows
		out = append(out, metric{"node_network_speed_bytes", device, mbps * 1e6 / 8})
	}
	ls := append([]string{"operstate", state}, device...)
	for _, name := range []string{"address", "broadcast", "duplex", "ifalias"} {
		text, _ := attribute(path, name)
		ls = append(ls, name, printable(text, maxName))
	}
	return append(out, metric{"node_network_info", ls, 1})
}
