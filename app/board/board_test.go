package board

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets"
	"github.com/nocturne-noc/nocturne/widgets/panels"
	"github.com/nocturne-noc/nocturne/widgets/panels/paneltest"
	"github.com/nocturne-noc/nocturne/widgets/plot"
	"github.com/nocturne-noc/nocturne/widgets/plot/plottest"
)

func testEnv(t testing.TB, light bool) panels.Env {
	t.Helper()
	face, err := widgets.Typeface()
	if err != nil {
		t.Fatal(err)
	}
	p := plot.Dark()
	if light {
		p = plot.Light()
	}
	return panels.Env{Style: plot.Style{Palette: p, K: 1, Loc: time.FixedZone("KST", 9*3600)}, Face: face, Text: fmt.Sprintf, Lang: "en"}
}

// fakePanel shows what it is told to.
type fakePanel struct {
	view  *panels.View
	err   error
	panic any
	wait  chan struct{} // Load blocks until it is closed or ctx ends
	deps  panels.Deps

	mu    sync.Mutex
	loads int
}

func (f *fakePanel) Deps() panels.Deps { return f.deps }

func (f *fakePanel) Load(ctx context.Context, _ model.Source, _ panels.Env) (*panels.View, error) {
	f.mu.Lock()
	f.loads++
	f.mu.Unlock()
	if f.panic != nil {
		panic(f.panic)
	}
	if f.wait != nil {
		select {
		case <-f.wait:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return f.view, f.err
}

func (f *fakePanel) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.loads
}

var night = time.Date(2025, 11, 18, 3, 19, 24, 0, time.FixedZone("KST", 9*3600))

// faces is a board with every dress that a frame knows.
func faces(now time.Time) Spec {
	paint := func(c *plot.Canvas, r plot.Rect) {
		c.FillRect(r, plot.Dark().BarTrack)
	}
	placed := func(col, row int, title string, p *fakePanel) Placed {
		return Placed{At: [4]int{col, row, 6, 4}, Title: model.Localized{"en": title}, Panel: p}
	}
	return Spec{Name: "faces", Title: model.Localized{"en": "Faces"}, Columns: 24, Rows: 12, Panels: []Placed{
		placed(0, 0, "Quiet", &fakePanel{view: &panels.View{Right: "Gb/s", Paint: paint}}),
		placed(6, 0, "Critical", &fakePanel{view: &panels.View{State: model.Critical, Right: "unit", Paint: paint}}),
		placed(12, 0, "Stale", &fakePanel{view: &panels.View{AsOf: now.Add(-6 * time.Minute), Every: 10 * time.Second, Right: "Gb/s"}}),
		placed(18, 0, "Unknown", &fakePanel{view: &panels.View{State: model.Unknown, Notice: &panels.Notice{
			State: model.Unknown, Head: "No sample yet", Lines: []string{"probe edge-lab, added 03:16:02", "Next try in 12 s. Never answered."}}}}),
		placed(0, 4, "Good and empty", &fakePanel{view: &panels.View{Notice: &panels.Notice{
			State: model.OK, Head: "None in 24 h", Lines: []string{"186 jobs looked at, newest 03:19:20", "An empty answer, not a missing one"}}}}),
		placed(6, 4, "Broken query", &fakePanel{err: errors.New("overview.yml:41:18: unexpected \"}\" after a duration that is much too long for one line of this panel")}),
		placed(12, 4, "Panics", &fakePanel{panic: "index out of range"}),
		placed(18, 4, "A very long title that cannot fit into the width of its panel at all", &fakePanel{view: &panels.View{Right: "a unit that is long too", Paint: paint}}),
		{At: [4]int{0, 8, 6, 4}, Title: model.Localized{"en": "Wrong keys"}, Broken: errors.New("wall.yml:12:5: unknown key \"exprs\", did you mean \"expr\"?")},
		placed(6, 8, "Too small", &fakePanel{view: &panels.View{MinW: 2000, Paint: paint}}),
		placed(12, 8, "Bare", &fakePanel{view: &panels.View{Bare: true, Paint: paint}}),
	}}
}

func TestScreenGolden(t *testing.T) {
	for _, tc := range []struct {
		name   string
		src    model.Source
		light  bool
		w, h   int
		banner *Banner
	}{
		{"incident", paneltest.Incident(), false, 1920, 1080, nil},
		{"quiet", paneltest.Quiet(), false, 1920, 1080, nil},
		{"light", paneltest.Incident(), true, 1440, 900, nil},
		{"replay", paneltest.Incident(), false, 1920, 1080, &Banner{Replay: true, Head: "REPLAY", Text: "Tue 18 Nov 03:12:54 KST", Right: "Esc back to live"}},
		{"trouble", paneltest.Quiet(), false, 1920, 1080, &Banner{Head: "Data folder is full", Text: "/var/lib/nocturne: history is kept in memory only; free some space"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := NewScreen(faces(tc.src.Now()), Options{W: tc.w, H: tc.h, Env: testEnv(t, tc.light), Board: 1, Boards: 6, Banner: tc.banner})
			s.Update(t.Context(), tc.src, 4)
			plottest.Golden(t, tc.name, s.Compose())
		})
	}
}

// TestHeaderSaysTheChosenRange checks that a range chosen for all charts stands in the header.
func TestHeaderSaysTheChosenRange(t *testing.T) {
	const hour, day = time.Hour, 24 * time.Hour
	for span, want := range map[time.Duration]string{
		0: "", hour: "last hour", 6 * hour: "last 6 hours", day: "last 24 hours", 7 * day: "last 7 days", 30 * day: "last 30 days", 365 * day: "last year",
	} {
		env := testEnv(t, false)
		env.Range = span
		if got := rangeText(env); got != want {
			t.Errorf("%v is %q, want %q", span, got, want)
		}
	}
	env := testEnv(t, false)
	env.Range = 7 * day
	s := NewScreen(Spec{Name: "faces", Columns: 24, Rows: 12}, Options{W: 1280, H: 200, Env: env, Board: 1, Boards: 6})
	s.Update(t.Context(), paneltest.Incident(), 4)
	plottest.Golden(t, "range", s.Compose())
}

// TestHeldViewWaits checks that a view that holds is not loaded again for each new sample.
func TestHeldViewWaits(t *testing.T) {
	p := &fakePanel{deps: panels.Deps{Samples: true, Every: time.Second}}
	tl := &tile{placed: Placed{Panel: p}, painted: true, loaded: night, view: &panels.View{Hold: time.Minute}}
	revs := model.Revs{Samples: 1}
	for wait, want := range map[time.Duration]bool{30 * time.Second: false, time.Minute: true} {
		if got := tl.due(night.Add(wait), revs); got != want {
			t.Errorf("after %v due is %v", wait, got)
		}
	}
	tl.err = errors.New("gone wrong")
	if !tl.due(night.Add(10*time.Second), revs) {
		t.Error("a panel that failed is held back")
	}
}

// revved is a source whose revisions and clock can be moved.
type revved struct {
	*paneltest.Source
	now  time.Time
	revs model.Revs
}

func (r *revved) Now() time.Time   { return r.now }
func (r *revved) Revs() model.Revs { return r.revs }

func TestUpdateLoadsOnlyWhatChanged(t *testing.T) {
	entities := &fakePanel{view: &panels.View{}, deps: panels.Deps{Entities: true}}
	slow := &fakePanel{view: &panels.View{}, deps: panels.Deps{Samples: true, Every: 5 * time.Second}}
	clock := &fakePanel{view: &panels.View{}, deps: panels.Deps{Clock: true}}
	still := &fakePanel{view: &panels.View{}}
	spec := Spec{Columns: 4, Rows: 1}
	for i, p := range []*fakePanel{entities, slow, clock, still} {
		spec.Panels = append(spec.Panels, Placed{At: [4]int{i, 0, 1, 1}, Panel: p})
	}
	src := &revved{Source: paneltest.New(night), now: night}
	s := NewScreen(spec, Options{W: 800, H: 450, Env: testEnv(t, false)})
	step := func(d time.Duration, change func(*model.Revs)) {
		src.now = src.now.Add(d)
		if change != nil {
			change(&src.revs)
		}
		s.Update(t.Context(), src, 0)
	}
	step(0, nil)                                             // all four, for the first time
	step(time.Second, nil)                                   // the clock alone
	step(time.Second, func(r *model.Revs) { r.Samples++ })   // too early for the chart
	step(time.Second, func(r *model.Revs) { r.Entities++ })  // the entities
	step(3*time.Second, func(r *model.Revs) { r.Samples++ }) // now the chart is due
	step(-time.Minute, nil)                                  // a replay jumped back: everything
	for _, tc := range []struct {
		name string
		p    *fakePanel
		want int
	}{{"entities", entities, 3}, {"slow", slow, 3}, {"clock", clock, 6}, {"still", still, 2}} {
		if got := tc.p.count(); got != tc.want {
			t.Errorf("%s: loaded %d times, want %d", tc.name, got, tc.want)
		}
	}
}

func TestUpdateSurvivesAPanelThatHangs(t *testing.T) {
	hang := &fakePanel{wait: make(chan struct{})}
	good := &fakePanel{view: &panels.View{}}
	s := NewScreen(Spec{Columns: 2, Rows: 1, Panels: []Placed{{At: [4]int{0, 0, 1, 1}, Panel: hang}, {At: [4]int{1, 0, 1, 1}, Panel: good}}},
		Options{W: 800, H: 450, Env: testEnv(t, false), LoadTimeout: 20 * time.Millisecond})
	if got := len(s.Update(t.Context(), paneltest.New(night), 0)); got != 3 {
		t.Fatalf("%d pictures, want header and both panels", got)
	}
	if err := s.tiles[0].err; err == nil || !strings.Contains(err.Error(), "took longer than 20ms") {
		t.Errorf("error of the panel that hangs: %v", err)
	}
	if s.tiles[1].err != nil {
		t.Errorf("its neighbour: %v", s.tiles[1].err)
	}
}

func TestPumpNeverQueuesASecondFrame(t *testing.T) {
	env := testEnv(t, false)
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var queue []func()
		p := NewPump(paneltest.New(night), func(f func()) {
			mu.Lock()
			queue = append(queue, f)
			mu.Unlock()
		}, time.Second)
		var stalls []time.Duration
		p.Stalled = func(d time.Duration) { stalls = append(stalls, d) }
		shown := 0
		p.Show = func(*Screen, []Change, bool) { shown++ }
		p.SetScreen(NewScreen(Spec{Columns: 1, Rows: 1}, Options{W: 320, H: 180, Env: env}))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); p.Run(ctx) }()
		time.Sleep(30 * time.Second) // the main goroutine takes nothing meanwhile
		synctest.Wait()
		if len(queue) != 1 {
			t.Errorf("%d frames were queued, want 1", len(queue))
		}
		if len(stalls) != 1 || stalls[0] != stallAfter {
			t.Errorf("stalls %v, want one of %v", stalls, stallAfter)
		}
		queue[0]()
		synctest.Wait()
		if len(stalls) != 2 || stalls[1] != 0 {
			t.Errorf("stalls %v, want the recovery too", stalls)
		}
		if p.Frames.Load() != 1 || shown != 1 {
			t.Errorf("frames %d, shown %d, want 1", p.Frames.Load(), shown)
		}
		cancel()
		<-done
	})
}

