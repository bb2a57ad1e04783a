package host

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	stdnet "net"

	prom "github.com/prometheus/common/model"
	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/disk"
	"github.com/shirou/gopsutil/v4/mem"
	"github.com/shirou/gopsutil/v4/net"
	"go.uber.org/goleak"

	"github.com/nocturne-noc/nocturne/collectors"
	"github.com/nocturne-noc/nocturne/store/model"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// find is the value of a metric with all the given labels.
func find(metrics []metric, name string, ls ...string) (float64, bool) {
	for _, m := range metrics {
		if m.name == name && strings.Contains(strings.Join(m.labels, "|"), strings.Join(ls, "|")) {
			return m.value, true
		}
	}
	return 0, false
}

func want(t *testing.T, metrics []metric, value float64, name string, ls ...string) {
	t.Helper()
	if got, ok := find(metrics, name, ls...); !ok || got != value {
		t.Errorf("%s%v = %v (there: %v), want %v", name, ls, got, ok, value)
	}
}

func TestCPUMetrics(t *testing.T) {
	times := []cpu.TimesStat{{CPU: "cpu0", User: 1, Idle: 2, Steal: 3}}
	linux := cpuMetrics(times, "linux")
	want(t, linux, 1, "node_cpu_seconds_total", "cpu", "0", "mode", "user")
	want(t, linux, 3, "node_cpu_seconds_total", "cpu", "0", "mode", "steal")
	if _, ok := find(cpuMetrics(times, "darwin"), "node_cpu_seconds_total", "cpu", "0", "mode", "steal"); ok {
		t.Error("a mode that macOS does not tell is zero instead of absent")
	}
}

func TestMemoryMetrics(t *testing.T) {
	vm := &mem.VirtualMemoryStat{Total: 100, Free: 20, Available: 60, Cached: 30, Sreclaimable: 10, Shared: 5}
	linux := memoryMetrics(vm, &mem.SwapMemoryStat{Total: 8, Free: 4}, "linux")
	want(t, linux, 100, "node_memory_MemTotal_bytes")
	want(t, linux, 20, "node_memory_Cached_bytes") // as /proc/meminfo has it: without the slabs
	want(t, linux, 5, "node_memory_Shmem_bytes")
	want(t, linux, 4, "node_memory_SwapFree_bytes")
	if got := memoryMetrics(vm, nil, "darwin"); len(got) != 3 {
		t.Errorf("%d metrics on macOS without swap, want 3: %v", len(got), got)
	}
	if got := memoryMetrics(nil, nil, "linux"); got != nil {
		t.Errorf("metrics out of nothing: %v", got)
	}
}

func TestRealPartitions(t *testing.T) {
	parts := []disk.PartitionStat{
		{Device: "/dev/sda1", Mountpoint: "/", Fstype: "ext4"},
		{Device: "proc", Mountpoint: "/proc", Fstype: "proc"},
		{Device: "overlay", Mountpoint: "/var/lib/docker/overlay2/x/merged", Fstype: "overlay"},
		{Device: "tmpfs", Mountpoint: "/run", Fstype: "tmpfs"},
		{Device: "tmpfs", Mountpoint: "/dev/shm", Fstype: "tmpfs"},
		{Device: "/dev/sdb1", Mountpoint: "/data", Fstype: "xfs"},
		{Device: "nas:/x", Mountpoint: "/data", Fstype: "nfs4"},
	}
	var got []string
	for _, p := range realPartitions(parts) {
		got = append(got, p.Device+" "+p.Mountpoint)
	}
	if want := []string{"/dev/sda1 /", "tmpfs /run", "nas:/x /data"}; !slices.Equal(got, want) {
		t.Errorf("partitions %q, want %q", got, want)
	}
}

func TestFilesystemMetrics(t *testing.T) {
	// A disk of 100 with 20 used and 5 reserved for root.
	got := filesystemMetrics(disk.PartitionStat{Device: "/dev/sda1", Mountpoint: "/", Fstype: "ext4"}, &disk.UsageStat{Total: 100, Used: 20, Free: 75, InodesTotal: 10, InodesFree: 9})
	want(t, got, 100, "node_filesystem_size_bytes", "device", "/dev/sda1", "fstype", "ext4", "mountpoint", "/")
	want(t, got, 80, "node_filesystem_free_bytes")
	want(t, got, 75, "node_filesystem_avail_bytes")
	want(t, got, 9, "node_filesystem_files_free")
}

