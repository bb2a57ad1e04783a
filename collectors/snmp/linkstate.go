package snmp

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

// endState is what one end of a link says of its port.
type endState int

const (
	endSilent    endState = iota // the device is not managed, does not answer, or has no such port
	endUp                        //
	endDown                      // although it is switched on
	endAdminDown                 // switched off by somebody
	endUnsure                    // testing, dormant, unknown
)

func (d *directory) endState(e end) (endState, *Interface) {
	node := d.byID[e.device]
	if node == nil || !node.Answers {
		return endSilent, nil
	}
	port := node.port(e.port)
	switch {
	case port == nil:
		return endSilent, nil
	case port.Admin == StatusDown:
		return endAdminDown, port
	case port.Oper.Down():
		return endDown, port
	case port.Oper == StatusUp:
		return endUp, port
	}
	return endUnsure, port
}

// judge sets a link's state, speed, evidence and confidence from its two ports. before is the
// link of the round before, zero for a new one; seen says that a neighbour row confirms it now.
//
// A port that is down is believed whatever the other end says; a device that is silent says
// nothing: its links keep the other end's word, and silence alone never makes a link down.
func (d *directory) judge(l *model.Link, before model.Link, seen, settled bool) {
	ends := [2]end{{l.A, l.APort}, {l.B, l.BPort}}
	var states [2]endState
	l.SpeedBPS = 0
	for i, e := range ends {
		var port *Interface
		if states[i], port = d.endState(e); port != nil && port.SpeedBPS > 0 && (l.SpeedBPS == 0 || port.SpeedBPS < l.SpeedBPS) {
			l.SpeedBPS = port.SpeedBPS
		}
	}
	if l.SpeedBPS == 0 {
		l.SpeedBPS = before.SpeedBPS
	}
	l.State, l.Reason = d.linkState(ends, states)
	if l.State == model.Stale && !settled && !seen {
		l.State, l.Reason = before.State, before.Reason
	}
	l.Since = time.Time{} // the store knows since when
	down := l.State.Problem()
	l.Evidence = slices.Clone(l.Evidence)
	for _, v := range before.Evidence {
		node := d.byID[v.Observer]
		// A port that is down hears nothing, and a silent device tells nothing: what they said
		// of the cable before stands.
		if (down || node == nil || !node.Answers) && !slices.Contains(l.Evidence, v) {
			l.Evidence = append(l.Evidence, v)
		}
	}
	slices.SortFunc(l.Evidence, compareEvidence)
	switch {
	case seen || down:
		l.Confidence = (&edge{a: ends[0], b: ends[1], evidence: l.Evidence}).confidence()
	case l.State == model.OK:
		l.Confidence = min(l.Confidence, notHeard)
	}
}

// notHeard is the confidence in a link whose ports are up but hear nothing of each other any more.
const notHeard = 0.5

func (d *directory) linkState(ends [2]end, states [2]endState) (model.State, string) {
	count := func(s endState) (n int) {
		for _, state := range states {
			if state == s {
				n++
			}
		}
		return n
	}
	name := func(s endState) string { // of the first end in a state
		return d.nameOf(ends[slices.Index(states[:], s)].device)
	}
	port := func(s endState) string { return ends[slices.Index(states[:], s)].port }
	switch {
	case count(endDown) == 2:
		return model.Critical, "down, seen by both ends"
	case count(endDown) == 1 && count(endAdminDown) == 1:
		return model.Critical, fmt.Sprintf("down, seen by both ends; %s of %s is switched off", port(endAdminDown), name(endAdminDown))
	case count(endDown) == 1:
		return model.Critical, "down, seen by " + name(endDown)
	case count(endAdminDown) == 2:
		return model.OK, "switched off at both ends"
	case count(endAdminDown) == 1:
		return model.Warning, fmt.Sprintf("%s of %s is switched off", port(endAdminDown), name(endAdminDown))
	case count(endUp) == 2:
		return model.OK, ""
	case count(endUp) == 1 && count(endSilent) == 1:
		if id := ends[slices.Index(states[:], endSilent)].device; strings.HasPrefix(id, model.DeviceID("")) {
			return model.OK, "up, seen by " + name(endUp) + " alone"
		}
		return model.OK, ""
	case count(endUp) == 1:
		return model.OK, "up, seen by " + name(endUp) + " alone"
	case count(endUnsure) > 0:
		return model.Unknown, "the port of " + name(endUnsure) + " does not say whether it is up"
	}
	return model.Stale, "no end answers"
}

// nameOf returns what people call a device or stub.
func (d *directory) nameOf(id string) string {
	if node := d.byID[id]; node != nil {
		return node.Device
	}
	return displayName(id)
}

// displayName takes the name out of the ID of a device, a host or a stub.
func displayName(id string) string {
	name := id[strings.LastIndexByte(id, '/')+1:]
	return strings.NewReplacer("%2F", "/", "%25", "%").Replace(name)
}
