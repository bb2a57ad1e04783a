package alert

import (
	"maps"
	"time"

	"github.com/prometheus/prometheus/rules"
)

// paused reports whether the evaluation at ts begins after a start or a pause: nothing ran since the last
// one, because the machine slept or the clock was set. It takes longer than an evaluation that hangs, so
// that a busy machine is no pause.
func (m *Manager) paused(ts time.Time) bool {
	return m.last.IsZero() || ts.Sub(m.last) > evalTimeout+2*m.opts.Interval || ts.Before(m.last)
}

// resume prepares for the first evaluation after a start or a pause. What was active before is remembered
// for a while, though nothing supports it yet. What was pending has not been seen through the pause: its
// "for" goes on by what was seen. Where the clock ran backwards everything moves with it.
func (m *Manager) resume(ts time.Time) {
	gap, before := ts.Sub(m.last), m.resumed
	m.left, m.resumed = m.last, ts
	clear(m.evaluated)
	m.mu.Lock()
	defer m.mu.Unlock()
	unheard := m.unconfirmed
	m.unconfirmed = maps.Clone(m.alerts)
	if m.left.IsZero() {
		return
	}
	for id, a := range m.unconfirmed {
		if !a.Pending && gap >= 0 {
			continue
		}
		a.Since = a.Since.Add(gap)
		if _, still := unheard[id]; still && a.Pending { // nor had it been seen since the pause before
			a.Since = a.Since.Add(m.left.Sub(before))
		}
		m.unconfirmed[id] = a
	}
	for _, groups := range m.files {
		for _, g := range groups {
			for _, r := range g.AlertingRules() {
				r.ForEachActiveAlert(func(a *rules.Alert) {
					if a.State == rules.StatePending || gap < 0 {
						a.ActiveAt = a.ActiveAt.Add(gap)
					}
				})
			}
		}
	}
}

// recall gives alerts whose series came back only some time after a pause the state that they had before
// it. At a start there is nothing to recall from but the store: see RestoreForState.
func (m *Manager) recall(g *rules.Group, ts time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range g.AlertingRules() {
		r.ForEachActiveAlert(func(a *rules.Alert) {
			was, known := m.unconfirmed[id(a)]
			switch {
			case !known || a.State == rules.StateInactive || a.ActiveAt.Before(m.resumed):
			case was.Pending:
				a.ActiveAt = was.Since.Add(ts.Sub(m.resumed))
			default:
				a.State, a.ActiveAt, a.FiredAt = rules.StateFiring, was.Since, was.Fired
			}
		})
	}
}
