package main

import (
	"math"
	"net/netip"
	"slices"
	"testing"
	"time"
)

func TestCampusIsConsistent(t *testing.T) {
	p := campus()
	seen := map[string]string{}
	unique := func(value, owner string) {
		t.Helper()
		if other, ok := seen[value]; ok {
			t.Errorf("%s and %s share %s", owner, other, value)
		}
		seen[value] = owner
	}
	for _, d := range p.Devices {
		unique(agentAddress(d), d.Name)
		unique(namespace(d.Name), d.Name)
		for plane := range planes {
			unique(loopback(d, plane), d.Name)
		}
		if island := len(p.neighbours(d.Name)) == 0; island != d.V3 {
			t.Errorf("%s has no cable: %v", d.Name, island)
		}
	}
	for i, c := range p.Cables {
		near, far := netip.MustParseAddr(cableAddress(i, 0)), netip.MustParseAddr(cableAddress(i, 1))
		if prefix := netip.PrefixFrom(near, 30).Masked(); !prefix.Contains(far) || prefix.Addr() == near || near == far {
			t.Errorf("cable %d: %s and %s are not the two hosts of a /30", i, near, far)
		}
		for end, at := range []port{c.A, c.B} {
			unique(cableAddress(i, end), at.Device+" "+at.Name)
			unique(at.Device+"/"+at.Name, at.Device)
			unique(patchPort(i, end), at.Device)
			if _, err := p.device(at.Device); err != nil {
				t.Error(err)
			}
			if len(at.Name) > 15 {
				t.Errorf("%s: an interface name has at most 15 characters", at.Name)
			}
		}
	}
	if _, err := p.cableBetween(cutBetween[0], cutBetween[1]); err != nil {
		t.Error(err)
	}
	for _, s := range p.Servers {
		unique(s.address(), s.Name)
		unique(namespace(s.Name), s.Name)
		i := p.cablesOf(s.Name)
		if len(i) != 1 {
			t.Fatalf("%s has %d cables, want one", s.Name, len(i))
		}
		c := p.Cables[i[0]]
		at, err := p.device(c.A.Device)
		if err != nil {
			t.Fatal(err)
		}
		on := slices.IndexFunc(p.bridges(at.Name), func(b bridge) bool { return b.Name == c.MasterA && b.Plane == s.Plane })
		if on < 0 || p.gateway(s) != loopback(at, s.Plane) {
			t.Errorf("%s hangs on %s, its gateway is %s", s.Name, at.Name, p.gateway(s))
		}
	}
	for _, name := range []string{mutedServer, deadServer, fullServer, clockedServer} {
		if p.server(name) == nil {
			t.Errorf("no server is called %s", name)
		}
	}
	for _, i := range p.cablesOf(deadServer) {
		if c := p.Cables[i]; c.A.Device != deadSwitch {
			t.Errorf("%s is not behind %s", deadServer, deadSwitch)
		}
	}
	if !p.server(clockedServer).Clock || !p.server(deadServer).Redis {
		t.Errorf("%s has no clock of its own, or nothing runs on %s", clockedServer, deadServer)
	}
	for _, name := range []string{deadSwitch, silentDevice, refusedDevice, deadDevice, rebootedDevice, oldDevice, slowDevice, halfDevice, stormDevice} {
		if _, err := p.device(name); err != nil {
			t.Error(err)
		}
	}
}

// forward follows the routes from one device to an address as the kernel does: the lowest metric over a live cable. It
// returns the directed ports that a datagram leaves by; nil where it does not arrive within the lab's TTL.
func forward(p plan, from string, to device, plane int, cut int) []port {
	return forwardTo(p, from, to.Name, loopback(to, plane)+"/32", cut)
}

func forwardTo(p plan, from, to, destination string, cut int) []port {
	var path []port
	for at := from; at != to; {
		if len(path) == trafficTTL {
			return nil
		}
		next := ""
		for _, r := range p.routes(at) { // sorted by metric
			i := slices.IndexFunc(p.Cables, func(c cable) bool {
				return c.A == port{at, r.Interface} || c.B == port{at, r.Interface}
			})
			if r.Destination != destination || i == cut {
				continue
			}
			path = append(path, port{at, r.Interface})
			if next = p.Cables[i].A.Device; next == at {
				next = p.Cables[i].B.Device
			}
			break
		}
		if next == "" {
			return nil
		}
		at = next
	}
	return path
}

