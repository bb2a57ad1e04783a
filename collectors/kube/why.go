package kube

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

const (
	maxWhy     = 6   // lines of an explanation
	maxWhyLine = 180 // runes of a line
	suspectFor = 24 * time.Hour
)

// chain explains a problem: each line is the cause of the one before it, as far as the API tells.
type chain []string

func (c *chain) add(lines ...string) {
	for _, line := range lines {
		if line = clip(line, maxWhyLine); line != "" && len(*c) < maxWhy && !slices.Contains(*c, line) {
			*c = append(*c, line)
		}
	}
}

// text is the chain as the label "why" holds it.
func (c chain) text() string { return strings.Join(c, "\n") }

// whyPod explains a pod in trouble: its container's end, its image, its controller's last change, its claims,
// its node.
func (v *view) whyPod(p *Pod) chain {
	var c chain
	owner := v.controller(p)
	last := v.changeLine(owner)
	if v.isLost(p.Node) {
		c.add(v.nodeLine(p.Node))
		if w := v.workloadOf(p); w != nil {
			c.add(v.lostLine(w))
		}
		return c
	}
	if p.Phase == "Failed" {
		c.add(words(cmp.Or(p.Reason, "failed"), p.Message))
	}
	switch sick := p.sick(); {
	case !p.GoneBy.IsZero() && p.Finalizers != "":
		c.add("deletion waits for finalizer " + p.Finalizers)
	case !p.GoneBy.IsZero():
		c.add("the kubelet has not reported that its containers ended")
	case sick != nil:
		c.add(sick.line(v.now), sick.left())
		if line := v.imageLine(p, sick); line != "" {
			c.add(line)
			if d, ok := v.lastChange(owner); ok && d.What == "image" {
				last = "" // the line has it
			}
		}
	case p.Scheduled != nil:
		c.add(words("scheduler", schedulerWords(p.Scheduled.Message)), v.tooLarge(p))
	case !p.ready() && !p.ended():
		for i := range p.Containers {
			c.add(p.Containers[i].notReady(v.now))
		}
	}
	for _, claim := range p.Claims {
		c.add(v.claimLine(p.Namespace, claim))
	}
	if !p.ended() {
		c.add(v.eventLine(object{"Pod", p.Namespace, p.Name}))
	}
	c.add(last, v.nodeLine(p.Node))
	return c
}

// line is how a container ended or why it waits: "container app: exit code 137 (OOMKilled) at 03:10:02, limit
// 128Mi".
func (c *Container) line(now time.Time) string {
	line := "container " + c.Name + ": "
	ended := cmp.Or(c.Ended, c.Last)
	switch {
	case isImageTrouble(c.Waiting):
		return line + words(c.Waiting, c.Message)
	case c.Waiting != "" && c.Waiting != "CrashLoopBackOff" || ended == nil:
		return line + words(c.Waiting, c.Message)
	}
	line += ended.String()
	if meaning := exitMeanings[ended.ExitCode]; meaning != "" && ended.Reason != "OOMKilled" {
		line += ", " + meaning
	}
	line += " at " + clock(ended.At, now)
	if ended.Reason == "OOMKilled" {
		if c.Limits.Memory > 0 {
			return line + ", limit " + bytesText(c.Limits.Memory)
		}
		return line + ", no limit of its own: the node ran out of memory"
	}
	return line
}

// exitMeanings are the exit codes of a container that mean the same in every program: those of the shell, and
// 128 more than a signal's number.
var exitMeanings = map[int32]string{
	126: "its command cannot be executed", 127: "its command is not in the image", 134: "aborted (SIGABRT)",
	137: "killed (SIGKILL)", 139: "crashed (SIGSEGV)", 143: "ended on request (SIGTERM)",
}

// left is what the container said at its end.
func (c *Container) left() string {
	if t := cmp.Or(c.Ended, c.Last); t != nil && t.Message != "" {
		return "its last words: " + t.Message
	}
	return ""
}

// notReady says what a container of a pod that is not ready waits for.
func (c *Container) notReady(now time.Time) string {
	switch {
	case c.Ready || c.Ephemeral || c.Ended != nil && c.Ended.ExitCode == 0:
		return ""
	case c.Waiting != "":
		return "container " + c.Name + ": " + words(c.Waiting, c.Message)
	case c.Running && !c.Started:
		return "container " + c.Name + ": runs since " + clock(c.Since, now) + ", its startup probe has not passed"
	case c.Running:
		return "container " + c.Name + ": runs since " + clock(c.Since, now) + ", its readiness probe does not pass"
	}
	return ""
}

