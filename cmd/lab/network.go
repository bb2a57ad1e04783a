package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	cableMTU     = 9000
	networkReady = 30 * time.Second
)

// A network is the running half of the lab that consists of devices and cables.
type network struct {
	plan   plan
	dir    string
	procs  *processes
	relays map[string]*relay // to the agents
	traps  map[string]*relay // from them
	pages  map[string]*pageRelay
	filler *filler // of a disk, nil before the first
	cancel context.CancelFunc
	tasks  sync.WaitGroup
}

// startNetwork builds the plan, starts its agents, relays and traffic, and returns once every agent reports all its
// neighbours. After an error nothing of it is left.
func startNetwork(ctx context.Context, p plan, dir string, procs *processes) (_ *network, err error) {
	ctx, cancelStart := context.WithTimeout(ctx, networkReady)
	defer cancelStart()
	if err := recordNamespaces(ctx, p, dir); err != nil {
		return nil, err
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	n := &network{plan: p, dir: dir, procs: procs, relays: map[string]*relay{}, traps: map[string]*relay{},
		pages: map[string]*pageRelay{}, cancel: cancel}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.stop(context.WithoutCancel(ctx)))
		}
	}()
	if err := n.lay(ctx); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(socketFolder, 0o755); err != nil {
		return nil, fmt.Errorf("sockets of the agents: %w", err)
	}
	for _, d := range p.Devices {
		if err := n.startAgents(ctx, running, d); err != nil {
			return nil, err
		}
	}
	for _, d := range p.Strangers {
		if slices.Contains(p.Talkers, d.Name) {
			if err := n.startLLDP(d, p.neighbours(d.Name), loopback(d, officePlane)); err != nil {
				return nil, err
			}
		}
	}
	if err := joinWall(ctx, p); err != nil {
		return nil, err
	}
	if err := forEach(p.Servers, func(s server) error { return n.startServer(ctx, running, s) }); err != nil {
		return nil, err
	}
	traffic, err := newGenerator(ctx, p)
	if err != nil {
		return nil, err
	}
	n.tasks.Go(func() { traffic.run(running) })
	return n, forEach(p.Devices, func(d device) error { return n.ready(ctx, d) })
}

// recordNamespaces writes down which namespaces will be made, before they are, and refuses to touch existing ones.
func recordNamespaces(ctx context.Context, p plan, dir string) error {
	existing, err := outputOf(exec.CommandContext(ctx, "ip", "netns", "list"))
	if err != nil {
		return err
	}
	taken := map[string]bool{}
	for line := range strings.Lines(existing) {
		name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		taken[name] = true
	}
	names := []string{namespace(patchPanel)}
	for _, d := range p.namespaces() {
		names = append(names, namespace(d.Name))
	}
	for _, name := range names {
		if taken[name] {
			return fmt.Errorf("network namespace %s exists already: end the lab that made it with 'lab down --dir ITS_DIR'", name)
		}
	}
	file := filepath.Join(dir, "namespaces")
	if err := os.WriteFile(file, []byte(strings.Join(names, "\n")+"\n"), 0o600); err != nil {
		return fmt.Errorf("record the namespaces: %w", err)
	}
	return nil
}

// lay makes the namespaces, cables, addresses and routes.
func (n *network) lay(ctx context.Context) error {
	var add []string
	quiet := [][2]string{
		{"ipv6/conf/all/disable_ipv6", "1"}, {"ipv6/conf/default/disable_ipv6", "1"},
		{"ipv4/conf/all/rp_filter", "0"}, {"ipv4/conf/default/rp_filter", "0"},
		{"ipv4/conf/all/ignore_routes_with_linkdown", "1"}, {"ipv4/conf/default/ignore_routes_with_linkdown", "1"},
		{"ipv4/ip_forward", "1"},
	}
	for _, name := range append([]string{patchPanel}, n.deviceNames()...) {
		add = append(add, "netns add "+namespace(name))
	}
	if err := ipBatch(ctx, "", add); err != nil {
		return err
	}
	for _, name := range append([]string{patchPanel}, n.deviceNames()...) {
		if err := setSysctls(namespace(name), quiet); err != nil {
			return err
		}
	}
	for _, s := range n.plan.Servers {
		if err := setSysctls(namespace(s.Name), [][2]string{{"ipv4/ip_forward", "0"}}); err != nil {
			return err
		}
	}
	if err := ipBatch(ctx, namespace(patchPanel), panelCommands(n.plan)); err != nil {
		return err
	}
	for _, d := range n.plan.namespaces() {
		if err := ipBatch(ctx, namespace(d.Name), deviceCommands(n.plan, d)); err != nil {
			return err
		}
	}
	return nil
}

