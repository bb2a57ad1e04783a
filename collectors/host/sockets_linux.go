package host

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/prometheus/procfs"
)

// readProtocols reads what the network protocols count. See the kernel's Documentation/networking/snmp_counter.rst.
func (t tree) readProtocols(context.Context) ([]metric, error) {
	var out []metric
	var errs []error
	for _, f := range []struct {
		name  string
		parse func([]byte) []metric
	}{{"netstat", netstatMetrics}, {"snmp", netstatMetrics}, {"snmp6", snmp6Metrics}} {
		b, err := readFile(filepath.Join(t.proc, "net", f.name))
		if err != nil {
			errs = append(errs, absent(err))
			continue
		}
		out = append(out, f.parse(b)...)
	}
	return out, errors.Join(errs...)
}

// readSockets reads how many sockets there are by protocol, and what they hold.
func (t tree) readSockets(context.Context) ([]metric, error) {
	fs, err := procfs.NewFS(t.proc)
	if err != nil {
		return nil, err
	}
	var out []metric
	v4, err4 := fs.NetSockstat()
	if err4 == nil {
		out = append(out, sockstatMetrics(v4)...)
	}
	v6, err6 := fs.NetSockstat6()
	if err6 == nil {
		out = append(out, sockstatMetrics(v6)...)
	}
	return out, errors.Join(absent(err4), absent(err6))
}

func sockstatMetrics(s *procfs.NetSockstat) []metric {
	var out []metric
	add := func(name string, v *int) {
		if v != nil {
			out = append(out, metric{"node_sockstat_" + name, nil, float64(*v)})
		}
	}
	add("sockets_used", s.Used)
	for _, p := range s.Protocols {
		add(p.Protocol+"_inuse", &p.InUse)
		add(p.Protocol+"_orphan", p.Orphan)
		add(p.Protocol+"_tw", p.TW)
		add(p.Protocol+"_alloc", p.Alloc)
		add(p.Protocol+"_mem", p.Mem)
		if p.Mem != nil { // the kernel counts pages
			bytes := *p.Mem * os.Getpagesize()
			add(p.Protocol+"_mem_bytes", &bytes)
		}
		add(p.Protocol+"_memory", p.Memory)
	}
	return out
}

// readSoftnet reads what each processor took from the network cards, and dropped since it was too slow.
func (t tree) readSoftnet(context.Context) ([]metric, error) {
	fs, err := procfs.NewFS(t.proc)
	if err != nil {
		return nil, err
	}
	stats, err := fs.NetSoftnetStat()
	if err != nil {
		return nil, absent(err)
	}
	var out []metric
	for _, s := range stats {
		cpu := []string{"cpu", strconv.FormatUint(uint64(s.Index), 10)}
		out = append(out,
			metric{"node_softnet_processed_total", cpu, float64(s.Processed)},
			metric{"node_softnet_dropped_total", cpu, float64(s.Dropped)},
			metric{"node_softnet_times_squeezed_total", cpu, float64(s.TimeSqueezed)})
	}
	return out, nil
}

// readConntrack reads how full the table of tracked connections is; there is none without the module.
func (t tree) readConntrack(context.Context) ([]metric, error) {
	var out []metric
	for name, file := range map[string]string{"node_nf_conntrack_entries": "nf_conntrack_count", "node_nf_conntrack_entries_limit": "nf_conntrack_max"} {
		if v, ok := number(t.proc, "sys/net/netfilter", file); ok {
			out = append(out, metric{name, nil, v})
		}
	}
	return out, nil
}

// maxSockets bounds what is read of a table of connections, in bytes: about a million of them.
const maxSockets = 160 << 20

// readTCPStates counts the connections by state. The kernel writes a line for each, which takes long on
// a machine with very many: its part is paced.
func (t tree) readTCPStates(context.Context) ([]metric, error) {
	var counts [len(tcpStates)]int
	for _, name := range []string{"tcp", "tcp6"} {
		f, err := os.Open(filepath.Join(t.proc, "net", name))
		if err != nil {
			if absent(err) != nil {
				return nil, err
			}
			continue
		}
		lines := bufio.NewScanner(io.LimitReader(f, maxSockets))
		countTCPStates(lines, &counts)
		_ = f.Close()
		if err := lines.Err(); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name(), err)
		}
	}
	return tcpMetrics(&counts), nil
}
