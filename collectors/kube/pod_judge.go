package kube

import (
	"fmt"
	"strings"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

// How long a pod may be in a state before it is a problem.
const (
	unschedulableAfter = 15 * time.Second
	notReadyAfter      = 15 * time.Minute
	overdueAfter       = 30 * time.Second // beyond the grace period of a deletion
)

// JudgePod judges a pod by its containers first: one that crashes over and over has phase Running.
// nodeLost says that the node it is bound to has fallen silent, so that its status is hearsay.
func JudgePod(p *Pod, nodeLost bool, now time.Time) Verdict {
	switch {
	case p.Phase == "Succeeded":
		return Verdict{model.OK, "completed"}
	case p.Phase == "Failed":
		return judgeFailed(p)
	case nodeLost:
		return Verdict{model.Warning, "on lost node " + p.Node}
	case !p.GoneBy.IsZero():
		if now.Sub(p.GoneBy) > overdueAfter {
			held := "terminating, should be gone since " + clock(p.GoneBy, now)
			if p.Finalizers != "" {
				held += ", held by finalizer " + p.Finalizers
			}
			return Verdict{model.Warning, held}
		}
		return Verdict{model.OK, "terminating"}
	}
	if c := p.sick(); c != nil {
		v, _ := judgeContainer(*c)
		return v
	}
	switch {
	case p.Scheduled != nil:
		return judgeUnscheduled(p.Scheduled, now)
	case p.Phase == "Pending":
		if now.Sub(p.Created) > notReadyAfter {
			return Verdict{model.Warning, words("starting since "+clock(p.Created, now), waiting(p))}
		}
		return Verdict{model.OK, "starting"}
	case p.Phase != "Running":
		return Verdict{model.Unknown, words("phase "+p.Phase, p.Message)}
	case p.ready():
		return Verdict{State: model.OK}
	}
	return judgeNotReady(p, now)
}

// sick is the first container that cannot run, nil for none. One that was added by hand to look into the
// pod may end as it likes.
func (p *Pod) sick() *Container {
	for i := range p.Containers {
		if c := &p.Containers[i]; !c.Ephemeral {
			if _, bad := judgeContainer(*c); bad {
				return c
			}
		}
	}
	return nil
}

// since is when the trouble of a pod began as far as its status tells; zero where it does not.
func (p *Pod) since(now time.Time) time.Time {
	switch {
	case !p.GoneBy.IsZero() && now.Sub(p.GoneBy) > overdueAfter:
		return p.GoneBy
	case p.Scheduled != nil:
		return p.Scheduled.Since
	case p.Ready != nil && !p.ready() && p.sick() == nil:
		return p.Ready.Since
	}
	return time.Time{}
}

func judgeFailed(p *Pod) Verdict {
	if p.Reason == "Evicted" {
		return Verdict{model.Warning, words("Evicted", p.Message)}
	}
	for _, c := range p.Containers {
		if !c.Ephemeral && c.Ended != nil && c.Ended.ExitCode != 0 {
			return Verdict{model.Critical, fmt.Sprintf("Failed, %s", c.Ended)}
		}
	}
	if p.Reason != "" {
		return Verdict{model.Critical, words("Failed, "+p.Reason, p.Message)}
	}
	return Verdict{model.Critical, words("Failed", p.Message)}
}

// String is the exit code with the reason: "exit code 137 (OOMKilled)".
func (t *Termination) String() string {
	if t.Reason == "" {
		return fmt.Sprintf("exit code %d", t.ExitCode)
	}
	return fmt.Sprintf("exit code %d (%s)", t.ExitCode, t.Reason)
}

// judgeContainer finds a container that cannot run. bad is false for one that runs, ended well or
// merely starts.
func judgeContainer(c Container) (v Verdict, bad bool) {
	history := ""
	if c.Restarts > 0 {
		history = ", " + plural(int(c.Restarts), "restart")
	}
	switch {
	case c.Waiting == "CrashLoopBackOff":
		if c.Last != nil {
			history += ", " + c.Last.String()
		}
		return Verdict{model.Critical, c.Waiting + history + c.where()}, true
	case isImageTrouble(c.Waiting):
		return Verdict{model.Critical, words(c.Waiting+" "+c.Image, c.Message)}, true
	case isTrouble(c.Waiting):
		return Verdict{model.Critical, words(c.Waiting+history+c.where(), c.Message)}, true
	case c.Ended != nil && c.Ended.ExitCode != 0:
		return Verdict{model.Critical, fmt.Sprintf("ended with %s%s%s", c.Ended, history, c.where())}, true
	}
	return Verdict{}, false
}

// where names a container that is not of the first rank; most pods have but one, whose name says nothing.
func (c Container) where() string {
	switch {
	case c.Sidecar:
		return ", sidecar " + c.Name
	case c.Init:
		return ", init container " + c.Name
	}
	return ""
}

func isImageTrouble(reason string) bool {
	switch reason {
	case "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError", "RegistryUnavailable":
		return true
	}
	return false
}

// isTrouble tells reasons such as CreateContainerConfigError from ContainerCreating.
func isTrouble(reason string) bool {
	return strings.HasPrefix(reason, "Err") || strings.HasSuffix(reason, "Error") || strings.HasSuffix(reason, "BackOff")
}

func judgeUnscheduled(c *Condition, now time.Time) Verdict {
	if c.Reason == "SchedulingGated" {
		return Verdict{model.OK, "held back by a scheduling gate"}
	}
	if now.Sub(c.Since) < unschedulableAfter {
		return Verdict{model.OK, "waiting for a node"}
	}
	return Verdict{model.Warning, words("unschedulable", schedulerWords(c.Message))}
}

// schedulerWords is what the scheduler says of the nodes, without what it says of its attempts to make room.
func schedulerWords(message string) string {
	message, _, _ = strings.Cut(message, " preemption: ")
	return strings.TrimSpace(strings.TrimSuffix(message, "no new claims to deallocate,"))
}

func judgeNotReady(p *Pod, now time.Time) Verdict {
	since := p.Created
	if p.Ready != nil {
		since = p.Ready.Since
	}
	for _, c := range p.Containers {
		// Between two crashes it runs for a while: that is not getting well.
		if (!c.Init || c.Sidecar) && !c.Ephemeral && !c.Ready && c.Restarts > 0 && c.Last != nil && c.Last.ExitCode != 0 && now.Sub(c.Last.At) < notReadyAfter {
			return Verdict{model.Warning, fmt.Sprintf("not ready after %s, %s", plural(int(c.Restarts), "restart"), c.Last)}
		}
	}
	if now.Sub(since) >= notReadyAfter {
		return Verdict{model.Warning, "not ready since " + clock(since, now)}
	}
	return Verdict{model.OK, "not ready yet"}
}

// waiting is why the first container that waits does so.
func waiting(p *Pod) string {
	for _, c := range p.Containers {
		if c.Waiting != "" {
			return words(c.Waiting, c.Message)
		}
	}
	return ""
}
