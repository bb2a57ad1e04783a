package snmp

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestBreaker holds how often an agent is asked that has been silent for a while, in rounds of a minute and of
// five seconds.
func TestBreaker(t *testing.T) {
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, tc := range []struct {
		every time.Duration
		asked string // in which rounds of an hour
	}{
		{time.Minute, "0 1 2 3 4 5 6 8 10 13 16 20 25 30 35 40 45 50 55"},
		{5 * time.Second, "0 1 2 3 4 5 6 8 10 13 16 20 25 31 39 49 61 76 95 119 149 186 233 291 351 411 471 531 591 651 711"},
	} {
		var b breaker
		var asked []string
		for round := range int(time.Hour / tc.every) {
			now := began.Add(time.Duration(round) * tc.every)
			if b.spares(now, tc.every) {
				if !strings.HasPrefix(b.reason().Error(), "no answer; silent since 03:04:05, asked again at 0") {
					t.Fatal(b.reason())
				}
				continue
			}
			asked = append(asked, fmt.Sprint(round))
			b.unanswered(now, errTimeout)
		}
		if got := strings.Join(asked, " "); got != tc.asked {
			t.Errorf("every %s: asked in rounds %s, want %s", tc.every, got, tc.asked)
		}
		now := began.Add(time.Hour)
		b.unanswered(now, errTimeout)
		if !b.spares(now.Add(tc.every), tc.every) {
			t.Errorf("every %s: asked in the round after one that was not answered", tc.every)
		}
		if b.spares(now.Add(-time.Hour), tc.every) {
			t.Errorf("every %s: spared by a clock that was set back", tc.every)
		}
		b.askNow()
		if b.spares(now.Add(tc.every), tc.every) || !b.spares(now.Add(tc.every), tc.every) {
			t.Errorf("every %s: want one round that somebody wanted, and no other", tc.every)
		}
		b.answered()
		if b.spares(now.Add(tc.every), tc.every) {
			t.Errorf("every %s: spared although it answers", tc.every)
		}
	}
}

func TestIsSilence(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want bool
	}{
		{nil, false}, {errTimeout, true}, {errMute, true}, {errKey, false}, {errors.New("garbage"), true}, {&statusError{}, false},
	} {
		if got := isSilence(fmt.Errorf("sw1: %w", tc.err)); tc.err != nil && got != tc.want {
			t.Errorf("%v: %v", tc.err, got)
		}
	}
	if isSilence(nil) {
		t.Error("no error is silence")
	}
}
