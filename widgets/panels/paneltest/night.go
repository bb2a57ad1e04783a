package paneltest

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

// night is one night at the same site, well or not.
type night struct {
	*Source
	sick bool
	cut  time.Time // when dist2 lost its link to core1; the far future on a quiet night
	mute time.Time // when the campus in Busan fell silent
}

// Incident is the night of 18 November at 03:19:24: at 03:12:08 dist2 lost Te1/1/4 to core1, three
// access switches live on the backup path at 91 %, node-07 is lost and 14 pods move, checkout
// crash-loops, db2's disk fills, and the campus in Busan has been silent for six minutes.
func Incident() *Source {
	at := time.Date(2025, 11, 18, 3, 19, 24, 0, KST)
	n := night{Source: New(at), sick: true, cut: clock(at, "03:12:08"), mute: clock(at, "03:13:20")}
	return n.build()
}

// Quiet is the evening before: nothing is wrong, and five small things have been.
func Quiet() *Source {
	at := time.Date(2025, 11, 17, 21, 42, 6, 0, KST)
	far := at.AddDate(1, 0, 0)
	n := night{Source: New(at), cut: far, mute: far}
	return n.build()
}

func (n night) build() *Source {
	n.Rows = sources(n.At, n.sick)
	n.network()
	n.servers()
	n.kubernetes()
	if n.sick {
		n.Firing = incidentAlerts(n.At)
		n.Happened = incidentEvents(n.At)
	} else {
		n.Happened = quietEvents(n.At)
	}
	return n.Source
}

// when returns sick on the bad night and well on the good one.
func (n night) when(sick, well model.State) model.State {
	if n.sick {
		return sick
	}
	return well
}

func (n night) text(s string) string {
	if n.sick {
		return s
	}
	return ""
}

// since is the moment on the bad night, zero (long ago) on the good one.
func (n night) since(hms string) time.Time {
	if n.sick {
		return clock(n.At, hms)
	}
	return time.Time{}
}

// after is before until the cut and later from then on.
func (n night) after(before, later func(time.Time) float64) func(time.Time) float64 {
	return func(t time.Time) float64 {
		if t.Before(n.cut) {
			return before(t)
		}
		return later(t)
	}
}

func (n night) network() {
	for _, name := range []string{"fw1", "fw2", "core1", "core2", "dist1", "dist2", "dist3", "dist4"} {
		n.Add(model.Entity{ID: model.DeviceID(name), Kind: model.KindDevice, Name: name, State: model.OK, Source: "campus-seoul"})
	}
	n.cable("core1", "Te1/1/1", "core2", "Te1/1/1", 40)
	n.cable("core1", "Te1/1/2", "core2", "Te1/1/2", 40)
	n.cable("core1", "Te1/1/9", "fw1", "ge0", 10)
	n.cable("core2", "Te1/1/9", "fw2", "ge0", 10)
	for d := 1; d <= 4; d++ {
		dist := fmt.Sprintf("dist%d", d)
		n.cable("core1", fmt.Sprintf("Te1/2/%d", d), dist, "Te1/1/4", 10)
		n.cable("core2", fmt.Sprintf("Te1/2/%d", d), dist, "Te1/1/3", 10)
		for a := 1; a <= []int{0, 9, 3, 12, 9}[d]; a++ {
			acc := fmt.Sprintf("acc%d%d", d, a)
			n.Add(model.Entity{ID: model.DeviceID(acc), Kind: model.KindDevice, Name: acc, State: model.OK, Source: "campus-seoul"})
			n.cable(acc, "Te1/0/1", dist, fmt.Sprintf("Gi1/0/%d", a), 10)
		}
	}
	for i := range 4 {
		e := model.Entity{ID: model.DeviceID(fmt.Sprintf("busan%d", i+1)), Kind: model.KindDevice, Name: fmt.Sprintf("busan%d", i+1),
			State: n.when(model.Stale, model.OK), Reason: n.text("no answer"), Source: "campus-busan", Since: n.since("03:13:20")}
		if n.sick {
			e.Seen = n.mute
		}
		n.Add(e)
	}
	n.cable("busan1", "wan0", "core2", "Te1/1/8", 10)
	n.uplinks()
	n.ports()
}

func (n night) cable(a, aPort, b, bPort string, gbps float64) {
	l := model.Link{A: model.DeviceID(a), APort: aPort, B: model.DeviceID(b), BPort: bPort, Kind: "ethernet", State: model.OK,
		Confidence: 1, SpeedBPS: gbps * 1e9, Source: "campus-seoul", Seen: n.At.Add(-5 * time.Second), Since: n.At.Add(-48 * time.Hour),
		Evidence: []model.Evidence{{Source: "LLDP", Observer: model.DeviceID(a)}, {Source: "LLDP", Observer: model.DeviceID(b)}}}
	if n.sick && b == "dist2" && bPort == "Te1/1/4" {
		l.State, l.Reason, l.Since = model.Critical, "down", n.cut
	}
	n.Cables = append(n.Cables, l)
	n.traffic(a, aPort, gbps)
	n.traffic(b, bPort, gbps)
}

