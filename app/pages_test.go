package app

import (
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"github.com/nocturne-noc/nocturne/app/board"
	"github.com/nocturne-noc/nocturne/app/config"
	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/panels"
)

// demo is the built-in recording at its height.
func demo(t testing.TB) *Player {
	t.Helper()
	p, err := OpenDemo(1, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	p.Toggle()
	_, height := p.Incidents()
	p.Seek(height)
	return p
}

const crashing = "kube/lab-seoul/ns/shop/pod/checkout-56c859bbc9-8bl4b"

func builtinPages(t testing.TB) Pages {
	t.Helper()
	pages, err := PagesOf(nil)
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

// Every built-in page holds panels that can be made, for every kind that it is for.
func TestBuiltinPagesAreWhole(t *testing.T) {
	p := demo(t)
	pages := builtinPages(t)
	pod := model.ObjectID("c", "n", model.KindPod, "x")
	for _, id := range []string{
		"server/vm", "probe/shop", "device/core1", "device/core1/port/te4", "source/campus", "kube/lab-seoul", "kube/lab-seoul/node/node-07", "kube/lab-seoul/ns/shop",
		crashing, pod, model.ContainerID(pod, "main"), model.ClusterObjectID("c", model.KindVolume, "v"), "kube/lab-seoul/ns/shop/deployment/checkout",
		model.ObjectID("c", "n", model.KindVolumeClaim, "v"), model.ObjectID("c", "n", model.KindCertificate, "v"), model.ObjectID("c", "n", model.KindJob, "v"),
		model.ObjectID("c", "n", model.KindService, "v"), model.ObjectID("c", "n", model.KindQuota, "v"), model.ObjectID("c", "n", model.KindPod, `a"b\c`),
	} {
		page, err := pages.Open(p.Source(), id)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, sheet := range page.Sheets {
			if len(sheet.Panels) == 0 {
				t.Errorf("%s %s: an empty page", id, sheet.Name)
			}
			for _, panel := range sheet.Panels {
				if panel.Broken != nil {
					t.Errorf("%s %s: %v", id, sheet.Name, panel.Broken)
				}
			}
		}
	}
	if _, err := pages.Open(p.Source(), "moon/x"); err == nil {
		t.Error("an ID that says nothing has a page")
	}
}

func TestPagesOfTheConfigurationComeFirst(t *testing.T) {
	cfg, err := config.Parse("n.yaml", []byte("pages:\n  - for: pod\n    panels: [{kind: text, at: [0, 0, 1, 1], text: $pod}]\n"), ".")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := PagesOf(cfg)
	if err != nil {
		t.Fatal(err)
	}
	p := demo(t)
	page, err := pages.Open(p.Source(), crashing)
	if err != nil || len(page.Sheets) != 1 || len(page.Sheets[0].Panels) != 1 {
		t.Errorf("%+v, %v: want the one panel of the configuration", page.Sheets, err)
	}
	if want := []string{"lab-seoul", "shop", "checkout-56c859bbc9-8bl4b"}; !slices.Equal(page.Trail, want) {
		t.Errorf("the way to it is %q, want %q", page.Trail, want)
	}
}

// pageWall is a wall on the recording whose window is never shown; shown draws what it would.
func pageWall(t testing.TB, acked *[]string) *Wall {
	t.Helper()
	p := demo(t)
	boards, err := ReplayBoards(p)
	if err != nil {
		t.Fatal(err)
	}
	a := test.NewTempApp(t)
	w, err := NewWall(a, WallOptions{Source: p.Source(), Boards: boards, Pages: builtinPages(t), Board: "kubernetes",
		Look: LookOf(config.Wall{Distance: 5, Screen: 55}, "en", "dark"), Log: slog.New(slog.DiscardHandler),
		Ack: func(id string) error { *acked = append(*acked, id); return nil }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.window.Close)
	w.resized(1280, 720)
	return w
}

// shown puts up what the pump would.
func shown(t testing.TB, w *Wall) {
	t.Helper()
	w.show(w.current, w.current.Update(t.Context(), w.o.Source, 0), true)
}

func depth(w *Wall) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.stack)
}

func press(w *Wall, name fyne.KeyName) { w.window.Canvas().OnTypedKey()(&fyne.KeyEvent{Name: name}) }

func TestPagesAreOpenedAndLeft(t *testing.T) {
	var acked []string
	w := pageWall(t, &acked)
	shown(t, w)
	press(w, fyne.KeyTab)
	first, ok := w.view.Selection()
	if !ok || first.Spot.Entity == "" {
		t.Fatalf("Tab selects %+v", first)
	}
	worst := model.OK
	for _, s := range w.view.Spots() {
		for _, e := range w.o.Source.Entities(model.Filter{ID: s.Spot.Entity}) {
			worst = model.Worst(worst, e.State)
		}
	}
	if got := w.o.Source.Entities(model.Filter{ID: first.Spot.Entity})[0].State; got != worst {
		t.Errorf("Tab selects what is %v first, there is what is %v", got, worst)
	}
	press(w, fyne.KeyDown)
	if second, _ := w.view.Selection(); second.Same(first) {
		t.Error("the selection does not move")
	}
	press(w, fyne.KeyUp)
	press(w, fyne.KeyReturn)
	if depth(w) != 1 || w.stack[0].Entity != first.Spot.Entity {
		t.Fatalf("Enter opens %d pages", depth(w))
	}
	shown(t, w)
	w.tapped(0, panels.Spot{Entity: "kube/lab-seoul/node/node-08"})
	w.tapped(0, panels.Spot{Entity: "kube/lab-seoul/node/node-08"}) // the page that is up is not opened again
	if depth(w) != 2 {
		t.Fatalf("%d pages are open, want 2", depth(w))
	}
	press(w, fyne.KeyBackspace)
	if depth(w) != 1 {
		t.Error("Backspace does not go back")
	}
	press(w, fyne.KeyEscape)
	if depth(w) != 0 || w.boards[w.active].Name != "kubernetes" {
		t.Error("Esc does not go back to the board")
	}
}

func TestAlertsAreOpenedAndAcknowledged(t *testing.T) {
	var acked []string
	w := pageWall(t, &acked)
	w.tapped(0, panels.Spot{Entity: crashing, Alert: "1"})
	if depth(w) != 1 || len(acked) != 0 {
		t.Errorf("a tap on an alert's row opens %d pages and acknowledges %q", depth(w), acked)
	}
	w.tapped(0, panels.Spot{Alert: "2", Ack: true})
	w.tapped(0, panels.Spot{Alert: "3"}) // is about no entity
	shown(t, w)
	w.view.Select(board.Selected{Spot: panels.Spot{Entity: crashing, Alert: "4"}})
	w.window.Canvas().OnTypedRune()('a')
	if !slices.Equal(acked, []string{"2", "3", "4"}) {
		t.Errorf("acknowledged %q", acked)
	}
}

func TestPagesCloseByThemselves(t *testing.T) {
	var acked []string
	w := pageWall(t, &acked)
	w.openPage(crashing)
	for range handsStand/time.Second - 1 {
		w.ageHands(time.Second)
	}
	if depth(w) != 1 {
		t.Error("the page closes too early")
	}
	w.touched()
	w.ageHands(time.Minute)
	if depth(w) != 1 {
		t.Error("the page closes while somebody handles it")
	}
	w.ageHands(handsStand)
	if depth(w) != 0 {
		t.Error("the page stays although nobody reads it")
	}
	w.openPage(crashing)
	w.turn(1)
	if depth(w) != 0 {
		t.Error("another board is chosen and the page is still over it")
	}
}

func sheetShown(w *Wall) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	top := w.stack[len(w.stack)-1]
	return top.Sheets[top.sheet].Name
}

