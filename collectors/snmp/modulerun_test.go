package snmp

import (
	"context"
	"testing"
	"time"

	"github.com/nocturne-noc/nocturne/collectors/snmp/module"
)

// TestModulePause holds that what an agent does not bear is asked for less and less, and at once in its
// own interval again when it goes well.
func TestModulePause(t *testing.T) {
	r := &moduleRun{Choice: &module.Choice{Module: &module.Module{Name: "m"}, Every: time.Minute}}
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	const every = 30 * time.Second
	for _, step := range []struct {
		err      error
		late     bool
		warnings []string
		next     time.Duration
		says     string
	}{
		{nil, false, nil, 45 * time.Second, ""},
		{nil, false, []string{"x.1: half"}, 45 * time.Second, "module m: x.1: half"},
		{errTimeout, false, nil, 105 * time.Second, "module m: the agent stopped answering"},
		{context.DeadlineExceeded, true, nil, 165 * time.Second, "module m: the agent is too slow for it in one round"},
		{errTimeout, false, nil, 285 * time.Second, "module m: the agent stopped answering"},
		{nil, false, nil, 45 * time.Second, ""},
	} {
		r.ended(now, every, step.warnings, step.err, step.late)
		if got := r.due.Sub(now); got != step.next || r.warning != step.says {
			t.Errorf("after %v, %v: due in %s, %q, want %s, %q", step.err, step.warnings, got, r.warning, step.next, step.says)
		}
	}
	for range 20 {
		r.ended(now, every, nil, errTimeout, false)
	}
	if got := r.due.Sub(now); got > maxModulePause+time.Minute {
		t.Errorf("due in %s", got)
	}
}
