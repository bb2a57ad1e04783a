package panels

import (
	"errors"
	"image"
	"path/filepath"
	"testing"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/panels/paneltest"
	"github.com/nocturne-noc/nocturne/widgets/plot"
	"github.com/nocturne-noc/nocturne/widgets/plot/plottest"
)

// handledMap is a map that somebody handles.
type handledMap struct {
	picture
	panel *topologyPanel
	do    func(t *testing.T, h *handledMap)
}

// load shows the map as it is now.
func (h *handledMap) load(t testing.TB) *View {
	t.Helper()
	if h.panel == nil {
		h.panel = newPanel(t, "topology", h.keys).(*topologyPanel)
	}
	v, err := h.panel.Load(t.Context(), h.src, h.env(t))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// tap taps what stands for an entity or a link.
func (h *handledMap) tap(t testing.TB, to target) {
	t.Helper()
	for _, s := range h.load(t).Spots {
		if s.Entity == to.entity && s.Link == to.link {
			h.panel.Handle(Gesture{Kind: Tap, At: s.Rect.Center()})
			return
		}
	}
	t.Fatalf("%+v is not on the map", to)
}

// key presses a key, or types letters.
func (h *handledMap) key(t testing.TB, name, letters string) {
	t.Helper()
	h.load(t)
	if name != "" {
		h.panel.Handle(Gesture{Kind: Key, Key: name})
	}
	for _, r := range letters {
		h.panel.Handle(Gesture{Kind: Key, Rune: r})
	}
}

// TestMapOpensPages asks for the page of what is selected: by Enter, by tapping it again, by its card.
func TestMapOpensPages(t *testing.T) {
	h := handledMap{picture: picture{src: toldNight().Source, keys: "detail: full", w: 1299, h: 898, k: 1}}
	core := target{entity: model.DeviceID("core1")}
	for _, step := range []struct {
		name string
		do   func()
		want string
	}{
		{"Enter with nothing selected", func() { h.key(t, "Return", "") }, ""},
		{"a first tap selects", func() { h.tap(t, core) }, ""},
		{"a second one opens", func() { h.tap(t, core) }, core.entity},
		{"Enter opens", func() { h.key(t, "Return", "") }, core.entity},
		{"the card opens", func() {
			h.load(t)
			h.panel.Handle(Gesture{Kind: Tap, At: plot.Point{X: h.panel.shown.card.place.X + 2, Y: h.panel.shown.card.place.Y + 2}})
		}, core.entity},
		{"another tap selects", func() { h.tap(t, target{entity: model.DeviceID("dist1")}) }, ""},
		{"Enter in a search chooses", func() { h.key(t, "", "/dist"); h.key(t, "Return", "") }, ""},
	} {
		step.do()
		if got := h.panel.Open(); got != step.want {
			t.Errorf("%s: the page of %q is asked for, want %q", step.name, got, step.want)
		}
		if got := h.panel.Open(); got != "" {
			t.Errorf("%s: asked for twice", step.name)
		}
	}
}

// near comes nearer to an entity.
func (h *handledMap) near(t testing.TB, entity string, steps int) {
	t.Helper()
	h.load(t)
	p, ok := h.panel.shown.scene.placeOf(h.panel.shown.base.m, target{entity: entity})
	if !ok {
		t.Fatalf("%s is not on the map", entity)
	}
	for range steps {
		h.panel.Handle(Gesture{Kind: Scroll, At: p, By: plot.Point{Y: 1}})
	}
}

// drag drags a device by so many pixels.
func (h *handledMap) drag(t testing.TB, entity string, dx, dy float64) {
	t.Helper()
	h.load(t)
	at, ok := h.panel.shown.scene.placeOf(h.panel.shown.base.m, target{entity: entity})
	if !ok {
		t.Fatalf("%s is not on the map", entity)
	}
	for range 4 {
		at.X, at.Y = at.X+dx/4, at.Y+dy/4
		h.panel.Handle(Gesture{Kind: Drag, At: at, By: plot.Point{X: dx / 4, Y: dy / 4}})
		h.load(t)
	}
	h.panel.Handle(Gesture{Kind: Drop})
}

func (h *handledMap) check(t *testing.T) {
	h.load(t)
	h.do(t, h)
	v := h.load(t)
	img := image.NewRGBA(image.Rect(0, 0, int(h.w*h.k), int(h.h*h.k)))
	c := plot.NewCanvas(img, testFace)
	style := h.env(t).Style
	c.Clear(style.Palette.Surface)
	body := h.body()
	restore := c.Clip(body.Inset(-12 * h.k))
	v.Paint(c, body)
	restore()
	if *pictures != "" {
		plottest.Write(t, filepath.Join(*pictures, h.name+".png"), img)
	}
	if h.korean {
		if blank(img) {
			t.Errorf("%s: nothing was drawn", h.name)
		}
		return
	}
	plottest.Golden(t, h.name, img)
}

// toldNight is the bad night with what devices tell of it: evidence, ports, errors, events.
func toldNight() *campus {
	c := badNight()
	core, dist := model.DeviceID("core1"), model.DeviceID("dist2")
	for i := range c.Cables {
		l := &c.Cables[i]
		l.Evidence = []model.Evidence{{Source: "LLDP", Observer: l.A}, {Source: "LLDP", Observer: l.B}}
		if l.A == core && l.B == dist {
			l.Evidence = append(l.Evidence, model.Evidence{Source: "CDP", Observer: l.A})
		}
	}
	for _, p := range [][2]string{{"core1", "Te1/2/2"}, {"dist2", "Te1/1/4"}} {
		c.Add(model.Entity{ID: model.PortID(p[0], p[1]), Kind: model.KindInterface, Name: p[1], Parent: model.DeviceID(p[0]),
			State: model.Critical, Reason: "down", Labels: map[string]string{"speed_bps": "1e10", "ifAlias": "uplink " + p[0]}})
		c.Counter("ifInErrors", paneltest.Wave(p[0], 2, 3), "device", p[0], "ifName", p[1])
		c.Counter("ifOutErrors", paneltest.Const(0), "device", p[0], "ifName", p[1])
		c.Happened = append(c.Happened, model.Event{ID: uint64(len(c.Happened) + 1), Time: c.at("03:12:08"), Severity: model.Critical, Kind: "trap",
			Entity: model.PortID(p[0], p[1]), Title: p[0] + " " + p[1], Text: "linkDown"})
	}
	for i := range c.Things {
		if c.Things[i].ID == dist {
			c.Things[i].Labels = map[string]string{"vendor": "Cisco", "hardware": "C9500-24Y4C", "os": "IOS-XE", "version": "17.9.4a",
				"serial": "FDO2342K0AB", "address": "10.20.0.12", "sysLocation": "Seoul, building 2, rack 14", "mac": "00:1b:54:aa:bb:cc"}
		}
	}
	return c
}

var cutLink = target{link: "ethernet|device/core1|Te1/2/2|device/dist2|Te1/1/4"}

func TestTopologyHandled(t *testing.T) {
	night := toldNight().Source
	tapOn := func(to target) func(*testing.T, *handledMap) {
		return func(t *testing.T, h *handledMap) { h.tap(t, to) }
	}
	dist2 := target{entity: model.DeviceID("dist2")}
	plan, unread := floorPlan(t), toldNight()
	const groupKeys = ", groups: [{name: Building 3, devices: [dist3, acc3?]}, {name: Racks, devices: ['node-*']}]"
	for _, p := range []handledMap{
		{picture: picture{name: "map-link", keys: fullMap, w: 1331, h: 960, k: 1, src: night}, do: tapOn(cutLink)},
		{picture: picture{name: "map-link-ko", keys: fullMap, w: 1331, h: 960, k: 1, src: night, korean: true}, do: tapOn(cutLink)},
		{picture: picture{name: "map-link-folded", keys: foldedMap, w: 1094, h: 555, k: 1, src: night}, do: tapOn(cutLink)},
		{picture: picture{name: "map-device", keys: fullMap, w: 1331, h: 960, k: 1, src: night}, do: tapOn(dist2)},
		{picture: picture{name: "map-device-light", keys: fullMap, w: 1331, h: 960, k: 1, src: night, light: true}, do: tapOn(dist2)},
		{picture: picture{name: "map-link-stale", keys: fullMap, w: 1331, h: 960, k: 1, src: night}, do: tapOn(target{link: "ethernet|device/bsn-gw|ge0|device/wan1|ge1"})},
		{picture: picture{name: "map-device-unread", keys: foldedMap, w: 1094, h: 555, k: 1, src: unread.Source}, do: func(t *testing.T, h *handledMap) {
			h.tap(t, dist2)
			h.panel.last.at = unread.At // the map was read before it failed
			unread.Err = errors.New("the query took longer than 5s: choose a shorter range")
		}},
		{picture: picture{name: "map-near", keys: fullMap, w: 1331, h: 960, k: 1, src: night}, do: func(t *testing.T, h *handledMap) { h.near(t, dist2.entity, 4) }},
		{picture: picture{name: "map-crowd-near", keys: fullMap, w: 1331, h: 960, k: 1, src: bigCampus().Source}, do: func(t *testing.T, h *handledMap) { h.near(t, model.DeviceID("acc0100"), 9) }},
		{picture: picture{name: "map-crowd-halfway", keys: foldedMap, w: 1094, h: 555, k: 1, src: bigCampus().Source}, do: func(t *testing.T, h *handledMap) { h.near(t, model.DeviceID("acc0100"), 4) }},
		{picture: picture{name: "map-near-servers", keys: fullMap, w: 1331, h: 960, k: 1, src: night}, do: func(t *testing.T, h *handledMap) { h.near(t, model.DeviceID("acc41"), 6) }},
		{picture: picture{name: "map-search", keys: fullMap, w: 1331, h: 960, k: 1, src: night}, do: func(t *testing.T, h *handledMap) { h.key(t, "", "/"); h.key(t, "", "ACC3"); h.key(t, "Down", "") }},
		{picture: picture{name: "map-search-nothing", keys: foldedMap, w: 1094, h: 555, k: 2, src: night}, do: func(t *testing.T, h *handledMap) { h.key(t, "", "/"); h.key(t, "", "zzz") }},
		{picture: picture{name: "map-search-crowd", keys: foldedMap, w: 1094, h: 555, k: 1, src: bigCampus().Source}, do: func(t *testing.T, h *handledMap) { h.key(t, "", "/"); h.key(t, "", "acc0107"); h.key(t, "Return", "") }},
		{picture: picture{name: "map-pinned", keys: fullMap, w: 1331, h: 960, k: 1, src: night}, do: func(t *testing.T, h *handledMap) {
			h.key(t, "", "l")
			h.drag(t, model.DeviceID("dist3"), -40, -60)
			h.drag(t, model.DeviceID("acc41"), 30, 60)
			h.drag(t, model.ServerID("node-02"), 0, -140)
		}},
		{picture: picture{name: "map-pinned-folded", keys: foldedMap, w: 1094, h: 555, k: 1, src: night, light: true}, do: func(t *testing.T, h *handledMap) {
			h.key(t, "", "l")
			h.drag(t, model.DeviceID("dist4"), 20, -30)
			h.drag(t, model.DeviceID("acc42"), 30, 50)
			h.key(t, "", "l")
		}},
		{picture: picture{name: "map-groups", keys: fullMap[:len(fullMap)-1] + groupKeys + "}", w: 1331, h: 960, k: 1, src: night}, do: func(*testing.T, *handledMap) {}},
		{picture: picture{name: "map-ground", keys: "{title: Plan, background: " + plan + groupKeys + "}", w: 1094, h: 555, k: 1, src: night}, do: func(*testing.T, *handledMap) {}},
		{picture: picture{name: "map-ground-near", keys: "{title: Plan, background: " + plan + groupKeys + "}", w: 1094, h: 555, k: 1, src: night},
			do: func(t *testing.T, h *handledMap) { h.near(t, dist2.entity, 4) }},
		{picture: picture{name: "map-ground-gone", keys: "{title: Plan, background: /nowhere/plan.png}", w: 1094, h: 555, k: 1, src: mockCampus().Source}, do: func(*testing.T, *handledMap) {}},
		{picture: picture{name: "map-device-k2", keys: fullMap, w: 1331, h: 960, k: 2, src: night}, do: tapOn(dist2)},
	} {
		p.kind = "topology"
		t.Run(p.name, p.check)
	}
}

// floorPlan is a picture of four rooms in a file.
func floorPlan(t *testing.T) string {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 400, 180))
	c := plot.NewCanvas(img, nil)
	c.Clear(plot.Light().Surface)
	for i := range 4 {
		c.StrokeRound(plot.Rect{X: float64(10 + 97*i), Y: 10, W: 90, H: 160}, 0, 4, plot.Light().Text, nil)
	}
	path := filepath.Join(t.TempDir(), "plan.png")
	plottest.Write(t, path, img)
	return path
}
