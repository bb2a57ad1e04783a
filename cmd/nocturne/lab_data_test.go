//go:build lab

package main

import (
	"context"
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
)

// ownDisk puts the wallboard's data folder on a small disk of its own.
func (l *lab) ownDisk(size string) {
	l.t.Helper()
	if os.Geteuid() != 0 {
		l.t.Skip("a small disk can only be mounted by root: run make lab-test as root")
	}
	if err := os.MkdirAll(l.data, 0o700); err != nil {
		l.t.Fatal(err)
	}
	l.must(exec.CommandContext(context.Background(), "mount", "-t", "tmpfs", "-o", "mode=0700,size="+size, "nocturne-lab", l.data))
	l.t.Cleanup(func() {
		l.stop()
		l.must(exec.CommandContext(context.Background(), "umount", l.data))
	})
}

// fill writes until nothing more goes onto the disk, and returns the file that does it.
func (l *lab) fill() string {
	l.t.Helper()
	name := filepath.Join(l.data, "filler")
	f, err := os.Create(name)
	if err != nil {
		l.t.Fatal(err)
	}
	_, err = io.Copy(f, zeros{})
	if !errors.Is(err, syscall.ENOSPC) {
		l.t.Fatalf("the disk does not fill up: %v", err)
	}
	if err := f.Close(); err != nil && !errors.Is(err, syscall.ENOSPC) {
		l.t.Fatal(err)
	}
	return name
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// fresh checks that the newest sample is younger than two polls.
func (l *lab) fresh() error {
	list := l.samples(ownClock, time.Minute, time.Now())
	if age := time.Since(list[len(list)-1].at); age > 2*poll {
		return fmt.Errorf("the newest sample is %.1f s old", age.Seconds())
	}
	return nil
}

// TestLabDataFull is fault 29: the disk fills up while the wall runs. It says so, goes on from memory,
// and writes down what it had in memory when there is room again.
func TestLabDataFull(t *testing.T) {
	l := newLab(t)
	l.ownDisk("32m")
	began := l.start()
	l.within(began, 30*time.Second, "start shows host, devices, links and cluster", l.up)
	before := l.samples(ownClock, time.Minute, time.Now())

	filler := l.fill()
	full := time.Now()
	l.within(full, 15*time.Second, "the banner says so", l.problem("data: ", true))
	if list, err := l.problems(); err != nil || !strings.Contains(strings.Join(list, " "), "no space left") {
		t.Errorf("the banner names no cause: %q, %v", list, err)
	}
	l.within(full, 20*time.Second, "an event says so", l.told("store", "history is kept in memory only"))
	time.Sleep(30 * time.Second)
	for _, check := range []func() error{l.up, l.fresh, l.problem("data: ", true)} {
		if err := check(); err != nil {
			t.Errorf("while the disk is full: %v", err)
		}
	}

	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	healed := time.Now()
	l.within(healed, 15*time.Second, "the banner is gone", l.problem("data: ", false))
	l.within(healed, 15*time.Second, "an event says so", l.told("store", "history is being written again"))
	time.Sleep(5 * time.Second)
	whole := l.samples(ownClock, 5*time.Minute, time.Now())
	l.fault("kill-wall") // only what is on disk counts
	<-l.done
	l.wall = nil
	kept := l.samples(ownClock, 5*time.Minute, time.Now())
	checkSamples(t, kept)
	if len(kept) < len(whole) || !kept[0].at.Equal(before[0].at) {
		t.Errorf("%d samples are on disk, %d were there before the kill", len(kept), len(whole))
	}
	for i := 1; i < len(kept); i++ {
		if apart := kept[i].at.Sub(kept[i-1].at); apart > 2*poll {
			t.Errorf("%v are missing before %v: the disk was full from %v to %v", apart, kept[i].at, full, healed)
		}
	}
	t.Logf("%d samples are on disk, none missing", len(kept))
}

// TestLabDataReadOnly is fault 29 too: the folder cannot be written when the wall starts.
func TestLabDataReadOnly(t *testing.T) {
	l := newLab(t)
	l.ownDisk("32m")
	began := l.start()
	l.within(began, 30*time.Second, "start shows host, devices, links and cluster", l.up)
	l.stop()
	before := l.samples(ownClock, 5*time.Minute, time.Now())
	l.must(exec.CommandContext(context.Background(), "mount", "-o", "remount,ro", l.data))
	began = l.start()
	l.within(began, 30*time.Second, "the log says so", func() error {
		text, err := os.ReadFile(filepath.Join(l.dir, "log", "wall.log"))
		if err == nil && !strings.Contains(string(text), "history cannot be written") {
			err = fmt.Errorf("the log has no word of it: %s", text)
		}
		return err
	})
	l.must(exec.CommandContext(context.Background(), "mount", "-o", "remount,rw", l.data))
	healed := time.Now()
	written := func() error {
		out, err := os.ReadFile(filepath.Join(l.dir, "log", "wall.log"))
		if err != nil {
			return err
		}
		if strings.Count(string(out), "history cannot be written") == 0 {
			return errors.New("the log forgot")
		}
		wal, err := filepath.Glob(filepath.Join(l.data, "wal-*.log"))
		if err != nil || len(wal) == 0 {
			return errors.Join(errors.New("no write-ahead file"), err)
		}
		for _, name := range wal {
			if info, err := os.Stat(name); err == nil && info.ModTime().After(healed) {
				return nil
			}
		}
		return errors.New("no write-ahead file has been written since")
	}
	l.within(healed, 20*time.Second, "history is written again", written)
	l.within(healed, 20*time.Second, "commands find the wallboard", l.up)
	l.within(healed, 20*time.Second, "an event tells of it", l.told("store", "runs from memory"))
	l.within(healed, 20*time.Second, "and of its end", l.told("store", "history is being written again"))
	after := l.samples(ownClock, 5*time.Minute, time.Now())
	checkSamples(t, after)
	if len(after) <= len(before) || !after[0].at.Equal(before[0].at) {
		t.Errorf("%d samples, before the folder was read-only there were %d", len(after), len(before))
	}
}
