package host

import (
	"bufio"
	"context"
	"io"
	stdnet "net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	prom "github.com/prometheus/common/model"
)

// nodeExporter starts Debian's node_exporter and returns what reads its page.
func nodeExporter(t *testing.T, args ...string) func() map[string]*dto.MetricFamily {
	t.Helper()
	path, err := exec.LookPath("prometheus-node-exporter")
	if err != nil {
		t.Skip("prometheus-node-exporter is not installed")
	}
	l, err := (&stdnet.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	cmd := exec.CommandContext(ctx, path, append([]string{"--web.listen-address=" + addr}, args...)...)
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	listens, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		lines := bufio.NewScanner(log)
		for told := false; lines.Scan(); {
			if !told && strings.Contains(lines.Text(), "Listening on") {
				told = true
				close(listens)
			}
		}
		if err := cmd.Wait(); ctx.Err() == nil {
			t.Errorf("node_exporter ended: %v", err)
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-done
		http.DefaultClient.CloseIdleConnections()
	})
	select {
	case <-listens:
	case <-done:
		t.FailNow()
	}
	return func() map[string]*dto.MetricFamily {
		t.Helper()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		parser := expfmt.NewTextParser(prom.UTF8Validation)
		page, err := parser.TextToMetricFamilies(io.LimitReader(resp.Body, 16<<20))
		if err != nil {
			t.Fatal(err)
		}
		return page
	}
}

// flat is a page as name{label="value",...} to value.
func flat(page map[string]*dto.MetricFamily) map[string]float64 {
	out := map[string]float64{}
	for name, f := range page {
		for _, m := range f.Metric {
			var ls []string
			for _, l := range m.Label {
				ls = append(ls, l.GetName(), l.GetValue())
			}
			out[key(name, ls)] = m.GetGauge().GetValue() + m.GetCounter().GetValue() + m.GetUntyped().GetValue()
		}
	}
	return out
}

// key is a metric's name with its labels in order.
func key(name string, ls []string) string {
	var pairs []string
	for i := 0; i+1 < len(ls); i += 2 {
		pairs = append(pairs, ls[i]+"="+ls[i+1])
	}
	slices.Sort(pairs)
	return name + "{" + strings.Join(pairs, ",") + "}"
}

// names are the metrics' names with the names of their labels.
func names(keys map[string]float64) map[string]bool {
	out := map[string]bool{}
	for k := range keys {
		name, rest, _ := strings.Cut(strings.TrimSuffix(k, "}"), "{")
		for pair := range strings.SplitSeq(rest, ",") {
			label, _, _ := strings.Cut(pair, "=")
			name += " " + label
		}
		out[name] = true
	}
	return out
}

func ours(t *testing.T, list []part) map[string]float64 {
	t.Helper()
	out := map[string]float64{}
	for _, p := range list {
		metrics, err := p.read(t.Context())
		if err != nil {
			t.Logf("%s: %v", p.name, err)
		}
		for _, m := range metrics {
			out[key(m.name, m.labels)] = m.value
		}
	}
	return out
}

