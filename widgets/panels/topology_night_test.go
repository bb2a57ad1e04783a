package panels

import (
	"fmt"
	"strings"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/panels/paneltest"
)

// campus builds a network for tests. Devices come into being with their first cable.
type campus struct {
	*paneltest.Source
	seen map[string]bool
}

func newCampus() *campus {
	return &campus{paneltest.New(time.Date(2025, 11, 18, 3, 19, 24, 0, paneltest.KST)), map[string]bool{}}
}

func (c *campus) at(hms string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04:05", "2025-11-18 "+hms, paneltest.KST)
	if err != nil {
		panic(err) // a typing error in this file
	}
	return t
}

// id returns a node's ID and adds it to the world: node-, db, nas, bak and lb are servers, Internet
// is a neighbour by hearsay, bsn- is the campus in Busan.
func (c *campus) id(name string) string {
	id, kind, source := model.DeviceID(name), model.KindDevice, "campus-seoul"
	switch {
	case name == "Internet":
		kind = model.KindStub
	case strings.HasPrefix(name, "bsn"):
		source = "campus-busan"
	case strings.HasPrefix(name, "core"), strings.HasPrefix(name, "dist"), strings.HasPrefix(name, "acc"),
		strings.HasPrefix(name, "fw"), strings.HasPrefix(name, "wan"):
	default:
		id, kind = model.ServerID(name), model.KindServer
	}
	if !c.seen[id] {
		c.seen[id] = true
		c.Add(model.Entity{ID: id, Kind: kind, Name: name, State: model.OK, Source: source})
	}
	return id
}

// cable joins two nodes; sent and back are the shares of gbps that flow from a to b and from b to a,
// negative where nobody counts them.
func (c *campus) cable(a, aPort, b, bPort string, gbps, sent, back float64) *model.Link {
	c.Cables = append(c.Cables, model.Link{A: c.id(a), APort: aPort, B: c.id(b), BPort: bPort, Kind: "ethernet", State: model.OK,
		SpeedBPS: gbps * 1e9, Confidence: 1, Since: c.At.Add(-48 * time.Hour), Seen: c.At})
	for _, end := range []struct {
		device, port string
		use          float64
	}{{a, aPort, sent}, {b, bPort, back}} {
		if end.use >= 0 {
			c.Counter("ifHCOutOctets", paneltest.Const(end.use*gbps*1e9/8), "device", end.device, "ifName", end.port)
			c.Gauge("ifHighSpeed", paneltest.Const(gbps*1000), "device", end.device, "ifName", end.port)
			c.Counter("ifHCInOctets", paneltest.Const((sent+back-end.use)*gbps*1e9/8), "device", end.device, "ifName", end.port)
		}
	}
	return &c.Cables[len(c.Cables)-1]
}

// set changes an entity's state.
func (c *campus) set(name string, s model.State, since, seen time.Time) {
	for i := range c.Things {
		if c.Things[i].Name == name {
			c.Things[i].State, c.Things[i].Since = s, since
			if !seen.IsZero() {
				c.Things[i].Seen = seen
			}
		}
	}
}

// lag says of two ports that they are members of an aggregation.
func (c *campus) lag(name, device string, ports ...string) {
	for _, port := range ports {
		c.Add(model.Entity{ID: model.PortID(device, port), Kind: model.KindInterface, Name: port, State: model.OK,
			Parent: model.DeviceID(device), Labels: map[string]string{"lag": name}})
	}
}

