package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	silentDevice  = "acc12"
	refusedDevice = "core2"
	deadDevice    = "dist1"
	lossPercent   = 20
	lagMember     = "te7"
	sysName       = ".1.3.6.1.2.1.1.5"
)

var cutBetween = [2]string{"dist2", "core1"}

func cutCable(ctx context.Context, s *supervisor) error  { return s.setCable(ctx, "down") }
func joinCable(ctx context.Context, s *supervisor) error { return s.setCable(ctx, "up") }

func (s *supervisor) setCable(ctx context.Context, state string) error {
	n, err := s.needNetwork()
	if err != nil {
		return err
	}
	i, err := n.plan.cableBetween(cutBetween[0], cutBetween[1])
	if err != nil {
		return err
	}
	return n.setCables(ctx, []int{i}, state)
}

func cutMember(ctx context.Context, s *supervisor) error  { return s.setMember(ctx, "down") }
func joinMember(ctx context.Context, s *supervisor) error { return s.setMember(ctx, "up") }

// setMember pulls or plugs one cable of the LAG between the cores.
func (s *supervisor) setMember(ctx context.Context, state string) error {
	n, err := s.needNetwork()
	if err != nil {
		return err
	}
	i := slices.IndexFunc(n.plan.Cables, func(c cable) bool { return c.A.Name == lagMember && c.MasterA != "" })
	if i < 0 {
		return fmt.Errorf("no cable of a LAG is called %s in the plan", lagMember)
	}
	return n.setCables(ctx, []int{i}, state)
}

// setCables pulls or plugs both ends of cables in the patch panel and waits until the devices see the carrier change.
func (n *network) setCables(ctx context.Context, indexes []int, state string) error {
	var commands []string
	for _, i := range indexes {
		for end := range 2 {
			commands = append(commands, fmt.Sprintf("link set %s %s", patchPort(i, end), state))
		}
	}
	if err := ipBatch(ctx, namespace(patchPanel), commands); err != nil {
		return err
	}
	return until(ctx, 50*time.Millisecond, func() error {
		for _, i := range indexes {
			for _, at := range []port{n.plan.Cables[i].A, n.plan.Cables[i].B} {
				text, err := outputOf(exec.CommandContext(ctx, "ip", "-n", namespace(at.Device), "link", "show", at.Name))
				if err != nil {
					return err
				}
				if !strings.Contains(text, "state "+strings.ToUpper(state)) {
					return fmt.Errorf("%s %s is not %s yet", at.Device, at.Name, state)
				}
			}
		}
		return nil
	})
}

func killDevice(ctx context.Context, s *supervisor) error {
	return s.setDevice(ctx, deadDevice, "down", true)
}

func reviveDevice(ctx context.Context, s *supervisor) error {
	return s.setDevice(ctx, deadDevice, "up", false)
}

// setDevice pulls or plugs all cables of a device. The relays to and from it and the devices behind it are
// cut too, for on a network that is managed in band those agents are only reachable through it.
func (s *supervisor) setDevice(ctx context.Context, name, state string, dead bool) error {
	n, err := s.needNetwork()
	if err != nil {
		return err
	}
	for _, behind := range n.plan.behind(name, cutBetween[1]) {
		n.relays[behind].cut.Store(dead)
		n.traps[behind].cut.Store(dead)
	}
	return n.setCables(ctx, n.plan.cablesOf(name), state)
}

func silenceAgent(ctx context.Context, s *supervisor) error {
	return s.signalAgent(ctx, syscall.SIGSTOP, false)
}

func wakeAgent(ctx context.Context, s *supervisor) error {
	return s.signalAgent(ctx, syscall.SIGCONT, true)
}

func (s *supervisor) signalAgent(ctx context.Context, signal syscall.Signal, answers bool) error {
	n, err := s.needNetwork()
	if err != nil {
		return err
	}
	if err := s.procs.signal("snmpd-"+silentDevice, signal); err != nil {
		return err
	}
	return n.untilAnswers(ctx, silentDevice, readCommunity, answers)
}

// untilAnswers waits until the agent of a device answers a community, or until it does not.
func (n *network) untilAnswers(ctx context.Context, name, community string, answers bool) error {
	d, err := n.plan.device(name)
	if err != nil {
		return err
	}
	return until(ctx, 100*time.Millisecond, func() error {
		if _, err := n.walk(ctx, d, community, sysName); (err == nil) != answers {
			return errors.Join(fmt.Errorf("%s does not show the change yet", name), err)
		}
		return nil
	})
}

func losePackets(_ context.Context, s *supervisor) error { return s.setLoss(lossPercent) }
func keepPackets(_ context.Context, s *supervisor) error { return s.setLoss(0) }

func (s *supervisor) setLoss(percent int32) error {
	n, err := s.needNetwork()
	if err != nil {
		return err
	}
	for _, r := range n.relays {
		r.loss.Store(percent)
	}
	return nil
}
