package alert_test

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/rules"

	"github.com/nocturne-noc/nocturne/app/alert"
	"github.com/nocturne-noc/nocturne/assets"
	"github.com/nocturne-noc/nocturne/store/model"
)

// newBuiltinBench is a bench on the rules and the fold table that the program carries.
func newBuiltinBench(t *testing.T) *bench {
	t.Helper()
	builtin, err := fs.Sub(assets.Rules, "rules")
	if err != nil {
		t.Fatal(err)
	}
	fold, err := alert.ParseFold(assets.Fold)
	if err != nil {
		t.Fatal(err)
	}
	return newBench(t, builtin, fold)
}

// Every built-in alert is written for an operator, in both languages.
func TestBuiltinRulesAreComplete(t *testing.T) {
	b := newBuiltinBench(t)
	n := 0
	for _, g := range b.manager.Groups() {
		for _, r := range g.Rules() {
			a, ok := r.(*rules.AlertingRule)
			if !ok {
				continue
			}
			n++
			switch a.Labels().Get("severity") {
			case "critical", "warning", "stale":
			default:
				t.Errorf("%s has severity %q", a.Name(), a.Labels().Get("severity"))
			}
			for _, name := range []string{"summary", "description"} {
				if a.Annotations().Get(name) == "" || !hangul(a.Annotations().Get(name+"_ko")) {
					t.Errorf("%s lacks %s or its Korean", a.Name(), name)
				}
			}
			if a.HoldDuration() > 10*time.Minute {
				t.Errorf("%s waits %v", a.Name(), a.HoldDuration())
			}
		}
	}
	if n < 18 {
		t.Errorf("only %d alerts", n)
	}
}

func hangul(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r >= '가' && r <= '힣' })
}

const linkUp = `nocturne_link_up{source="campus",a="core1",a_port="te4",b="dist2",b_port="te1"}`

