package panels

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/panels/paneltest"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

func livePanelOf(kind, keys string, l *live) *livePanel {
	return &livePanel{picture: picture{kind: kind, keys: keys, w: 900, h: 500, k: 1, src: paneltest.New(liveNow)}, live: l}
}

func (p *livePanel) logs() *logs { return p.panel.(*logs) }

// A log is followed until somebody goes back in it, and again from its end on.
func TestLogsStandStill(t *testing.T) {
	p := livePanelOf("logs", "{of: kube/c/ns/shop/pod/web}", podLog(300))
	p.load(t)
	if page := p.logs().page; page.held || page.top != page.lastTop || page.top == 0 {
		t.Fatalf("at first held %t at %d of %d", page.held, page.top, page.lastTop)
	}
	p.panel.(Interactive).Handle(Gesture{Kind: Scroll, By: plot.Point{Y: 1}})
	p.load(t)
	stood := p.logs().page.top
	more(p.live, 37)
	p.live.log.Dropped, p.live.log.Lines = 10, p.live.log.Lines[10:]
	v := p.load(t)
	if page := p.logs().page; !page.held || page.top != stood || v.Right == "" {
		t.Errorf("held %t at %d, stood at %d", page.held, page.top, stood)
	}
	if note, _ := p.logs().note(p.picture.env(t), p.live.log); note != "Paused, 37 new lines: End goes on" {
		t.Error(note)
	}
	p.live.log.Dropped, p.live.log.Lines = 320, p.live.log.Lines[len(p.live.log.Lines)-17:] // what was looked at is gone
	p.load(t)
	if page := p.logs().page; page.top < 320 || len(page.rows) == 0 {
		t.Errorf("at %d with %d rows", page.top, len(page.rows))
	}
	p.press(t, "<End>")
	if page := p.logs().page; page.held {
		t.Error("End does not go on")
	}
	p.press(t, "<Prior>")
	for range 20 {
		p.panel.(Interactive).Handle(Gesture{Kind: Scroll, By: plot.Point{Y: -1}})
		p.load(t)
	}
	if p.logs().page.held {
		t.Error("the wheel does not reach the end")
	}
}

func TestLogsKeys(t *testing.T) {
	for _, tt := range []struct {
		keys string
		want model.LogRequest // of the last question
	}{
		{"", model.LogRequest{}},
		{"c", model.LogRequest{Container: "istio-proxy"}},
		{"p", model.LogRequest{Previous: true}},
		{"pp", model.LogRequest{}},
		{"/cp<Return>", model.LogRequest{}}, // letters of a search
		{"/cp<Escape>c", model.LogRequest{Container: "istio-proxy"}},
	} {
		p := livePanelOf("logs", "{of: kube/c/ns/shop/pod/web}", podLog(300))
		p.load(t)
		p.press(t, tt.keys)
		p.load(t)
		tt.want.Entity = "kube/c/ns/shop/pod/web"
		if got := p.live.requests[len(p.live.requests)-1]; got != tt.want {
			t.Errorf("%q asks for %+v", tt.keys, got)
		}
		p.panel.(Interactive).Handle(Gesture{Kind: Leave})
		p.load(t)
		if got := p.live.requests[len(p.live.requests)-1]; got != (model.LogRequest{Entity: tt.want.Entity}) || p.logs().hand != (reader{}) {
			t.Errorf("%q, and left: %+v %+v", tt.keys, got, p.logs().hand)
		}
	}
	none := livePanelOf("logs", "{of: x}", &live{log: model.Log{State: model.LogConnecting}})
	none.load(t)
	for _, key := range []string{"Prior", "Next", "Home", "End"} {
		if none.panel.(Interactive).Handle(Gesture{Kind: Key, Key: key}) {
			t.Errorf("%s is taken by a log without lines", key)
		}
	}
}

func TestReaderSearch(t *testing.T) {
	p := livePanelOf("document", "{of: x}", longDocument())
	p.load(t)
	d := p.panel.(*document)
	at := func() int { return d.hand.hit }
	p.press(t, "/KEY-39")
	if found := len(d.page.found); found != 111 || at() != 2*39 {
		t.Fatalf("%d lines, at %d", found, at())
	}
	if top := d.page.top; top > at() || top+d.page.visible <= at() {
		t.Errorf("line %d is not among those from %d on", at(), top)
	}
	p.press(t, "<Return>n")
	if at() != 2*390 {
		t.Errorf("n goes to %d", at())
	}
	p.press(t, "NN")
	if at() != 2*3999 {
		t.Errorf("N from the first goes to %d", at())
	}
	p.press(t, "n")
	if at() != 2*39 {
		t.Errorf("n from the last goes to %d", at())
	}
	p.press(t, "<Escape>")
	if d.hand.find != "" || d.page.found != nil {
		t.Error("Escape leaves the search")
	}
	if p.panel.(Interactive).Handle(Gesture{Kind: Key, Key: "Escape"}) {
		t.Error("Escape is taken where there is no search")
	}
	p.press(t, "/zzz<BackSpace>")
	if d.hand.find != "zz" || len(d.page.found) != 0 {
		t.Errorf("search %q finds %d", d.hand.find, len(d.page.found))
	}
}

