package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nocturne-noc/nocturne/store/bolt"
	"github.com/nocturne-noc/nocturne/store/model"
)

// At any moment a recording, and the live store as of that moment, show what the wall showed then.
func TestPastIsWhatWas(t *testing.T) {
	c := newClock()
	dir := t.TempDir()
	s := open(t, Options{Dir: dir, Now: c.Now, Tick: never})
	start := c.now.Add(6 * time.Second)
	var moments []time.Time
	var pictures []picture
	for i := range 1500 { // more than two windows
		if i < 700 || i > 720 { // a while of silence: everything turns stale
			round(t, s, c, i)
		}
		c.advance(5 * time.Second)
		if i%211 == 100 || i == 719 {
			moments = append(moments, c.now)
			pictures = append(pictures, pictureOf(t, s, c.now, "10m"))
		}
		c.advance(5 * time.Second)
		if i%50 == 0 {
			s.tick()
		}
	}
	end := c.now
	path := filepath.Join(t.TempDir(), "incident.nocturne")
	if err := s.Record(context.Background(), path, start, end); err != nil {
		t.Fatal(err)
	}
	rec, err := OpenRecording(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := rec.Close(); err != nil {
			t.Error(err)
		}
	}()
	if from, to := rec.Extent(); !from.Equal(start) || !to.Equal(end) {
		t.Errorf("extent %v to %v", from, to)
	}

	var at time.Time
	clock := func() time.Time { return at }
	live, err := s.At(clock)
	if err != nil {
		t.Fatal(err)
	}
	order := append(append([]int{}, rand.Perm(len(moments))...), rand.Perm(len(moments))...)
	for i := range moments {
		order = append(order, i) // and at last in the order of time
	}
	replay := rec.View(clock)
	for _, i := range order {
		at = moments[i]
		if diff := diffPictures(pictures[i], pictureOf(t, live, at, "10m")); diff != "" {
			t.Fatalf("the store as of %v:\n%s", at, diff)
		}
		want := pictures[i]
		want.Events = since(want.Events, start) // the recording begins six seconds after the first round
		if diff := diffPictures(want, pictureOf(t, replay, at, "10m")); diff != "" {
			t.Fatalf("the recording as of %v:\n%s", at, diff)
		}
		for name, past := range map[string]model.Source{"store": live, "recording": replay} {
			if list := pictureOf(t, past, at.Add(time.Hour), "1h").Series; len(list) != 0 {
				t.Fatalf("the %s as of %v shows what came later: %v", name, at, list)
			}
		}
	}
	if _, _, is := replay.Replay(); !is {
		t.Error("a recording is no replay")
	}
	at = start.Add(-24 * time.Hour)
	if list := replay.Entities(model.Filter{}); len(list) != 0 {
		t.Errorf("entities of the day before: %v", list)
	}
}

func since(list []model.Event, start time.Time) []model.Event {
	out := []model.Event{}
	for _, e := range list {
		if !e.Time.Before(start) {
			out = append(out, e)
		}
	}
	return out
}

// A view's counters move when, and only when, something has changed.
func TestViewRevs(t *testing.T) {
	c := newClock()
	s := open(t, Options{Now: c.Now})
	tell := func(state model.State) {
		apply(t, s, model.Batch{Source: "x", Scope: "x", Every: 10 * time.Second, Time: c.now, Entities: []model.Entity{{ID: "device/a", State: state}}})
	}
	start := c.now
	tell(model.OK)
	c.advance(10 * time.Second)
	tell(model.OK)
	c.advance(10 * time.Second)
	tell(model.Critical)
	c.advance(time.Minute)
	var at time.Time
	v, err := s.At(func() time.Time { return at })
	if err != nil {
		t.Fatal(err)
	}
	last := uint64(0)
	for _, step := range []struct {
		after time.Duration
		moved bool
		state model.State
	}{
		{time.Second, true, model.OK},
		{5 * time.Second, false, model.OK},
		{15 * time.Second, false, model.OK},
		{20 * time.Second, true, model.Critical},
		{36 * time.Second, true, model.Stale},
		{40 * time.Second, false, model.Stale},
		{12 * time.Second, true, model.OK}, // back
	} {
		at = start.Add(step.after)
		rev := v.Revs().Entities
		if (rev != last) != step.moved {
			t.Errorf("after %v: revision %d, was %d", step.after, rev, last)
		}
		last = rev
		if e := v.Entities(model.Filter{}); len(e) != 1 || e[0].State != step.state {
			t.Errorf("after %v: %+v", step.after, e)
		}
	}
}

