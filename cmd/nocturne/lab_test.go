//go:build lab

// The lab test: a real wallboard under Xvfb on the real systems that `make lab-up` started, and the
// faults that this wall must tell the truth about. Run it with `make lab-test`.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/textparse"
)

const poll = 5 * time.Second // what the lab's configuration polls at

// What the tests run, and the folder of the lab, can be others than those of the checkout.
var (
	nocturneBin = cmp.Or(os.Getenv("NOCTURNE_BIN"), "../../bin/nocturne")
	labBin      = cmp.Or(os.Getenv("NOCTURNE_LAB_BIN"), "../../.cache/lab/bin/lab")
	labDir      = cmp.Or(os.Getenv("NOCTURNE_LAB_DIR"), "../../.cache/lab/run")
)

// lab is one wallboard on the lab.
type lab struct {
	t    *testing.T
	dir  string // of the lab
	data string // of the wallboard
	wall *exec.Cmd
	done chan struct{}
}

func newLab(t *testing.T) *lab {
	t.Helper()
	dir, err := filepath.Abs(labDir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "nocturne.yaml")); err != nil {
		t.Skipf("no lab is up (%v): run make lab-up", err)
	}
	l := &lab{t: t, dir: dir, data: filepath.Join(dir, "data")}
	if err := os.RemoveAll(l.data); err != nil {
		t.Fatal(err)
	}
	l.order("heal")
	t.Cleanup(func() {
		l.order("heal")
		l.stop()
	})
	return l
}

// start opens the wallboard on a virtual display.
func (l *lab) start() time.Time {
	l.t.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(l.t.Context()), "xvfb-run", "-a", "-s", "-screen 0 1920x1080x24", nocturneBin, "--kiosk",
		"--config", filepath.Join(l.dir, "nocturne.yaml"), "--data", l.data)
	cmd.Env = append(os.Environ(), "NOCTURNE_LAB=1", "LIBGL_ALWAYS_SOFTWARE=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	log, err := os.Create(filepath.Join(l.dir, "log", "wall.log"))
	if err != nil {
		l.t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	began := time.Now()
	if err := cmd.Start(); err != nil {
		l.t.Fatal(err)
	}
	l.wall, l.done = cmd, make(chan struct{})
	go func() { defer close(l.done); _ = cmd.Wait(); _ = log.Close() }()
	return began
}

func (l *lab) stop() {
	if l.wall == nil {
		return
	}
	if pid, err := l.pid(); err == nil { // the wallboard first: without its display it could not end in order
		_ = syscall.Kill(pid, syscall.SIGTERM)
	} else {
		_ = syscall.Kill(-l.wall.Process.Pid, syscall.SIGTERM)
	}
	select {
	case <-l.done:
	case <-time.After(15 * time.Second):
		l.t.Error("the wallboard did not end within 15 s of SIGTERM")
		_ = syscall.Kill(-l.wall.Process.Pid, syscall.SIGKILL)
		<-l.done
	}
	l.wall = nil
}

func (l *lab) must(cmd *exec.Cmd) string {
	l.t.Helper()
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w: %s", err, exit.Stderr)
		}
		l.t.Fatalf("%s: %v", strings.Join(cmd.Args, " "), err)
	}
	return string(out)
}

// order gives the lab an order.
func (l *lab) order(args ...string) string {
	l.t.Helper()
	return l.must(exec.CommandContext(context.WithoutCancel(l.t.Context()), labBin, append(args, "--dir", l.dir)...))
}

// fault injects one and returns when it came into force.
func (l *lab) fault(name string) time.Time {
	l.t.Helper()
	l.t.Logf("fault %s: %s", name, strings.TrimSpace(l.order("fault", name)))
	return time.Now()
}

func (l *lab) heal(name string) time.Time {
	l.t.Helper()
	l.order("heal", name)
	return time.Now()
}

// nocturne runs a command beside the wallboard.
func (l *lab) nocturne(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(l.t.Context(), 20*time.Second)
	defer cancel()
	args = append(args, "--config", filepath.Join(l.dir, "nocturne.yaml"), "--data", l.data)
	out, err := exec.CommandContext(ctx, nocturneBin, args...).Output()
	return string(out), err
}

