package panels

import (
	"context"
	"errors"
	"image"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/panels/paneltest"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

const (
	foldedMap = "title: Campus network"
	fullMap   = "{title: 'Campus network, from LLDP, CDP and FDB', detail: full}"
)

func TestTopologyPictures(t *testing.T) {
	acked := badNight()
	acked.Firing[0].AckBy = "h.kim"
	one := newCampus()
	one.id("core1")
	sick := labCampus()
	sick.set("acc12", model.Stale, sick.at("03:13:20"), sick.at("03:13:20"))
	sick.set("dist2", model.Unknown, sick.at("03:13:20"), time.Time{})
	blind := labCampus()
	blind.Lines = nil
	hangul := badNight()
	for i := range hangul.Things {
		if n := hangul.Things[i].Name; n == "acc22" || n == "node-07" || n == "dist3" {
			hangul.Things[i].Name = strings.Repeat("서울본사전산실", 8) + "-" + n
		}
	}
	for _, p := range []picture{
		{name: "topology-quiet", keys: foldedMap, w: 1094, h: 555, k: 1, src: mockCampus().Source},
		{name: "topology-incident", keys: foldedMap, w: 1094, h: 555, k: 1, src: badNight().Source},
		{name: "topology-incident-k075", keys: foldedMap, w: 1094, h: 555, k: .75, src: badNight().Source},
		{name: "topology-incident-k2", keys: foldedMap, w: 1094, h: 555, k: 2, src: badNight().Source},
		{name: "topology-incident-light", keys: foldedMap, w: 1094, h: 555, k: 1, src: badNight().Source, light: true},
		{name: "topology-incident-ko", keys: "title: {ko: 캠퍼스 네트워크}", w: 1094, h: 555, k: 1, src: badNight().Source, korean: true},
		{name: "topology-한글", keys: foldedMap, w: 1094, h: 555, k: 1, src: hangul.Source},
		{name: "topology-full-한글", keys: fullMap, w: 1331, h: 960, k: 1, src: hangul.Source},
		{name: "topology-full-quiet", keys: fullMap, w: 1331, h: 960, k: 1, src: mockCampus().Source},
		{name: "topology-full-incident", keys: fullMap, w: 1331, h: 960, k: 1, src: badNight().Source},
		{name: "topology-full-ko", keys: "{title: {ko: 캠퍼스 네트워크}, detail: full}", w: 1331, h: 960, k: 1, src: badNight().Source, korean: true},
		{name: "topology-lab", keys: foldedMap, w: 1094, h: 555, k: 1, src: labCampus().Source},
		{name: "topology-lab-down", keys: foldedMap, w: 1094, h: 555, k: 1, src: labDown().Source},
		{name: "topology-lab-full", keys: fullMap, w: 1331, h: 960, k: 1, src: labDown().Source},
		{name: "topology-one", keys: foldedMap, w: 1094, h: 555, k: 1, src: one.Source},
		{name: "topology-none", keys: foldedMap, w: 1094, h: 555, k: 1, src: newCampus().Source},
		{name: "topology-crowd", keys: foldedMap, w: 1094, h: 555, k: 1, src: bigCampus().Source},
		{name: "topology-crowd-full", keys: fullMap, w: 1331, h: 960, k: 1, src: bigCampus().Source},
		{name: "topology-stale", keys: foldedMap, w: 1094, h: 555, k: 1, src: sick.Source},
		{name: "topology-unknown-use", keys: foldedMap, w: 1094, h: 555, k: 1, src: blind.Source},
		{name: "topology-tiny", keys: foldedMap, w: 512, h: 342, k: 1, src: badNight().Source},
		{name: "topology-acknowledged", keys: foldedMap, w: 1094, h: 555, k: 1, src: acked.Source},
		{name: "topology-mixed", keys: foldedMap, w: 1094, h: 555, k: 1, src: mixedCampus().Source},
		{name: "topology-mixed-full", keys: fullMap, w: 1331, h: 960, k: 1, src: mixedCampus().Source},
		{name: "topology-ring", keys: foldedMap, w: 1094, h: 555, k: 1, src: ringCampus(12).Source},
	} {
		p.kind = "topology"
		t.Run(p.name, p.check)
	}
}

func TestTopologyOptions(t *testing.T) {
	for _, tt := range []struct{ options, want string }{
		{"map: kubernetes", "map"},
		{"detail: some", "detail"},
		{"use: 'rate('", "use"},
		{"use_in: 1 +", "use_in"},
	} {
		_, err := topologyKind().New(func(into any) error { return yaml.Unmarshal([]byte(tt.options), into) })
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("options %q: error %v, want one that names %s", tt.options, err, tt.want)
		}
	}
	broken := errors.New("no such key")
	if _, err := topologyKind().New(func(any) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("error %v, want the decoder's own", err)
	}
}

