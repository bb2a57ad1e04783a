package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	diskBytes = 64 << 20 // bytes of a server's /srv
	diskMount = "/srv"

	// What the exporter tells of file systems is the server's own: those of this machine are in its view too.
	otherMounts = "^/($|[^s]|s($|[^r]))"

	// machineScript makes what a server has of its own, and stays to hold it: $1 is its name, $2 the file of its disk. The
	// exporter reads the mounts of process 1, which are this machine's; it is given a /proc in which that is itself.
	machineScript = `set -e
hostname "$1"
mount -t tmpfs lab /mnt
mkdir ` + procFolder + `
for entry in /proc/[!0-9]*; do ln -s "$entry" ` + procFolder + `; done
ln -s /proc/self ` + procFolder + `/1
mount -o loop "$2" ` + diskMount + `
exec sleep infinity`
	procFolder = "/mnt/proc"
)

func machineProgram(s server) string       { return "machine-" + s.Name }
func exporterProgram(s server) string      { return "node_exporter-" + s.Name }
func redisProgram(s server) string         { return "redis-" + s.Name }
func redisExporterProgram(s server) string { return "redis_exporter-" + s.Name }

// programs are what runs on a server, in the order of their start.
func (s server) programs() []string {
	list := []string{machineProgram(s), "lldpd-" + s.Name, exporterProgram(s)}
	if s.Redis {
		list = append(list, redisProgram(s), redisExporterProgram(s))
	}
	return list
}

// joinWall plugs the wallboard into the network. Nothing is forwarded between it and the rest of this machine, which
// keeps what is meant for the servers to itself when their way is gone.
func joinWall(ctx context.Context, p plan) error {
	d, err := p.device(wallSwitch)
	if err != nil {
		return err
	}
	err = ipBatch(ctx, "", []string{
		fmt.Sprintf("link add %s mtu %d type veth peer name %s mtu %d address %s netns %s", wallLink, cableMTU, wallPort, cableMTU,
			hardwareAddress(d, wallNumber), namespace(d.Name)),
		fmt.Sprintf("address add %s/30 dev %s", wallAddress, wallLink),
		fmt.Sprintf("link set %s up", wallLink),
		fmt.Sprintf("route add unreachable %s.0.0/16 metric %d proto %d", serverNetwork, 2*routeMetric, routeProtocol),
		fmt.Sprintf("route add %s.0.0/16 via %s dev %s metric %d proto %d", serverNetwork, wallGateway, wallLink, routeMetric, routeProtocol),
	})
	if err != nil {
		return fmt.Errorf("the wallboard's way to the servers: %w", err)
	}
	return ipBatch(ctx, namespace(d.Name), []string{
		fmt.Sprintf("address add %s/30 dev %s", wallGateway, wallPort), fmt.Sprintf("link set %s up", wallPort),
	})
}

const (
	routeMetric   = 1000
	routeProtocol = 198 // marks the lab's routes (rtnetlink(7): beyond 4 a user's own)
)

// leaveWall undoes joinWall; what is not there is no error.
func leaveWall(ctx context.Context) error {
	var failed error
	if _, err := net.InterfaceByName(wallLink); err == nil {
		failed = ipBatch(ctx, "", []string{"link delete " + wallLink})
	}
	return errors.Join(failed, ipBatch(ctx, "", []string{fmt.Sprintf("route flush proto %d", routeProtocol)}))
}

// startServer boots a server and returns once its exporter answers. running is the life of its relay.
func (n *network) startServer(ctx, running context.Context, s server) error {
	if err := n.makeDisk(ctx, s); err != nil {
		return err
	}
	if s.Clock {
		r, err := startPageRelay(ctx, s)
		if err != nil {
			return err
		}
		n.pages[s.Name] = r
		n.tasks.Go(func() { r.run(running) })
	}
	return n.bootServer(ctx, s)
}

// makeDisk makes the file that a server's disk is kept in, with an empty ext4 on it.
func (n *network) makeDisk(ctx context.Context, s server) error {
	path := n.disk(s)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("server %s: %w", s.Name, err)
	}
	if err := os.RemoveAll(path); err != nil {
		return fmt.Errorf("disk of server %s: %w", s.Name, err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		return fmt.Errorf("disk of server %s: %w", s.Name, err)
	}
	if err := os.Truncate(path, diskBytes); err != nil {
		return fmt.Errorf("disk of server %s: %w", s.Name, err)
	}
	return runCommand(exec.CommandContext(ctx, "mkfs.ext4", "-q", "-m", "0", path))
}

func (n *network) disk(s server) string { return filepath.Join(n.dir, "net", s.Name, "srv.img") }

