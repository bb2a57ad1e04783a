package alert_test

import (
	"io/fs"
	"math"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nocturne-noc/nocturne/app/alert"
	"github.com/nocturne-noc/nocturne/assets"
)

// titles are those of firing alerts at the end, and of all that fired ever meanwhile.
func runServers(t *testing.T, lag, every time.Duration, tell func(since time.Duration, series map[string]float64)) (last []string, ever map[string]time.Duration) {
	t.Helper()
	builtin := fstest.MapFS{}
	for _, name := range []string{"servers.yml", "wall.yml"} { // the others cost much, and have nothing to say here
		text, err := fs.ReadFile(assets.Rules, "rules/"+name)
		if err != nil {
			t.Fatal(err)
		}
		builtin[name] = &fstest.MapFile{Data: text}
	}
	fold, err := alert.ParseFold(assets.Fold)
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, builtin, fold)
	b.every = every
	b.restart(0) // with a manager that evaluates as often
	ever = map[string]time.Duration{}
	for b.now.Sub(epoch) < lag {
		tell(b.now.Sub(epoch)+b.every, b.series)
		b.step(b.every)
		last = nil
		for _, a := range b.alerts() {
			if strings.HasPrefix(a, "? ") {
				continue
			}
			last = append(last, a)
			if _, ok := ever[a]; !ok {
				ever[a] = b.now.Sub(epoch)
			}
		}
	}
	if b.status.Error != "" {
		t.Errorf("rules: %s", b.status.Error)
	}
	return last, ever
}

const disk = `{instance="db1",device="/dev/sda1",mountpoint="/",fstype="ext4"}`

// A full disk is foreseen as a range, and nothing else is: fault 26.
func TestDiskForecast(t *testing.T) {
	hour := func(since time.Duration) float64 { return since.Hours() }
	for _, tc := range []struct {
		name string
		lag  time.Duration
		free func(h float64) float64 // of 1000, at an hour
		want []string                // at the end
		ever bool                    // whether a forecast fired ever
	}{
		{"steady", 90 * time.Minute, func(h float64) float64 { return 390 - 60*h }, []string{"db1 / will be full in 5 hours"}, true},
		{"faster and faster", 100 * time.Minute, func(h float64) float64 { return 380 - 30*h*h }, []string{"db1 / will be full in 4 to 6 hours"}, true},
		{"soon, though much is free", 80 * time.Minute, func(h float64) float64 { return 1000 - 400*h }, []string{"db1 / will be full in about an hour"}, true},
		{"slow, seen over six hours", 7 * time.Hour, func(h float64) float64 { return 390 - 20*h }, []string{"db1 / will be full in 13 hours"}, true},
		{"very slow", 8 * time.Hour, func(h float64) float64 { return 390 - 5*h }, nil, false},
		{"too short a history", 55 * time.Minute, func(h float64) float64 { return 300 - 100*h }, nil, false},
		{"constant", 8 * time.Hour, func(float64) float64 { return 120 }, nil, false},
		{"growing", 8 * time.Hour, func(h float64) float64 { return 120 + 10*h }, nil, false},
		{"one big file", 10 * time.Hour, func(h float64) float64 { return 390 - 200*step(h, 5) }, nil, false},
		{"a clean-up", 10 * time.Hour, func(h float64) float64 { return 150 + 400*step(h, 5) }, nil, false},
		{"a clean-up between two calm times, with noise", 9 * time.Hour, func(h float64) float64 { return 200 + 100*step(h, 5) + 3*math.Sin(40*h) }, nil, false},
		{"sawtooth of 40 minutes", 8 * time.Hour, func(h float64) float64 { return 350 - 200*frac(h/0.66) }, nil, false},
		{"sawtooth of two hours, after the first tooth", 9 * time.Hour, func(h float64) float64 { return 350 - 150*max(frac(h/2), step(1, h)) }, nil, false},
		{"sawtooth of five hours, after the first tooth", 16 * time.Hour, sawtoothAfter, nil, false},
		{"fill, clean-up, and fill again", 200 * time.Minute, func(h float64) float64 { return 390 - 100*h + 250*step(h, 1.5) }, nil, true},
		{"fill, clean-up, and fill again, and fast", 4*time.Hour + 40*time.Minute, func(h float64) float64 { return 390 - 100*h + 250*step(h, 1.5) }, []string{"db1 / will be full in 2 hours"}, true},
		{"a disk that was enlarged", 5 * time.Hour, func(h float64) float64 { return 200 + 300*step(h, 3) }, nil, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			last, ever := runServers(t, tc.lag, 3*time.Minute, func(since time.Duration, s map[string]float64) {
				s["node_filesystem_size_bytes"+disk] = 1000
				s["node_filesystem_avail_bytes"+disk] = max(0, tc.free(hour(since)))
				s["node_filesystem_readonly"+disk] = 0
			})
			if diff := cmp.Diff(tc.want, last); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			fired := false
			for title, at := range ever {
				if strings.Contains(title, "will be full") {
					fired = true
					if !tc.ever {
						t.Errorf("after %v: %s", at, title)
					}
				}
			}
			if fired != tc.ever {
				t.Errorf("a forecast fired: %v, want %v", fired, tc.ever)
			}
		})
	}
}