// panelCommands make every cable: two veth pairs that meet at a bridge in the patch panel. group_fwd_mask bit 14 lets
// the bridge pass LLDP frames (01-80-C2-00-00-0E), which IEEE 802.1D bridges keep to themselves. Without a forward delay a
// cable that is plugged in carries at once.
func panelCommands(p plan) []string {
	var out []string
	ports := map[string]int{}
	for i, c := range p.Cables {
		bridge := fmt.Sprintf("w%d", i)
		out = append(out, fmt.Sprintf("link add %s type bridge forward_delay 0 group_fwd_mask 0x4000 mcast_snooping 0", bridge))
		for end, at := range []port{c.A, c.B} {
			d, err := p.device(at.Device)
			if err != nil {
				continue // the plan is checked by its test
			}
			ports[d.Name]++
			out = append(out,
				fmt.Sprintf("link add %s mtu %d type veth peer name %s mtu %d address %s netns %s", patchPort(i, end), cableMTU,
					at.Name, cableMTU, hardwareAddress(d, ports[d.Name]), namespace(d.Name)),
				fmt.Sprintf("link set %s master %s", patchPort(i, end), bridge),
				fmt.Sprintf("link set %s up", patchPort(i, end)))
		}
		out = append(out, fmt.Sprintf("link set %s up", bridge))
	}
	return out
}

// deviceCommands give one device its bridges, addresses and routes.
func deviceCommands(p plan, d device) []string {
	out := []string{"link set lo up"}
	for plane := range planes {
		if p.server(d.Name) == nil {
			out = append(out, fmt.Sprintf("address add %s/32 dev lo", loopback(d, plane)))
		}
	}
	for _, b := range p.bridges(d.Name) {
		out = append(out,
			fmt.Sprintf("link add %s type bridge forward_delay 0 mcast_snooping 0", b.Name),
			fmt.Sprintf("address add %s/24 dev %s", loopback(d, b.Plane), b.Name),
			fmt.Sprintf("link set %s up", b.Name))
	}
	return append(out, portCommands(p, d)...)
}

// portCommands give the ports of one device their addresses or bridges, and the device its routes. The members of a LAG
// are isolated from each other: what one receives does not go back over another, so that no frame circles.
func portCommands(p plan, d device) []string {
	var out []string
	for i, c := range p.Cables {
		masters := [2]string{c.MasterA, c.MasterB}
		for end, at := range []port{c.A, c.B} {
			if at.Device != d.Name {
				continue
			}
			switch master := masters[end]; {
			case p.server(d.Name) != nil:
				out = append(out, fmt.Sprintf("address add %s/24 dev %s", p.server(d.Name).address(), at.Name))
			case master == "":
				out = append(out, fmt.Sprintf("address add %s/30 dev %s", cableAddress(i, end), at.Name))
			default:
				out = append(out, fmt.Sprintf("link set %s master %s", at.Name, master))
				if slices.ContainsFunc(p.bridges(d.Name), func(b bridge) bool { return b.Name == master && b.LAG }) {
					out = append(out, fmt.Sprintf("link set %s type bridge_slave isolated on", at.Name))
				}
			}
			out = append(out, fmt.Sprintf("link set %s up", at.Name))
		}
	}
	if s := p.server(d.Name); s != nil {
		return append(out, fmt.Sprintf("route add %s.0.0/16 via %s", serverNetwork, p.gateway(*s)))
	}
	for _, r := range p.routes(d.Name) {
		out = append(out, fmt.Sprintf("route add %s via %s dev %s metric %d src %s", r.Destination, r.Gateway, r.Interface,
			r.Metric, loopback(d, 0)))
	}
	return out
}