func TestTopologyQueryFails(t *testing.T) {
	src := labCampus().Source
	src.Err = errors.New("query timed out")
	_, err := newPanel(t, "topology", "").Load(t.Context(), src, mapEnv(1062, 493))
	if !errors.Is(err, src.Err) {
		t.Errorf("error %v, want that of the query: an old picture with an error is better than a map that knows no use", err)
	}
}

func TestTopologyFollowsTheClockWhileItShowsAges(t *testing.T) {
	for name, tt := range map[string]struct {
		src  *campus
		want bool
	}{"nothing is old": {mockCampus(), false}, "a silent site and a root cause": {badNight(), true}} {
		p := newPanel(t, "topology", "")
		if _, err := p.Load(t.Context(), tt.src, mapEnv(1062, 493)); err != nil {
			t.Fatal(err)
		}
		if got := p.Deps().Clock; got != tt.want {
			t.Errorf("%s: follows the clock %t, want %t", name, got, tt.want)
		}
	}
}

func TestTopologyWithoutDevices(t *testing.T) {
	v, err := newPanel(t, "topology", "").Load(t.Context(), newCampus(), mapEnv(1062, 493))
	if err != nil {
		t.Fatal(err)
	}
	if v.Notice == nil || v.Notice.State != model.Unknown || len(v.Notice.Lines) == 0 {
		t.Errorf("notice %+v, want one that says what to configure", v.Notice)
	}
}

func mapEnv(w, h float64) Env {
	return Env{
		Style: plot.Style{Palette: plot.Dark(), K: 1, Loc: paneltest.KST},
		Face:  testFace, Text: english, Lang: "en", Size: plot.Rect{W: w, H: h},
	}
}

// labDown is the small network with dist2's cable to core1 cut.
func labDown() *campus {
	c := labCampus()
	c.cut("core1", "dist2")
	c.Firing = []model.Alert{{ID: "x", Severity: model.Critical, Since: c.at("03:12:08"), Entity: model.PortID("dist2", "te1")}}
	return c
}

// sceneOf arranges a network as a panel would.
func sceneOf(c *campus, full bool, w, h float64) (*netMap, *netScene) {
	use, err := readUse(context.Background(), c, defaultUse, defaultUseIn)
	if err != nil {
		panic(err)
	}
	n := readNetwork(c, use)
	env := mapEnv(w, h)
	m := &netMap{network: n, layout: plot.LayoutGraph(n.graphNodes(), n.graphEdges(), nil), full: full, style: env.Style, text: env.Text, face: env.Face}
	m.impacts = findImpacts(n, m.layout)
	return m, m.arrange(env.Size)
}

func TestTopologyProblemsMoveNothing(t *testing.T) {
	for _, tt := range []struct {
		name      string
		well, bad *campus
		keys      string
	}{
		{"campus folded", mockCampus(), badNight(), foldedMap},
		{"campus full", mockCampus(), badNight(), fullMap},
		{"lab folded", labCampus(), labDown(), foldedMap},
		{"lab full", labCampus(), labDown(), fullMap},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPanel(t, "topology", tt.keys)
			was, is := middles(t, p, tt.well), middles(t, p, tt.bad)
			for id, at := range was {
				if !strings.Contains(id, "acc") && strings.HasPrefix(id, "device/") && is[id] != at {
					t.Errorf("%s moved from %v to %v", id, at, is[id])
				}
			}
			if len(was) == 0 {
				t.Error("the map shows no device")
			}
		})
	}
}

// middles returns where a panel shows each entity.
func middles(t *testing.T, p Panel, src model.Source) map[string]plot.Point {
	t.Helper()
	v, err := p.Load(t.Context(), src, mapEnv(1062, 800))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]plot.Point{}
	for _, s := range v.Spots {
		if s.Entity != "" {
			c := s.Rect.Center()
			out[s.Entity] = plot.Point{X: math.Round(c.X), Y: math.Round(c.Y)}
		}
	}
	return out
}