// bootServer starts all programs of a server and returns once its exporter answers.
func (n *network) bootServer(ctx context.Context, s server) error {
	if err := n.procs.start(machineSpec(s, n.disk(s))); err != nil {
		return err
	}
	machine, err := n.machine(ctx, s)
	if err != nil {
		return err
	}
	if err := n.startLLDP(s.device, n.plan.neighbours(s.Name), s.address()); err != nil {
		return err
	}
	if s.Redis {
		for _, program := range redisSpecs(s, machine.pid) {
			if err := n.procs.start(program); err != nil {
				return err
			}
		}
	}
	return n.startExporter(ctx, s)
}

// startExporter starts the node_exporter of a server that runs and waits until it answers inside the server.
func (n *network) startExporter(ctx context.Context, s server) error {
	machine, err := n.machine(ctx, s)
	if err != nil {
		return err
	}
	if err := n.procs.start(exporterSpec(s, machine.pid)); err != nil {
		return err
	}
	return n.untilListens(ctx, s, s.exporterListens())
}

// untilListens waits until something accepts connections inside a server.
func (n *network) untilListens(ctx context.Context, s server, address string) error {
	err := until(ctx, 50*time.Millisecond, func() error {
		conn, err := dialTCP(ctx, s, address)
		if err != nil {
			return err
		}
		return conn.Close()
	})
	if err != nil {
		return fmt.Errorf("server %s: nothing answers on %s: %w", s.Name, address, err)
	}
	return nil
}

// dialTCP connects to an address from inside a server.
func dialTCP(ctx context.Context, s server, address string) (net.Conn, error) {
	var conn net.Conn
	err := inNamespace(namespace(s.Name), func() error {
		var err error
		conn, err = (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp4", address)
		return err
	})
	return conn, err
}

// haltServer ends all programs of a server.
func (n *network) haltServer(s server) error {
	var failed []error
	list := s.programs()
	for i := len(list) - 1; i >= 0; i-- {
		failed = append(failed, n.procs.stop(list[i]))
	}
	return errors.Join(failed...)
}

// machine is the process that holds the namespaces of a server, once they are as they shall be.
func (n *network) machine(ctx context.Context, s server) (*process, error) {
	var found *process
	err := until(ctx, 20*time.Millisecond, func() error {
		run, err := n.procs.find(machineProgram(s))
		if err != nil {
			return err
		}
		mounts, err := os.ReadFile(fmt.Sprintf("/proc/%d/mounts", run.pid))
		if err != nil {
			return fmt.Errorf("server %s: %w", s.Name, err)
		}
		if !strings.Contains(string(mounts), " "+diskMount+" ext4 ") {
			return fmt.Errorf("server %s has no %s yet", s.Name, diskMount)
		}
		found = run
		return nil
	})
	return found, err
}

// root is the folder at which this process sees the files of a server.
func (r *process) root() string { return fmt.Sprintf("/proc/%d/root", r.pid) }

// machineSpec holds the namespaces of a server: its network, its host name, and its mounts with its disk.
func machineSpec(s server, disk string) spec {
	return spec{Name: machineProgram(s), Args: []string{"ip", "netns", "exec", namespace(s.Name), "unshare", "--uts", "sh", "-c",
		machineScript, "lab-machine", s.Name, disk}}
}

// inside starts a program in the namespaces of a server.
func inside(machine int, program ...string) []string {
	return append([]string{"nsenter", "--target", fmt.Sprint(machine), "--net", "--uts", "--mount"}, program...)
}

func exporterSpec(s server, machine int) spec {
	return spec{Name: exporterProgram(s), Args: inside(machine, "prometheus-node-exporter",
		"--web.listen-address="+s.exporterListens(), "--path.procfs="+procFolder, "--collector.filesystem.mount-points-exclude="+otherMounts)}
}

// exporterListens is where the exporter of a server listens. Of a server with a clock, the relay has the outer address.
func (s server) exporterListens() string {
	if s.Clock {
		return fmt.Sprintf("127.0.0.1:%d", exporterPort)
	}
	return s.at(exporterPort)
}

func redisSpecs(s server, machine int) []spec {
	local := fmt.Sprintf("127.0.0.1:%d", redisPort)
	return []spec{
		{Name: redisProgram(s), Args: inside(machine, "redis-server", "--bind", "127.0.0.1", s.address(), "--port", fmt.Sprint(redisPort),
			"--protected-mode", "no", "--dir", diskMount, "--save", "", "--appendonly", "no")},
		{Name: redisExporterProgram(s), Args: inside(machine, "prometheus-redis-exporter", "--redis.addr=redis://"+local,
			"--web.listen-address="+s.at(redisExporterPort))},
	}
}
