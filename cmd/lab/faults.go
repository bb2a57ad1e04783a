package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

const faultLimit = 90 * time.Second // for a fault or its healing to come into force

// A fault is something that can be broken in the running lab and put right again. inject and heal return when the real
// system shows the change; heal of a fault that is not in force changes nothing that matters.
type fault struct {
	Name   string
	Number int // in the list of faults that the wallboard must tell apart; see README.md
	About  string
	inject func(context.Context, *supervisor) error
	heal   func(context.Context, *supervisor) error

	// afterwards is set where the fault is an event: there is nothing to heal, and it says what happens instead.
	afterwards func(dir string) string
}

// faults lists everything the lab can break.
func faults() []fault {
	return []fault{
		{Name: "link-down", Number: 1, About: "cuts the cable between dist2 and core1", inject: cutCable, heal: joinCable},
		{Name: "agent-silent", Number: 2, About: "stops the SNMP agent of acc12; the device still forwards", inject: silenceAgent, heal: wakeAgent},
		{Name: "device-dead", Number: 3, About: "takes " + deadDevice + " off the network; acc11 and acc12 are only reachable through it", inject: killDevice, heal: reviveDevice},
		{Name: "packet-loss", Number: 4, About: "loses 20 % of the requests to all agents", inject: losePackets, heal: keepPackets},
		{Name: "wrong-community", Number: 7, About: "changes the community of core2", inject: changeCommunity, heal: restoreCommunity},
		{Name: "node-notready", Number: 12, About: "stops the heartbeat of " + lostNode, inject: loseNode, heal: findNode},
		{Name: "pod-crash", Number: 13, About: "puts one pod of shop/checkout into CrashLoopBackOff", inject: crashPod, heal: recoverPod},
		{Name: "oom-once", Number: 14, About: "kills the container of one pod of shop/api for its memory, once", inject: killForMemory, afterwards: afterMemory},
		{Name: "image-pull", Number: 15, About: "rolls shop/search out to an image that is not there", inject: missImage, heal: restoreImage},
		{Name: "unschedulable", Number: 16, About: "creates batch/ml-train, which asks for more than any node has", inject: asksTooMuch, heal: asksNothing},
		{Name: "apiserver-down", Number: 17, About: "kills the API server; connections are refused", inject: endAPIServer, heal: startAPIServer},
		{Name: "apiserver-hang", Number: 17, About: "stops the API server; connections stay open and nothing answers", inject: hangAPIServer, heal: resumeAPIServer},
		{Name: "service-empty", Number: 20, About: "lets the service shop/cart select pods that are not there", inject: misselect, heal: reselect},
		{Name: "collector-panic", Number: 28, About: "makes the collector of source campus panic in the wallboard on DIR/data", inject: panicCollector, afterwards: afterPanic},
		{Name: "kill-wall", Number: 30, About: "kills the wallboard on DIR/data with SIGKILL", inject: killWall, afterwards: afterKill},
		{Name: "machine-sleeps", Number: 32, About: "lets the wallboard on DIR/data believe that the machine slept for an hour", inject: sleepMachine, afterwards: afterSleep},
		{Name: "clock-back", Number: 33, About: "sets the system clock back an hour, for the wallboard on DIR/data", inject: setClockBack, heal: setClockRight},
	}
}

// event says whether the fault is over as soon as it happened.
func (f fault) event() bool { return f.afterwards != nil }

func findFault(name string) (fault, error) {
	all := faults()
	if i := slices.IndexFunc(all, func(f fault) bool { return f.Name == name }); i >= 0 {
		return all[i], nil
	}
	var names []string
	for _, f := range all {
		names = append(names, f.Name)
	}
	return fault{}, fmt.Errorf("no fault is called %q; there are %s", name, strings.Join(names, ", "))
}

// inForce describes the faults that are injected and not healed, in the order of the list.
func inForce(since map[string]time.Time) []string {
	var lines []string
	for _, f := range faults() {
		if t, ok := since[f.Name]; ok {
			lines = append(lines, fmt.Sprintf("%-26s since %s", f.Name, t.Format(time.RFC3339Nano)))
		}
	}
	return lines
}