func step(h, at float64) float64 {
	if h >= at {
		return 1
	}
	return 0
}

func frac(x float64) float64 { return x - math.Floor(x) }

// sawtoothAfter is calm until a tooth as deep as the later ones has passed.
func sawtoothAfter(h float64) float64 {
	if h < 5 {
		return 350 - 240*step(h, 2)*step(2.2, h) // as low as the teeth go, and at once
	}
	return 350 - 240*frac(h/5)
}

// First a range, then the threshold; and the clean-up ends both.
func TestDiskForecastThenThreshold(t *testing.T) {
	last, ever := runServers(t, 7*time.Hour, 3*time.Minute, func(since time.Duration, s map[string]float64) {
		h := since.Hours()
		s["node_filesystem_size_bytes"+disk] = 1000
		s["node_filesystem_avail_bytes"+disk] = max(5, 390-100*h) + 600*step(h, 5)
		s["node_filesystem_readonly"+disk] = 0
	})
	if len(last) != 0 {
		t.Errorf("%q after the clean-up, want none", last)
	}
	order := map[string]time.Duration{}
	for title, at := range ever {
		for _, what := range []string{"will be full", "93 % full", "99 % full"} {
			if strings.HasPrefix(title, "db1 / ") && strings.Contains(title, what) && (order[what] == 0 || at < order[what]) {
				order[what] = at
			}
		}
	}
	if forecast, high, full := order["will be full"], order["93 % full"], order["99 % full"]; forecast == 0 || high < forecast+time.Hour || full < high {
		t.Errorf("forecast after %v, warning after %v, critical after %v: %v", forecast, high, full, ever)
	}
}

