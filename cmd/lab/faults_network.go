package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

const (
	silentDevice  = "acc12"
	refusedDevice = "core2"
	lossPercent   = 20
	sysName       = ".1.3.6.1.2.1.1.5"
)

var cutBetween = [2]string{"dist2", "core1"}

func cutCable(ctx context.Context, s *supervisor) error  { return s.setCable(ctx, "down") }
func joinCable(ctx context.Context, s *supervisor) error { return s.setCable(ctx, "up") }

// setCable pulls or plugs both ends of the cable in the patch panel and waits until both devices see the carrier change.
func (s *supervisor) setCable(ctx context.Context, state string) error {
	n, err := s.needNetwork()
	if err != nil {
		return err
	}
	i, err := n.plan.cableBetween(cutBetween[0], cutBetween[1])
	if err != nil {
		return err
	}
	var commands []string
	for end := range 2 {
		commands = append(commands, fmt.Sprintf("link set %s %s", patchPort(i, end), state))
	}
	if err := ipBatch(ctx, namespace(patchPanel), commands); err != nil {
		return err
	}
	c := n.plan.Cables[i]
	return until(ctx, 50*time.Millisecond, func() error {
		for _, at := range []port{c.A, c.B} {
			text, err := outputOf(exec.CommandContext(ctx, "ip", "-n", namespace(at.Device), "link", "show", at.Name))
			if err != nil {
				return err
			}
			if !strings.Contains(text, "state "+strings.ToUpper(state)) {
				return fmt.Errorf("%s %s is not %s yet", at.Device, at.Name, state)
			}
		}
		return nil
	})
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
	d, err := n.plan.device(refusedDevice)
	if err != nil {
		return err
	}
	if err := n.configureAgent(d, community); err != nil {
		return err
	}
	if err := s.procs.signal("snmpd-"+refusedDevice, syscall.SIGHUP); err != nil {
		return err
	}
	return n.untilAnswers(ctx, refusedDevice, community, true)
}