func TestTopologySpots(t *testing.T) {
	v, err := newPanel(t, "topology", fullMap).Load(t.Context(), badNight(), mapEnv(1299, 898))
	if err != nil {
		t.Fatal(err)
	}
	entities, links := map[string]bool{}, map[string]bool{}
	for _, s := range v.Spots {
		if !within(s.Rect, plot.Rect{X: -20, Y: -20, W: 1339, H: 938}) {
			t.Errorf("spot %+v lies outside the panel", s)
		}
		if s.Entity != "" {
			entities[s.Entity] = true
		}
		if s.Link != "" {
			links[s.Link] = true
		}
	}
	if len(entities) != 46 { // and the Internet
		t.Errorf("spots of %d entities, want all 45 and the stub", len(entities))
	}
	if len(links) != 57 { // three are within the frame of Busan
		t.Errorf("spots of %d links, want 57", len(links))
	}
}

func TestTopologyOverlapsNothing(t *testing.T) {
	for _, c := range []*campus{mockCampus(), badNight(), labCampus(), labDown(), bigCampus(), ringCampus(12), ringCampus(3), mixedCampus()} {
		for _, full := range []bool{false, true} {
			for _, size := range [][2]float64{{480, 280}, {700, 400}, {1062, 493}, {1299, 898}, {1870, 950}} {
				if len(c.Things) > 1000 && (full || size[0] != 1062) { // every box against every other takes its time
					continue
				}
				m, s := sceneOf(c, full, size[0], size[1])
				var places []plot.Rect
				for i, b := range s.boxes {
					for _, other := range s.boxes[:i] {
						if overlap := b.Intersect(other.Rect); overlap.W > 1 && overlap.H > 1 {
							t.Errorf("%v full=%t: boxes %v and %v overlap", size, full, name(m, b), name(m, other))
						}
					}
					places = append(places, b.Rect)
				}
				a := &arranger{netMap: m, netScene: s, k: 1}
				var marks []plot.Rect
				for _, l := range s.labels {
					marks = append(marks, a.labelRect(l))
				}
				for _, b := range s.badges {
					marks = append(marks, b.Rect)
				}
				if s.flag != nil {
					marks = append(marks, s.flag.Rect)
				}
				for i, r := range marks {
					if !uncovered(r.Inset(1), append(places, marks[:i]...)) {
						t.Errorf("%v full=%t: a label at %v covers something", size, full, r)
					}
				}
			}
		}
	}
}

func name(m *netMap, b netBox) string {
	if b.node < 0 {
		return b.label
	}
	return m.nodes[b.node].name
}

func TestTopologyWithoutCauseHasNoFlag(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*model.Alert)
		want   bool
	}{
		{"root cause", func(*model.Alert) {}, true},
		{"ends the other way round", func(a *model.Alert) {
			a.Labels = map[string]string{"b": "core1", "b_port": "Te1/2/2", "a": "dist2", "a_port": "Te1/1/4"}
		}, true},
		{"by its port", func(a *model.Alert) { a.Labels, a.Entity = nil, model.PortID("core1", "Te1/2/2") }, true},
		{"acknowledged", func(a *model.Alert) { a.AckBy = "h.kim" }, false},
		{"a symptom", func(a *model.Alert) { a.Cause = "other" }, false},
		{"pending", func(a *model.Alert) { a.Pending = true }, false},
		{"another cable", func(a *model.Alert) { a.Labels["b_port"] = "Te1/1/3" }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := badNight()
			tt.change(&c.Firing[0])
			m, s := sceneOf(c, false, 1062, 493)
			for _, l := range m.links {
				if l.down && l.ack != (c.Firing[0].AckBy != "") {
					t.Errorf("the cable that is down is shown as acknowledged: %t", l.ack)
				}
			}
			if (s.flag != nil) != tt.want {
				t.Errorf("flag %+v, want one: %t", s.flag, tt.want)
			}
			if s.flag != nil && s.flag.s != "Root cause, 7 min" {
				t.Errorf("flag says %q", s.flag.s)
			}
		})
	}
}