// Each case sets what the collectors tell at each step, and says what must then be shown.
func TestBuiltinRules(t *testing.T) {
	steady := func(m map[string]float64) func(time.Duration, map[string]float64) {
		return func(_ time.Duration, series map[string]float64) {
			for k, v := range m {
				series[k] = v
			}
		}
	}
	port := func(name string) string {
		return fmt.Sprintf(`%s{source="campus",device="dist2",ifIndex="3",ifName="te2",ifDescr="te2",ifAlias=""}`, name)
	}
	tests := []struct {
		name string
		lag  time.Duration
		tell func(since time.Duration, series map[string]float64)
		want []string
	}{
		{"link up", time.Minute, steady(map[string]float64{linkUp: 1}), nil},
		{"link down at once", 5 * time.Second, steady(map[string]float64{linkUp: 0}), []string{"core1 te4 – dist2 te1 link down"}},
		{"port 85 % full", 3 * time.Minute, func(since time.Duration, s map[string]float64) {
			s[port("ifHCOutOctets")] = 850e6 / 8 * since.Seconds()
			s[port("ifHCInOctets")] = 100e6 / 8 * since.Seconds()
			s[port("nocturne_interface_speed_bps")] = 1e9
		}, []string{"dist2 te2 85 % full"}},
		{"port full is one thing", 3 * time.Minute, func(since time.Duration, s map[string]float64) {
			s[port("ifHCOutOctets")] = 990e6 / 8 * since.Seconds()
			s[port("nocturne_interface_speed_bps")] = 1e9
		}, []string{"dist2 te2 99 % full", "dist2 te2 99 % full < dist2 te2 99 % full"}},
		{"port of unknown speed", 3 * time.Minute, func(since time.Duration, s map[string]float64) {
			s[port("ifHCOutOctets")] = 990e6 / 8 * since.Seconds()
			s[port("nocturne_interface_speed_bps")] = 0
		}, nil},
		{"the cut cable's traffic goes next door", 3 * time.Minute, func(since time.Duration, s map[string]float64) {
			s[linkUp] = 0
			s[port("ifHCOutOctets")] = 850e6 / 8 * since.Seconds()
			s[port("nocturne_interface_speed_bps")] = 1e9
		}, []string{"core1 te4 – dist2 te1 link down", "dist2 te2 85 % full < core1 te4 – dist2 te1 link down"}},
		{"backup path of a cut cable, seen by its far end", 3 * time.Minute, func(since time.Duration, s map[string]float64) {
			s[linkUp] = 0
			s[`ifHCOutOctets{source="campus",device="core2",ifName="te4"}`] = 890e6 / 8 * since.Seconds()
			s[`ifHCInOctets{source="campus",device="dist2",ifName="te2"}`] = 890e6 / 8 * since.Seconds()
			s[`nocturne_interface_speed_bps{source="campus",device="core2",ifName="te4"}`] = 1e9
			s[`nocturne_interface_speed_bps{source="campus",device="dist2",ifName="te2"}`] = 1e9
			s[`nocturne_interface_peer{source="campus",device="core2",ifName="te4",peer="dist2",peer_port="te2"}`] = 1
			s[`nocturne_interface_peer{source="campus",device="dist2",ifName="te2",peer="core2",peer_port="te4"}`] = 1
		}, []string{"core1 te4 – dist2 te1 link down", "core2 te4 to dist2 89 % full < core1 te4 – dist2 te1 link down"}},
		{"port of an old agent, which counts in 32 bits", 3 * time.Minute, func(since time.Duration, s map[string]float64) {
			s[port("ifOutOctets")] = 85e6 / 8 * since.Seconds()
			s[port("nocturne_interface_speed_bps")] = 1e8
		}, []string{"dist2 te2 85 % full"}},
		{"a device is dead: its cables, and what is behind it", time.Minute, steady(map[string]float64{
			linkUp: 0,
			`nocturne_device_down{source="campus",device="dist2",target="10.0.0.2:161",behind=""}`:        2,
			`nocturne_device_behind{source="campus",device="acc21",target="10.0.0.3:161",behind="dist2"}`: 1,
			`nocturne_collector_success{source="campus",kind="snmp",target="10.0.0.2:161"}`:               0,
			`nocturne_collector_success{source="campus",kind="snmp",target="10.0.0.3:161"}`:               0,
			`nocturne_collector_success{source="campus",kind="snmp",target="10.0.0.9:161"}`:               0,
		}), []string{
			"dist2 down or cut off", "core1 te4 – dist2 te1 link down < dist2 down or cut off", "campus 10.0.0.9:161 does not answer",
			"acc21 is behind dist2 < dist2 down or cut off", "campus 10.0.0.3:161 does not answer < dist2 down or cut off",
			"campus 10.0.0.2:161 does not answer < dist2 down or cut off",
		}},
		{"broken frames", 8 * time.Minute, func(since time.Duration, s map[string]float64) {
			s[port("ifInErrors")] = 20 * since.Seconds()
		}, []string{"dist2 te2 receives 20 broken frames/s"}},
		{"device restarts", 10 * time.Minute, func(since time.Duration, s map[string]float64) {
			s[`sysUpTime{source="campus",device="sw3"}`] = 8640000 + 100*since.Seconds()
			if since > 8*time.Minute {
				s[`sysUpTime{source="campus",device="sw3"}`] = 100 * (since - 8*time.Minute).Seconds()
			}
		}, []string{"sw3 restarted"}},
		{"uptime wraps after 497 days", 10 * time.Minute, func(since time.Duration, s map[string]float64) {
			s[`sysUpTime{source="campus",device="sw3"}`] = 4294960000 + 100*since.Seconds()
			if since > 8*time.Minute {
				s[`sysUpTime{source="campus",device="sw3"}`] = 100 * (since - 8*time.Minute).Seconds()
			}
		}, nil},
		{"packet loss", 4 * time.Minute, func(since time.Duration, s map[string]float64) {
			s[`nocturne_snmp_requests_total{source="campus",device="sw3"}`] = 10 * since.Seconds()
			s[`nocturne_snmp_requests_lost_total{source="campus",device="sw3"}`] = 2 * since.Seconds()
		}, []string{"sw3 loses 20 % of the requests"}},
		{"node not ready at once", 5 * time.Second, steady(map[string]float64{
			`kube_node_status_condition{cluster="seoul",node="node-03",condition="Ready",status="true"}`:  0,
			`kube_node_status_condition{cluster="seoul",node="node-03",condition="Ready",status="false"}`: 1,
			`kube_node_status_condition{cluster="seoul",node="node-04",condition="Ready",status="true"}`:  1,
		}), []string{"node-03 not ready"}},
		{"crash loop between two runs", 30 * time.Second, func(since time.Duration, s map[string]float64) {
			s[`kube_pod_info{cluster="seoul",namespace="shop",pod="web-1",node="n1"}`] = 1
			s[`kube_pod_status_ready{cluster="seoul",namespace="shop",pod="web-1",condition="true"}`] = 0
			waiting := `kube_pod_container_status_waiting_reason{cluster="seoul",namespace="shop",pod="web-1",container="app",reason="CrashLoopBackOff"}`
			if s[waiting] = 1; since > 15*time.Second {
				delete(s, waiting)
			}
		}, []string{"web-1 CrashLoopBackOff"}},
		{"crash loop healed", 30 * time.Second, func(since time.Duration, s map[string]float64) {
			s[`kube_pod_info{cluster="seoul",namespace="shop",pod="web-1",node="n1"}`] = 1
			ready := `kube_pod_status_ready{cluster="seoul",namespace="shop",pod="web-1",condition="true"}`
			waiting := `kube_pod_container_status_waiting_reason{cluster="seoul",namespace="shop",pod="web-1",container="app",reason="CrashLoopBackOff"}`
			if s[waiting], s[ready] = 1, 0; since > 15*time.Second {
				delete(s, waiting)
				s[ready] = 1
			}
		}, nil},
		{"image pull", 30 * time.Second, func(since time.Duration, s map[string]float64) {
			s[`kube_pod_info{cluster="seoul",namespace="shop",pod="web-1",node="n1"}`] = 1
			reason := []string{"ErrImagePull", "ImagePullBackOff"}[int(since.Seconds()/5)%2]
			for k := range s {
				if strings.Contains(k, "waiting_reason") {
					delete(s, k)
				}
			}
			s[`kube_pod_container_status_waiting_reason{cluster="seoul",namespace="shop",pod="web-1",container="app",reason="`+reason+`"}`] = 1
		}, []string{"web-1 cannot start app"}},
		{"unschedulable", 30 * time.Second, steady(map[string]float64{
			`kube_pod_info{cluster="seoul",namespace="shop",pod="web-1",node=""}`:                 1,
			`kube_pod_status_phase{cluster="seoul",namespace="shop",pod="web-1",phase="Pending"}`: 1,
			`kube_pod_info{cluster="seoul",namespace="shop",pod="web-2",node="n1"}`:               1,
			`kube_pod_status_phase{cluster="seoul",namespace="shop",pod="web-2",phase="Pending"}`: 1,
		}), []string{"web-1 finds no node"}},
		{"deployment degraded", 90 * time.Second, steady(map[string]float64{
			`kube_deployment_spec_replicas{cluster="seoul",namespace="shop",deployment="web"}`:             3,
			`kube_deployment_status_replicas_available{cluster="seoul",namespace="shop",deployment="web"}`: 2,
		}), []string{"web degraded, 2 available"}},
		{"deployment scaled to nothing", 90 * time.Second, steady(map[string]float64{
			`kube_deployment_spec_replicas{cluster="seoul",namespace="shop",deployment="web"}`:             0,
			`kube_deployment_status_replicas_available{cluster="seoul",namespace="shop",deployment="web"}`: 0,
		}), nil},
		{"one node carries far more memory than the others", 8 * time.Minute, steady(map[string]float64{
			`kube_node_status_allocatable{cluster="seoul",node="n1",resource="memory"}`: 100,
			`kube_node_status_allocatable{cluster="seoul",node="n2",resource="memory"}`: 100,
			`kube_node_status_allocatable{cluster="seoul",node="n3",resource="memory"}`: 100,
			`nocturne_kube_node_memory_usage_bytes{cluster="seoul",node="n1"}`:          90,
			`nocturne_kube_node_memory_usage_bytes{cluster="seoul",node="n2"}`:          30,
			`nocturne_kube_node_memory_usage_bytes{cluster="seoul",node="n3"}`:          20,
		}), []string{"n1 memory at 90 %", "n1 carries far more memory than the others"}},
		{"all nodes carry much", 8 * time.Minute, steady(map[string]float64{
			`kube_node_status_allocatable{cluster="seoul",node="n1",resource="cpu"}`: 10,
			`kube_node_status_allocatable{cluster="seoul",node="n2",resource="cpu"}`: 10,
			`nocturne_kube_node_cpu_usage_cores{cluster="seoul",node="n1"}`:          9.5,
			`nocturne_kube_node_cpu_usage_cores{cluster="seoul",node="n2"}`:          6,
		}), []string{"n1 CPU at 95 %"}},
		{"a silent cluster explains what was known of it last", 30 * time.Second, steady(map[string]float64{
			`nocturne_collector_success{source="prod",target="seoul",kind="kubernetes"}`:                 0,
			`kube_node_status_condition{cluster="seoul",node="node-03",condition="Ready",status="true"}`: 0,
		}), []string{"node-03 not ready < cluster seoul API does not answer", "cluster seoul API does not answer"}},
		{"a lost node explains its pods", 30 * time.Second, steady(map[string]float64{
			`kube_node_status_condition{cluster="seoul",node="node-03",condition="Ready",status="true"}`:                                       0,
			`kube_pod_info{cluster="seoul",namespace="shop",pod="web-1",node="node-03"}`:                                                       1,
			`kube_pod_container_status_waiting_reason{cluster="seoul",namespace="shop",pod="web-1",container="app",reason="CrashLoopBackOff"}`: 1,
		}), []string{"node-03 not ready", "web-1 CrashLoopBackOff < node-03 not ready"}},
		{"a problem of any object is one alert, whatever its words", 30 * time.Second, func(since time.Duration, s map[string]float64) {
			claim := func(reason string) string {
				return `nocturne_kube_problem{cluster="seoul",namespace="shop",persistentvolumeclaim="data",kind="persistentvolumeclaim",name="data",severity="warning",reason="` + reason + `"}`
			}
			if s[claim("pending")] = 1; since > 15*time.Second {
				delete(s, claim("pending"))
				s[claim("pending, class fast, ProvisioningFailed")] = 1
			}
		}, []string{"data: pending, class fast, ProvisioningFailed"}},
		{"a pod's problem is told once", 40 * time.Second, steady(map[string]float64{
			`kube_pod_info{cluster="seoul",namespace="shop",pod="web-1",node="n1"}`:                                                                         1,
			`kube_pod_container_status_waiting_reason{cluster="seoul",namespace="shop",pod="web-1",container="app",reason="CrashLoopBackOff"}`:              1,
			`nocturne_kube_problem{cluster="seoul",namespace="shop",pod="web-1",kind="pod",name="web-1",severity="critical",reason="CrashLoopBackOff"}`:     1,
			`nocturne_kube_problem{cluster="seoul",namespace="shop",pod="web-2",kind="pod",name="web-2",severity="warning",reason="terminating"}`:           1,
			`nocturne_kube_problem{cluster="seoul",node="n2",kind="node",name="n2",severity="critical",reason="not ready"}`:                                 1,
			`nocturne_kube_problem{cluster="seoul",node="n3",kind="node",name="n3",severity="warning",reason="DiskPressure"}`:                               1,
			`nocturne_kube_problem{cluster="seoul",namespace="shop",deployment="web",kind="deployment",name="web",severity="warning",reason="Progressing"}`: 1,
		}), []string{"web-1 CrashLoopBackOff", "web: Progressing", "web-2: terminating", "n3: DiskPressure"}},
		{"metrics that are not served explain autoscalers", 30 * time.Second, steady(map[string]float64{
			`nocturne_kube_problem{cluster="seoul",apiservice="v1beta1.metrics.k8s.io",kind="apiservice",name="v1beta1.metrics.k8s.io",severity="critical",reason="not available, MissingEndpoints"}`:           1,
			`nocturne_kube_problem{cluster="seoul",namespace="shop",horizontalpodautoscaler="web",kind="horizontalpodautoscaler",name="web",severity="warning",reason="cannot scale, FailedGetResourceMetric"}`: 1,
			`nocturne_kube_problem{cluster="busan",namespace="shop",horizontalpodautoscaler="web",kind="horizontalpodautoscaler",name="web",severity="warning",reason="cannot scale, FailedGetResourceMetric"}`: 1,
		}), []string{"v1beta1.metrics.k8s.io: not available, MissingEndpoints", "web: cannot scale, FailedGetResourceMetric", "web: cannot scale, FailedGetResourceMetric < v1beta1.metrics.k8s.io: not available, MissingEndpoints"}},
		{"volume fills", 3*time.Hour + 5*time.Minute, func(since time.Duration, s map[string]float64) {
			s[`kubelet_volume_stats_capacity_bytes{cluster="seoul",namespace="shop",persistentvolumeclaim="data"}`] = 1000
			s[`kubelet_volume_stats_available_bytes{cluster="seoul",namespace="shop",persistentvolumeclaim="data"}`] = 400 - 40*since.Hours()
		}, []string{"volume data will be full within a day"}},
		{"a volume's clean-up is no trend, nor is one that would last for days", 3*time.Hour + 5*time.Minute, func(since time.Duration, s map[string]float64) {
			for _, claim := range []string{"cleaned", "slow", "roomy"} {
				s[`kubelet_volume_stats_capacity_bytes{cluster="seoul",namespace="shop",persistentvolumeclaim="`+claim+`"}`] = 1000
			}
			cleaned := 380 - 80*since.Hours()
			if since > 150*time.Minute {
				cleaned += 250
			}
			s[`kubelet_volume_stats_available_bytes{cluster="seoul",namespace="shop",persistentvolumeclaim="cleaned"}`] = min(cleaned, 395)
			s[`kubelet_volume_stats_available_bytes{cluster="seoul",namespace="shop",persistentvolumeclaim="slow"}`] = 300 - 5*since.Hours()
			s[`kubelet_volume_stats_available_bytes{cluster="seoul",namespace="shop",persistentvolumeclaim="roomy"}`] = 900 - 60*since.Hours()
		}, nil},
		{"a device does not answer", 40 * time.Second, steady(map[string]float64{
			`nocturne_collector_success{source="campus",target="10.0.0.1",kind="snmp"}`: 0,
		}), []string{"campus 10.0.0.1 does not answer"}},
		{"a collector crashed", time.Minute, func(since time.Duration, s map[string]float64) {
			if s[`nocturne_collector_panics_total{source="campus",target="10.0.0.1",kind="snmp"}`] = 0; since > 30*time.Second {
				s[`nocturne_collector_panics_total{source="campus",target="10.0.0.1",kind="snmp"}`] = 1
			}
		}, []string{"collector campus crashed and was started again"}},
		{"CPU", 8 * time.Minute, func(since time.Duration, s map[string]float64) {
			s[`node_cpu_seconds_total{instance="db1",cpu="0",mode="idle"}`] = 0.05 * since.Seconds()
			s[`node_cpu_seconds_total{instance="db1",cpu="1",mode="idle"}`] = 0.03 * since.Seconds()
			s[`node_cpu_seconds_total{instance="db1",cpu="0",mode="user"}`] = 0.95 * since.Seconds()
			s[`node_cpu_seconds_total{instance="db1",cpu="1",mode="user"}`] = 0.97 * since.Seconds()
		}, []string{"db1 CPU 96 % busy"}},
		{"memory", 6 * time.Minute, steady(map[string]float64{
			`node_memory_MemTotal_bytes{instance="db1"}`: 100, `node_memory_MemAvailable_bytes{instance="db1"}`: 8,
		}), []string{"db1 memory 92 % used"}},
		{"disk almost full is one thing", 4 * time.Minute, steady(map[string]float64{
			`node_filesystem_size_bytes{instance="db1",device="/dev/sda1",mountpoint="/",fstype="ext4"}`:  100,
			`node_filesystem_avail_bytes{instance="db1",device="/dev/sda1",mountpoint="/",fstype="ext4"}`: 2,
		}), []string{"db1 / 98 % full", "db1 / 98 % full < db1 / 98 % full"}},
		{"disk fills", 3*time.Hour + 5*time.Minute, func(since time.Duration, s map[string]float64) {
			s[`node_filesystem_size_bytes{instance="db1",device="/dev/sda1",mountpoint="/",fstype="ext4"}`] = 1000
			s[`node_filesystem_avail_bytes{instance="db1",device="/dev/sda1",mountpoint="/",fstype="ext4"}`] = 400 - 40*since.Hours()
		}, []string{"db1 / will be full in 7 hours"}},
		{"a clean-up is no trend", 3*time.Hour + 5*time.Minute, func(since time.Duration, s map[string]float64) {
			s[`node_filesystem_size_bytes{instance="db1",device="/dev/sda1",mountpoint="/",fstype="ext4"}`] = 1000
			avail := 380 - 80*since.Hours()
			if since > 150*time.Minute {
				avail += 250
			}
			s[`node_filesystem_avail_bytes{instance="db1",device="/dev/sda1",mountpoint="/",fstype="ext4"}`] = min(avail, 395)
		}, nil},
		{"a container restarts three times in ten minutes", 9 * time.Minute, func(since time.Duration, s map[string]float64) {
			s[`kube_pod_container_status_restarts_total{cluster="c",namespace="shop",pod="api-1",container="app"}`] = float64(int(since.Minutes() / 2))
			s[`kube_pod_container_status_restarts_total{cluster="c",namespace="shop",pod="api-2",container="app"}`] = float64(int(since.Minutes() / 8))
		}, []string{"api-1 restarts again and again"}},
		{"a node uses most of its memory", 8 * time.Minute, steady(map[string]float64{
			`nocturne_kube_node_memory_usage_bytes{cluster="c",node="n1"}`:                              85e9,
			`nocturne_kube_node_cpu_usage_cores{cluster="c",node="n1"}`:                                 2,
			`kube_node_status_allocatable{cluster="c",node="n1",resource="memory",unit="byte"}`:         100e9,
			`kube_node_status_allocatable{cluster="c",node="n1",resource="cpu",unit="core"}`:            4,
			`nocturne_kube_node_memory_usage_bytes{cluster="c",node="n2"}`:                              85e9,
			`kube_node_status_allocatable{cluster="elsewhere",node="n2",resource="memory",unit="byte"}`: 85e9,
		}), []string{"n1 memory at 85 %"}},
		{"server restarts", 15 * time.Minute, func(since time.Duration, s map[string]float64) {
			s[`node_boot_time_seconds{instance="db1"}`] = float64(epoch.Unix() - 86400)
			if since > 12*time.Minute {
				s[`node_boot_time_seconds{instance="db1"}`] = float64(epoch.Add(12 * time.Minute).Unix())
			}
		}, []string{"db1 restarted"}},
		{"clock off", 3 * time.Minute, func(since time.Duration, s map[string]float64) {
			s[`node_time_seconds{instance="db1"}`] = float64(epoch.Add(since - 90*time.Second).Unix())
		}, []string{"db1 clock is 1m 30s off"}},
		{"clock off, and the system clock here set back", 3 * time.Minute, func(since time.Duration, s map[string]float64) {
			s[`nocturne_clock_ahead_seconds`] = 3600
			s[`node_time_seconds{instance="db1"}`] = float64(epoch.Add(since - time.Hour - 90*time.Second).Unix())
			s[`node_time_seconds{instance="db2"}`] = float64(epoch.Add(since - time.Hour).Unix())
			s[`node_time_seconds{instance="db3"}`] = float64(epoch.Add(since).Unix())
		}, []string{"db1 clock is 1h 1m 30s off"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBuiltinBench(t)
			if tt.lag >= 3*time.Minute {
				b.every = 15 * time.Second
			}
			if tt.lag > time.Hour {
				b.every = time.Minute
			}
			b.restart(0) // with a manager that evaluates as often
			for b.now.Sub(epoch) < tt.lag {
				tt.tell(b.now.Sub(epoch)+b.every, b.series)
				b.step(b.every)
			}
			var firing []string
			for _, a := range b.alerts() {
				if !strings.HasPrefix(a, "? ") {
					firing = append(firing, a)
				}
			}
			if diff := cmp.Diff(tt.want, firing); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if b.status.State != model.OK {
				t.Errorf("rules: %s", b.status.Error)
			}
		})
	}
}

// The alert of a cut cable leads to the device, and names both ends.
func TestLinkDownAlert(t *testing.T) {
	b := newBuiltinBench(t)
	b.series[linkUp] = 0
	b.step(5 * time.Second)
	a := b.store.Alerts()[0]
	if a.Entity != model.PortID("core1", "te4") || a.Severity != model.Critical || a.Labels["b"] != "dist2" {
		t.Errorf("%+v", a)
	}
	if got := a.In("ko", "summary"); got != "core1 te4 – dist2 te1 링크 끊김" {
		t.Errorf("Korean: %s", got)
	}
	b.series[linkUp] = 1
	b.step(5 * time.Second)
	b.want()
}
