package main

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	rebootedDevice = "dist2"
	oldDevice      = "acc21" // whose agent has no 64-bit counters for a while
	oldPort        = "gi1"
	slowDevice     = "acc12"
	halfDevice     = "acc22"

	slowAnswer = 1200 * time.Millisecond
	untilWrap  = 25 * time.Second // from the fault, at the port's rate of then
)

func changeCommunity(ctx context.Context, s *supervisor) error {
	return s.setCommunity(ctx, otherCommunity)
}

func restoreCommunity(ctx context.Context, s *supervisor) error {
	return s.setCommunity(ctx, readCommunity)
}

func (s *supervisor) setCommunity(ctx context.Context, community string) error {
	n, err := s.needNetwork()
	if err != nil {
		return err
	}
	return n.setAgent(ctx, refusedDevice, agentSettings{Community: community})
}

// setAgent lets the SNMP agent of a device read other settings, and waits until it answers by them.
func (n *network) setAgent(ctx context.Context, name string, set agentSettings) error {
	d, err := n.plan.device(name)
	if err != nil {
		return err
	}
	if err := n.configureAgent(d, set); err != nil {
		return err
	}
	if err := n.procs.signal("snmpd-"+name, syscall.SIGHUP); err != nil {
		return err
	}
	return n.untilAnswers(ctx, name, set.Community, true)
}

func changePassword(ctx context.Context, s *supervisor) error {
	return s.setPassword(ctx, otherPassword)
}

func restorePassword(ctx context.Context, s *supervisor) error {
	return s.setPassword(ctx, usmPassword)
}

// setPassword gives the user of the devices that speak SNMPv3 another password. The agents start again with it.
func (s *supervisor) setPassword(ctx context.Context, password string) error {
	n, err := s.needNetwork()
	if err != nil {
		return err
	}
	for _, d := range n.plan.Devices {
		if !d.V3 {
			continue
		}
		if err := n.configureAgent(d, agentSettings{Password: password}); err != nil {
			return err
		}
		if err := n.procs.stop("snmpd-" + d.Name); err != nil {
			return err
		}
		if err := n.startPrograms(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

// rebootDevice ends the agents of a device and takes its ports away, as a power cut does, and brings all of it up again
// with the ports in the opposite order: each has the ifIndex that another one had. All counters begin at zero.
func rebootDevice(ctx context.Context, s *supervisor) error {
	n, err := s.needNetwork()
	if err != nil {
		return err
	}
	d, err := n.plan.device(rebootedDevice)
	if err != nil {
		return err
	}
	for _, program := range []string{"lldpd-", "snmpd-"} {
		if err := n.procs.stop(program + d.Name); err != nil {
			return err
		}
	}
	remove, attach := n.portsAgain(d)
	if err := ipBatch(ctx, namespace(d.Name), append(remove, portCommands(n.plan, d)...)); err != nil {
		return err
	}
	if err := ipBatch(ctx, namespace(patchPanel), attach); err != nil {
		return err
	}
	return n.startPrograms(ctx, d)
}

// portsAgain are the commands that remove and make the ports of a device, and those that put the far ends into the patch
// panel's bridges.
func (n *network) portsAgain(d device) (remake, attach []string) {
	type end struct{ cable, end int }
	var ends []end
	for i, c := range n.plan.Cables {
		for e, at := range []port{c.A, c.B} {
			if at.Device == d.Name {
				ends = append(ends, end{i, e})
			}
		}
	}
	name := func(e end) string { return []port{n.plan.Cables[e.cable].A, n.plan.Cables[e.cable].B}[e.end].Name }
	for _, e := range ends {
		remake = append(remake, "link delete "+name(e))
	}
	for i, e := range slices.Backward(ends) {
		remake = append(remake, fmt.Sprintf("link add %s index %d mtu %d address %s type veth peer name %s mtu %d netns %s", name(e),
			firstIndex+len(ends)-1-i, cableMTU, hardwareAddress(d, i+1), patchPort(e.cable, e.end), cableMTU, namespace(patchPanel)))
		attach = append(attach, fmt.Sprintf("link set %s master w%d", patchPort(e.cable, e.end), e.cable),
			fmt.Sprintf("link set %s up", patchPort(e.cable, e.end)))
	}
	return remake, attach
}

const firstIndex = 2 // of the first port in a namespace, behind lo

func afterReboot(string) string { return "the device is up again" }

// loseHighCounters lets the agent of a device answer with counters of 32 bits alone, and those of one port be so near
// their end that both pass it soon.
func loseHighCounters(ctx context.Context, s *supervisor) error {
	n, err := s.needNetwork()
	if err != nil {
		return err
	}
	before, err := n.octets(ctx, oldDevice, oldPort)
	if err != nil {
		return err
	}
	const sample = 2 * time.Second
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(sample): // a rate takes time
	}
	after, err := n.octets(ctx, oldDevice, oldPort)
	if err != nil {
		return err
	}
	var offsets [2]string
	for i := range offsets {
		soon := (after[i] - before[i]) * uint64(untilWrap/sample)
		offsets[i] = strconv.FormatUint((1<<33-after[i]%(1<<32)-soon)%(1<<32), 10)
	}
	octets := "octets " + oldPort + " " + strings.Join(offsets[:], ":")
	return n.setAgent(ctx, oldDevice, agentSettings{
		Community: readCommunity, Hidden: highCounters, Served: []served{{ifInOctets, octets}, {ifOutOctets, octets}},
	})
}

func regainHighCounters(ctx context.Context, s *supervisor) error {
	n, err := s.needNetwork()
	if err != nil {
		return err
	}
	return n.setAgent(ctx, oldDevice, agentSettings{Community: readCommunity})
}

// octets returns what a port received and sent by the kernel's count.
func (n *network) octets(ctx context.Context, name, port string) (count [2]uint64, err error) {
	of := "/sys/class/net/" + port + "/statistics/"
	text, err := outputOf(exec.CommandContext(ctx, "ip", "netns", "exec", namespace(name), "cat", of+"rx_bytes", of+"tx_bytes"))
	if err != nil {
		return count, err
	}
	if _, err := fmt.Sscan(text, &count[0], &count[1]); err != nil {
		return count, fmt.Errorf("counters of %s %s: %w", name, port, err)
	}
	return count, nil
}

func slowAgent(_ context.Context, s *supervisor) error {
	return s.setRelay(slowDevice, func(r *relay) { r.delay.Store(int64(slowAnswer)) })
}

func quickAgent(_ context.Context, s *supervisor) error {
	return s.setRelay(slowDevice, func(r *relay) { r.delay.Store(0) })
}

// halfTable leaves requests for ifXTable without an answer, as agents do that hang in one of their tables.
func halfTable(_ context.Context, s *supervisor) error {
	return s.setRelay(halfDevice, func(r *relay) { r.deaf.Store(&ifXTablePrefix) })
}

func wholeTable(_ context.Context, s *supervisor) error {
	return s.setRelay(halfDevice, func(r *relay) { r.deaf.Store(nil) })
}

// ifXTablePrefix is 1.3.6.1.2.1.31.1.1.1 in BER.
var ifXTablePrefix = []byte{0x2b, 6, 1, 2, 1, 31, 1, 1, 1}

func (s *supervisor) setRelay(name string, change func(*relay)) error {
	n, err := s.needNetwork()
	if err != nil {
		return err
	}
	change(n.relays[name])
	return nil
}