// A mount whose server is gone is asked once, and named until it answers.
func TestStuckMount(t *testing.T) {
	m := &mounts{stuck: map[string]bool{}}
	parts, err := disk.PartitionsWithContext(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	parts = realPartitions(parts)
	if len(parts) == 0 {
		t.Skip("no file system here that node_exporter would show")
	}
	m.stuck[parts[0].Mountpoint] = true
	_, err = m.read(t.Context())
	if err == nil || !strings.Contains(err.Error(), parts[0].Mountpoint+" ") || !strings.Contains(err.Error(), "does not answer") {
		t.Errorf("error %v, want %s named", err, parts[0].Mountpoint)
	}
}

func TestDiskMetrics(t *testing.T) {
	got := diskMetrics(map[string]disk.IOCountersStat{"sda": {ReadBytes: 512, IoTime: 1500}, "sda1": {ReadBytes: 1}, "loop0": {}, "nvme0n1p2": {}, "nvme0n1": {WriteCount: 7}})
	want(t, got, 512, "node_disk_read_bytes_total", "device", "sda")
	want(t, got, 1.5, "node_disk_io_time_seconds_total", "device", "sda")
	want(t, got, 7, "node_disk_writes_completed_total", "device", "nvme0n1")
	for _, part := range []string{"sda1", "loop0", "nvme0n1p2"} {
		for _, m := range got {
			if m.labels[1] == part {
				t.Errorf("%s is counted beside its disk", part)
			}
		}
	}
}

func TestNetworkMetrics(t *testing.T) {
	got := networkMetrics([]net.IOCountersStat{{Name: "eth0", BytesRecv: 1, PacketsSent: 2, Errin: 3, Dropout: 4}},
		[]stdnet.Interface{{Name: "eth0", Flags: stdnet.FlagUp | stdnet.FlagRunning}, {Name: "eth1", Flags: stdnet.FlagUp}})
	want(t, got, 1, "node_network_receive_bytes_total", "device", "eth0")
	want(t, got, 2, "node_network_transmit_packets_total", "device", "eth0")
	want(t, got, 3, "node_network_receive_errs_total", "device", "eth0")
	want(t, got, 4, "node_network_transmit_drop_total", "device", "eth0")
	want(t, got, 1, "node_network_up", "device", "eth0")
	want(t, got, 0, "node_network_up", "device", "eth1") // no carrier
}

// TestCollect reads this machine twice.
func TestCollect(t *testing.T) {
	c := New("box", time.Now)
	var batch model.Batch
	for range 2 {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		if err := c.Collect(ctx, func(b model.Batch) { batch = b }); err != nil {
			t.Logf("partial: %v", err)
		}
		cancel()
	}
	if len(batch.Entities) != 1 || batch.Entities[0].ID != "server/box" || batch.Entities[0].State != model.OK || batch.Entities[0].Labels["os"] == "" {
		t.Errorf("entities %+v, want this server", batch.Entities)
	}
	names, seen := map[string]bool{}, map[string]bool{}
	for _, s := range batch.Samples {
		name := s.Labels.Get(prom.MetricNameLabel)
		names[name] = true
		if seen[s.Labels.String()] {
			t.Errorf("%s is there twice", s.Labels)
		}
		seen[s.Labels.String()] = true
		if s.Labels.Get("instance") != "box" || s.Labels.Get("job") != "host" {
			t.Errorf("%s: want instance box, job host", s.Labels)
		}
	}
	for _, name := range []string{"node_cpu_seconds_total", "node_memory_MemTotal_bytes", "node_time_seconds", "node_boot_time_seconds",
		"node_uname_info", "node_network_receive_bytes_total", "nocturne_process_cpu_ratio", "nocturne_process_resident_memory_bytes"} {
		if !names[name] {
			t.Errorf("%s is missing", name)
		}
	}
	t.Logf("%d samples of %d metrics", len(batch.Samples), len(names))
	checkNames(t, names)
}

// notRecorded are names of node_exporter whose collectors were off, or whose kernel was too old, when
// the recording was made. TestAgreesWithNodeExporter asks a living one.
var notRecorded = regexp.MustCompile(`^node_(filesystem_.*|uname_info|memory_MemAvailable_bytes|netstat_TcpExt_TCPSynRetrans|tcp_connection_states|timex_.*)$`)

// checkNames holds the node_ names against what a real node_exporter wrote.
func checkNames(t *testing.T, names map[string]bool) {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; ; dir = filepath.Dir(dir) {
		recorded, err := os.ReadFile(filepath.Join(dir, "shared", "data", "scrape", "node_exporter.prom"))
		if err == nil {
			for name := range names {
				if strings.HasPrefix(name, "node_") && !notRecorded.MatchString(name) && !strings.Contains(string(recorded), "\n# TYPE "+name+" ") {
					t.Errorf("%s is no name of node_exporter", name)
				}
			}
			return
		}
		if dir == filepath.Dir(dir) {
			t.Log("no recorded node_exporter output above this folder: names not compared")
			return
		}
	}
}

func TestOpen(t *testing.T) {
	env := collectors.Env{Decode: func(any) error { return nil }, Now: time.Now}
	jobs, err := open(env)
	if err != nil || len(jobs) != 1 || jobs[0].Every != defaultEvery || jobs[0].Target == "" {
		t.Errorf("jobs %+v, %v: want one at the default interval", jobs, err)
	}
	env.Every = time.Minute
	env.Decode = func(into any) error { into.(*Config).Instance = "db1"; return nil }
	if jobs, err = open(env); err != nil || jobs[0].Every != time.Minute || jobs[0].Target != "db1" {
		t.Errorf("jobs %+v, %v: want db1 each minute", jobs, err)
	}
}
