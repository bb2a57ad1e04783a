package clock

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bubble reads the clocks of a synctest bubble, as a drill has moved them.
type bubble struct {
	mu         sync.Mutex
	start      time.Time
	wall, boot time.Duration
}

func (b *bubble) read() Reading {
	b.mu.Lock()
	defer b.mu.Unlock()
	passed := time.Since(b.start)
	return Reading{Wall: b.start.Add(passed + b.wall).Round(0), Boot: passed + b.boot, Mono: passed}
}

func (b *bubble) move(wall, boot time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wall += wall
	b.boot += boot
}

func TestClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bubble{start: time.Now()}
		var c *Clock
		var told []Report
		var toldAt []time.Time
		c = New(b.read, func(r Report) { told, toldAt = append(told, r), append(toldAt, c.Now()) })
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); c.Run(ctx) }()

		time.Sleep(90 * time.Second)
		b.move(time.Hour, time.Hour) // the machine slept
		if got := c.Now(); !got.Equal(b.start.Add(time.Hour + 90*time.Second)) {
			t.Errorf("before anybody observed: %v", got)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if len(told) != 1 || told[0].Kind != Slept || told[0].To.Sub(told[0].From) < time.Hour || c.Trouble() != "" {
			t.Fatalf("told %+v, trouble %q", told, c.Trouble())
		}
		if !toldAt[0].Equal(told[0].To) {
			t.Errorf("told at %v what was over at %v", toldAt[0], told[0].To)
		}

		b.move(-time.Hour, 0) // the system clock is set back
		before := c.Now()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if len(told) != 2 || told[1].Kind != SetBack || c.Trouble() == "" {
			t.Fatalf("told %+v, trouble %q", told, c.Trouble())
		}
		if passed := c.Now().Sub(before); passed < 9900*time.Millisecond || passed > 10*time.Second {
			t.Errorf("10 s were %v", passed)
		}
		if ahead := c.Ahead(); ahead > time.Hour || ahead < time.Hour-time.Second {
			t.Errorf("ahead by %v", ahead)
		}
		cancel()
		<-done
	})
}

// Whoever observes after a pause goes on only when all that follows from it has been done.
func TestObserveWaits(t *testing.T) {
	b := &bubble{start: time.Now()}
	entered, release := make(chan struct{}), make(chan struct{})
	var finished atomic.Bool
	c := New(b.read, func(Report) {
		close(entered)
		<-release
		finished.Store(true)
	})
	b.move(time.Hour, time.Hour)
	var both sync.WaitGroup
	both.Go(c.Observe)
	<-entered
	both.Go(func() {
		c.Observe()
		if !finished.Load() {
			t.Error("went on before everybody was told")
		}
	})
	close(release)
	both.Wait()
}

func TestResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bubble{start: time.Now()}
		var told []Report
		c := New(b.read, func(r Report) { told = append(told, r) })
		last := b.start.Add(time.Hour)
		c.Resume(last)
		if now := c.Now(); !now.Equal(last) || len(told) != 1 || told[0].Kind != Behind {
			t.Errorf("at %v, told %+v", now, told)
		}
	})
}

// The machine's own clocks go on, and a drill moves them.
func TestRead(t *testing.T) {
	var d Drill
	before := d.Read()
	after := d.Read()
	if after.Boot < before.Boot || after.Mono < before.Mono || after.Wall.Sub(before.Wall).Abs() > time.Minute {
		t.Errorf("%+v after %+v", after, before)
	}
	d.Set(-2 * time.Hour)
	d.Sleep(time.Hour)
	d.Sleep(-time.Hour) // nobody sleeps backwards
	moved := d.Read()
	if back := after.Wall.Sub(moved.Wall); back < 59*time.Minute || back > time.Hour {
		t.Errorf("the system clock is back by %v", back)
	}
	if slept := (moved.Boot - after.Boot) - (moved.Mono - after.Mono); slept < 59*time.Minute || slept > 61*time.Minute {
		t.Errorf("slept %v", slept)
	}
}

func BenchmarkNow(b *testing.B) {
	c := New(Read, func(Report) {})
	for b.Loop() {
		c.Now()
	}
}