func TestBuiltinServerRules(t *testing.T) {
	always := func(m map[string]float64) func(time.Duration, map[string]float64) {
		return func(_ time.Duration, series map[string]float64) {
			for k, v := range m {
				series[k] = v
			}
		}
	}
	// counters rise by so much a second.
	counters := func(m map[string]float64) func(time.Duration, map[string]float64) {
		return func(since time.Duration, series map[string]float64) {
			for k, v := range m {
				series[k] = v * since.Seconds()
			}
		}
	}
	sda, eth := `{instance="db1",device="sda"}`, `{instance="db1",device="eth0"}`
	for _, tc := range []struct {
		name string
		lag  time.Duration
		tell func(since time.Duration, series map[string]float64)
		want []string
	}{
		{"inodes", 7 * time.Minute, always(map[string]float64{"node_filesystem_files" + disk: 1000, "node_filesystem_files_free" + disk: 80}), []string{"db1 / 92 % of inodes used"}},
		{"inodes almost gone is one thing", 7 * time.Minute, always(map[string]float64{"node_filesystem_files" + disk: 1000, "node_filesystem_files_free" + disk: 10}), []string{"db1 / 99 % of inodes used", "db1 / 99 % of inodes used < db1 / 99 % of inodes used"}},
		{"inodes that a file system makes as it needs", 7 * time.Minute, always(map[string]float64{"node_filesystem_files" + disk: 0, "node_filesystem_files_free" + disk: 0}), nil},
		{"a full disk that is read only", 5 * time.Minute, always(map[string]float64{"node_filesystem_size_bytes" + disk: 1000, "node_filesystem_avail_bytes" + disk: 0, "node_filesystem_readonly" + disk: 1}), nil},
		{"a file system becomes read-only", 40 * time.Minute, func(since time.Duration, s map[string]float64) {
			s["node_filesystem_readonly"+disk] = step(since.Minutes(), 20)
			s[`node_filesystem_readonly{instance="db1",device="/dev/sdb1",mountpoint="/mnt",fstype="ext4"}`] = 1
		}, []string{"db1 / has become read-only"}},
		{"a mount hangs", 3 * time.Minute, always(map[string]float64{`node_filesystem_device_error{instance="db1",device="nas:/x",mountpoint="/data",fstype="nfs4"}`: 1, `node_filesystem_device_error{instance="db1",device="portal",mountpoint="/run/user/1000/doc",fstype="fuse.portal"}`: 1}), []string{"db1 /data does not answer"}},
		{"slow disk", 17 * time.Minute, counters(map[string]float64{
			"node_disk_read_time_seconds_total" + sda: 3, "node_disk_write_time_seconds_total" + sda: 0.5, "node_disk_reads_completed_total" + sda: 15, "node_disk_writes_completed_total" + sda: 10,
		}), []string{"db1 sda takes 140 ms for a request"}},
		{"a disk that does little, slowly", 17 * time.Minute, counters(map[string]float64{
			"node_disk_read_time_seconds_total" + sda: 0.3, "node_disk_write_time_seconds_total" + sda: 0.5, "node_disk_reads_completed_total" + sda: 0.5, "node_disk_writes_completed_total" + sda: 1,
		}), nil},
		{"saturated disk", 17 * time.Minute, counters(map[string]float64{"node_disk_io_time_seconds_total" + sda: 0.99, "node_disk_io_time_weighted_seconds_total" + sda: 30}), []string{"db1 sda 99 % busy, requests queue"}},
		{"a disk that is busy with one request after the other", 17 * time.Minute, counters(map[string]float64{"node_disk_io_time_seconds_total" + sda: 0.99, "node_disk_io_time_weighted_seconds_total" + sda: 1}), nil},
		{"RAID", 2 * time.Minute, always(map[string]float64{
			`node_md_disks_required{instance="db1",device="md0"}`: 2, `node_md_disks{instance="db1",device="md0",state="active"}`: 1, `node_md_disks{instance="db1",device="md0",state="failed"}`: 1,
			`node_md_disks_required{instance="db1",device="md1"}`: 2, `node_md_disks{instance="db1",device="md1",state="active"}`: 2, `node_md_disks{instance="db1",device="md1",state="failed"}`: 0,
		}), []string{"db1 md0: RAID lacks 1 disk"}},
		{"broken packets", 12 * time.Minute, counters(map[string]float64{
			"node_network_receive_errs_total" + eth: 2, "node_network_receive_packets_total" + eth: 98, "node_network_transmit_errs_total" + eth: 0, "node_network_transmit_packets_total" + eth: 100,
		}), []string{"db1 eth0: 2.0 % of packets received are broken"}},
		{"dropped packets", 17 * time.Minute, counters(map[string]float64{"node_network_transmit_drop_total" + eth: 10, "node_network_transmit_packets_total" + eth: 90}), []string{"db1 eth0 drops 10.0 % of packets sent"}},
		{"retransmits", 17 * time.Minute, counters(map[string]float64{`node_netstat_Tcp_RetransSegs{instance="db1"}`: 10, `node_netstat_Tcp_OutSegs{instance="db1"}`: 90}), []string{"db1 sends 10 % of TCP segments again"}},
		{"a few retransmits", 17 * time.Minute, counters(map[string]float64{`node_netstat_Tcp_RetransSegs{instance="db1"}`: 1, `node_netstat_Tcp_OutSegs{instance="db1"}`: 5}), nil},
		{"connections turned away", 12 * time.Minute, counters(map[string]float64{`node_netstat_TcpExt_ListenOverflows{instance="db1"}`: 12}), []string{"db1 turns away 12 connections/s"}},
		{"conntrack", 3 * time.Minute, always(map[string]float64{`node_nf_conntrack_entries{instance="db1"}`: 90, `node_nf_conntrack_entries_limit{instance="db1"}`: 100}), []string{"db1 table of connections 90 % full"}},
		{"pressure", 17 * time.Minute, counters(map[string]float64{
			`node_pressure_memory_stalled_seconds_total{instance="db1"}`: 0.3, `node_pressure_io_stalled_seconds_total{instance="db1"}`: 0.3, `node_pressure_cpu_waiting_seconds_total{instance="db1"}`: 0.7,
		}), []string{"db1 waits for memory 30 % of the time"}},
		{"swap", 12 * time.Minute, counters(map[string]float64{`node_vmstat_pswpin{instance="db1"}`: 900, `node_vmstat_pswpout{instance="db1"}`: 800}), []string{"db1 swaps 900 pages/s in, and out as well"}},
		{"swap into compressed memory that hurts nobody", 12 * time.Minute, counters(map[string]float64{
			`node_vmstat_pswpin{instance="db1"}`: 900, `node_vmstat_pswpout{instance="db1"}`: 800, `node_pressure_memory_waiting_seconds_total{instance="db1"}`: 0.01,
		}), nil},
		{"OOM kill", 10 * time.Minute, func(since time.Duration, s map[string]float64) {
			s[`node_vmstat_oom_kill{instance="db1"}`] = 3 + step(since.Minutes(), 5)
		}, []string{"db1 ended 1 process for want of memory"}},
		{"an OOM kill of long ago", 20 * time.Minute, func(since time.Duration, s map[string]float64) {
			s[`node_vmstat_oom_kill{instance="db1"}`] = 3 + step(since.Minutes(), 5)
		}, nil},
		{"hot", 10 * time.Minute, always(map[string]float64{
			`node_hwmon_temp_celsius{instance="db1",chip="platform_coretemp_0",sensor="temp1"}`: 97, `node_hwmon_temp_crit_celsius{instance="db1",chip="platform_coretemp_0",sensor="temp1"}`: 100,
			`node_hwmon_temp_celsius{instance="db1",chip="acpitz",sensor="temp1"}`: 28, `node_hwmon_temp_crit_celsius{instance="db1",chip="acpitz",sensor="temp1"}`: 20.8,
		}), []string{"db1 temp1 of platform_coretemp_0 at 97 °C"}},
		{"failed unit", 2 * time.Minute, always(map[string]float64{
			`node_systemd_unit_state{instance="db1",name="nginx.service",state="failed",type="forking"}`: 1, `node_systemd_unit_state{instance="db1",name="nginx.service",state="active",type="forking"}`: 0,
			`node_systemd_unit_state{instance="db1",name="cron.service",state="failed",type="simple"}`: 0,
		}), []string{"db1 nginx.service has failed"}},
		{"exporter stops", 12 * time.Minute, func(since time.Duration, s map[string]float64) {
			s[`up{instance="db1:9100",job="servers"}`], s[`up{instance="redis:9121",job="servers"}`] = 1, 0
			s[`node_uname_info{instance="db1:9100",job="servers",nodename="db1"}`] = 1
			if since > 6*time.Minute {
				s[`up{instance="db1:9100",job="servers"}`] = 0
				delete(s, `node_uname_info{instance="db1:9100",job="servers",nodename="db1"}`)
			}
			s[`nocturne_collector_success{source="servers",target="db1:9100",kind="scrape"}`] = s[`up{instance="db1:9100",job="servers"}`]
		}, []string{"db1:9100: exporter does not answer", "servers db1:9100 does not answer < db1:9100: exporter does not answer"}},
		{"clock that nothing keeps", 12 * time.Minute, always(map[string]float64{`node_timex_sync_status{instance="db1"}`: 0, `node_timex_maxerror_seconds{instance="db1"}`: 16}), []string{"db1 clock is not kept by anything"}},
		{"clock that waits for NTP", 12 * time.Minute, always(map[string]float64{`node_timex_sync_status{instance="db1"}`: 0, `node_timex_maxerror_seconds{instance="db1"}`: 2}), nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			last, _ := runServers(t, tc.lag, 15*time.Second, tc.tell)
			if diff := cmp.Diff(tc.want, last); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
