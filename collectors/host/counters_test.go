package host

import (
	"bufio"
	"strings"
	"testing"
)

func TestNetstatMetrics(t *testing.T) {
	got := netstatMetrics([]byte("TcpExt: SyncookiesSent ListenOverflows TW\nTcpExt: 1 2 3\nTcp: RtoAlgorithm RetransSegs\nTcp: 1 -1\nUdp: InErrors\nIp: Forwarding\nIp: x\n"))
	want(t, got, 2, "node_netstat_TcpExt_ListenOverflows")
	want(t, got, -1, "node_netstat_Tcp_RetransSegs")
	if len(got) != 3 {
		t.Errorf("%v, want three", got)
	}
	want(t, snmp6Metrics([]byte("Ip6InOctets   5\nUdp6InErrors 7\nIp6Foo 1\nbad\n")), 7, "node_netstat_Udp6_InErrors")
	want(t, vmMetrics([]byte("nr_free_pages 1\noom_kill 3\npswpin x\n")), 3, "node_vmstat_oom_kill")
}

func TestCountTCPStates(t *testing.T) {
	var counts [len(tcpStates)]int
	countTCPStates(bufio.NewScanner(strings.NewReader(`  sl  local_address rem_address   st tx_queue
   0: 0100007F:9A2B 00000000:0000 0A 00000000:00000000
   1: 0100007F:9A2B 0100007F:0001 01 00000000:00000000
  12: 0100007F:9A2B 0100007F:0002 01 00000000:00000000
   3: 0100007F:9A2B 0100007F:0002 FF 00000000:00000000
   4: cut`)), &counts)
	got := tcpMetrics(&counts)
	want(t, got, 2, "node_tcp_connection_states", "state", "established")
	want(t, got, 1, "node_tcp_connection_states", "state", "listen")
	want(t, got, 0, "node_tcp_connection_states", "state", "time_wait")
	if len(got) != 11 {
		t.Errorf("%d states", len(got))
	}
}

func FuzzCounters(f *testing.F) {
	f.Add([]byte("TcpExt: SyncookiesSent ListenOverflows\nTcpExt: 1 2\n"))
	f.Add([]byte("Ip6InOctets 5\noom_kill 3\n   0: a b 0A c\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, m := range append(append(netstatMetrics(b), snmp6Metrics(b)...), vmMetrics(b)...) {
			if !strings.HasPrefix(m.name, "node_netstat_") && !strings.HasPrefix(m.name, "node_vmstat_") {
				t.Errorf("%q becomes %q", b, m.name)
			}
		}
		var counts [len(tcpStates)]int
		countTCPStates(bufio.NewScanner(strings.NewReader(string(b))), &counts)
		if counts[0] != 0 {
			t.Error("a state that is none")
		}
	})
}