// Arrows, digits and taps go by the sheets of a page, and pages of the same kind open at the sheet of last time.
func TestSheets(t *testing.T) {
	var acked []string
	w := pageWall(t, &acked)
	w.resized(1920, 1080)
	typed := w.window.Canvas().OnTypedRune()
	w.openPage("server/a")
	shown(t, w)
	for _, step := range []struct {
		do   func()
		want string
	}{
		{func() {}, "summary"},
		{func() { press(w, fyne.KeyRight) }, "cpu"},
		{func() { press(w, fyne.KeyLeft); press(w, fyne.KeyLeft) }, "events"},
		{func() { press(w, fyne.KeyRight) }, "summary"},
		{func() { typed('4') }, "disks"},
		{func() { w.openPage("server/b") }, "disks"},
		{func() { typed('5') }, "network"},
		{func() { w.back() }, "disks"}, // a page stays as it was left
		{func() { w.openPage("server/c") }, "network"},
		{func() { w.openPage("kube/lab-seoul/node/node-08") }, ""},
		{func() { w.back() }, "network"},
	} {
		step.do()
		if got := sheetShown(w); got != step.want {
			t.Errorf("sheet %q, want %q", got, step.want)
		}
	}
	// A tap in the header: each title is where it is drawn, and beside them there is none.
	shown(t, w)
	header := w.current.Geometry().Header
	seen := []int{}
	for x := range header.Dx() {
		if tab := w.current.TabAt(float64(x), float64(header.Dy()-5)); tab >= 0 && !slices.Contains(seen, tab) {
			seen = append(seen, tab)
		}
		if tab := w.current.TabAt(float64(x), 20); tab >= 0 {
			t.Fatalf("there is tab %d at (%d, 20)", tab, x)
		}
	}
	if want := []int{0, 1, 2, 3, 4, 5, 6, 7, 8}; !slices.Equal(seen, want) {
		t.Errorf("tabs %v from left to right, want %v", seen, want)
	}
	w.view.OnTab(2)
	if got := sheetShown(w); got != "memory" {
		t.Errorf("a tap shows %q", got)
	}
	w.closePages()
	w.openPage(crashing) // has no sheets: arrows are the boards'
	press(w, fyne.KeyRight)
	if depth(w) != 0 {
		t.Error("an arrow on a page without sheets does not turn the board")
	}
}

