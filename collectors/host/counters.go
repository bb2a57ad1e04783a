package host

import (
	"bufio"
	"bytes"
	"regexp"
	"strconv"
	"strings"
)

// What node_exporter passes on by default of what the kernel counts.
var (
	vmFields      = regexp.MustCompile(`^(oom_kill|pgpg|pswp|pg.*fault)`)
	netstatFields = regexp.MustCompile(`^(.*_(InErrors|InErrs)|Ip_Forwarding|Ip(6|Ext)_(InOctets|OutOctets)|Icmp6?_(InMsgs|OutMsgs)|TcpExt_(Listen.*|Syncookies.*|TCPSynRetrans|TCPTimeouts)|Tcp_(ActiveOpens|InSegs|OutSegs|OutRsts|PassiveOpens|RetransSegs|CurrEstab)|Udp6?_(InDatagrams|OutDatagrams|NoPorts|RcvbufErrors|SndbufErrors))$`)
)

// vmMetrics are those of /proc/vmstat: a name and a number a line.
func vmMetrics(b []byte) []metric {
	var out []metric
	for line := range bytes.Lines(b) {
		name, text, _ := bytes.Cut(bytes.TrimSpace(line), []byte(" "))
		if !vmFields.Match(name) {
			continue
		}
		if v, err := strconv.ParseFloat(string(text), 64); err == nil {
			out = append(out, metric{"node_vmstat_" + string(name), nil, v})
		}
	}
	return out
}

// netstatMetrics are those of /proc/net/netstat and /proc/net/snmp: pairs of lines that begin with the
// protocol, names above, values below.
func netstatMetrics(b []byte) []metric {
	var out []metric
	var names []string
	for line := range bytes.Lines(b) {
		fields := strings.Fields(string(line))
		if len(fields) == 0 {
			continue
		}
		if len(names) != len(fields) || names[0] != fields[0] {
			names = fields
			continue
		}
		protocol := strings.TrimSuffix(fields[0], ":")
		for i := 1; i < len(fields); i++ {
			out = appendNetstat(out, protocol+"_"+names[i], fields[i])
		}
		names = nil
	}
	return out
}

// snmp6Metrics are those of /proc/net/snmp6: a name, such as Ip6InOctets, and a number a line.
func snmp6Metrics(b []byte) []metric {
	var out []metric
	for line := range bytes.Lines(b) {
		fields := strings.Fields(string(line))
		if len(fields) != 2 {
			continue
		}
		if protocol, name, ok := strings.Cut(fields[0], "6"); ok {
			out = appendNetstat(out, protocol+"6_"+name, fields[1])
		}
	}
	return out
}

func appendNetstat(out []metric, name, text string) []metric {
	if !netstatFields.MatchString(name) {
		return out
	}
	if v, err := strconv.ParseFloat(text, 64); err == nil {
		out = append(out, metric{"node_netstat_" + name, nil, v})
	}
	return out
}

// tcpStates are the states of a connection by their number in /proc/net/tcp, from the kernel's
// include/net/tcp_states.h, under node_exporter's names.
var tcpStates = [...]string{
	1: "established", "syn_sent", "syn_recv", "fin_wait1", "fin_wait2", "time_wait", "close", "close_wait", "last_ack", "listen", "closing", "new_syn_recv",
}

// countTCPStates adds the connections of a /proc/net/tcp or tcp6 to counts, by the number of their state.
func countTCPStates(lines *bufio.Scanner, counts *[len(tcpStates)]int) {
	for lines.Scan() {
		// "   0: 0100007F:9A2B 00000000:0000 0A 00000000:00000000 ...": the state is the fourth field.
		rest := lines.Bytes()
		for range 3 {
			rest = bytes.TrimLeft(rest, " ")
			_, rest, _ = bytes.Cut(rest, []byte(" "))
		}
		if len(rest) < 2 {
			continue
		}
		if n, err := strconv.ParseUint(string(rest[:2]), 16, 8); err == nil && n > 0 && int(n) < len(counts) {
			counts[n]++
		}
	}
}

func tcpMetrics(counts *[len(tcpStates)]int) []metric {
	var out []metric
	for n, state := range tcpStates {
		if state != "" && state != "new_syn_recv" {
			out = append(out, metric{"node_tcp_connection_states", []string{"state", state}, float64(counts[n])})
		}
	}
	return out
}