// traffic adds the octets of one end of a cable. The ends that a chart or a table shows have series
// of their own.
func (n night) traffic(device, port string, gbps float64) {
	if device == "core1" && slices.Contains([]string{"Te1/2/1", "Te1/2/3", "Te1/2/4"}, port) ||
		device == "dist2" && slices.Contains([]string{"Te1/1/3", "Te1/1/4"}, port) {
		return
	}
	mean := Dice(device+port, .45) * gbps * 1e9 / 8
	out := Wave(device+port, mean, mean/4)
	switch {
	case device == "core1" && port == "Te1/2/2":
		out = n.after(out, Const(0))
	case device == "core2" && port == "Te1/2/2":
		out = n.after(out, Const(.55*gbps*1e9/8))
	case device == "busan1":
		return
	}
	n.Counter("ifHCOutOctets", out, "device", device, "ifName", port, "source", "campus-seoul")
	n.Gauge("ifHighSpeed", Const(gbps*1000), "device", device, "ifName", port, "source", "campus-seoul")
}

// uplinks are the octets and speeds behind the chart of core uplinks and the map.
func (n night) uplinks() {
	const gbit = 1e9 / 8
	lines := []struct {
		port, alias string
		rate        func(time.Time) float64
	}{
		{"Te1/1/4", "Te1/1/4", n.after(Wave("te4", 5.6*gbit, 0.7*gbit), Const(0))},
		{"Te1/1/3", "Te1/1/3", n.after(Wave("te3", 3.3*gbit, 0.5*gbit), Wave("te3b", 9.1*gbit, 0.1*gbit))},
		{"Te1/2/3", "dist3", Wave("d3", 4.4*gbit, 0.8*gbit)},
		{"Te1/2/1", "dist1", Wave("d1", 2.5*gbit, 0.4*gbit)},
		{"Te1/2/4", "dist4", Wave("d4", 1.6*gbit, 0.4*gbit)},
	}
	for _, l := range lines {
		n.Counter("ifHCOutOctets", l.rate, "device", "core1", "ifName", l.port, "ifAlias", l.alias, "source", "campus-seoul")
		n.Gauge("ifHighSpeed", Const(10_000), "device", "core1", "ifName", l.port, "ifAlias", l.alias, "source", "campus-seoul")
		e := model.Entity{ID: model.PortID("core1", l.port), Kind: model.KindInterface, Name: l.port, Parent: model.DeviceID("core1"), State: model.OK, Source: "campus-seoul"}
		if n.sick && l.port == "Te1/1/4" {
			e.State, e.Reason, e.Since = model.Critical, "down", n.cut
		}
		n.Add(e)
	}
	n.Counter("ifHCInOctets", Until(n.mute, Wave("wan", 2.3*gbit, 0.25*gbit)), "device", "busan1", "ifName", "wan0", "source", "campus-busan")
}

// ports are what the table of dist2's ports shows.
func (n night) ports() {
	const gbit = 1e9 / 8
	rows := []struct {
		name        string
		in, out     func(time.Time) float64
		speed       float64
		state       model.State
		reason, hms string
	}{
		{"Te1/1/4", n.after(Wave("p4i", 4*gbit, gbit), Const(0)), n.after(Wave("p4o", 5*gbit, gbit), Const(0)), 10_000, n.when(model.Critical, model.OK), "down", "03:12:08"},
		{"Te1/1/3", Wave("p3i", 6.2*gbit, .1*gbit), n.after(Const(3.1*gbit), Const(9.1*gbit)), 10_000, n.when(model.Warning, model.OK), "91 % used", "03:12:20"},
		{"Gi1/0/22", Const(.41 * gbit), Const(.3 * gbit), 1000, model.OK, "", ""},
		{"Gi1/0/21", Const(.3 * gbit), Const(.33 * gbit), 1000, model.OK, "", ""},
		{"Gi1/0/20", Const(.01 * gbit), Const(.02 * gbit), 1000, model.OK, "", ""},
	}
	for _, r := range rows {
		e := model.Entity{ID: model.PortID("dist2", r.name), Kind: model.KindInterface, Name: r.name, Parent: model.DeviceID("dist2"), State: r.state, Source: "campus-seoul"}
		if n.sick && r.hms != "" {
			e.Reason, e.Since = r.reason, clock(n.At, r.hms)
		}
		n.Add(e)
		n.Counter("ifHCInOctets", r.in, "device", "dist2", "ifName", r.name, "source", "campus-seoul")
		n.Counter("ifHCOutOctets", r.out, "device", "dist2", "ifName", r.name, "source", "campus-seoul")
		n.Gauge("ifHighSpeed", Const(r.speed), "device", "dist2", "ifName", r.name, "source", "campus-seoul")
	}
}

