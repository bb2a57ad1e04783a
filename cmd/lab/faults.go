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
		{Name: "reboot", Number: 5, About: "restarts " + rebootedDevice + ": counters begin at zero, each port has another one's ifIndex", inject: rebootDevice, afterwards: afterReboot},
		{Name: "counter-wrap", Number: 6, About: "takes the 64-bit counters of " + oldDevice + "; those of 32 bits wrap within half a minute", inject: loseHighCounters, heal: regainHighCounters},
		{Name: "wrong-community", Number: 7, About: "changes the community of core2", inject: changeCommunity, heal: restoreCommunity},
		{Name: "wrong-password", Number: 7, About: "changes the SNMPv3 password of oob1", inject: changePassword, heal: restorePassword},
		{Name: "slow-agent", Number: 8, About: "holds up each answer of " + slowDevice + " by " + slowAnswer.String(), inject: slowAgent, heal: quickAgent},
		{Name: "half-table", Number: 8, About: "lets the agent of " + halfDevice + " hang in ifXTable", inject: halfTable, heal: wholeTable},
		{Name: "trap-storm", Number: 9, About: fmt.Sprintf("sends %d traps a second from %s for %s", stormRate, stormDevice, stormTime), inject: stormTraps, afterwards: afterStorm},
		{Name: "lag-member", Number: 10, About: "cuts one of the four cables of the LAG between the cores", inject: cutMember, heal: joinMember},
		{Name: "node-notready", Number: 12, About: "stops the heartbeat of " + lostNode, inject: loseNode, heal: findNode},
		{Name: "pod-crash", Number: 13, About: "puts one pod of shop/checkout into CrashLoopBackOff", inject: crashPod, heal: recoverPod},
		{Name: "oom-once", Number: 14, About: "kills the container of one pod of shop/api for its memory, once", inject: killForMemory, afterwards: afterMemory},
		{Name: "image-pull", Number: 15, About: "rolls shop/search out to an image that is not there", inject: missImage, heal: restoreImage},
		{Name: "unschedulable", Number: 16, About: "creates batch/ml-train, which asks for more than any node has", inject: asksTooMuch, heal: asksNothing},
		{Name: "apiserver-down", Number: 17, About: "kills the API server; connections are refused", inject: endAPIServer, heal: startAPIServer},
		{Name: "apiserver-hang", Number: 17, About: "stops the API server; connections stay open and nothing answers", inject: hangAPIServer, heal: resumeAPIServer},
		{Name: "apiserver-cert-renewed", Number: 17, About: "gives the API server a new certificate of the same authority", inject: renewCertificate, afterwards: afterRenewal},
		{Name: "apiserver-cert-foreign", Number: 17, About: "gives the API server a certificate of another authority", inject: foreignCertificate, heal: renewCertificate},
		{Name: "watch-expired", Number: 17, About: "compacts the history of the cluster, so that each watch ends with 410 Gone", inject: expireWatches, afterwards: afterExpiry},
		{Name: "rbac-withdrawn", Number: 18, About: "takes " + withdrawnOne + " from the role of the wallboard", inject: withdrawResource, heal: grantResource},
		{Name: "rbac-namespace", Number: 18, About: "leaves the wallboard nothing but namespace " + remainingSpace, inject: confine, heal: unconfine},
		{Name: "metrics-gone", Number: 19, About: "stops the metrics server", inject: stopMetrics, heal: startMetrics},
		{Name: "service-empty", Number: 20, About: "lets the service shop/cart select pods that are not there", inject: misselect, heal: reselect},
		{Name: "rollout-stuck", Number: 21, About: "rolls shop/payment out to an image that is not there; the old replicas serve on", inject: stickRollout, heal: unstickRollout},
		{Name: "pvc-pending", Number: 22, About: "lets data/" + idleClaim + " claim a volume of class " + emptyClass + ", which nobody provides", inject: claimNothing, heal: unclaim},
		{Name: "volume-full", Number: 22, About: "fills the volume of data/" + fullClaim + " to 95 %", inject: fillVolume, heal: drainVolume},
		{Name: "cert-near-end", Number: 23, About: "lets the certificate of shop/web end in 14 days", inject: nearEnd, heal: renew},
		{Name: "cert-last-days", Number: 23, About: "lets the certificate of shop/web end in 5 days", inject: lastDays, heal: renew},
		{Name: "exporter-stop", Number: 24, About: "stops the exporter of " + mutedServer + "; the server lives", inject: stopExporter, heal: resumeExporter},
		{Name: "host-dead", Number: 25, About: "takes the power from the server " + deadServer, inject: killServer, heal: bootAgain},
		{Name: "switch-dead", Number: 25, About: "takes " + deadSwitch + " off the network; the servers behind it live", inject: killSwitch, heal: reviveSwitch},
		{Name: "disk-fill", Number: 26, About: "fills " + diskMount + " of " + fullServer + " to " + fmt.Sprint(fillUpTo) + " % within a minute; healing cleans it up", inject: fillDisk, heal: cleanDisk},
		{Name: "clock-off", Number: 27, About: "puts the clock of " + clockedServer + " " + fmt.Sprint(clockShift.Minutes()) + " minutes ahead, as its exporter tells it", inject: putClockWrong, heal: putClockRight},
		{Name: "collector-panic", Number: 28, About: "makes the collector of source campus panic in the wallboard on DIR/data", inject: panicCollector, afterwards: afterPanic},
		{Name: "kill-wall", Number: 30, About: "kills the wallboard on DIR/data with SIGKILL", inject: killWall, afterwards: afterKill},
		{Name: "machine-sleeps", Number: 32, About: "lets the wallboard on DIR/data believe that the machine slept for an hour", inject: sleepMachine, afterwards: afterSleep},
		{Name: "clock-back", Number: 33, About: "sets the system clock back an hour, for the wallboard on DIR/data", inject: setClockBack, heal: setClockRight},
		{Name: "pod-terminating", Number: 34, About: "deletes a pod of batch/worker that a finalizer keeps", inject: holdPod, heal: releasePod},
		{Name: "hpa-at-max", Number: 35, About: "lets shop/cart work so hard that its autoscaler is at its maximum", inject: overload, heal: unload},
		{Name: "custom-not-ready", Number: 36, About: "lets the custom resource data/orders say that it is not ready", inject: lagDatabase, heal: repairDatabase},
		{Name: "job-failed", Number: 37, About: "runs batch/" + failingJob + ", a job that fails", inject: failJob, heal: removeJob},
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
