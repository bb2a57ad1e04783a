package panels

import (
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

func TestMapIndexFinds(t *testing.T) {
	c := toldNight()
	c.Add(model.Entity{ID: model.PortID("acc11", "Gi1/0/7"), Kind: model.KindInterface, Name: "Gi1/0/7", Parent: model.DeviceID("acc11"),
		State: model.OK, Labels: map[string]string{"mac": "00:1b:54:00:99:07", "ifAlias": "프린터실"}})
	m, _ := sceneOf(c, true, 1299, 898)
	x := indexMap(c, m.network)
	for _, tt := range []struct {
		text  string
		want  string // the first that is shown
		by    string
		to    target
		count int // 0: do not care
	}{
		{"dist2", "dist2", "", target{entity: model.DeviceID("dist2")}, 0},
		{"DIST2", "dist2", "", target{entity: model.DeviceID("dist2")}, 0},
		{" 10.20.0.1", "dist2", "10.20.0.12", target{entity: model.DeviceID("dist2")}, 1},
		{"00:1b:54:aa:bb:cc", "dist2", "00:1b:54:aa:bb:cc", target{entity: model.DeviceID("dist2")}, 1},
		{"001b.54aa.bbcc", "dist2", "00:1b:54:aa:bb:cc", target{entity: model.DeviceID("dist2")}, 1},
		{"001B54AABBCC", "dist2", "00:1b:54:aa:bb:cc", target{entity: model.DeviceID("dist2")}, 1},
		{"99-07", "acc11 Gi1/0/7", "00:1b:54:00:99:07", target{entity: model.DeviceID("acc11")}, 1},
		{"프린터", "acc11 Gi1/0/7", "프린터실", target{entity: model.DeviceID("acc11")}, 1},
		{"dist2 Te1/1/4", "dist2 Te1/1/4", "", cutLink, 1},
		{"uplink core1", "core1 Te1/2/2", "uplink core1", cutLink, 1},
		{"FDO2342", "dist2", "FDO2342K0AB", target{entity: model.DeviceID("dist2")}, 1},
		{"bsn-acc2", "bsn-acc2", "", target{entity: model.DeviceID("bsn-acc2")}, 1},
		{"node-1", "node-10", "", target{entity: model.ServerID("node-10")}, 3},
		{"no such thing", "", "", target{}, 0},
		{"", "", "", target{}, 0},
		{"::::", "", "", target{}, 0},
	} {
		found := x.find(tt.text)
		if tt.want == "" {
			if len(found) != 0 {
				t.Errorf("%q finds %+v", tt.text, found)
			}
			continue
		}
		if len(found) == 0 {
			t.Errorf("%q finds nothing", tt.text)
			continue
		}
		got := found[0]
		if got.show != tt.want || got.by != tt.by || got.to != tt.to || tt.count > 0 && len(found) != tt.count {
			t.Errorf("%q finds %d, first %+v; want %+v", tt.text, len(found), got, tt)
		}
	}
}

func FuzzMapSearch(f *testing.F) {
	f.Add("dist", "mac")
	f.Add("00:", "\xff\x00")
	f.Fuzz(func(t *testing.T, text, word string) {
		x := &mapIndex{entries: []mapEntry{{to: target{entity: "a"}, show: word, lower: word, bare: hexOnly(word)}}}
		if found := x.find(text); len(found) > 1 {
			t.Errorf("%q finds %d of one", text, len(found))
		}
	})
}

func TestTopologyKeys(t *testing.T) {
	src := toldNight()
	for _, tt := range []struct {
		name string
		do   func(t *testing.T, h *handledMap)
		want mapHand
	}{
		{"a tap on a device", func(t *testing.T, h *handledMap) { h.tap(t, target{entity: model.DeviceID("core1")}) },
			mapHand{selected: target{entity: model.DeviceID("core1")}}},
		{"a tap on nothing", func(t *testing.T, h *handledMap) {
			h.tap(t, cutLink)
			h.load(t)
			h.panel.Handle(Gesture{Kind: Tap, At: plot.Point{X: 20, Y: 600}})
		}, mapHand{}},
		{"Esc closes the card", func(t *testing.T, h *handledMap) { h.tap(t, cutLink); h.key(t, "Escape", "") }, mapHand{}},
		{"the card's head closes it", func(t *testing.T, h *handledMap) {
			h.tap(t, cutLink)
			h.load(t)
			h.panel.Handle(Gesture{Kind: Tap, At: h.panel.shown.card.leads[0].Center()})
		}, mapHand{}},
		{"a card leads on", func(t *testing.T, h *handledMap) {
			h.tap(t, cutLink)
			h.load(t)
			h.panel.Handle(Gesture{Kind: Tap, At: h.panel.shown.card.leads[2].Center()})
		}, mapHand{selected: target{entity: model.DeviceID("dist2")}}},
		{"a card elsewhere keeps", func(t *testing.T, h *handledMap) {
			h.tap(t, cutLink)
			h.load(t)
			place := h.panel.shown.card.place
			h.panel.Handle(Gesture{Kind: Tap, At: plot.Point{X: place.X + 4, Y: place.Bottom() - 4}})
		}, mapHand{selected: cutLink}},
		{"an arrow goes to the next device", func(t *testing.T, h *handledMap) {
			h.tap(t, target{entity: model.DeviceID("core1")})
			h.key(t, "Right", "")
		}, mapHand{selected: target{entity: model.DeviceID("core2")}}},
		{"search and Enter", func(t *testing.T, h *handledMap) {
			h.key(t, "", "/")
			h.key(t, "Space", "bsn-gw")
			h.key(t, "Return", "")
		}, mapHand{selected: target{entity: model.DeviceID("bsn-gw")}}},
		{"a search that is given up", func(t *testing.T, h *handledMap) { h.key(t, "", "/"); h.key(t, "", "zzl"); h.key(t, "Escape", "") }, mapHand{}},
		{"all again after a while", func(t *testing.T, h *handledMap) {
			h.key(t, "", "zl")
			h.tap(t, cutLink)
			h.panel.Handle(Gesture{Kind: Leave})
		}, mapHand{}},
		{"0 shows all", func(t *testing.T, h *handledMap) { h.key(t, "", "zz0") }, mapHand{}},
		{"nearer and back", func(t *testing.T, h *handledMap) { h.key(t, "", "zx") }, mapHand{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := &handledMap{picture: picture{name: tt.name, kind: "topology", keys: fullMap, w: 1331, h: 960, k: 1, src: src.Source}}
			h.load(t)
			tt.do(t, h)
			h.load(t)
			got := h.panel.hand
			got.camera = camera{} // another test's matter, but for these:
			if h.panel.hand.camera.near() && tt.want.selected.none() {
				t.Errorf("the camera stays at %+v", h.panel.hand.camera)
			}
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(mapHand{}, camera{}, target{}, mapSearch{}, mapDrag{})); diff != "" {
				t.Errorf("hand (-want +got):\n%s", diff)
			}
		})
	}
}

