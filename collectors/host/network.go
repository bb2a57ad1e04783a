package host

import (
	"context"
	"errors"
	"fmt"
	stdnet "net"
	"regexp"
	"runtime"

	"github.com/shirou/gopsutil/v4/net"
)

// ofContainer are ports whose names are drawn anew for each container: their counters belong to the
// containers, and their series would never end.
var ofContainer = regexp.MustCompile(`^(veth[0-9a-f]{6,}|cali[0-9a-f]{11}|lxc[0-9a-f]{12}|eni[0-9a-f]{11})$`)

func readNetwork(ctx context.Context) ([]metric, error) {
	counters, err := net.IOCountersWithContext(ctx, true)
	if err != nil {
		err = fmt.Errorf("counters: %w", err)
	}
	if runtime.GOOS == "linux" {
		return networkMetrics(counters, nil), err // the kernel tells more of the ports
	}
	ifaces, ifErr := stdnet.Interfaces()
	if ifErr != nil {
		ifErr = fmt.Errorf("interfaces: %w", ifErr)
	}
	return networkMetrics(counters, ifaces), errors.Join(err, ifErr)
}

func networkMetrics(counters []net.IOCountersStat, ifaces []stdnet.Interface) []metric {
	var out []metric
	for _, c := range counters {
		if ofContainer.MatchString(c.Name) {
			continue
		}
		ls := []string{"device", c.Name}
		out = append(out,
			metric{"node_network_receive_bytes_total", ls, float64(c.BytesRecv)},
			metric{"node_network_transmit_bytes_total", ls, float64(c.BytesSent)},
			metric{"node_network_receive_packets_total", ls, float64(c.PacketsRecv)},
			metric{"node_network_transmit_packets_total", ls, float64(c.PacketsSent)},
			metric{"node_network_receive_errs_total", ls, float64(c.Errin)},
			metric{"node_network_transmit_errs_total", ls, float64(c.Errout)},
			metric{"node_network_receive_drop_total", ls, float64(c.Dropin)},
			metric{"node_network_transmit_drop_total", ls, float64(c.Dropout)},
		)
	}
	const up = stdnet.FlagUp | stdnet.FlagRunning // switched on, and with a carrier
	for _, i := range ifaces {
		v := 0.0
		if i.Flags&up == up {
			v = 1
		}
		out = append(out, metric{"node_network_up", []string{"device", i.Name}, v})
	}
	return out
}
