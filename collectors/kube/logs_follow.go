package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/nocturne-noc/nocturne/store/model"
)

const (
	firstLines   = 1000             // of a log that are asked for at first
	lookAgain    = 3 * time.Second  // at a container that does not run
	reconnect    = time.Second      // after a stream broke, and twice as long each time,
	maxReconnect = 15 * time.Second // but no longer
)

// patience is how long a follower waits before it tries again.
type patience struct{ reconnect, look time.Duration }

// defaultContainer is the annotation that names the container whose log kubectl shows.
const defaultContainer = "kubectl.kubernetes.io/default-container"

// run follows the log until ctx ends or there can be no more of it.
func (f *follower) run(ctx context.Context) {
	defer func() {
		if p := recover(); p != nil {
			f.c.log.Error("following a log panicked", "cluster", f.c.name, "pod", f.pod.String(), "panic", p)
			f.say(model.LogEnded, "following it panicked: the log of this program says more")
		}
	}()
	read := "" // the life of the container whose log came to its end
	pause := f.wait.reconnect
	for {
		target, err := f.look(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			f.say(model.LogWaiting, err.Error())
			if apierrors.IsNotFound(err) {
				f.say(model.LogEnded, "the pod is gone")
				return
			}
		case target.refused != "":
			f.say(model.LogEnded, target.refused)
			return
		case target.life == "" || target.life == read && !target.running:
			f.say(model.LogWaiting, target.why)
			pause = f.wait.look
		default:
			lines, err := f.stream(ctx, target)
			if lines > 0 {
				pause = f.wait.reconnect
			}
			switch {
			case ctx.Err() != nil:
				return
			case err != nil:
				f.say(model.LogWaiting, err.Error())
			case target.last:
				f.say(model.LogEnded, target.why)
				return
			}
			if err == nil {
				read = target.life
			}
		}
		if !sleep(ctx, pause) {
			return
		}
		pause = min(2*pause, maxReconnect)
	}
}

// sleep reports whether ctx let it sleep.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// logTarget is the container whose log is wanted, as its pod says now.
type logTarget struct {
	container string
	life      string // tells one run of the container from the next; "" while it never ran
	running   bool
	last      bool   // it ends with what there is
	why       string // it does not run, or has ended
	refused   string // why there can be no log of it, "" for there can
}

// look asks for the pod and finds the container.
func (f *follower) look(ctx context.Context) (logTarget, error) {
	limited, cancel := context.WithTimeout(ctx, inspectLimit)
	defer cancel()
	body, err := f.c.read(limited, f.pod.path(), maxObject)
	if err != nil {
		if apierrors.IsNotFound(err) {
			return logTarget{}, err
		}
		return logTarget{}, f.c.notRead(f.pod.String(), "get", f.pod.resource, err)
	}
	var pod corev1.Pod
	if err := json.Unmarshal(body, &pod); err != nil {
		return logTarget{}, fmt.Errorf("%s: the API server's answer is no pod: %w", f.pod, err)
	}
	names := containersOf(&pod)
	target := targetOf(&pod, names, f.req)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.about.Containers, f.about.Container = names, target.container
	return target, nil
}

// containersOf are the names of a pod's containers, those of the beginning last.
func containersOf(pod *corev1.Pod) []string {
	var names []string
	for _, c := range pod.Spec.Containers {
		names = append(names, clip(c.Name, 63))
	}
	for _, c := range pod.Spec.EphemeralContainers {
		names = append(names, clip(c.Name, 63))
	}
	for _, c := range pod.Spec.InitContainers {
		names = append(names, clip(c.Name, 63))
	}
	return names
}