// wantFamilies are what a server's page and the rules live on. The test asks for those that node_exporter
// has on this machine.
var wantFamilies = []string{
	"node_cpu_seconds_total", "node_cpu_guest_seconds_total", "node_cpu_scaling_frequency_hertz", "node_load1", "node_load5", "node_load15",
	"node_boot_time_seconds", "node_context_switches_total", "node_forks_total", "node_procs_running", "node_procs_blocked", "node_intr_total",
	"node_pressure_cpu_waiting_seconds_total", "node_pressure_io_waiting_seconds_total", "node_pressure_io_stalled_seconds_total",
	"node_pressure_memory_waiting_seconds_total", "node_pressure_memory_stalled_seconds_total",
	"node_memory_MemTotal_bytes", "node_memory_MemAvailable_bytes", "node_memory_Cached_bytes", "node_memory_Buffers_bytes", "node_memory_Slab_bytes",
	"node_memory_SwapTotal_bytes", "node_memory_SwapFree_bytes", "node_memory_Dirty_bytes", "node_memory_Writeback_bytes", "node_memory_HugePages_Total",
	"node_memory_HugePages_Free", "node_memory_Hugepagesize_bytes", "node_memory_Committed_AS_bytes",
	"node_vmstat_oom_kill", "node_vmstat_pgmajfault", "node_vmstat_pswpin", "node_vmstat_pswpout",
	"node_disk_reads_completed_total", "node_disk_writes_completed_total", "node_disk_read_bytes_total", "node_disk_written_bytes_total",
	"node_disk_read_time_seconds_total", "node_disk_write_time_seconds_total", "node_disk_io_time_seconds_total", "node_disk_io_time_weighted_seconds_total", "node_disk_io_now",
	"node_filesystem_size_bytes", "node_filesystem_avail_bytes", "node_filesystem_free_bytes", "node_filesystem_files", "node_filesystem_files_free",
	"node_filesystem_readonly", "node_filesystem_device_error", "node_filefd_allocated", "node_filefd_maximum",
	"node_network_receive_bytes_total", "node_network_transmit_bytes_total", "node_network_receive_packets_total", "node_network_receive_errs_total",
	"node_network_receive_drop_total", "node_network_transmit_errs_total", "node_network_transmit_drop_total",
	"node_network_up", "node_network_carrier", "node_network_mtu_bytes", "node_network_info", "node_network_carrier_changes_total",
	"node_softnet_dropped_total", "node_softnet_processed_total", "node_softnet_times_squeezed_total",
	"node_netstat_Tcp_RetransSegs", "node_netstat_Tcp_OutSegs", "node_netstat_TcpExt_ListenOverflows", "node_netstat_TcpExt_ListenDrops", "node_netstat_Udp_InErrors",
	"node_netstat_Udp6_InErrors", "node_sockstat_TCP_inuse", "node_sockstat_TCP_mem_bytes", "node_sockstat_sockets_used", "node_sockstat_TCP6_inuse",
	"node_tcp_connection_states", "node_nf_conntrack_entries", "node_nf_conntrack_entries_limit",
	"node_timex_sync_status", "node_timex_maxerror_seconds", "node_processes_state", "node_processes_pids", "node_processes_threads",
}

// steady are values that do not change between two looks.
var steady = []string{
	"node_boot_time_seconds",
	"node_memory_MemTotal_bytes", "node_memory_SwapTotal_bytes", "node_memory_CommitLimit_bytes", "node_memory_Hugepagesize_bytes", "node_memory_HugePages_Total",
	"node_filesystem_size_bytes", "node_filesystem_files", "node_filesystem_readonly", "node_filesystem_device_error", "node_filefd_maximum",
	"node_network_up", "node_network_carrier", "node_network_mtu_bytes", "node_network_info", "node_nf_conntrack_entries_limit", "node_timex_sync_status", "node_timex_status",
}

// Everything under a name of node_exporter is what it says itself: the same labels, and values between those
// of a look before and one after.
func TestAgreesWithNodeExporter(t *testing.T) {
	look := nodeExporter(t, "--collector.tcpstat", "--collector.processes")
	c := New("box", time.Now)
	before := flat(look())
	mine := ours(t, c.list)
	after := flat(look())

	theirs, own := names(after), names(mine)
	for name := range own {
		if strings.HasPrefix(name, "node_") && !theirs[name] && !strings.HasPrefix(name, "node_pressure_irq_") {
			t.Errorf("%s: node_exporter has no such metric with these labels", name)
		}
	}
	for name := range theirs {
		family, _, _ := strings.Cut(name, " ")
		if slices.Contains(wantFamilies, family) && !own[name] {
			t.Errorf("%s is missing", name)
		}
	}
	compared := 0
	for k, v := range mine {
		name, _, _ := strings.Cut(k, "{")
		low, there := before[k]
		high, still := after[k]
		if !there || !still {
			continue
		}
		switch {
		case slices.Contains(steady, name):
			if v != high {
				t.Errorf("%s = %v, node_exporter says %v", k, v, high)
			}
		case strings.HasSuffix(name, "_total") || strings.HasPrefix(name, "node_netstat_") && name != "node_netstat_Tcp_CurrEstab" || strings.HasPrefix(name, "node_vmstat_"):
			if slack := 0.011; v < low-slack || v > high+slack { // a tick of the kernel's clock
				t.Errorf("%s = %v, node_exporter says %v before and %v after", k, v, low, high)
			}
		default:
			continue
		}
		compared++
	}
	t.Logf("%d metrics, %d values compared", len(own), compared)
	if compared < 100 {
		t.Errorf("only %d values compared", compared)
	}
}

// write makes a file of a recorded tree.
func write(t *testing.T, root, name, text string) {
	t.Helper()
	path := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}

func symlink(t *testing.T, root, target, name string) {
	t.Helper()
	path := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
}