func TestDocumentIsReadAnew(t *testing.T) {
	p := livePanelOf("document", "{of: x}", podDocument())
	for _, tt := range []struct {
		after time.Duration
		want  int
	}{{0, 1}, {9 * time.Second, 1}, {10 * time.Second, 2}, {11 * time.Second, 2}} {
		p.src = paneltest.New(liveNow.Add(tt.after))
		p.load(t)
		if p.live.asked != tt.want {
			t.Errorf("after %v asked %d times", tt.after, p.live.asked)
		}
	}
}

func TestLiveOptions(t *testing.T) {
	for _, kind := range []string{"document", "logs"} {
		if _, err := tryPanel(kind, "{}"); err == nil || !strings.Contains(err.Error(), "of: want the ID") {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestKeyEnd(t *testing.T) {
	for text, want := range map[string]int{
		"name: x": 5, "spec:": 5, "plain": 0, "a b: c": 0, "'quoted: x'": 0, "https://x": 0, "f:x: y": 4, "": 0, `{"a": 1}`: 0,
	} {
		if got := keyEnd(text); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
	columns, items := beginning("  - - a: b")
	if columns != 6 || items != 2 {
		t.Errorf("%d columns, %d items", columns, items)
	}
}

func TestLevels(t *testing.T) {
	bad, warn := plot.Dark().CritInk, plot.Dark().WarnText
	for _, tt := range []struct{ text, want string }{
		{"2026 ERROR failed", "ERROR!"},
		{"WARNING: x WARN", "WARNING WARN"},
		{`level=error msg=x`, "error!"},
		{`{"level":"warn","x":1}`, "warn"},
		{`severity: "CRITICAL"`, "CRITICAL!"},
		{"E0914 03:13:22 x", "E!"},
		{"W0914 03:13:22 x", "W"},
		{"panic: runtime error", "panic:!"},
		{"no errors, ERRORS=0, Warnings", ""},
		{"level=info msg=\"error\"", ""},
		{"", ""},
	} {
		var got []string
		for _, i := range levels(tt.text, bad, warn) {
			word := tt.text[i.from:i.to]
			if i.col == bad {
				word += "!"
			}
			got = append(got, word)
		}
		if d := cmp.Diff(tt.want, strings.Join(got, " ")); d != "" {
			t.Errorf("%q: %s", tt.text, d)
		}
	}
}

// FuzzReaderRows: whatever a line holds, its rows are the line, and each fits.
func FuzzReaderRows(f *testing.F) {
	f.Add("level=info msg=\"한글 로그\" "+strings.Repeat("x", 500), 300)
	f.Add("\xff\x00 a", 40)
	f.Fuzz(func(t *testing.T, text string, width int) {
		if width < 40 || width > 3000 || len(text) > 5000 {
			return
		}
		env := Env{Style: plot.Style{Palette: plot.Dark(), K: 1}, Face: testFace, Size: plot.Rect{W: float64(width), H: 200}}
		page := reader{}.page(readable{count: 1, line: func(int) string { return text }, inks: func(int) []ink { return nil }}, env, false)
		rows := page.wrap(0, float64(width), env, map[rune]float64{})
		at := 0
		for _, r := range rows {
			if r.from != at || r.to < r.from {
				t.Fatalf("rows %+v of %q", rows, text)
			}
			at = r.to
		}
		if at != len(text) && len(rows) < maxLineRows {
			t.Errorf("rows end at %d of %d", at, len(text))
		}
	})
}

func BenchmarkLogs(b *testing.B) {
	l := podLog(5000)
	for i := range l.log.Lines {
		l.log.Lines[i].Text = fmt.Sprint(i, " ", strings.Repeat("retrying the payment ", 10))
	}
	p := livePanelOf("logs", "{of: x}", l)
	p.load(b)
	p.press(b, "/payment")
	for b.Loop() {
		p.load(b)
	}
}