func TestSnapshotOfASheet(t *testing.T) {
	p := demo(t)
	boards, err := ReplayBoards(p)
	if err != nil {
		t.Fatal(err)
	}
	look := LookOf(config.Wall{Distance: 5, Screen: 55}, "ko", "dark")
	draw := func(page, sheet string) ([]byte, error) {
		req := SnapshotRequest{Page: page, Sheet: sheet, Size: "640x360"}
		if err := req.Check(); err != nil {
			return nil, err
		}
		img, err := snapshot(t.Context(), p.Source(), boards, builtinPages(t), req, look, nil, nil, nil)
		if err != nil {
			return nil, err
		}
		return img.Pix, nil
	}
	first, err := draw("server/a", "")
	if err != nil {
		t.Fatal(err)
	}
	summary, err := draw("server/a", "summary")
	if err != nil || !slices.Equal(first, summary) {
		t.Errorf("the first sheet is another one: %v", err)
	}
	disks, err := draw("server/a", "disks")
	if err != nil || slices.Equal(first, disks) {
		t.Errorf("two sheets look alike: %v", err)
	}
	for _, tc := range [][3]string{
		{"server/a", "disk", "want one of summary, cpu"},
		{crashing, "disks", "it has no sheets"},
		{"", "disks", "say which page"},
	} {
		if _, err := draw(tc[0], tc[1]); err == nil || !strings.Contains(err.Error(), tc[2]) {
			t.Errorf("%q %q: %v, want %q in it", tc[0], tc[1], err, tc[2])
		}
	}
}

// What has gone still has its page, which says so.
func TestPageOfWhatIsGone(t *testing.T) {
	p := demo(t)
	look := LookOf(config.Wall{Distance: 5, Screen: 55}, "en", "dark")
	said := ""
	look.Text = func(english string, args ...any) string {
		said += english + "\n"
		return LookOf(config.Wall{}, "en", "").Text(english, args...)
	}
	boards, err := ReplayBoards(p)
	if err != nil {
		t.Fatal(err)
	}
	page, err := builtinPages(t).Open(p.Source(), "kube/lab-seoul/ns/shop/pod/away-1")
	if err != nil {
		t.Fatal(err)
	}
	for _, placed := range page.Sheets[0].Panels[:1] {
		env, err := look.Env()
		if err != nil {
			t.Fatal(err)
		}
		env.Size.W, env.Size.H, env.Style.K = 600, 800, 1
		v, err := placed.Panel.Load(t.Context(), p.Source(), env)
		if err != nil || v.State != model.Unknown {
			t.Errorf("%v %v", v, err)
		}
	}
	if !strings.Contains(said, "not known") {
		t.Errorf("the page says %q", said)
	}
	if _, err := snapshot(t.Context(), p.Source(), boards, builtinPages(t), SnapshotRequest{Page: page.Entity, Size: "640x360"}, LookOf(config.Wall{Distance: 5, Screen: 55}, "ko", "light"), nil, nil, nil); err != nil {
		t.Error(err)
	}
}

// Opening and closing a thousand pages leaves nothing behind.
func TestPagesAreNotKept(t *testing.T) {
	var acked []string
	w := pageWall(t, &acked)
	w.resized(320, 180)
	round := func() {
		w.openPage(crashing)
		w.openPage("kube/lab-seoul/node/node-07")
		w.back()
		w.back()
	}
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	for range 20 {
		round()
	}
	before := heap()
	for range 500 {
		round()
	}
	const slack = 2 << 20 // one page's pictures weigh more than this divided by a thousand
	if after := heap(); after > before+slack {
		t.Errorf("the heap grew from %d to %d bytes", before, after)
	}
	for range 2 * mostPages {
		w.openPage(crashing)
		w.openPage("kube/lab-seoul")
	}
	if depth(w) != mostPages {
		t.Errorf("%d pages are stacked, want %d", depth(w), mostPages)
	}
}