// within waits until check is content, and fails the test with its last complaint when it is not in time.
func (l *lab) within(from time.Time, d time.Duration, what string, check func() error) {
	l.t.Helper()
	for {
		err := check()
		took := time.Since(from)
		if err == nil {
			l.t.Logf("%s: %.1f s", what, took.Seconds())
			return
		}
		if took > d {
			l.t.Fatalf("%s: not within %v: %v", what, d, err)
		}
		select {
		case <-l.t.Context().Done():
			l.t.Fatal(l.t.Context().Err())
		case <-time.After(200 * time.Millisecond): // polling another process: there is no signal to wait for
		}
	}
}

type entity struct{ ID, Kind, Name, State, Reason string }

func (l *lab) entities() (map[string]entity, error) {
	out, err := l.nocturne("entities", "--json")
	if err != nil {
		return nil, err
	}
	var list []entity
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		return nil, fmt.Errorf("entities --json: %w", err)
	}
	byID := map[string]entity{}
	for _, e := range list {
		byID[e.ID] = e
	}
	return byID, nil
}

type topology struct {
	Nodes []entity
	Links []struct {
		A        string `json:"a"`
		APort    string `json:"a_port"`
		B        string `json:"b"`
		BPort    string `json:"b_port"`
		State    string
		Evidence []struct{ Source, Observer string }
	}
}

func (l *lab) topology() (topology, error) {
	var top topology
	out, err := l.nocturne("topology", "--json")
	if err != nil {
		return top, err
	}
	return top, json.Unmarshal([]byte(out), &top)
}

// want checks one entity's state and, where given, a part of its reason.
func (l *lab) want(id, state, reason string) func() error {
	return func() error {
		all, err := l.entities()
		if err != nil {
			return err
		}
		e, ok := all[id]
		if !ok {
			return fmt.Errorf("%s is not known", id)
		}
		if e.State != state || !strings.Contains(e.Reason, reason) {
			return fmt.Errorf("%s is %s (%s), want %s (%s)", id, e.State, e.Reason, state, reason)
		}
		return nil
	}
}

// cable checks the state of the cable between two devices.
func (l *lab) cable(a, b, state string) func() error {
	return func() error {
		top, err := l.topology()
		if err != nil {
			return err
		}
		for _, link := range top.Links {
			if strings.HasSuffix(link.A, "/"+a) && strings.HasSuffix(link.B, "/"+b) {
				if link.State != state {
					return fmt.Errorf("%s-%s is %s, want %s", a, b, link.State, state)
				}
				return nil
			}
		}
		return fmt.Errorf("no link %s-%s", a, b)
	}
}

// alerting checks whether an alert of that name with that text fires.
func (l *lab) alerting(name, text string, want bool) func() error {
	return func() error {
		out, err := l.nocturne("alerts", "--json")
		if err != nil {
			return err
		}
		var alerts []struct {
			Name, Title string
			Pending     bool
		}
		if err := json.Unmarshal([]byte(out), &alerts); err != nil {
			return err
		}
		for _, a := range alerts {
			if a.Name == name && strings.Contains(a.Title, text) && !a.Pending {
				if want {
					return nil
				}
				return fmt.Errorf("%s still fires: %s", name, a.Title)
			}
		}
		if want {
			return fmt.Errorf("no alert %s with %q among %d", name, text, len(alerts))
		}
		return nil
	}
}

// up is what must be seen soon after a start: this host, the five and more linked devices, the cluster.
func (l *lab) up() error {
	all, err := l.entities()
	if err != nil {
		return err
	}
	count := map[string]int{}
	for _, e := range all {
		if e.State == "ok" {
			count[e.Kind]++
		}
	}
	for kind, n := range map[string]int{"server": 1, "device": 8, "cluster": 1, "node": 10, "pod": 100} {
		if count[kind] < n {
			return fmt.Errorf("%d %ss are ok, want %d", count[kind], kind, n)
		}
	}
	top, err := l.topology()
	if err != nil {
		return err
	}
	ok := 0
	for _, link := range top.Links {
		if link.State == "ok" && len(link.Evidence) == 2 {
			ok++
		}
	}
	if ok < 10 {
		return fmt.Errorf("%d links are ok and seen by both ends, want 10", ok)
	}
	return nil
}