func TestKeysThatTheMapHasNoUseFor(t *testing.T) {
	h := &handledMap{picture: picture{kind: "topology", keys: fullMap, w: 1331, h: 960, k: 1, src: mockCampus().Source}}
	h.load(t)
	for _, g := range []Gesture{{Kind: Key, Key: "Escape"}, {Kind: Key, Key: "Left"}, {Kind: Key, Key: "Space"}, {Kind: Key, Rune: 'a'}, {Kind: Key, Rune: '3'}, {Kind: Leave}} {
		if h.panel.Handle(g) {
			t.Errorf("the map took %+v, which is the wall's", g)
		}
	}
}

func TestCameraLeavesWhatIsUnderThePointer(t *testing.T) {
	area := plot.Rect{X: 10, Y: 20, W: 1000, H: 500}
	c := camera{}
	for _, at := range []plot.Point{{X: 500, Y: 200}, {X: 700, Y: 300}, {X: 600, Y: 260}} {
		before := c.toMap(at, area)
		c = c.nearer(1.7, at, area)
		after := c.toMap(at, area)
		if math.Hypot(after.X-before.X, after.Y-before.Y) > 1/c.zoom { // a pixel of the screen
			t.Errorf("%v was under the pointer, then %v", before, after)
		}
		if back := c.toScreen(after, area); math.Hypot(back.X-at.X, back.Y-at.Y) > 1e-6 {
			t.Errorf("%v comes back as %v", at, back)
		}
	}
	for range 40 {
		c = c.nearer(1.7, plot.Point{X: 10, Y: 20}, area).moved(plot.Point{X: 1e6, Y: 1e6}, area)
	}
	if c.zoom > maxZoom {
		t.Errorf("zoom %v", c.zoom)
	}
	if p := c.toMap(plot.Point{X: area.X, Y: area.Y}, area); p.X < area.X-0.5 || p.Y < area.Y-0.5 {
		t.Errorf("the camera looks beyond the map, at %v", p)
	}
	for range 80 {
		c = c.nearer(1/1.3, plot.Point{X: 900, Y: 400}, area)
	}
	if c != (camera{}) {
		t.Errorf("from afar the camera is %+v, want the whole map", c)
	}
}