// mockCampus is the network of the pictures: 45 devices and servers, 60 cables, nothing wrong.
func mockCampus() *campus {
	c := newCampus()
	c.cable("core1", "Te1/1/1", "core2", "Te1/1/1", 40, .3, .3)
	c.cable("core1", "Te1/1/2", "core2", "Te1/1/2", 40, .3, .3)
	c.lag("Po1, 2 × 40G", "core1", "Te1/1/1", "Te1/1/2")
	up := [][2][2]float64{{{.1, .3}, {.1, .3}}, {{.3, .55}, {.3, .3}}, {{.3, .3}, {.3, .3}}, {{.1, .1}, {.1, .1}}}
	for d := 1; d <= 4; d++ {
		dist := fmt.Sprintf("dist%d", d)
		c.cable("core1", fmt.Sprintf("Te1/2/%d", d), dist, "Te1/1/4", 10, up[d-1][0][0], up[d-1][0][1])
		c.cable("core2", fmt.Sprintf("Te1/2/%d", d), dist, "Te1/1/3", 10, up[d-1][1][0], up[d-1][1][1])
		for a := 1; a <= []int{0, 4, 3, 4, 3}[d]; a++ {
			acc := fmt.Sprintf("acc%d%d", d, a)
			for member := 1; member <= []int{0, 1, 1, 2, 2}[d]; member++ {
				c.cable(acc, fmt.Sprintf("Te1/0/%d", member), dist, fmt.Sprintf("Gi1/%d/%d", member, a), 10, .1+.2*float64((a+d)%2), .1+.05*float64(a*d))
			}
			if d > 2 {
				c.lag(fmt.Sprintf("Po%d", a), acc, "Te1/0/1", "Te1/0/2")
			}
		}
	}
	c.cable("fw1", "ha1", "fw2", "ha1", 1, .02, .02)
	c.cable("fw1", "ha2", "fw2", "ha2", 1, .02, .02)
	c.cable("Internet", "a", "fw1", "wan", 10, -1, .3)
	c.cable("Internet", "b", "fw2", "wan", 10, -1, 0)
	c.cable("core1", "Te1/1/9", "fw1", "ge0", 10, .1, .3)
	c.cable("core2", "Te1/1/9", "fw2", "ge0", 10, 0, 0)
	c.cable("core2", "Te1/1/8", "wan1", "ge0", 10, .1, .1)
	c.cable("bsn-gw", "ge0", "wan1", "ge1", 1, .2, .2)
	c.cable("bsn-dist1", "ge0", "bsn-gw", "ge1", 1, .2, .2)
	c.cable("bsn-acc1", "ge0", "bsn-dist1", "ge1", 1, .2, .2)
	c.cable("bsn-acc2", "ge0", "bsn-dist1", "ge2", 1, .2, .2)
	for i, where := range strings.Fields("acc31 acc31 acc31 acc32 acc32 acc32 acc22 acc33 acc33 acc33 acc34 acc34") {
		c.cable(where, fmt.Sprintf("Gi1/0/%d", i+1), fmt.Sprintf("node-%02d", i+1), "eth0", 10, .2, .1)
	}
	for i, pair := range strings.Fields("acc41-db1 acc41-db2 acc42-nas1 acc42-bak1 acc43-lb1 acc43-lb2") {
		where, name, _ := strings.Cut(pair, "-")
		c.cable(where, fmt.Sprintf("Gi1/0/%d", i+1), name, "eth0", 10, .1, .1)
	}
	return c
}

// badNight is the same network at 03:19:24: dist2 lost core1, the backup path is hot, node-07 is
// lost, db2's disk fills, acc14 is in maintenance, Busan is silent.
func badNight() *campus {
	c := mockCampus()
	for i := range c.Cables {
		l := &c.Cables[i]
		if l.A == model.DeviceID("core1") && l.B == model.DeviceID("dist2") {
			l.State, l.Reason, l.Since = model.Critical, "down, seen by both ends", c.at("03:12:08")
		}
	}
	hot := c.Lines[:0]
	for _, line := range c.Lines {
		if line.Labels.Get("device") == "dist2" && line.Labels.Get("ifName") == "Te1/1/3" && line.Labels.Get("__name__") == "ifHCOutOctets" ||
			line.Labels.Get("device") == "core2" && line.Labels.Get("ifName") == "Te1/2/2" && line.Labels.Get("__name__") == "ifHCOutOctets" {
			continue
		}
		hot = append(hot, line)
	}
	c.Lines = hot
	c.Counter("ifHCOutOctets", paneltest.Const(.915*10e9/8), "device", "dist2", "ifName", "Te1/1/3")
	c.Counter("ifHCOutOctets", paneltest.Const(.55*10e9/8), "device", "core2", "ifName", "Te1/2/2")
	c.set("node-07", model.Critical, c.at("03:12:51"), time.Time{})
	c.set("db2", model.Warning, c.at("01:40:00"), time.Time{})
	c.set("acc14", model.Maintenance, c.at("01:00:00"), time.Time{})
	for _, name := range strings.Fields("bsn-gw bsn-dist1 bsn-acc1 bsn-acc2") {
		c.set(name, model.Stale, c.at("03:13:20"), c.at("03:13:20"))
	}
	c.Firing = []model.Alert{{
		ID: "root", Name: "LinkDown", Severity: model.Critical, Title: "dist2 Te1/1/4 – core1 link down", Since: c.at("03:12:08"),
		Labels: map[string]string{"a": "core1", "a_port": "Te1/2/2", "b": "dist2", "b_port": "Te1/1/4"},
	}}
	return c
}