func TestRoutesSurviveEachSingleCutBetweenCoreAndDistribution(t *testing.T) {
	p := campus()
	for cut := -1; cut < 6; cut++ { // -1: no cut; the later cables are the only ones of their access switches
		for _, from := range p.Devices {
			for _, to := range p.Devices {
				for plane := range planes {
					if from != to && !from.V3 && !to.V3 && forward(p, from.Name, to, plane, cut) == nil {
						t.Errorf("cut %d: %s does not reach %s in plane %d", cut, from.Name, to.Name, plane)
					}
				}
			}
		}
	}
}

func TestBehind(t *testing.T) {
	for name, want := range map[string][]string{
		"dist1": {"dist1", "acc11", "acc12"}, "core2": {"core2"}, "acc22": {"acc22"},
	} {
		if got := campus().behind(name, "core1"); !slices.Equal(got, want) {
			t.Errorf("behind %s: %v, want %v", name, got, want)
		}
	}
}

// load sums the mean rates of the flows for each port, outbound, as a fraction of its speed.
func load(t *testing.T, p plan, cut int) map[port]float64 {
	t.Helper()
	out := map[port]float64{}
	for _, f := range p.Flows {
		to, err := p.device(f.To)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range forward(p, f.From, to, f.Plane, cut) {
			for _, c := range p.Cables {
				if c.A == at || c.B == at {
					out[at] += f.Mbps / float64(c.Mbps)
				}
			}
		}
	}
	return out
}

func TestTrafficLeavesRoomForOneCut(t *testing.T) {
	p := campus()
	for at, share := range load(t, p, -1) {
		if share < 0.08 || share > 0.60 {
			t.Errorf("%s %s carries %.0f %% without a fault", at.Device, at.Name, 100*share)
		}
	}
	cut, err := p.cableBetween(cutBetween[0], cutBetween[1])
	if err != nil {
		t.Fatal(err)
	}
	after := load(t, p, cut)
	if share := after[port{"core2", "te4"}]; share < 0.80 || share > 0.95 {
		t.Errorf("with the cable cut core2 te4 carries %.0f %%, not about 90 %%", 100*share)
	}
	if share := after[p.Cables[cut].A] + after[p.Cables[cut].B]; share != 0 {
		t.Errorf("the cut cable still carries %.0f %%", 100*share)
	}
}

func TestRateStaysWithinTheSwing(t *testing.T) {
	f := flow{Mbps: 4, Swing: 0.25, Period: time.Minute}
	low, high, sum := math.Inf(1), math.Inf(-1), 0.0
	const steps = 600
	for i := range steps {
		r := f.rate(time.Duration(i) * time.Second)
		low, high, sum = min(low, r), max(high, r), sum+r
	}
	if low < 3e6 || high > 5e6 || high-low < 1e6 {
		t.Errorf("rate between %.0f and %.0f bit/s", low, high)
	}
	if mean := sum / steps; math.Abs(mean-4e6) > 1e5 {
		t.Errorf("mean rate %.0f bit/s", mean)
	}
}

func TestSenderKeepsToTheRate(t *testing.T) {
	s := &sender{flow: flow{Mbps: 8, Period: time.Minute}}
	n := 0
	for range 200 { // 10 s
		n += s.due(0, trafficTick)
	}
	if want := 10_000_000 / datagramSize; n != want {
		t.Errorf("%d datagrams in 10 s, want %d", n, want)
	}
}

func TestServersAreReachedInBand(t *testing.T) {
	p := campus()
	for _, s := range p.Servers {
		at := p.Cables[p.cablesOf(s.Name)[0]].A.Device
		to, err := p.device(at)
		if err != nil {
			t.Fatal(err)
		}
		if forwardTo(p, wallSwitch, at, p.destinations(to)[planes], -1) == nil {
			t.Errorf("no way from the wallboard to %s", s.Name)
		}
		if forwardTo(p, at, wallSwitch, wallPrefix, -1) == nil {
			t.Errorf("no way back from %s", s.Name)
		}
	}
}