// Half an hour of a lab of 3,000 series, jittering as real rounds do, fits into a demo recording.
func TestRecordingSize(t *testing.T) {
	if testing.Short() {
		t.Skip("makes a million samples")
	}
	c := newClock()
	s := open(t, Options{Now: c.Now, Tick: never})
	start := c.now
	rng := rand.New(rand.NewPCG(1, 2))
	counters := make([]float64, 3000)
	names := make([]model.Sample, 3000)
	for i := range names {
		names[i] = sample(start, 0, "__name__", fmt.Sprintf("metric_%d_total", i%60), "device", fmt.Sprintf("switch-%02d", i/60), "ifName", fmt.Sprintf("GigabitEthernet1/0/%d", i%24), "ifAlias", "uplink to somewhere")
	}
	for range 360 {
		b := model.Batch{Source: "snmp", Scope: "all", Time: c.now, Every: 5 * time.Second, Replace: true}
		jitter := rng.Int64N(40)
		for i := range names {
			switch i % 4 {
			case 0:
				counters[i] += float64(rng.IntN(5_000_000)) // octets
			case 1:
				counters[i] += float64(rng.IntN(3)) // errors
			case 2:
				counters[i] = rng.NormFloat64() // a true float
			default: // a state: constant
			}
			b.Samples = append(b.Samples, model.Sample{Labels: names[i].Labels, T: c.now.UnixMilli() + jitter, V: counters[i]})
		}
		apply(t, s, b)
		c.advance(5 * time.Second)
	}
	path := filepath.Join(t.TempDir(), "demo.nocturne")
	if err := s.Record(context.Background(), path, start, c.now); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d samples in %.2f MB: %.2f bytes each", 360*3000, float64(info.Size())/1e6, float64(info.Size())/360/3000)
	if info.Size() > 8e6 {
		t.Errorf("%d bytes, at most 8 MB are wanted", info.Size())
	}
	rec, err := OpenRecording(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := evaluate(t, rec.View(c.Now), `count({__name__=~".+"})`, c.now); got != 3000 {
		t.Errorf("%v series", got)
	}
	if err := rec.Close(); err != nil {
		t.Error(err)
	}
}

func TestBadRecording(t *testing.T) {
	c := newClock()
	dir := t.TempDir()
	s := open(t, Options{Dir: filepath.Join(dir, "data"), Now: c.Now, Tick: never})
	round(t, s, c, 1)
	c.advance(3 * time.Hour)
	s.tick()
	noise := filepath.Join(dir, "noise")
	if err := os.WriteFile(noise, []byte(strings.Repeat("noise", 5000)), 0o600); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(dir, "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	day := filepath.Join(dir, "a-day")
	b, err := os.ReadFile(filepath.Join(dir, "data", "day-20260304.db"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(day, b, 0o600); err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(dir, "cut")
	if err := os.WriteFile(cut, b[:3*4096], 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		path string
		is   error
		says string
	}{
		{filepath.Join(dir, "missing"), os.ErrNotExist, ""},
		{noise, bolt.ErrDamaged, ""},
		{empty, bolt.ErrDamaged, "empty"},
		{day, nil, `kind "day"`},
		{cut, bolt.ErrDamaged, ""},
	} {
		_, err := OpenRecording(tc.path)
		if err == nil || tc.is != nil && !errors.Is(err, tc.is) || !strings.Contains(err.Error(), tc.path) || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %v", filepath.Base(tc.path), err)
		}
	}
	if err := s.Record(context.Background(), filepath.Join(dir, "out"), c.now, c.now); err == nil {
		t.Error("recorded nothing")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Record(ctx, filepath.Join(dir, "out"), c.now.Add(-time.Hour), c.now); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "out*"))
	if diff := cmp.Diff([]string(nil), left); err != nil || diff != "" {
		t.Error(err, diff)
	}
}
