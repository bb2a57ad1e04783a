package kube

import (
	"fmt"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

// Verdict is a state and why, in a few words. Reasons name instants, not ages: an age would change
// with each look and make news out of nothing.
type Verdict struct {
	State  model.State
	Reason string
}

// grace is how long a new workload or service may take before "nothing serves" is a fault.
const grace = time.Minute

// clock formats an instant of a verdict: the time of day, with the date when that is another day.
func clock(t, now time.Time) string {
	t = t.In(now.Location())
	if y, d := t.Year(), t.YearDay(); y != now.Year() || d != now.YearDay() {
		return t.Format("2006-01-02 15:04")
	}
	return t.Format(time.TimeOnly)
}

// words joins what happened with the other side's explanation.
func words(what, message string) string {
	if message == "" {
		return what
	}
	return what + ": " + message
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// joinComma joins two phrases, of which either may be empty.
func joinComma(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + ", " + b
}