func TestNearMapOverlapsNoBoxes(t *testing.T) {
	for _, c := range []*campus{badNight(), labDown(), mixedCampus(), ringCampus(12)} {
		for _, full := range []bool{false, true} {
			m, base := sceneOf(c, full, 1062, 493)
			for _, zoom := range []float64{1.1, 1.5, 3, 7} {
				s := base.through(m, camera{zoom: zoom, middle: plot.Point{X: 0.5, Y: 0.6}}.bounded())
				for i, b := range s.boxes {
					for _, other := range s.boxes[:i] {
						if o := b.Intersect(other.Rect); o.W > 1 && o.H > 1 {
							t.Errorf("full=%t, %v times nearer: %s and %s overlap", full, zoom, name(m, b), name(m, other))
						}
					}
				}
				for _, w := range s.wires {
					for e, node := range [2]int{m.links[w.link].a, m.links[w.link].b} {
						p := w.pts[e*(len(w.pts)-1)]
						q := w.pts[(1-e)*(len(w.pts)-1)]
						box := s.boxes[s.boxOf[node]].Inset(-3)
						if s.boxes[s.boxOf[node]].Empty() { // counted, and off the screen
							continue
						}
						if !box.Contains(p.X, p.Y) && !(w.form == wireTree && box.Contains(q.X, q.Y)) {
							t.Errorf("full=%t, %v times nearer: cable %s does not end at %s", full, zoom, m.links[w.link].Key(), m.nodes[node].name)
						}
					}
				}
			}
		}
	}
}

// A map that was moved step by step is the same picture as one that was painted at once.
func TestMovedMapIsThePicture(t *testing.T) {
	for name, src := range map[string]*campus{"night": badNight(), "crowd": bigCampus()} {
		for _, steps := range []int{2, 8} {
			h := &handledMap{picture: picture{kind: "topology", keys: fullMap, w: 1331, h: 960, k: 1, src: src.Source}}
			h.near(t, model.DeviceID("core2"), steps)
			h.near(t, model.DeviceID("core1"), steps)
			img := newImage(plot.Rect{W: 1299, H: 898})
			draw := func(p *topologyPanel) {
				v, err := p.Load(t.Context(), h.src, h.env(t))
				if err != nil {
					t.Fatal(err)
				}
				c := plot.NewCanvas(img, testFace)
				c.Clear(plot.Dark().Surface)
				v.Paint(c, plot.Rect{W: 1299, H: 898})
			}
			for i := range 12 {
				h.panel.Handle(Gesture{Kind: Drag, By: plot.Point{X: float64(i*7 - 30), Y: float64(20 - 5*i)}})
				draw(h.panel)
			}
			moved := slices.Clone(img.Pix)
			fresh := newPanel(t, "topology", fullMap).(*topologyPanel)
			fresh.hand = h.panel.hand
			draw(fresh)
			if different := differing8(moved, img.Pix); different > 0 {
				t.Errorf("%s, %d steps nearer: %d bytes of the moved map are not what they should be", name, steps, different)
			}
		}
	}
}

// differing8 counts the bytes that differ by more than rounding.
func differing8(a, b []uint8) int {
	n := 0
	for i := range a {
		if d := int(a[i]) - int(b[i]); d > 6 || d < -6 {
			n++
		}
	}
	return n
}