// targetOf finds the container that is meant, and what its log can be.
func targetOf(pod *corev1.Pod, names []string, req model.LogRequest) logTarget {
	t := logTarget{container: req.Container}
	if t.container == "" {
		t.container = pod.Annotations[defaultContainer]
		if !slices.Contains(names, t.container) && len(names) > 0 {
			t.container = names[0]
		}
	}
	if !slices.Contains(names, t.container) {
		t.container = clip(t.container, 63)
		t.refused = "the pod has no container " + t.container
		return t
	}
	status := statusOf(pod, t.container)
	if status == nil {
		t.why = "the container has not started"
		return t
	}
	if req.Previous {
		ended := status.LastTerminationState.Terminated
		if ended == nil {
			t.why = "the container has not been restarted: there is no log of before"
			return t
		}
		t.life, t.last, t.why = fmt.Sprint(status.RestartCount), true, endText(ended)
		return t
	}
	state := status.State
	switch {
	case state.Running != nil:
		t.running = true
	case state.Terminated != nil:
		t.why = endText(state.Terminated)
		t.last = finished(pod, state.Terminated, t.container)
	case state.Waiting != nil:
		t.why = words(clip(state.Waiting.Reason, 60), clip(state.Waiting.Message, 200))
	}
	if t.running || state.Terminated != nil || status.LastTerminationState.Terminated != nil {
		t.life = fmt.Sprintf("%d %s %t", status.RestartCount, status.ContainerID, state.Terminated != nil)
	}
	return t
}

func statusOf(pod *corev1.Pod, container string) *corev1.ContainerStatus {
	for _, list := range [][]corev1.ContainerStatus{pod.Status.ContainerStatuses, pod.Status.EphemeralContainerStatuses, pod.Status.InitContainerStatuses} {
		for i := range list {
			if list[i].Name == container {
				return &list[i]
			}
		}
	}
	return nil
}

// finished reports whether a container that has ended will not be started again.
func finished(pod *corev1.Pod, ended *corev1.ContainerStateTerminated, container string) bool {
	if pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed || pod.Spec.RestartPolicy == corev1.RestartPolicyNever {
		return true
	}
	initial := slices.ContainsFunc(pod.Spec.InitContainers, func(c corev1.Container) bool { return c.Name == container })
	return ended.ExitCode == 0 && (initial || pod.Spec.RestartPolicy == corev1.RestartPolicyOnFailure)
}

// endText is how a container ended: "Error, exit code 1".
func endText(t *corev1.ContainerStateTerminated) string {
	return joinComma(clip(t.Reason, 60), fmt.Sprintf("exit code %d", t.ExitCode))
}

// stream takes the log until it breaks, and returns how many lines came. It goes on behind what is held.
func (f *follower) stream(ctx context.Context, target logTarget) (lines int, err error) {
	opts := &corev1.PodLogOptions{Container: target.container, Previous: f.req.Previous, Follow: !f.req.Previous, Timestamps: true}
	f.mu.Lock()
	f.mark.again()
	tail := int64(firstLines)
	if !f.mark.last.IsZero() {
		tail = maxLogLines
		opts.SinceTime = &metav1.Time{Time: f.mark.last}
	}
	f.mu.Unlock()
	opts.TailLines = &tail
	if f.req.Previous {
		limit := int64(maxLogBytes)
		opts.LimitBytes = &limit
		limited, cancel := context.WithTimeout(ctx, headersWithin)
		defer cancel()
		ctx = limited
	}
	// The API server begins its answer with the first line: until then it is as if nothing came.
	f.say(model.LogWaiting, "no line has come yet")
	stream, err := f.c.api.CoreV1().Pods(f.pod.namespace).GetLogs(f.pod.name, opts).MaxRetries(0).Stream(ctx)
	if err != nil {
		if target.running && isTimeout(err) {
			return 0, nil // a container that says nothing
		}
		return 0, f.c.notRead("log of "+f.pod.String(), "get", "pods/log", err)
	}
	defer func() { _ = stream.Close() }() // nothing was written
	f.say(model.LogFollowing, "")
	err = readLines(stream, func(raw []byte) {
		line := parseLine(raw)
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.mark.takes(line.Time) {
			f.ring.add(line)
			lines++
		}
	})
	if err != nil {
		return lines, fmt.Errorf("the log broke off: %s", clip(err.Error(), 160))
	}
	return lines, nil
}
