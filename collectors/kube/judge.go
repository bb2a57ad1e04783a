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

// JudgeNode judges a node by its conditions.
func JudgeNode(n *Node, now time.Time) Verdict {
	var ready *Condition
	var pressure *Condition
	for i := range n.Conditions {
		c := &n.Conditions[i]
		switch {
		case c.Type == "Ready":
			ready = c
		case pressure == nil && c.Status == "True" && isPressure(c.Type):
			pressure = c
		}
	}
	switch {
	case ready == nil:
		return Verdict{model.Unknown, "its kubelet has not reported yet"}
	case ready.Status == "Unknown":
		return Verdict{model.Critical, "lost: kubelet silent since " + clock(ready.Since, now)}
	case ready.Status != "True":
		return Verdict{model.Critical, words("not ready", ready.Message)}
	case pressure != nil:
		return Verdict{model.Warning, words(pressure.Type, pressure.Message)}
	case n.Cordoned:
		return Verdict{model.OK, "cordoned"}
	}
	return Verdict{State: model.OK}
}

func isPressure(condition string) bool {
	switch condition {
	case "MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable":
		return true
	}
	return false
}

// lost reports whether the node's kubelet has fallen silent.
func (n *Node) lost() bool {
	for _, c := range n.Conditions {
		if c.Type == "Ready" {
			return c.Status == "Unknown"
		}
	}
	return false
}

func (n *Node) ready() bool {
	for _, c := range n.Conditions {
		if c.Type == "Ready" {
			return c.Status == "True"
		}
	}
	return false
}

// JudgeWorkload judges a deployment, stateful set or daemon set: a problem when fewer serve than are
// wanted, critical when none does. A lost node counts its daemons as misplaced: lostNodes is how many
// there are, so that they are not blamed twice.
func JudgeWorkload(w *Workload, lostNodes int, now time.Time) Verdict {
	short := fmt.Sprintf("%d of %d available", w.Available, w.Desired)
	for _, c := range w.Conditions {
		switch {
		case c.Type == "Progressing" && c.Status == "False":
			v := Verdict{model.Warning, words(fmt.Sprintf("%s, %s", c.Reason, short), c.Message)}
			if w.Desired > 0 && w.Available == 0 {
				v.State = model.Critical
			}
			return v
		case c.Type == "ReplicaFailure" && c.Status == "True":
			return Verdict{model.Warning, words(fmt.Sprintf("%s, %s", c.Reason, short), c.Message)}
		}
	}
	switch {
	case w.Desired == 0:
		return Verdict{model.OK, "scaled to 0"}
	case w.Available < w.Desired && now.Sub(w.Created) < grace:
		return Verdict{model.OK, "starting, " + short}
	case w.Available <= 0:
		return Verdict{model.Critical, short}
	case w.Available < w.Desired:
		return Verdict{model.Warning, short}
	case int(w.Misplaced) > lostNodes:
		return Verdict{model.Warning, "runs on " + plural(int(w.Misplaced)-lostNodes, "node") + " where it should not"}
	}
	return Verdict{State: model.OK}
}

// JudgeService judges a service by its endpoints: one with a selector but no ready endpoint serves
// nobody.
func JudgeService(s *Service, ready, total int, now time.Time) Verdict {
	if s.Selector == "" || s.Type == "ExternalName" || ready > 0 {
		return Verdict{State: model.OK}
	}
	reason := fmt.Sprintf("no ready endpoint: none of %d pods of selector %s is ready", total, s.Selector)
	if total == 0 {
		reason = "no endpoint: selector " + s.Selector + " matches no running pod"
	}
	if now.Sub(s.Created) < grace {
		return Verdict{model.OK, "starting, " + reason}
	}
	return Verdict{model.Critical, reason}
}

// words joins what happened with the other side's explanation.
func words(what, message string) string {
	if message == "" {
		return what
	}
	return what + ": " + message
}
