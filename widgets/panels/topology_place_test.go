package panels

import (
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// shelf is a Keeper in memory.
type shelf struct {
	mu    sync.Mutex
	kept  map[string][]byte
	saves int
	err   error
}

func (s *shelf) Load(name string, into any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil || s.kept[name] == nil {
		return s.err
	}
	return json.Unmarshal(s.kept[name], into)
}

func (s *shelf) Save(name string, value any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	b, err := json.Marshal(value)
	if s.kept == nil {
		s.kept = map[string][]byte{}
	}
	s.kept[name] = b
	s.saves++
	return err
}

// onShelf is a map that keeps on a shelf.
func onShelf(t *testing.T, src *campus, s Keeper, fixed bool) (*topologyPanel, func() map[string]plot.Point) {
	t.Helper()
	p := newPanel(t, "topology", fullMap).(*topologyPanel)
	env := mapEnv(1299, 898)
	env.Board, env.Keep, env.Fixed = "noc", s, fixed
	return p, func() map[string]plot.Point {
		t.Helper()
		if _, err := p.Load(t.Context(), src, env); err != nil {
			t.Fatal(err)
		}
		out := map[string]plot.Point{}
		for _, b := range p.shown.scene.boxes {
			if b.node >= 0 {
				c := b.Center()
				out[p.shown.base.m.nodes[b.node].id] = plot.Point{X: math.Round(c.X), Y: math.Round(c.Y)}
			}
		}
		return out
	}
}

func TestTopologyKeepsWherePeoplePutThings(t *testing.T) {
	s := &shelf{}
	p, show := onShelf(t, mockCampus(), s, false)
	was := show()[model.DeviceID("dist3")]
	drag := func() {
		p.Handle(Gesture{Kind: Drag, At: plot.Point{X: was.X + 30, Y: was.Y - 50}, By: plot.Point{X: 30, Y: -50}})
		show()
		p.Handle(Gesture{Kind: Drop})
		show()
	}
	drag()
	if at := show()[model.DeviceID("dist3")]; at != was {
		t.Errorf("a locked device was dragged to %v", at)
	}
	p.Handle(Gesture{Kind: Key, Rune: 'l'})
	saves := s.saves
	p.Handle(Gesture{Kind: Drag, At: plot.Point{X: was.X + 30, Y: was.Y - 50}, By: plot.Point{X: 30, Y: -50}})
	show()
	if s.saves != saves {
		t.Error("a drag was written before it ended")
	}
	p.Handle(Gesture{Kind: Drop})
	at := show()[model.DeviceID("dist3")]
	if want := (plot.Point{X: was.X + 30, Y: was.Y - 50}); at != want {
		t.Errorf("dist3 is at %v, want %v", at, want)
	}
	if s.saves != saves+1 {
		t.Errorf("%d writes for one drag", s.saves-saves)
	}

	_, again := onShelf(t, mockCampus(), s, true)
	if got := again()[model.DeviceID("dist3")]; got != at {
		t.Errorf("after a restart dist3 is at %v, want %v", got, at)
	}

	p.hand.selected = target{entity: model.DeviceID("dist3")}
	p.Handle(Gesture{Kind: Key, Rune: 'u'})
	if got := show()[model.DeviceID("dist3")]; got != was {
		t.Errorf("unpinned, dist3 is at %v, want its own place %v", got, was)
	}
}

func TestTopologyIsNotReshuffled(t *testing.T) {
	s := &shelf{}
	_, show := onShelf(t, mockCampus(), s, false)
	want := show()

	// A start at which a third of the devices has answered yet, the others one by one.
	few := mockCampus()
	few.Things = few.Things[:0]
	few.Cables = few.Cables[:0]
	all := mockCampus()
	p, step := onShelf(t, few, s, false)
	for i, e := range all.Entities(model.Filter{}) {
		few.Things = append(few.Things, e)
		if i == len(all.Things)/3 || i == len(all.Things)/2 {
			p.last = mapRead{} // the source says the same revision
			step()
		}
	}
	few.Cables = all.Cables
	p.last = mapRead{}
	if diff := cmp.Diff(want, step(), cmpopts.EquateApprox(0, 1.5)); diff != "" {
		t.Errorf("the map of before and after (-want +got):\n%s", diff)
	}
}

func TestTopologyInAKioskMovesNothing(t *testing.T) {
	s := &shelf{}
	p, show := onShelf(t, mockCampus(), s, true)
	show()
	if p.Handle(Gesture{Kind: Key, Rune: 'l'}) || p.hand.unlocked {
		t.Error("a kiosk was unlocked")
	}
	if s.saves != 0 {
		t.Errorf("a kiosk wrote %d times", s.saves)
	}
}

func TestTopologySaysWhatIsNotKept(t *testing.T) {
	s := &shelf{err: errors.New("disk full")}
	p, show := onShelf(t, mockCampus(), s, false)
	show()
	show()
	if p.shown.err == nil || !strings.Contains(p.shown.err.Error(), "disk full") {
		t.Errorf("the map says %v, want that the disk is full", p.shown.err)
	}
}

func TestTopologyTakesNoRubbishFromDisk(t *testing.T) {
	for _, kept := range []string{
		`{"pinned":{"device/dist1":{"X":1e300,"Y":-5},"device/nobody":{"X":0.5,"Y":0.5}}}`,
		`{"order":[{"id":"","layer":2,"x":1},{"id":"device/dist1","layer":99,"x":0},{"id":"device/core1","layer":-1,"x":0}]}`,
		`{"order":[{"id":"device/acc11","layer":2,"parent":"device/acc11","x":0.1},{"id":"device/core1","layer":4,"parent":"device/acc11","x":0.2}]}`,
		`{"pinned":{"site/campus-busan":{"X":0.1,"Y":0.9},"server/node-01":{"X":0.5,"Y":0.5}}}`,
		`null`,
	} {
		s := &shelf{kept: map[string][]byte{"map/noc/network": []byte(kept)}}
		p, show := onShelf(t, mockCampus(), s, false)
		at := show()
		area := p.shown.scene.area
		for id, c := range at {
			if !area.Inset(-1).Contains(c.X, c.Y) {
				t.Errorf("%s: %s stands outside, at %v", kept, id, c)
			}
		}
		if len(at) < 40 {
			t.Errorf("%s: %d nodes on the map", kept, len(at))
		}
	}
}

func TestBackgrounds(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	huge := []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x01\x00\x00\x00\x01\x00\x00\x08\x06\x00\x00\x00\xb6\x04\x88\x1b")
	for _, tt := range []struct{ path, want string }{
		{write("text.png", []byte("no picture")), "want a PNG or JPEG"},
		{write("empty.png", nil), "want a PNG or JPEG"},
		{write("huge.png", huge), ""},
		{filepath.Join(dir, "gone.png"), "no such file"},
	} {
		if _, err := readGround(tt.path); err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "background") {
			t.Errorf("%s: error %v, want one that says %q", tt.path, err, tt.want)
		}
	}
	img, err := readGround(floorPlan(t))
	if err != nil {
		t.Fatal(err)
	}
	if img.Rect != image.Rect(0, 0, 400, 180) {
		t.Errorf("the plan is %v", img.Rect)
	}
}

func FuzzReadGround(f *testing.F) {
	f.Add([]byte("\x89PNG\r\n\x1a\n"))
	f.Add([]byte("\xff\xd8\xff\xe0"))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(dir, fmt.Sprintf("%p.png", t))
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = os.Remove(path) }()
		img, err := readGround(path)
		if err == nil && (img.Rect.Dx() > maxGroundSide || img.Rect.Dy() > maxGroundSide) {
			t.Errorf("a picture of %v was taken", img.Rect)
		}
	})
}
