package main

import (
	"context"
	"fmt"
	"time"

	"github.com/gosnmp/gosnmp"
)

const (
	stormDevice = "acc22"
	stormRate   = 5000 // traps a second
	stormTime   = 10 * time.Second
	stormTick   = 10 * time.Millisecond
	oidFlood    = ".1.3.6.1.4.1.8072.2.3.0.1" // NET-SNMP-EXAMPLES-MIB netSnmpExampleHeartbeatNotification
	oidFloodNo  = ".1.3.6.1.4.1.8072.2.3.2.1" // netSnmpExampleHeartbeatRate
)

// stormTraps sends traps out of a device as fast as a broken one does, each with a number of its own.
func stormTraps(ctx context.Context, s *supervisor) error {
	if _, err := s.needNetwork(); err != nil {
		return err
	}
	conn, err := dialUDP(ctx, namespace(stormDevice), "", fmt.Sprintf("127.0.0.1:%d", trapPort), 1)
	if err != nil {
		return err
	}
	defer conn.Close()
	ticker := time.NewTicker(stormTick)
	defer ticker.Stop()
	start, sent := s.now(), 0
	for {
		elapsed := min(s.now().Sub(start), stormTime)
		for due := int(elapsed * stormRate / time.Second); sent < due; sent++ {
			datagram, err := encodeTrap(uint32(elapsed/(10*time.Millisecond)), oidFlood,
				gosnmp.SnmpPDU{Name: oidFloodNo + ".0", Type: gosnmp.Integer, Value: sent})
			if err != nil {
				return fmt.Errorf("storm of %s: %w", stormDevice, err)
			}
			_, _ = conn.Write(datagram) // lost, as any trap may be
		}
		if elapsed == stormTime {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

func afterStorm(string) string { return "the device is quiet again" }