// startAgents starts the agents of a device and the relays to and from them. ctx bounds the start, running the relays'
// life.
func (n *network) startAgents(ctx, running context.Context, d device) error {
	files := agentFilesIn(n.dir, d)
	if err := os.MkdirAll(files.Persistent, 0o700); err != nil {
		return fmt.Errorf("device %s: %w", d.Name, err)
	}
	if err := os.WriteFile(files.Tables, []byte(tablesScript), 0o600); err != nil {
		return fmt.Errorf("device %s: %w", d.Name, err)
	}
	if err := n.configureAgent(d, agentSettings{Community: readCommunity, Password: usmPassword}); err != nil {
		return err
	}
	address := fmt.Sprintf("%s:%d", agentAddress(d), agentPort)
	var config net.ListenConfig
	listen, err := config.ListenPacket(ctx, "udp4", address)
	if err != nil {
		return fmt.Errorf("relay of device %s: %w", d.Name, err)
	}
	r := newRelay(d.Name, listen.(*net.UDPConn), relayIdle, func(ctx context.Context) (*net.UDPConn, error) {
		return dialUDP(ctx, namespace(d.Name), "", "127.0.0.1:161", 1)
	})
	n.relays[d.Name] = r
	n.tasks.Go(func() { r.run(running) })
	traps, err := trapRelay(ctx, d)
	if err != nil {
		return err
	}
	n.traps[d.Name] = traps
	n.tasks.Go(func() { traps.run(running) })
	watch, err := watchLinks(ctx, d)
	if err != nil {
		return err
	}
	n.tasks.Go(func() { watch.run(running) })
	return n.startPrograms(ctx, d)
}

// startPrograms starts the SNMP agent of a device and, where it has cables, the LLDP agent. That joins the SNMP agent
// once, at its start: the SNMP agent must be there.
func (n *network) startPrograms(ctx context.Context, d device) error {
	files := agentFilesIn(n.dir, d)
	if err := n.procs.start(snmpSpec(d, files)); err != nil {
		return err
	}
	if err := n.tune(ctx, d); err != nil {
		return err
	}
	near := n.plan.neighbours(d.Name)
	if len(near) == 0 {
		return nil
	}
	return n.startLLDP(d, near, "")
}

// startLLDP starts the LLDP agent of a device. That of what has no SNMP agent tells an address of its own instead.
func (n *network) startLLDP(d device, near []neighbour, address string) error {
	files := agentFilesIn(n.dir, d)
	if err := os.MkdirAll(filepath.Dir(files.LLDPPID), 0o700); err != nil {
		return fmt.Errorf("device %s: %w", d.Name, err)
	}
	if err := os.WriteFile(files.LLDPConfig, []byte(lldpConfig(d)), 0o644); err != nil {
		return fmt.Errorf("device %s: %w", d.Name, err)
	}
	return n.procs.start(lldpSpec(d, near, files, address))
}

// configureAgent writes the configuration of a device's SNMP agent, which reads it at its start and at SIGHUP.
func (n *network) configureAgent(d device, set agentSettings) error {
	files := agentFilesIn(n.dir, d)
	if err := os.WriteFile(files.SNMPConfig, []byte(snmpConfig(n.plan, d, files, set)), 0o600); err != nil {
		return fmt.Errorf("device %s: %w", d.Name, err)
	}
	return nil
}