// What a frame took is told once it is drawn: here it takes the main goroutine 70 ms to come to it, and 40 to draw.
func TestPumpTellsWhatAFrameTook(t *testing.T) {
	env := testEnv(t, false)
	synctest.Test(t, func(t *testing.T) {
		main := make(chan func(), 2)
		p := NewPump(paneltest.New(night), func(f func()) { main <- f }, time.Second)
		p.Show = func(*Screen, []Change, bool) {}
		var shown []time.Duration
		p.Framed = func(_, took time.Duration) { shown = append(shown, took) }
		p.SetScreen(NewScreen(Spec{Columns: 1, Rows: 1}, Options{W: 320, H: 180, Env: env}))
		ctx, cancel := context.WithCancel(t.Context())
		var pump sync.WaitGroup
		pump.Go(func() { p.Run(ctx) })
		(<-main)() // another follows at once, since the screen is new: this one is not told of
		show := <-main
		time.Sleep(70 * time.Millisecond)
		show()
		time.Sleep(40 * time.Millisecond)
		(<-main)()
		if want := 110 * time.Millisecond; len(shown) != 1 || shown[0] != want {
			t.Errorf("frames took %v, want one of %v", shown, want)
		}
		cancel()
		pump.Wait()
	})
}

func TestOldestNamesTheRootAmongTheWorst(t *testing.T) {
	at := func(min int) time.Time { return night.Add(-time.Duration(min) * time.Minute) }
	alerts := []model.Alert{
		{ID: "warning", Severity: model.Warning, Since: at(90)},
		{ID: "symptom", Severity: model.Critical, Since: at(60), Cause: "root"},
		{ID: "acked", Severity: model.Critical, Since: at(50), AckBy: "kim"},
		{ID: "pending", Severity: model.Critical, Since: at(40), Pending: true},
		{ID: "root", Severity: model.Critical, Since: at(7)},
		{ID: "younger", Severity: model.Critical, Since: at(3)},
	}
	if got := Oldest(alerts); got == nil || got.ID != "root" {
		t.Errorf("oldest = %+v, want root", got)
	}
	if got := Oldest(alerts[2:4]); got != nil {
		t.Errorf("oldest of none = %+v", got)
	}
}

// TestBannerChangesWhileTheScreenIsUpdated is for the race detector: the wall's director words the
// banner anew while the pump paints.
func TestBannerChangesWhileTheScreenIsUpdated(t *testing.T) {
	s := NewScreen(Spec{Columns: 1, Rows: 1}, Options{W: 640, H: 360, Env: testEnv(t, false), Banner: &Banner{Head: "0"}})
	painted := make(chan struct{})
	var director sync.WaitGroup
	director.Go(func() { // goes on for as long as the screen is updated
		for {
			select {
			case <-painted:
				return
			default:
				s.SetBanner(&Banner{Head: "1", Replay: true})
			}
		}
	})
	src := paneltest.New(night)
	for range 5 {
		s.Update(t.Context(), src, 0)
	}
	close(painted)
	director.Wait()
}
