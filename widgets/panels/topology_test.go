package panels

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"fyne.io/fyne/v2/theme"
	"github.com/goccy/go-yaml"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/panels/paneltest"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

var updateMaps = flag.Bool("update-maps", false, "rewrite the golden pictures of maps")

var mapFace = sync.OnceValue(func() *plot.Typeface {
	face, err := plot.NewTypeface(theme.DefaultTextFont().Content(), theme.DefaultTextBoldFont().Content())
	if err != nil {
		panic(err)
	}
	return face
})

func mapEnv(w, h, k float64) Env {
	return Env{
		Style: plot.Style{Palette: plot.Dark(), K: k, Loc: paneltest.KST},
		Face:  mapFace(), Text: fmt.Sprintf, Lang: "en", Size: plot.Rect{W: w, H: h},
	}
}

func newMap(t testing.TB, options string) Panel {
	t.Helper()
	p, err := topologyKind().New(func(into any) error { return yaml.Unmarshal([]byte(options), into) })
	if err != nil {
		t.Fatalf("options %q: %v", options, err)
	}
	return p
}

// paintMap loads a map and paints it within a margin, as a panel's body is.
func paintMap(t testing.TB, p Panel, src model.Source, env Env) (*image.RGBA, *View) {
	t.Helper()
	v, err := p.Load(context.Background(), src, env)
	if err != nil {
		t.Fatal(err)
	}
	k := env.Style.K
	img := image.NewRGBA(image.Rect(0, 0, int(env.Size.W+32*k), int(env.Size.H+62*k)))
	c := plot.NewCanvas(img, env.Face)
	c.Clear(env.Style.Palette.Surface)
	c.TextRight(env.Size.W+16*k, 31*k, v.Right, plot.Font{Size: 18 * k}, env.Style.Palette.Muted)
	if v.Notice != nil {
		c.Text(16*k, 80*k, v.Notice.Head, plot.Font{Size: 26 * k, Bold: true}, env.Style.Palette.Text)
		for i, line := range v.Notice.Lines {
			c.Text(16*k, (120+26*float64(i))*k, line, plot.Font{Size: 18 * k}, env.Style.Palette.Muted)
		}
		return img, v
	}
	v.Paint(c, plot.Rect{X: 16 * k, Y: 48 * k, W: env.Size.W, H: env.Size.H})
	return img, v
}

func goldenMap(t *testing.T, name string, img *image.RGBA) {
	t.Helper()
	path := filepath.Join("testdata", name+".png")
	var buf bytes.Buffer
	if err := png.Encode(&buf, img); err != nil {
		t.Fatal(err)
	}
	if *updateMaps {
		if err := errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile(path, buf.Bytes(), 0o644)); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; run the test with -update-maps and look at the picture", err)
	}
	if !bytes.Equal(want, buf.Bytes()) {
		failed := filepath.Join("testdata", "failed", name+".png")
		if err := errors.Join(os.MkdirAll(filepath.Dir(failed), 0o755), os.WriteFile(failed, buf.Bytes(), 0o644)); err != nil {
			t.Fatal(err)
		}
		t.Errorf("the picture differs from %s: compare with %s", path, failed)
	}
}

func TestTopologyPictures(t *testing.T) {
	one := newCampus()
	one.id("core1")
	stale := labCampus()
	stale.set("acc12", model.Stale, stale.at("03:13:20"), stale.at("03:13:20"))
	stale.set("dist2", model.Unknown, stale.at("03:13:20"), time.Time{})
	unknown := labCampus()
	unknown.Lines = nil
	labDown := labCampus()
	for i := range labDown.Cables {
		if l := &labDown.Cables[i]; l.A == model.DeviceID("core1") && l.B == model.DeviceID("dist2") {
			l.State, l.Since = model.Critical, labDown.at("03:12:08")
		}
	}
	for _, tt := range []struct {
		name, options string
		src           model.Source
		env           Env
	}{
		{"topology-quiet", "", mockCampus(), mapEnv(1062, 493, 1)},
		{"topology-incident", "", badNight(), mapEnv(1062, 493, 1)},
		{"topology-full-quiet", "detail: full", mockCampus(), mapEnv(1299, 898, 1)},
		{"topology-full-incident", "detail: full", badNight(), mapEnv(1299, 898, 1)},
		{"topology-lab", "", labCampus(), mapEnv(1062, 493, 1)},
		{"topology-lab-down", "", labDown, mapEnv(1062, 493, 1)},
		{"topology-lab-full", "detail: full", labDown, mapEnv(1299, 898, 1)},
		{"topology-one", "", one, mapEnv(1062, 493, 1)},
		{"topology-none", "", newCampus(), mapEnv(1062, 493, 1)},
		{"topology-big", "", bigCampus(), mapEnv(1062, 493, 1)},
		{"topology-big-full", "detail: full", bigCampus(), mapEnv(1299, 898, 1)},
		{"topology-stale", "", stale, mapEnv(1062, 493, 1)},
		{"topology-unknown-use", "", unknown, mapEnv(1062, 493, 1)},
		{"topology-small", "", badNight(), mapEnv(796, 370, .75)},
		{"topology-double", "", badNight(), mapEnv(2124, 986, 2)},
		{"topology-tiny", "", badNight(), mapEnv(480, 280, 1)},
		{"topology-night", "", paneltest.Incident(), mapEnv(1062, 493, 1)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			img, _ := paintMap(t, newMap(t, tt.options), tt.src, tt.env)
			goldenMap(t, tt.name, img)
		})
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
}

func BenchmarkTopologyRaster(b *testing.B) {
	env := mapEnv(1062, 493, 1)
	v, err := newMap(b, "").Load(context.Background(), bigCampus(), env)
	if err != nil {
		b.Fatal(err)
	}
	c := plot.NewCanvas(image.NewRGBA(image.Rect(0, 0, 1094, 555)), env.Face)
	body := plot.Rect{X: 16, Y: 48, W: env.Size.W, H: env.Size.H}
	for b.Loop() {
		c.Clear(env.Style.Palette.Surface)
		v.Paint(c, body)
	}
}

func BenchmarkTopologyLoad(b *testing.B) {
	env := mapEnv(1062, 493, 1)
	src, p := bigCampus(), newMap(b, "")
	for b.Loop() {
		if _, err := p.Load(context.Background(), src, env); err != nil {
			b.Fatal(err)
		}
	}
}