// tune makes the agent read its interface tables anew for each request. By default it does so every 3 s, which turns
// a steady rate into a zigzag for whoever polls every 5 s.
func (n *network) tune(ctx context.Context, d device) error {
	return until(ctx, 100*time.Millisecond, func() error {
		return runCommand(exec.CommandContext(ctx, "snmpset", "-v2c", "-c", tuneCommunity, "-t", "0.5", "-r", "0", "-m", "",
			fmt.Sprintf("%s:%d", agentAddress(d), agentPort), cacheTimeouts+ifTable, "i", "0"))
	})
}

// ready waits until the agent of a device reports as many neighbours as the device has cables to what speaks LLDP.
func (n *network) ready(ctx context.Context, d device) error {
	want := 0
	for _, near := range n.plan.neighbours(d.Name) {
		if n.plan.talks(near.device) {
			want++
		}
	}
	if want == 0 {
		return nil
	}
	err := until(ctx, 250*time.Millisecond, func() error {
		text, err := n.walk(ctx, d, readCommunity, lldpRemTable)
		if err != nil {
			return err
		}
		if got := strings.Count(text, "STRING"); got != want {
			return fmt.Errorf("%d of %d neighbours seen", got, want)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("device %s: %w", d.Name, err)
	}
	return nil
}

// walk reads a subtree from a device through its relay with snmpwalk(1).
func (n *network) walk(ctx context.Context, d device, community, oid string) (string, error) {
	return outputOf(exec.CommandContext(ctx, "snmpwalk", "-v2c", "-c", community, "-t", "1", "-r", "0", "-m", "", "-On",
		fmt.Sprintf("%s:%d", agentAddress(d), agentPort), oid))
}

// stop ends the traffic, relays and agents and removes the namespaces.
func (n *network) stop(ctx context.Context) error {
	n.cancel()
	if n.filler != nil {
		n.filler.stop()
	}
	n.tasks.Wait()
	halted := forEach(n.plan.Servers, n.haltServer)
	err := forEach(n.deviceNames(), func(name string) error {
		return errors.Join(n.procs.stop("lldpd-"+name), n.procs.stop("snmpd-"+name))
	})
	return errors.Join(halted, err, removeNamespaces(ctx, n.dir))
}

func (n *network) deviceNames() []string {
	var names []string
	for _, d := range n.plan.namespaces() {
		names = append(names, d.Name)
	}
	return names
}

// removeNamespaces deletes the namespaces that a lab in dir recorded, and the sockets of their agents; those already gone are no error. A process that
// still runs in one is named: the lab ends its own before it comes here.
func removeNamespaces(ctx context.Context, dir string) error {
	file := filepath.Join(dir, "namespaces")
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("recorded namespaces: %w", err)
	}
	if err := leaveWall(ctx); err != nil {
		return err
	}
	for _, name := range strings.Fields(string(text)) {
		if _, err := os.Stat(filepath.Join("/run/netns", name)); errors.Is(err, os.ErrNotExist) {
			continue
		}
		left, err := outputOf(exec.CommandContext(ctx, "ip", "netns", "pids", name))
		if err == nil && left != "" {
			log.Printf("namespace %s: processes %s still run in it", name, strings.Join(strings.Fields(left), ", "))
		}
		if err := runCommand(exec.CommandContext(ctx, "ip", "netns", "delete", name)); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(socketFolder); err != nil && !errors.Is(err, unix.EBUSY) { // the lab is alone: it is a mount
		return fmt.Errorf("sockets of the agents: %w", err)
	}
	if err := os.Remove(file); err != nil {
		return fmt.Errorf("recorded namespaces: %w", err)
	}
	return nil
}

// forEach runs f on all items at once and joins the errors.
func forEach[T any](items []T, f func(T) error) error {
	failed := make([]error, len(items))
	var tasks sync.WaitGroup
	for i, item := range items {
		tasks.Go(func() { failed[i] = f(item) })
	}
	tasks.Wait()
	return errors.Join(failed...)
}

// until calls check at once and then at each interval until it returns nil or ctx ends; then the last reason is in
// the error.
func until(ctx context.Context, interval time.Duration, check func() error) error {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		err := check()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w; last: %w", ctx.Err(), err)
		case <-ticker.C:
		}
	}
}
