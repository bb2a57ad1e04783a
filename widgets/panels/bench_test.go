package panels

import (
	"context"
	"image"
	"strings"
	"testing"

	"github.com/nocturne-noc/nocturne/widgets/panels/paneltest"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

func newImage(r plot.Rect) *image.RGBA {
	return image.NewRGBA(image.Rect(0, 0, max(1, int(r.W)), max(1, int(r.H))))
}

// BenchmarkPanels loads and paints each panel of the bad night at 1920x1080, and those of the crowd.
func BenchmarkPanels(b *testing.B) {
	for _, p := range gallery() {
		if p.k != 1 || p.korean || p.light {
			continue
		}
		env := p.env(b)
		panel := newPanel(b, p.kind, p.keys)
		b.Run(p.name+"/load", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := panel.Load(context.Background(), p.src, env); err != nil {
					b.Fatal(err)
				}
			}
		})
		v, err := panel.Load(context.Background(), p.src, env)
		if err != nil {
			b.Fatal(err)
		}
		if v.Paint == nil {
			continue
		}
		c := plot.NewCanvas(newImage(env.Size), testFace)
		b.Run(p.name+"/paint", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				v.Paint(c, env.Size)
			}
		})
	}
}

// FuzzTemplates feeds foreign text to everything in a panel that reads a little language.
func FuzzTemplates(f *testing.F) {
	for _, s := range []string{"{{a}} b", "{{", "}}{{", "**a** b", "# h", "1 + up", "rate(x[$__interval])", "$__", "up[", "7d", "\xff\x00"} {
		f.Add(s)
	}
	src := paneltest.Quiet()
	lines, err := src.Query(context.Background(), "node_load1", src.At)
	if err != nil {
		f.Fatal(err)
	}
	c := plot.NewCanvas(image.NewRGBA(image.Rect(0, 0, 200, 100)), testFace)
	f.Fuzz(func(t *testing.T, s string) {
		if got := names(s, "x", lines[:2]); len(got) != 2 || got[0] == "" {
			t.Errorf("names(%q) = %q", s, got)
		}
		if x, err := parseExpression("expr", s); err == nil && x.text != s {
			t.Errorf("%q was parsed as %q", s, x.text)
		}
		if x, err := parseRanged("expr", s); err == nil && strings.Contains(x.in(sampleTiming), "$__") {
			t.Errorf("%q still holds a variable: %q", s, x.in(sampleTiming))
		}
		if d, err := parseSpan("range", s, 1); err == nil && d <= 0 {
			t.Errorf("%q is a span of %v", s, d)
		}
		paintText(newPen(c, testEnv(200, 100).Style), plot.Rect{W: 200, H: 100}, []string{s})
	})
}