// imageLine says when an image came to be used: by the change that was seen, else by the birth of the replica
// set that the pod is of. Where the image is not the trouble itself, an old one is no cause.
func (v *view) imageLine(p *Pod, c *Container) string {
	owner := v.controller(p)
	set, by := time.Time{}, ""
	if rs := v.owners[p.Namespace+"/"+p.Owner]; p.OwnerKind == "ReplicaSet" && rs != nil {
		set, by = rs.Created, "by rollout of "+owner.String()
	}
	if d, ok := v.lastChange(owner, "image"); ok && d.Of == c.Name && d.After == c.Image && d.At.After(set) {
		set, by = d.At, "by rollout of "+owner.String()+", before "+d.Before
	}
	if c.Image == "" || set.IsZero() || !isImageTrouble(c.Waiting) && v.now.Sub(set) > suspectFor {
		return ""
	}
	return "image " + c.Image + " was set at " + clock(set, v.now) + " " + by
}

// String is an object in a few words: "deployment search".
func (o object) String() string { return strings.ToLower(o.kind) + " " + o.name }

// changeLine is the last change of an object that was seen, if that was of late.
func (v *view) changeLine(of object) string {
	d, ok := v.lastChange(of)
	if !ok || v.now.Sub(d.At) > suspectFor {
		return ""
	}
	return fmt.Sprintf("%s changed at %s: %s", of, clock(d.At, v.now), d.change)
}

// eventLine is the latest warning of the cluster about an object.
func (v *view) eventLine(of object) string {
	h := v.related().told[of]
	if h == nil || v.now.Sub(h.Last) > eventsBack || h.Reason == "BackOff" || h.Reason == "FailedScheduling" {
		return "" // these two only repeat what the status says
	}
	return words(h.Reason+" at "+clock(h.Last, v.now), h.Message)
}

// claimLine says why a volume claim that a pod mounts is not bound, "" when it is.
func (v *view) claimLine(namespace, name string) string {
	if !v.readable("persistentvolumeclaims") {
		return ""
	}
	c, ok := find[*Claim](v, "persistentvolumeclaims", namespace, name)
	if !ok {
		return "PVC " + name + " does not exist"
	}
	if verdict := JudgeClaim(c, v.provision(c), v.now); verdict.State != model.OK {
		return "PVC " + name + " " + verdict.Reason
	}
	return ""
}

// nodeLine says what is wrong with a node, "" for nothing.
func (v *view) nodeLine(name string) string {
	n := v.nodeByName[name]
	if n == nil {
		if name != "" && v.readable("nodes") {
			return "node " + name + " is gone"
		}
		return ""
	}
	if n.lost() {
		return "node " + name + " lost since " + clock(n.condition("Ready").Since, v.now)
	}
	if verdict := JudgeNode(n, v.now); verdict.State != model.OK {
		return "node " + name + ": " + verdict.Reason
	}
	return ""
}

// tooLarge says that no node, were it empty, has what the pod asks for.
func (v *view) tooLarge(p *Pod) string {
	var most Resources
	for n := range each[*Node](v, "nodes") {
		most = most.max(n.Allocatable)
	}
	asks, _ := p.asks()
	switch {
	case most.CPU > 0 && asks.CPU > most.CPU:
		return "it asks for " + cores(asks.CPU) + " cores, the largest node has " + cores(most.CPU)
	case most.Memory > 0 && asks.Memory > most.Memory:
		return "it asks for " + bytesText(asks.Memory) + " of memory, the largest node has " + bytesText(most.Memory)
	}
	return ""
}

// whyWorkload explains a workload in trouble by the worst of its pods.
func (v *view) whyWorkload(w *Workload) chain {
	var c chain
	for _, cond := range w.Conditions {
		if cond.Type == "ReplicaFailure" && cond.Status == "True" {
			c.add(words("no pod can be made", cond.Message))
		}
	}
	c.add(v.lostLine(w))
	if !v.readable("pods") {
		return c
	}
	pods := v.related().pods[w.object()]
	if worst := v.worst(pods); worst != nil {
		c.add("pod " + worst.Name + ": " + v.judgePod(worst).Reason)
		c.add(v.whyPod(worst)...)
		return c
	}
	if len(pods) == 0 && w.Desired > 0 {
		c.add("it has no pod", v.eventLine(w.object()))
	}
	c.add(v.changeLine(w.object()))
	return c
}

