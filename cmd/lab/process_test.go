package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestProcessIsRecordedWhileItRuns(t *testing.T) {
	dir := t.TempDir()
	procs, err := newProcesses(dir)
	if err != nil {
		t.Fatal(err)
	}
	s := spec{Name: "sleeper", Args: []string{"sleep", "60"}}
	if err := procs.start(s); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := procs.stopAll(); err != nil {
			t.Error(err)
		}
	})
	if err := procs.start(s); err == nil {
		t.Error("the same name was started twice")
	}
	record := filepath.Join(dir, "pids", "sleeper")
	if _, err := os.Stat(record); err != nil {
		t.Error(err)
	}
	if err := procs.signal("sleeper", syscall.SIGSTOP); err != nil {
		t.Error(err)
	}
	if err := procs.stop("sleeper"); err != nil { // also a stopped one ends
		t.Fatal(err)
	}
	if _, err := os.Stat(record); !os.IsNotExist(err) {
		t.Errorf("the record of an ended process: %v", err)
	}
	if err := procs.signal("sleeper", syscall.SIGTERM); err == nil || !strings.Contains(err.Error(), "sleeper.log") {
		t.Errorf("signal to an ended process: %v, want its log named", err)
	}
	if lines := procs.status(); len(lines) != 1 || !strings.Contains(lines[0], "ended") {
		t.Errorf("status %q", lines)
	}
}

// sleeper starts a process outside the lab's own bookkeeping, as a killed supervisor leaves it.
func sleeper(t *testing.T) (pid int, ended <-chan struct{}) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = cmd.Wait() // it is ended by a signal
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // already ended where the test went well
		<-done
	})
	return cmd.Process.Pid, done
}

func TestSweepEndsWhatWasRecorded(t *testing.T) {
	dir := t.TempDir()
	if _, err := newProcesses(dir); err != nil {
		t.Fatal(err)
	}
	pid, ended := sleeper(t)
	record := filepath.Join(dir, "pids", "orphan")
	if err := writePIDFile(record, pid); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time there is nothing to do
		if err := sweep(context.Background(), dir); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Error("the orphan still runs")
	}
	if _, err := os.Stat(record); !os.IsNotExist(err) {
		t.Errorf("the record was left: %v", err)
	}
}

func TestSweepSparesAnotherProcessOfTheSameNumber(t *testing.T) {
	dir := t.TempDir()
	if _, err := newProcesses(dir); err != nil {
		t.Fatal(err)
	}
	pid, ended := sleeper(t)
	record := filepath.Join(dir, "pids", "old")
	if err := writePIDFile(record, pid); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(record)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(record, append(text[:len(text)-1], '0'), 0o600); err != nil { // another start time
		t.Fatal(err)
	}
	if err := sweep(context.Background(), dir); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
		t.Error("a process that the lab did not start was ended")
	default:
	}
}

func FuzzParsePIDFile(f *testing.F) {
	for _, seed := range []string{"", "1", "12", "12 345\n", "-1 7", "x", "99999999999999999999"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		pid, _, err := parsePIDFile(text)
		if (err == nil) != (pid > 1) {
			t.Errorf("%q gives %d, %v", text, pid, err)
		}
	})
}
