package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

const (
	mutedServer   = "web1"  // whose exporter stops
	deadServer    = "db1"   // that loses its power
	deadSwitch    = "acc12" // that does, with servers behind it
	fullServer    = "app1"
	clockedServer = "app1"

	clockShift = 5 * time.Minute
	fillPace   = 2 << 20 // bytes a second
	fillUpTo   = 95      // percent of the disk
	fillTick   = 100 * time.Millisecond
)

// needServer returns the running network and one of its servers.
func (s *supervisor) needServer(name string) (*network, server, error) {
	n, err := s.needNetwork()
	if err != nil {
		return nil, server{}, err
	}
	found := n.plan.server(name)
	if found == nil {
		return nil, server{}, fmt.Errorf("no server is called %s in the plan", name)
	}
	return n, *found, nil
}

func stopExporter(_ context.Context, s *supervisor) error {
	n, of, err := s.needServer(mutedServer)
	if err != nil {
		return err
	}
	return n.procs.stop(exporterProgram(of))
}

func resumeExporter(ctx context.Context, s *supervisor) error {
	n, of, err := s.needServer(mutedServer)
	if err != nil || n.procs.lookup(exporterProgram(of)) != nil {
		return err
	}
	return n.startExporter(ctx, of)
}

// killServer takes the power from a server: its port and that of the switch lose the carrier, and nothing that ran on it
// says goodbye.
func killServer(ctx context.Context, s *supervisor) error {
	n, of, err := s.needServer(deadServer)
	if err != nil {
		return err
	}
	if err := n.setCables(ctx, n.plan.cablesOf(of.Name), "down"); err != nil {
		return err
	}
	return n.haltServer(of)
}

func bootAgain(ctx context.Context, s *supervisor) error {
	n, of, err := s.needServer(deadServer)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(of.programs(), func(name string) bool { return n.procs.lookup(name) == nil }) {
		if err := n.haltServer(of); err != nil { // what a boot that failed has left
			return err
		}
		if err := n.bootServer(ctx, of); err != nil {
			return err
		}
	}
	return n.setCables(ctx, n.plan.cablesOf(of.Name), "up")
}

func killSwitch(ctx context.Context, s *supervisor) error {
	return s.setDevice(ctx, deadSwitch, "down", true)
}

func reviveSwitch(ctx context.Context, s *supervisor) error {
	return s.setDevice(ctx, deadSwitch, "up", false)
}

// A filler writes a file at a steady pace until the disk is nearly full. The network owns its goroutine.
type filler struct {
	file   *os.File
	cancel context.CancelFunc
	done   chan struct{}
}

// fillDisk begins to fill the disk of a server.
func fillDisk(_ context.Context, s *supervisor) error {
	n, of, err := s.needServer(fullServer)
	if err != nil {
		return err
	}
	machine, err := n.procs.find(machineProgram(of))
	if err != nil {
		return err
	}
	file, err := os.Create(filepath.Join(machine.root(), diskMount, "fill"))
	if err != nil {
		return fmt.Errorf("fill the disk of %s: %w", of.Name, err)
	}
	running, cancel := context.WithCancel(context.Background())
	f := &filler{file: file, cancel: cancel, done: make(chan struct{})}
	n.filler = f
	n.tasks.Go(func() { f.run(running) })
	return nil
}

// run writes until the disk is as full as it shall be, and closes the file.
func (f *filler) run(ctx context.Context) {
	defer close(f.done)
	defer f.file.Close()
	ticker := time.NewTicker(fillTick)
	defer ticker.Stop()
	block := make([]byte, fillPace*fillTick/time.Second)
	for {
		var disk unix.Statfs_t
		if err := unix.Fstatfs(int(f.file.Fd()), &disk); err != nil {
			log.Printf("fill a disk: %v", err)
			return
		}
		if 100*disk.Bavail <= (100-fillUpTo)*disk.Blocks {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if _, err := f.file.Write(block); err != nil {
			log.Printf("fill a disk: %v", err)
			return
		}
	}
}

// stop ends the writing; it may have ended.
func (f *filler) stop() {
	f.cancel()
	<-f.done
}

// cleanDisk ends the filling and removes what it has written.
func cleanDisk(_ context.Context, s *supervisor) error {
	n, of, err := s.needServer(fullServer)
	if err != nil {
		return err
	}
	if n.filler != nil {
		n.filler.stop()
	}
	machine, err := n.procs.find(machineProgram(of))
	if err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(machine.root(), diskMount, "fill")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("clean the disk of %s: %w", of.Name, err)
	}
	return nil
}

func putClockWrong(_ context.Context, s *supervisor) error { return s.setClock(clockShift) }
func putClockRight(_ context.Context, s *supervisor) error { return s.setClock(0) }

func (s *supervisor) setClock(shift time.Duration) error {
	n, of, err := s.needServer(clockedServer)
	if err != nil {
		return err
	}
	n.pages[of.Name].shift.Store(int64(shift))
	return nil
}