func TestLab(t *testing.T) {
	l := newLab(t)

	t.Run("collect once as OpenMetrics", func(t *testing.T) {
		out := l.must(exec.CommandContext(t.Context(), nocturneBin, "collect", "--once", "--out", "openmetrics",
			"--config", filepath.Join(l.dir, "nocturne.yaml"), "--data", t.TempDir()))
		p, err := textparse.New([]byte(out), "application/openmetrics-text; version=1.0.0; charset=utf-8", nil, textparse.ParserOptions{})
		if err != nil {
			t.Fatal(err)
		}
		samples := 0
		for {
			e, err := p.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if e == textparse.EntrySeries {
				samples++
			}
		}
		for _, name := range []string{"ifHCInOctets", "kube_node_status_condition", "node_cpu_seconds_total"} {
			if !strings.Contains(out, "\n"+name) {
				t.Errorf("no %s in %d samples", name, samples)
			}
		}
		t.Logf("%d samples", samples)
	})

	began := l.start()
	l.within(began, 15*time.Second, "start shows host, devices, links and cluster", l.up)

	run := func(name string, f func(t *testing.T)) { // what fails in a subtest ends that one alone
		t.Run(name, func(sub *testing.T) {
			l.t = sub
			defer func() { l.t = t }()
			f(sub)
		})
	}
	run("fault 1: link-down", func(t *testing.T) {
		at := l.fault("link-down")
		l.within(at, 2*poll+time.Second, "link critical", l.cable("core1", "dist2", "critical"))
		l.within(at, 3*poll+5*time.Second, "alert", l.alerting("LinkDown", "core1", true))
		if err := l.cable("core2", "dist2", "ok")(); err != nil {
			t.Error(err)
		}
		at = l.heal("link-down")
		l.within(at, 3*poll, "link ok", l.cable("core1", "dist2", "ok"))
		l.within(at, 4*poll+10*time.Second, "alert gone", l.alerting("LinkDown", "core1", false))
	})
	run("fault 2: agent-silent", func(t *testing.T) {
		at := l.fault("agent-silent")
		l.within(at, 3*poll, "device stale", l.want("device/acc12", "stale", ""))
		if err := l.cable("acc12", "dist1", "ok")(); err != nil {
			t.Errorf("the other end's word: %v", err)
		}
		if err := l.alerting("LinkDown", "acc12", false)(); err != nil {
			t.Error(err)
		}
		at = l.heal("agent-silent")
		l.within(at, 4*poll, "device ok", l.want("device/acc12", "ok", ""))
	})
	run("fault 12: node-notready", func(t *testing.T) {
		at := l.fault("node-notready")
		l.within(at, 5*time.Second, "node critical", l.want("kube/lab-seoul/node/node-07", "critical", ""))
		at = l.heal("node-notready")
		l.within(at, 60*time.Second, "node ok", l.want("kube/lab-seoul/node/node-07", "ok", ""))
	})
	run("fault 13: pod-crash", func(t *testing.T) {
		at := l.fault("pod-crash")
		crashing := func(want bool) func() error {
			return func() error {
				all, err := l.entities()
				if err != nil {
					return err
				}
				for _, e := range all {
					if e.Kind == "pod" && e.State == "critical" && strings.Contains(e.Reason, "CrashLoopBackOff") {
						if want {
							return nil
						}
						return fmt.Errorf("%s: %s", e.ID, e.Reason)
					}
				}
				if want {
					return errors.New("no pod is in CrashLoopBackOff")
				}
				return nil
			}
		}
		l.within(at, 5*time.Second, "pod critical", crashing(true))
		at = l.heal("pod-crash")
		l.within(at, 60*time.Second, "pod well", crashing(false))
	})
	run("fault 17: apiserver-hang and apiserver-down", func(t *testing.T) {
		for _, name := range []string{"apiserver-hang", "apiserver-down"} {
			at := l.fault(name)
			l.within(at, 30*time.Second, name+": cluster stale", func() error {
				all, err := l.entities()
				if err != nil {
					return err
				}
				for _, e := range all {
					if strings.HasPrefix(e.ID, "kube/lab-seoul") && e.State == "ok" {
						return fmt.Errorf("%s is still green", e.ID)
					}
				}
				return l.want("kube/lab-seoul", "stale", "")()
			})
			at = l.heal(name)
			l.within(at, 60*time.Second, name+": cluster ok", l.want("kube/lab-seoul", "ok", ""))
		}
	})
	run("fault 28: collector-panic", func(t *testing.T) {
		at := l.fault("collector-panic")
		l.within(at, 2*poll, "source red", func() error {
			out, err := l.nocturne("events", "--json")
			if err != nil {
				return err
			}
			if !strings.Contains(out, "panicked") {
				return errors.New("no event says that a collector panicked")
			}
			return nil
		})
		if err := l.want("kube/lab-seoul", "ok", "")(); err != nil {
			t.Errorf("the others live: %v", err)
		}
		l.within(at, 60*time.Second, "restarted", l.want("device/core1", "ok", ""))
	})
}