func TestFindImpacts(t *testing.T) {
	for _, tt := range []struct {
		name string
		cut  [][2]string
		want []string // head, what depends on it, in words
	}{
		{"nothing", nil, nil},
		{"one of two uplinks", [][2]string{{"core1", "dist2"}}, []string{"dist2: 2 below, on backup path"}},
		{"both uplinks", [][2]string{{"core1", "dist2"}, {"core2", "dist2"}}, []string{"dist2: 2 below, cut off"}},
		{"the only uplink", [][2]string{{"acc21", "dist2"}}, []string{"acc21: 0 below, cut off"}},
		{"between the cores", [][2]string{{"core1", "core2"}}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := labCampus()
			for _, pair := range tt.cut {
				c.cut(pair[0], pair[1])
			}
			m, _ := sceneOf(c, false, 1062, 493)
			var got []string
			for _, im := range m.impacts {
				how := "on backup path"
				if im.cutOff {
					how = "cut off"
				}
				got = append(got, strings.TrimPrefix(im.head, "device/")+": "+itoa(len(im.nodes)-1)+" below, "+how)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("impacts (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadNetwork(t *testing.T) {
	c := badNight()
	c.Add(model.Entity{ID: model.ServerID("alone"), Kind: model.KindServer, Name: "alone", State: model.OK})
	c.Cables = append(c.Cables, model.Link{A: model.DeviceID("acc11"), APort: "x", B: "device/ghost", BPort: "y", Kind: "ethernet", State: model.OK})
	c.Add(model.Entity{ID: model.NodeID("prod", "worker-1"), Kind: model.KindNode, Name: "worker-1", State: model.Critical})
	c.Add(model.Entity{ID: model.NodeID("prod", "worker-2"), Kind: model.KindNode, Name: "worker-2", State: model.OK})
	c.Cables = append(c.Cables, model.Link{A: model.DeviceID("acc11"), APort: "z", B: model.NodeID("prod", "worker-1"), Kind: "ethernet", State: model.OK})
	c.Firing = append(c.Firing, model.Alert{ID: "hot", Severity: model.Warning, Entity: model.DeviceID("acc11"), AckBy: "j.park"})
	m, _ := sceneOf(c, true, 1299, 898)
	byName := map[string]netNode{}
	for _, n := range m.nodes {
		byName[n.name] = n
	}
	if _, ok := byName["alone"]; ok {
		t.Error("a server without a cable is on the map")
	}
	if n := byName["worker-1"]; n.kind != model.KindNode || n.state != model.Critical || n.hint != plot.LayerServers {
		t.Errorf("a Kubernetes node on a switch port is %+v, want itself among the servers", n)
	}
	if _, ok := byName["worker-2"]; ok {
		t.Error("a node without a cable is on the map")
	}
	if n := byName["ghost"]; n.kind != model.KindStub {
		t.Errorf("an end that nobody describes is a %q, want a stub", n.kind)
	}
	if n := byName["acc11"]; n.state != model.Warning || !n.ack {
		t.Errorf("acc11 is %s, acknowledged %t; want its alert's state", n.state, n.ack)
	}
	if n := byName["campus-busan"]; n.site == nil || len(n.site.nodes) != 4 || n.site.nodes[0].name != "bsn-gw" || n.state != model.Stale {
		t.Errorf("the site in Busan is %+v", n)
	}
	for _, l := range m.links {
		if l.A == model.DeviceID("core2") && l.B == model.DeviceID("dist2") {
			if math.Abs(l.use[0]-.55) > .01 || math.Abs(l.use[1]-.915) > .01 {
				t.Errorf("core2 sends %.3f and dist2 %.3f, want 0.55 and 0.915", l.use[0], l.use[1])
			}
		}
		if l.B == model.ServerID("db1") && (math.Abs(l.use[0]-.1) > .01 || math.Abs(l.use[1]-.1) > .01) {
			t.Errorf("db1's switch knows both directions, got %v", l.use)
		}
	}
}

func TestLayerHint(t *testing.T) {
	for _, tt := range []struct {
		name string
		kind model.Kind
		role string
		want plot.Layer
	}{
		{"core1", model.KindDevice, "", plot.LayerCore},
		{"sw-core-2.example.com", model.KindDevice, "", plot.LayerCore},
		{"seoul-dist3", model.KindDevice, "", plot.LayerDistribution},
		{"acc12", model.KindDevice, "", plot.LayerAccess},
		{"fw1", model.KindDevice, "", plot.LayerEdge},
		{"switch7", model.KindDevice, "", plot.LayerAuto},
		{"switch7", model.KindDevice, "distribution", plot.LayerDistribution},
		{"forwarder", model.KindDevice, "", plot.LayerAuto},
		{"core-db", model.KindServer, "", plot.LayerServers},
		{"core-of-others", model.KindStub, "", plot.LayerAuto},
		{"", model.KindDevice, "", plot.LayerAuto},
	} {
		e := model.Entity{Name: tt.name, Kind: tt.kind, Labels: map[string]string{"role": tt.role}}
		if got := layerHint(e); got != tt.want {
			t.Errorf("%s %q with role %q: layer %d, want %d", tt.kind, tt.name, tt.role, got, tt.want)
		}
	}
}

func TestTopologyLoadsAtTheSameTime(t *testing.T) {
	p, src := newPanel(t, "topology", ""), badNight().Source
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			v, err := p.Load(t.Context(), src, mapEnv(1062, 493))
			if err != nil {
				t.Error(err)
				return
			}
			for range 2 {
				v.Paint(plot.NewCanvas(image.NewRGBA(image.Rect(0, 0, 1100, 560)), testFace), plot.Rect{X: 16, Y: 48, W: 1062, H: 493})
			}
		})
	}
	group.Wait()
}

// BenchmarkTopologyRaster moves over 2,000 devices and 5,000 cables, frame by frame, as somebody with
// a mouse does: what a frame costs is Handle, Load and Paint.
func BenchmarkTopologyRaster(b *testing.B) {
	src := bigCampus()
	for _, size := range []struct {
		name string
		w, h float64
		k    float64
	}{{"1080p", 1299, 898, 1}, {"2160p", 2598, 1796, 2}} {
		env := mapEnv(size.w, size.h)
		env.Style.K = size.k
		c := plot.NewCanvas(image.NewRGBA(image.Rect(0, 0, int(size.w), int(size.h))), env.Face)
		middle := plot.Point{X: size.w / 2, Y: size.h / 2}
		frame := func(b *testing.B, p *topologyPanel, g Gesture) {
			p.Handle(g)
			v, err := p.Load(b.Context(), src, env)
			if err != nil {
				b.Fatal(err)
			}
			c.Clear(env.Style.Palette.Surface)
			v.Paint(c, env.Size)
		}
		open := func(b *testing.B, steps int) *topologyPanel {
			p := newPanel(b, "topology", "detail: full").(*topologyPanel)
			frame(b, p, Gesture{Kind: Leave})
			for range steps {
				frame(b, p, Gesture{Kind: Scroll, At: middle, By: plot.Point{Y: 1}})
			}
			b.ReportAllocs()
			return p
		}
		b.Run(size.name+"/whole", func(b *testing.B) {
			p := open(b, 0)
			for b.Loop() {
				frame(b, p, Gesture{Kind: Drop})
			}
		})
		for name, steps := range map[string]int{"pan-half": 3, "pan-near": 8} {
			b.Run(size.name+"/"+name, func(b *testing.B) {
				p, i := open(b, steps), 0
				for b.Loop() {
					by := plot.Point{X: 7, Y: 3}
					if i/40%2 == 1 {
						by = plot.Point{X: -7, Y: -3}
					}
					frame(b, p, Gesture{Kind: Drag, At: middle, By: by})
					i++
				}
			})
		}
		b.Run(size.name+"/zoom", func(b *testing.B) {
			p, i := open(b, 0), 0
			for b.Loop() {
				by := plot.Point{Y: 1}
				if i/10%2 == 1 {
					by.Y = -1
				}
				frame(b, p, Gesture{Kind: Scroll, At: middle, By: by})
				i++
			}
		})
	}
}

func BenchmarkTopologyLoad(b *testing.B) {
	for name, c := range map[string]*campus{"campus": badNight(), "crowd": bigCampus()} {
		b.Run(name, func(b *testing.B) {
			env, p := mapEnv(1062, 493), newPanel(b, "topology", "").(*topologyPanel)
			for b.Loop() {
				p.last = mapRead{} // as if the source had something new to say
				if _, err := p.Load(b.Context(), c, env); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
