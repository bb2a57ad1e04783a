package snmp

import (
	"errors"
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"
)

// TestWait holds how the patience grows with the tries and with the agent's own slowness.
func TestWait(t *testing.T) {
	timing := Timing{Timeout: 2 * time.Second, Retries: 2}
	const ms = time.Millisecond
	for _, tc := range []struct {
		name    string
		slowest time.Duration
		want    []time.Duration
	}{
		{"never answered", 0, []time.Duration{2000 * ms, 2000 * ms, 2000 * ms}},
		{"quick", ms, []time.Duration{100 * ms, 100 * ms, 200 * ms, 400 * ms, 800 * ms, 1600 * ms, 2000 * ms, 2000 * ms}},
		{"slow", 300 * ms, []time.Duration{1200 * ms, 1200 * ms, 2000 * ms, 2000 * ms}},
	} {
		s := newSession(Target{}, Credentials{}, timing)
		s.slowest = tc.slowest
		for try, want := range tc.want {
			full, last := s.patient(try)
			if got := s.wait(try); got != want || full != (want == timing.Timeout) || last != (try == len(tc.want)-1) {
				t.Errorf("%s: try %d waits %s (full %v, last %v), want %s", tc.name, try, got, full, last, want)
			}
		}
	}
}

// TestPace holds that a size shrinks to one object and grows again.
func TestPace(t *testing.T) {
	p := newPace()
	steps := 0
	for n := maxColumns; p.shrink(n); n = min(n, p.columns) {
		steps++
	}
	if p.columns != 1 || p.reps(1) != 1 || steps == 0 {
		t.Errorf("smallest size %+v after %d steps", *p, steps)
	}
	for range 20 * growAfter {
		p.answered()
	}
	if p.columns != maxColumns || p.budget != maxVarBinds {
		t.Errorf("size after many answers %+v", *p)
	}
}

func TestExplain(t *testing.T) {
	s := newSession(Target{Host: "10.0.0.3", Port: 161}, Credentials{Version: "3", User: "noc"}, Timing{})
	s.name = "sw3"
	for _, tc := range []struct {
		err  error
		want string
	}{
		{gosnmp.ErrUnknownUsername, `authentication refused by sw3: it knows no user "noc" (check user): unknown username`},
		{&statusError{status: gosnmp.GenErr}, "access refused by sw3 (10.0.0.3:161): the agent answered GenErr (check the agent's view, and in version 3 the security level of the user)"},
		{errors.New("recover: boom Stack:goroutine 1"), "sw3 (10.0.0.3:161) does not answer in proper SNMP: recover: boom (is another service on that port?)"},
	} {
		if got := s.explain(tc.err); got.Error() != tc.want {
			t.Errorf("got  %s\nwant %s", got, tc.want)
		}
	}
}
