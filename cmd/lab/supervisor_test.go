package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// startServer runs a supervisor of which neither half is up, until the test ends.
func startServer(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- serve(ctx, dir, dir, func() error {
			close(ready)
			return nil
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil && !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	select {
	case <-ready:
	case err := <-ended:
		ended <- err
		t.Fatal(err)
	}
	return dir
}

func TestOrders(t *testing.T) {
	dir := startServer(t)
	for _, c := range []struct{ method, verb, name, want string }{
		{http.MethodGet, "status", "", "network: not up"},
		{http.MethodPost, "heal", "", "no fault is in force"},
		{http.MethodPost, "up", "cellar", `no part "cellar"`},
		{http.MethodPost, "fault", "flood", `no fault is called "flood"; there are link-down`},
		{http.MethodPost, "fault", "link-down", "the network is not up: run 'lab up --net'"},
		{http.MethodPost, "fault", "pod-crash", "the cluster is not up: run 'lab up --kube'"},
		{http.MethodPost, "fault", "collector-panic", "no wallboard answers on " + filepath.Join(dir, "data", "control.sock")},
		{http.MethodPost, "fault", "kill-wall", "no wallboard runs on " + filepath.Join(dir, "data")},
		{http.MethodPost, "heal", "kill-wall", "start the wallboard again with 'nocturne --config"},
		{http.MethodPost, "heal", "", "no fault is in force"}, // faults that failed for want of a half are not kept
	} {
		var out strings.Builder
		if err := order(context.Background(), dir, c.method, c.verb, c.name, &out); err != nil {
			out.WriteString(err.Error())
		}
		if !strings.Contains(out.String(), c.want) {
			t.Errorf("%s %s: %q, want %q in it", c.verb, c.name, out.String(), c.want)
		}
	}
}

func TestOneSupervisorForAFolder(t *testing.T) {
	dir := startServer(t)
	err := serve(context.Background(), dir, dir, func() error { return nil })
	if err == nil || !strings.Contains(err.Error(), "a lab runs already in "+dir) {
		t.Errorf("second supervisor: %v", err)
	}
}

func TestHealAllBeginsWithTheLastFault(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	s := &supervisor{now: func() time.Time { return now }, since: map[string]time.Time{
		"link-down": now.Add(-time.Hour), "pod-crash": now.Add(-time.Minute), "agent-silent": now.Add(-time.Second),
	}}
	_, err := s.heal(context.Background(), "")
	if err == nil {
		t.Fatal("healed without a network")
	}
	at := -1
	for _, name := range []string{"agent-silent", "pod-crash", "link-down"} {
		i := strings.Index(err.Error(), name)
		if i <= at {
			t.Errorf("%s is not where it belongs in %q", name, err)
		}
		at = i
	}
	if len(s.since) != 3 {
		t.Errorf("faults that were not healed are forgotten: %v", s.since)
	}
}

func TestWrongUse(t *testing.T) {
	for _, args := range [][]string{{}, {"dance"}, {"fault"}, {"fault", "a", "b"}, {"down", "now"}, {"status", "--loud"}} {
		if err := run(context.Background(), args, io.Discard); !errors.Is(err, errUsage) {
			t.Errorf("lab %s: %v, want a usage error", strings.Join(args, " "), err)
		}
	}
}

func TestOrderWithoutALabSaysHowToStartOne(t *testing.T) {
	err := run(context.Background(), []string{"heal", "--dir", t.TempDir(), "link-down"}, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "start one with 'lab up'") {
		t.Errorf("%v", err)
	}
}

func TestFaultsHaveAllTheirParts(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range faults() {
		if seen[f.Name] || f.About == "" || f.Number == 0 || f.inject == nil || f.event() == (f.heal != nil) {
			t.Errorf("fault %+v is incomplete or double", f)
		}
		seen[f.Name] = true
	}
}

func TestUntilGivesTheLastReason(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	reason := errors.New("not yet")
	if err := until(ctx, time.Millisecond, func() error { return reason }); !errors.Is(err, reason) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}