// labCampus is the small network: two parallel core cables, dual uplinks, four access switches.
func labCampus() *campus {
	c := newCampus()
	c.cable("core1", "te1", "core2", "te1", .04, .3, .2)
	c.cable("core1", "te2", "core2", "te2", .04, .1, .2)
	for d := 1; d <= 2; d++ {
		dist := fmt.Sprintf("dist%d", d)
		c.cable("core1", fmt.Sprintf("te1%d", d), dist, "te1", .02, .3, .4)
		c.cable("core2", fmt.Sprintf("te1%d", d), dist, "te2", .02, .2, .3)
		for a := 1; a <= 2; a++ {
			c.cable(fmt.Sprintf("acc%d%d", d, a), "gi1", dist, fmt.Sprintf("gi%d", a), .01, .3, .55)
		}
	}
	return c
}

// bigCampus has 2,000 devices and 5,000 cables, a few of them sick.
func bigCampus() *campus {
	c := newCampus()
	c.cable("core1", "x", "core2", "x", 100, .2, .2)
	const dists = 40
	for d := range dists {
		dist := fmt.Sprintf("dist%02d", d)
		c.cable("core1", fmt.Sprint(d), dist, "u1", 40, .3, .2)
		c.cable("core2", fmt.Sprint(d), dist, "u2", 40, .1, .2)
	}
	for a := 0; len(c.Cables) < 5000; a++ {
		i := a % (2000 - dists - 2)
		d := i % dists
		l := c.cable(fmt.Sprintf("acc%04d", i), fmt.Sprintf("u%d", a), fmt.Sprintf("dist%02d", d), fmt.Sprint(a), 10, -1, -1)
		if a == 707 {
			l.State, l.Since = model.Critical, c.at("03:12:08")
		}
	}
	for i, s := range []model.State{model.Critical, model.Warning, model.Stale, model.Unknown, model.Maintenance, model.Critical, model.Warning} {
		c.set(fmt.Sprintf("acc%04d", 100+i*137), s, c.at("03:00:00"), time.Time{})
	}
	return c
}

// cut takes the cables between two devices down.
func (c *campus) cut(a, b string) {
	for i := range c.Cables {
		l := &c.Cables[i]
		if l.A == model.DeviceID(a) && l.B == model.DeviceID(b) {
			l.State, l.Reason, l.Since = model.Critical, "down, seen by both ends", c.at("03:12:08")
		}
	}
}

// ringCampus is n switches in a ring, with names that tell nothing.
func ringCampus(n int) *campus {
	c := newCampus()
	name := func(i int) string {
		s := fmt.Sprintf("sw%d", i%n)
		id := model.DeviceID(s)
		if !c.seen[id] {
			c.seen[id] = true
			c.Add(model.Entity{ID: id, Kind: model.KindDevice, Name: s, State: model.OK, Source: "ring"})
		}
		return id
	}
	for i := range n {
		c.Cables = append(c.Cables, model.Link{A: name(i), APort: "1", B: name(i + 1), BPort: "2", Kind: "ethernet", State: model.OK, Seen: c.At})
	}
	return c
}

// mixedCampus has no distribution: servers and access switches on the core, some on both cores, a
// site, a firewall, a switch behind a switch, and one device that is linked to nothing.
func mixedCampus() *campus {
	c := newCampus()
	c.cable("core1", "1", "core2", "1", 10, .5, .97)
	for i := range 6 {
		acc := fmt.Sprintf("acc%d", i)
		c.cable(acc, "1", "core1", fmt.Sprint(10+i), 1, .2, .85)
		if i%2 == 0 {
			c.cable(acc, "2", "core2", fmt.Sprint(10+i), 1, .2, .1)
		}
		for s := range i * 2 {
			c.cable(acc, fmt.Sprint(20+s), fmt.Sprintf("node-%d%d", i, s), "eth0", 1, .1, .1)
		}
	}
	c.cable("acc1", "9", "acc10", "1", 1, .2, .2)
	c.cable("core1", "9", "db1", "eth0", 10, .2, .2)
	c.cable("core1", "8", "fw1", "1", 10, .2, .2)
	c.cable("Internet", "x", "fw1", "2", 10, -1, .2)
	c.cable("bsn-gw", "1", "core2", "8", 1, .2, .2)
	c.cable("bsn-acc1", "1", "bsn-gw", "2", 1, .2, .2)
	c.id("acc99")
	c.cut("acc3", "core1")
	c.set("node-50", model.Critical, c.at("03:00:00"), c.At)
	c.set("acc5", model.Stale, c.at("03:00:00"), c.at("03:00:00"))
	return c
}