func (n night) servers() {
	busy := map[string]float64{"node-03": 78, "node-09": 74, "node-05": 71, "db1": 66, "node-11": 63, "node-07": 62, "node-02": 61, "gpu-02": 58}
	names := []string{"db1", "db2", "lb1", "nas1", "bak1"}
	for i := 1; i <= 25; i++ {
		names = append(names, fmt.Sprintf("node-%02d", i))
	}
	for i := 1; i <= 4; i++ {
		names = append(names, fmt.Sprintf("gpu-%02d", i))
	}
	for _, name := range names {
		mean, ok := busy[name]
		if !ok {
			mean = 20 + math.Floor(Dice(name, 34))
		}
		idle := Const(1 - mean/100)
		e := model.Entity{ID: model.ServerID(name), Kind: model.KindServer, Name: name, State: model.OK, Source: "servers",
			Labels: map[string]string{"os": "linux", "kernel": "6.12.9"}}
		if n.sick && name == "node-07" {
			e.State, e.Reason, e.Since, e.Seen = model.Stale, "no answer", clock(n.At, "03:17:30"), clock(n.At, "03:17:00")
			idle = Until(clock(n.At, "03:17:00"), idle)
		}
		n.Add(e)
		n.Counter("node_cpu_seconds_total", idle, "instance", name, "cpu", "0", "mode", "idle", "source", "servers")
		n.Gauge("node_load1", Wave(name, 3.4, 1), "instance", name, "source", "servers")
	}
	const size = 500 << 30
	used := n.diskUse()
	n.Gauge("node_filesystem_size_bytes", Const(size), "instance", "db2", "mountpoint", "/var/lib/postgresql", "source", "servers")
	n.Gauge("node_filesystem_avail_bytes", func(t time.Time) float64 { return size * (1 - used(t)) }, "instance", "db2", "mountpoint", "/var/lib/postgresql", "source", "servers")
	for name, share := range map[string]float64{"nas1 /export": .74, "bak1 /srv": .71, "node-03 /var": .58, "lb1 /": .41} {
		var host, mount string
		if _, err := fmt.Sscan(name, &host, &mount); err != nil {
			panic(err) // a typing error in this package
		}
		n.Gauge("node_filesystem_size_bytes", Const(size), "instance", host, "mountpoint", mount, "source", "servers")
		n.Gauge("node_filesystem_avail_bytes", Const(size*(1-share)), "instance", host, "mountpoint", mount, "source", "servers")
	}
	n.Counter("http_requests_total", Wave("api", 4820, 900), "service", "api")
}

// diskUse is the share of db2's disk that is used: it grows on the bad night.
func (n night) diskUse() func(time.Time) float64 {
	if !n.sick {
		return Const(.74)
	}
	return func(t time.Time) float64 {
		return .86 - .09*n.At.Sub(t).Hours() + .002*math.Sin(float64(t.Unix())/97)
	}
}

// sources are the rows of the configured sources.
func sources(at time.Time, sick bool) []model.SourceStatus {
	rows := []model.SourceStatus{
		{Name: "campus-busan", Kind: "snmp", Target: "10.9.0.1", Every: 30 * time.Second, Samples: 800},
		{Name: "campus-seoul", Kind: "snmp", Target: "10.0.0.0/24", Every: 30 * time.Second, Samples: 9200},
		{Name: "rules", Kind: "rules", Every: 5 * time.Second, Samples: 412},
		{Name: "servers", Kind: "scrape", Target: "34 targets", Every: 15 * time.Second, Samples: 41000},
	}
	for i, cluster := range clusterNames {
		rows = append(rows, model.SourceStatus{Name: cluster, Kind: "kubernetes", Target: cluster, Every: 10 * time.Second, Samples: 2000 + 100*i})
	}
	for i := range rows {
		r := &rows[i]
		r.State, r.Since, r.LastOK, r.Duration = model.OK, at.Add(-40*time.Hour), at.Add(-time.Duration(2+i)*time.Second), 120*time.Millisecond
		if sick && r.Name == "campus-busan" {
			r.State, r.Since, r.LastOK = model.Stale, clock(at, "03:13:50"), clock(at, "03:13:20")
			r.Error = "no answer from 10.9.0.1 within 2 s: check the route and the community"
		}
	}
	return rows
}

func count(n int) string { return strconv.Itoa(n) }
