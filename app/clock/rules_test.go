package clock

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// machine is one whose clocks a test moves.
type machine struct {
	r     Reading
	rules rules
}

func newMachine() *machine {
	m := &machine{r: Reading{Wall: noon, Boot: time.Hour, Mono: 30 * time.Minute}}
	m.rules = newRules(m.r)
	return m
}

// run lets time pass, with an observation each second.
func (m *machine) run(d time.Duration) []Report {
	var all []Report
	for ; d > 0; d -= time.Second {
		all = append(all, m.pass(time.Second, true)...)
	}
	return all
}

// pass lets time pass with one observation at its end. The machine is awake or asleep meanwhile.
func (m *machine) pass(d time.Duration, awake bool) []Report {
	m.r.Wall, m.r.Boot = m.r.Wall.Add(d), m.r.Boot+d
	if awake {
		m.r.Mono += d
	}
	return m.rules.observe(m.r)
}

func (m *machine) set(by time.Duration) { m.r.Wall = m.r.Wall.Add(by) }

func TestRules(t *testing.T) {
	at := noon.Add
	const s, min, h = time.Second, time.Minute, time.Hour
	for _, tt := range []struct {
		name    string
		happens func(m *machine) []Report
		want    []Report
		ahead   time.Duration // of the system clock, at the end
		trouble bool          // at the end
	}{
		{"nothing", func(m *machine) []Report { return m.run(h) }, nil, 0, false},
		{"a second ahead is made up for", func(m *machine) []Report { m.set(s); return m.run(101 * s) }, nil, 0, false},
		{"at one in a hundred", func(m *machine) []Report { m.set(s); return m.run(51 * s) }, nil, -500 * time.Millisecond, false},
		{"a second back likewise", func(m *machine) []Report { m.set(-s); return m.run(51 * s) }, nil, 500 * time.Millisecond, false},
		{"the machine slept", func(m *machine) []Report { m.run(min); return append(m.pass(h, false), m.run(min)...) },
			[]Report{{Slept, at(min), at(min + h)}}, 0, false},
		{"the process was stopped", func(m *machine) []Report { m.run(min); return append(m.pass(70*s, true), m.run(min)...) },
			[]Report{{Stopped, at(min), at(min + 70*s)}}, 0, false},
		{"a busy machine is no pause", func(m *machine) []Report { return m.pass(9*s, true) }, nil, 0, false},
		{"set ahead a little", func(m *machine) []Report { m.run(min); m.set(90 * s); return m.run(min) },
			[]Report{{SetForward, at(min + s), at(min + s + 90*s)}}, 0, false},
		{"set ahead by hours: at first not believed", func(m *machine) []Report { m.run(min); m.set(5 * h); return m.run(4 * min) },
			nil, -5 * h, true},
		{"set ahead by hours: followed when it stays", func(m *machine) []Report { m.run(min); m.set(5 * h); return m.run(6 * min) },
			[]Report{{SetForward, at(6*min + s), at(6*min + s + 5*h)}}, 0, false},
		{"set ahead by hours, and on", func(m *machine) []Report {
			m.run(min)
			m.set(5 * h)
			m.run(4 * min)
			m.set(2 * h)
			return m.run(4 * min)
		}, nil, -7 * h, true},
		{"a glitch", func(m *machine) []Report {
			m.run(min)
			m.set(5 * h)
			m.run(2 * min)
			m.set(-5 * h)
			return m.run(min)
		}, []Report{{Glitch, at(min + s), at(min + s + 5*h)}}, 0, false},
		{"a sleep that the system clock knows nothing of", func(m *machine) []Report {
			m.set(-h)
			return append(m.pass(h, false), m.run(s)...)
		}, []Report{{Slept, at(0), at(h)}, {SetBack, at(h), at(0)}}, h - 10*time.Millisecond, true},
		{"set back an hour", func(m *machine) []Report { m.run(min); m.set(-h); return m.run(min) },
			[]Report{{SetBack, at(min + s), at(min + s - h)}}, h - 590*time.Millisecond, true},
		{"set back, and caught up", func(m *machine) []Report { m.set(-10 * s); return m.run(1002 * s) },
			[]Report{{SetBack, at(s), at(-9 * s)}, {Agreed, at(802 * s).Add(-8010 * time.Millisecond), at(802 * s).Add(-8010 * time.Millisecond)}}, 0, false},
		{"set back twice", func(m *machine) []Report { m.set(-h); m.run(s); m.set(-h); return m.run(s) },
			[]Report{{SetBack, at(2*s - 10*time.Millisecond), at(2*s - 2*h)}}, 2*h - 10*time.Millisecond, true},
		{"set back, and right again", func(m *machine) []Report { m.set(-h); m.run(min); m.set(h); return m.run(2 * min) },
			[]Report{{Agreed, at(min + s).Add(-600 * time.Millisecond), at(min + s).Add(-600 * time.Millisecond)}}, 0, false},
		{"set back, a glitch on top", func(m *machine) []Report {
			m.set(-h)
			m.run(s)
			m.set(-9 * h)
			m.run(s)
			m.set(9 * h)
			return m.run(s)
		}, []Report{{Glitch, at(2*s - 10*time.Millisecond), at(2*s - 10*h)}}, h - 10*time.Millisecond, true},
		{"set back by a day: at first not believed", func(m *machine) []Report { m.set(-24 * h); return m.run(4 * min) }, nil, 24 * h, true},
		{"set back by a day: followed when it stays", func(m *machine) []Report { m.set(-24 * h); return m.run(6 * min) },
			[]Report{{Followed, at(5*min + s), at(5*min + s - 24*h)}}, 0, false},
		{"nothing stored", func(m *machine) []Report { return m.rules.resume(m.r, time.Time{}) }, nil, 0, false},
		{"stored before", func(m *machine) []Report { return m.rules.resume(m.r, at(-h)) }, nil, 0, false},
		{"stored a moment ahead", func(m *machine) []Report { return m.rules.resume(m.r, at(s)) }, nil, s, false},
		{"stored an hour ahead", func(m *machine) []Report { return append(m.rules.resume(m.r, at(h)), m.run(min)...) },
			[]Report{{Behind, at(h), at(0)}}, h - 600*time.Millisecond, true},
		{"stored a day ahead", func(m *machine) []Report { return append(m.rules.resume(m.r, at(24*h)), m.run(min)...) },
			[]Report{{Distrusted, at(24 * h), at(0)}}, 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := newMachine()
			if diff := cmp.Diff(tt.want, tt.happens(m)); diff != "" {
				t.Errorf("reports (-want +got):\n%s", diff)
			}
			if ahead := m.rules.at(m.r.Boot).Sub(m.r.Wall); ahead != tt.ahead {
				t.Errorf("ahead of the system clock by %v, want %v", ahead, tt.ahead)
			}
			if got := m.rules.trouble(); (got != "") != tt.trouble {
				t.Errorf("trouble %q", got)
			}
		})
	}
}