// A machine with sensors, a battery, a RAID and tracked connections, which the one that tests run on need
// not have.
func hardware(t *testing.T) tree {
	t.Helper()
	sys, proc := t.TempDir(), t.TempDir()
	for name, text := range map[string]string{
		"devices/platform/coretemp.0/hwmon/hwmon1/name":             "coretemp",
		"devices/platform/coretemp.0/hwmon/hwmon1/temp1_input":      "45000",
		"devices/platform/coretemp.0/hwmon/hwmon1/temp1_max":        "80000",
		"devices/platform/coretemp.0/hwmon/hwmon1/temp1_crit":       "100000",
		"devices/platform/coretemp.0/hwmon/hwmon1/temp1_crit_alarm": "0",
		"devices/platform/coretemp.0/hwmon/hwmon1/temp1_label":      "Package id 0",
		"devices/pci0000:00/0000:00:1f.3/hwmon/hwmon2/name":         "nct6775",
		"devices/pci0000:00/0000:00:1f.3/hwmon/hwmon2/fan1_input":   "1480",
		"devices/pci0000:00/0000:00:1f.3/hwmon/hwmon2/temp2_input":  "-5500",
		"devices/virtual/thermal/thermal_zone0/type":                "x86_pkg_temp",
		"devices/virtual/thermal/thermal_zone0/temp":                "44500",
		"devices/virtual/thermal/thermal_zone0/policy":              "step_wise",
		"devices/platform/bat/power_supply/BAT0/type":               "Battery",
		"devices/platform/bat/power_supply/BAT0/capacity":           "81",
		"devices/platform/bat/power_supply/BAT0/status":             "Discharging",
		"devices/platform/bat/power_supply/BAT0/present":            "1",
		"devices/platform/bat/power_supply/BAT0/voltage_now":        "11800000",
		"devices/platform/bat/power_supply/BAT0/energy_now":         "33480000",
		"devices/platform/ac/power_supply/AC/type":                  "Mains",
		"devices/platform/ac/power_supply/AC/online":                "0",
	} {
		write(t, sys, name, text)
	}
	symlink(t, sys, "../../../coretemp.0", "devices/platform/coretemp.0/hwmon/hwmon1/device")
	symlink(t, sys, "../../../0000:00:1f.3", "devices/pci0000:00/0000:00:1f.3/hwmon/hwmon2/device")
	symlink(t, sys, "../../devices/platform/coretemp.0/hwmon/hwmon1", "class/hwmon/hwmon1")
	symlink(t, sys, "../../devices/pci0000:00/0000:00:1f.3/hwmon/hwmon2", "class/hwmon/hwmon2")
	symlink(t, sys, "../../devices/virtual/thermal/thermal_zone0", "class/thermal/thermal_zone0")
	symlink(t, sys, "../../devices/platform/bat/power_supply/BAT0", "class/power_supply/BAT0")
	symlink(t, sys, "../../devices/platform/ac/power_supply/AC", "class/power_supply/AC")
	write(t, proc, "mdstat", `Personalities : [raid1]
md0 : active raid1 sdb1[1](F) sda1[0]
      1953381440 blocks super 1.2 [2/1] [U_]

md1 : active raid1 sdd1[2] sdc1[0]
      1000 blocks super 1.2 [2/1] [U_]
      [=>...................]  recovery =  8.5% (85/1000) finish=259.9min speed=16000K/sec

unused devices: <none>`)
	write(t, proc, "sys/net/netfilter/nf_conntrack_count", "230000")
	write(t, proc, "sys/net/netfilter/nf_conntrack_max", "262144")
	write(t, proc, "self/stat", "1 (x) S 0") // by which node_exporter knows a /proc
	return tree{proc: proc, sys: sys}
}

// What this machine may not have is compared on a recorded one.
func TestAgreesWithNodeExporterOnHardware(t *testing.T) {
	m := hardware(t)
	look := nodeExporter(t, "--path.sysfs="+m.sys, "--path.procfs="+m.proc, "--collector.disable-defaults",
		"--collector.hwmon", "--collector.thermal_zone", "--collector.powersupplyclass", "--collector.mdadm", "--collector.conntrack")
	mine := ours(t, []part{{"hwmon", m.readHwmon}, {"thermal", m.readThermal}, {"power", m.readPower}, {"raid", m.readRAID}, {"conntrack", m.readConntrack}})
	theirs := flat(look())
	for k, v := range theirs {
		if !strings.HasPrefix(k, "node_scrape_") && !strings.HasPrefix(k, "node_exporter_") && strings.HasPrefix(k, "node_") {
			if got, ok := mine[k]; !ok || got-v > 1e-6 || v-got > 1e-6 {
				t.Errorf("%s = %v (there: %v), node_exporter says %v", k, got, ok, v)
			}
		}
	}
	for k := range mine {
		if _, ok := theirs[k]; !ok {
			t.Errorf("%s is nothing that node_exporter says", k)
		}
	}
	t.Logf("%d values compared", len(theirs))
}