// lostLine tells of the pods of a workload on lost nodes.
func (v *view) lostLine(w *Workload) string {
	l := v.lostPods(w)
	if l.pods == 0 {
		return ""
	}
	return w.object().String() + ": " + l.String()
}

// worst is the pod that is worst off, the first by name where several are; a pod that is merely not ready yet
// is worse off than one that serves. It is nil when all of them serve.
func (v *view) worst(pods []*Pod) *Pod {
	var worst *Pod
	var most int
	for _, p := range pods {
		if p.Phase == "Succeeded" {
			continue
		}
		rank := 10 * v.judgePod(p).State.Rank()
		if !p.ready() {
			rank++
		}
		if p.ready() && rank <= 10*model.OK.Rank() {
			continue
		}
		if worst == nil || rank > most || rank == most && p.Name < worst.Name {
			worst, most = p, rank
		}
	}
	return worst
}

// whyService explains a service in trouble: what its selector matches, and why that does not serve.
func (v *view) whyService(s *Service, ends *endpoints) chain {
	var c chain
	if ends.ready > 0 || s.Selector == "" {
		c.add(v.eventLine(object{"Service", s.Namespace, s.Name}))
		return c
	}
	if !v.readable("pods") {
		return c
	}
	selector := clip(s.Selector, 100)
	pods := v.matching(s.Namespace, s.Selector)
	if len(pods) == 0 {
		c.add("selector " + selector + " matches no pod")
		c.add(v.selectorHints(s)...)
		c.add(v.changeLine(object{"Service", s.Namespace, s.Name}))
		return c
	}
	c.add(fmt.Sprintf("selector %s matches %s of %s", selector, plural(len(pods), "pod"), v.controllers(pods)))
	if worst := v.worst(pods); worst != nil {
		c.add("pod " + worst.Name + ": " + cmp.Or(v.judgePod(worst).Reason, "not ready"))
		c.add(v.whyPod(worst)...)
	} else if ends.total == 0 {
		c.add("all of them are ready, but the service has no endpoint: is the controller manager running?")
	}
	c.add(v.changeLine(object{"Service", s.Namespace, s.Name}))
	return c
}

// controllers names what pods belong to, at most three.
func (v *view) controllers(pods []*Pod) string {
	var names []string
	for _, p := range pods {
		name := "no controller"
		if owner := v.controller(p); owner.kind != "" {
			name = owner.String()
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	if len(names) > 3 {
		names = append(names[:3], number(len(names)-3)+" more")
	}
	return strings.Join(names, ", ")
}

// selectorHints says where a selector that matches nothing goes wrong: workloads whose pods it would match if
// they had any, else how many pods have each of its pairs.
func (v *view) selectorHints(s *Service) []string {
	pairs := strings.Split(s.Selector, ",")
	for _, name := range []string{"deployments", "statefulsets", "daemonsets"} {
		for w := range each[*Workload](v, name) {
			if w.Namespace == s.Namespace && matches(w.Template.Labels, pairs) {
				return []string{fmt.Sprintf("it matches the template of %s, which has no pod: it wants %d", w.object(), w.Desired), v.changeLine(w.object())}
			}
		}
	}
	if len(pairs) == 1 {
		return nil
	}
	var hints []string
	for _, pair := range pairs {
		hints = append(hints, clip(pair, 80)+" is on "+plural(len(v.matching(s.Namespace, pair)), "pod"))
	}
	return []string{strings.Join(hints, ", ")}
}

// whyNode explains a node in trouble.
func (v *view) whyNode(n *Node) chain {
	var c chain
	if n.lost() {
		c.add("its kubelet is silent since " + clock(n.condition("Ready").Since, v.now))
	} else if ready := n.condition("Ready"); ready != nil && ready.Status != "True" {
		c.add(words("its kubelet says", ready.Message))
	}
	for _, p := range n.pressures() {
		c.add(words(p.Type+" since "+clock(p.Since, v.now), p.Message))
	}
	if v.readable("pods") && !n.ready() {
		count := 0
		for p := range each[*Pod](v, "pods") {
			if p.Node == n.Name && !p.ended() {
				count++
			}
		}
		c.add(plural(count, "pod") + " on it")
	}
	c.add(v.eventLine(object{"Node", "", n.Name}), v.changeLine(object{"Node", "", n.Name}))
	return c
}