// Whatever the clocks do, time goes on within 1 % of the boot clock, except where a report says so.
func TestNeverBackwards(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	m := newMachine()
	now := noon
	for range 50_000 {
		if random.IntN(50) == 0 {
			m.set(time.Duration(random.NormFloat64() * float64([]time.Duration{time.Second, time.Minute, time.Hour, 24 * time.Hour}[random.IntN(4)])))
		}
		passed := time.Duration(random.IntN(2000)) * time.Millisecond
		if random.IntN(200) == 0 {
			passed = time.Duration(random.IntN(7200)) * time.Second
		}
		reports := m.pass(passed, random.IntN(2) == 0)
		next := m.rules.at(m.r.Boot)
		want := passed
		for _, r := range reports {
			if r.Kind == Followed || r.Kind == SetForward {
				want += r.To.Sub(r.From)
			}
			if r.Kind == Slept && r.To.Sub(r.From) < pauseAfter*99/100 {
				t.Fatalf("%+v", r)
			}
		}
		if got := next.Sub(now); (got - want).Abs() > passed/slew {
			t.Fatalf("%v passed, and %v of time, with %+v", passed, got, reports)
		}
		now = next
	}
	if m.set(now.Sub(m.r.Wall)); m.run(time.Second) == nil && m.rules.trouble() != "" {
		t.Errorf("all is well, and still %q", m.rules.trouble())
	}
}

func TestReportText(t *testing.T) {
	at := time.Date(2026, 3, 1, 3, 12, 4, 0, time.UTC)
	for _, tt := range []struct {
		r    Report
		want string
		gap  bool
	}{
		{Report{Slept, at, at.Add(time.Hour)}, "the machine slept for 1 h 0 min, until 04:12:04: nothing is known of that time", true},
		{Report{Stopped, at, at.Add(70 * time.Second)}, "Nocturne was stopped for 1 min 10 s, until 03:13:14: nothing is known of that time", true},
		{Report{SetForward, at, at.Add(3 * time.Second)}, "system clock was set ahead 3 s at 03:12:04: Nocturne follows it, nothing is known of the time between", true},
		{Report{SetBack, at, at.Add(-time.Hour)}, "system clock was set back 1 h 0 min at 03:12:04: Nocturne's own time goes on evenly, and slows by 1 % until the system clock has caught up. If it is wrong, set it right", false},
		{Report{Followed, at, at.Add(-50 * time.Hour)}, "system clock was set back 2 d 2 h at 03:12:04: Nocturne follows it, what it has kept of the time ahead stays", false},
		{Report{Glitch, at, at.Add(24 * time.Hour)}, "system clock jumped to 2026-03-02 03:12:04 at 03:12:04 and is back: Nocturne did not follow. Look at what sets the clock", false},
		{Report{Agreed, at, at}, "system clock and Nocturne's own time agree again", false},
		{Report{Behind, at, at.Add(-time.Minute)}, "system clock is 1 min 0 s behind what was stored last, at 2026-03-01 03:12:04: Nocturne's own time goes on from there, and slows by 1 % until the system clock has caught up. If it is wrong, set it right", false},
		{Report{Distrusted, at, at.Add(-5 * time.Hour)}, "system clock is 5 h 0 min behind what was stored last, at 2026-03-01 03:12:04: Nocturne takes the system clock to be right", false},
	} {
		if got := tt.r.Text(); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.r.Kind, got, tt.want)
		}
		if from, to, ok := tt.r.Gap(); ok != tt.gap || ok && (from != tt.r.From || to != tt.r.To) {
			t.Errorf("%s: gap %v %v %v", tt.r.Kind, from, to, ok)
		}
		if tt.r.Over() != (tt.r.Kind == Agreed) {
			t.Errorf("%s: over %v", tt.r.Kind, tt.r.Over())
		}
	}
}
