package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const stopGrace = 5 * time.Second // from SIGTERM to SIGKILL

// A spec says how to start a program.
type spec struct {
	Name string // unique in the lab; names the log and the process id file
	Args []string
	Env  []string // added to the environment of the lab
}

// processes starts, watches and ends the programs of the lab. For each running program the folder pids holds a file
// "PID START", so that another process can end what a killed supervisor left behind.
type processes struct {
	pids, logs string

	mu      sync.Mutex
	running []*process // in the order of their start
	names   map[string]*process
}

type process struct {
	spec spec
	pid  int
	done chan struct{} // closed after the program ended and was waited for
	err  error         // valid after done: how it ended
}

func newProcesses(dir string) (*processes, error) {
	p := &processes{pids: filepath.Join(dir, "pids"), logs: filepath.Join(dir, "log"), names: map[string]*process{}}
	for _, folder := range []string{p.pids, p.logs} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return nil, fmt.Errorf("lab folder: %w", err)
		}
	}
	return p, nil
}

// start runs a program in the background, appending its output to its log.
func (p *processes) start(s spec) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if old := p.names[s.Name]; old != nil && !old.ended() {
		return fmt.Errorf("%s runs already with process id %d", s.Name, old.pid)
	}
	log, err := os.OpenFile(filepath.Join(p.logs, s.Name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("%s: open its log: %w", s.Name, err)
	}
	defer log.Close()
	// It lives until it is stopped, not until the order that started it has been answered.
	cmd := exec.CommandContext(context.Background(), s.Args[0], s.Args[1:]...)
	cmd.Env = append(os.Environ(), s.Env...)
	cmd.Stdout, cmd.Stderr = log, log
	// A group of its own keeps a Ctrl-C at the terminal away from the program.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", s.Name, err)
	}
	run := &process{spec: s, pid: cmd.Process.Pid, done: make(chan struct{})}
	pidFile := filepath.Join(p.pids, s.Name)
	go func() {
		run.err = cmd.Wait()
		os.Remove(pidFile)
		close(run.done)
	}()
	p.running = append(p.running, run)
	p.names[s.Name] = run
	return writePIDFile(pidFile, run.pid)
}

func (r *process) ended() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

// find returns a running program by name.
func (p *processes) find(name string) (*process, error) {
	run := p.lookup(name)
	if run == nil {
		return nil, fmt.Errorf("%s does not run; see %s", name, filepath.Join(p.logs, name+".log"))
	}
	return run, nil
}

// lookup returns a running program by name, or nil.
func (p *processes) lookup(name string) *process {
	p.mu.Lock()
	defer p.mu.Unlock()
	if run := p.names[name]; run != nil && !run.ended() {
		return run
	}
	return nil
}

// signal sends a signal to a running program.
func (p *processes) signal(name string, s syscall.Signal) error {
	run, err := p.find(name)
	if err != nil {
		return err
	}
	if err := syscall.Kill(run.pid, s); err != nil {
		return fmt.Errorf("signal %s to %s: %w", s, name, err)
	}
	return nil
}

// stop ends a program with SIGTERM, then SIGKILL, and returns when it has ended. One that does not run is no error.
func (p *processes) stop(name string) error {
	if run := p.lookup(name); run != nil {
		return run.stop()
	}
	return nil
}

func (r *process) stop() error {
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGCONT} { // a stopped program sees SIGTERM after SIGCONT
		if err := syscall.Kill(r.pid, s); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("end %s: %w", r.spec.Name, err)
		}
	}
	timer := time.NewTimer(stopGrace)
	defer timer.Stop()
	select {
	case <-r.done:
		return nil
	case <-timer.C:
		return r.kill()
	}
}

// kill ends a program without warning and returns when it has ended.
func (r *process) kill() error {
	if err := syscall.Kill(r.pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("kill %s: %w", r.spec.Name, err)
	}
	<-r.done
	return nil
}

// stopAll ends every program, the last started first.
func (p *processes) stopAll() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var failed []error
	for i := len(p.running) - 1; i >= 0; i-- {
		if !p.running[i].ended() {
			failed = append(failed, p.running[i].stop())
		}
	}
	return errors.Join(failed...)
}

// status has one line for each program that was started.
func (p *processes) status() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var lines []string
	for _, run := range p.running {
		switch {
		case p.names[run.spec.Name] != run: // started again since
		case run.ended():
			lines = append(lines, fmt.Sprintf("%-26s ended (%v)", run.spec.Name, run.err))
		default:
			lines = append(lines, fmt.Sprintf("%-26s pid %d", run.spec.Name, run.pid))
		}
	}
	return lines
}

// writePIDFile records a process id with the start time of that process, which tells it from a later one.
func writePIDFile(path string, pid int) error {
	start, err := startTime(pid)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, fmt.Appendf(nil, "%d %s\n", pid, start), 0o600); err != nil {
		return fmt.Errorf("process id file: %w", err)
	}
	return nil
}

// startTime reads when a process started, in clock ticks since boot: field 22 of proc_pid_stat(5).
func startTime(pid int) (string, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", fmt.Errorf("process %d: %w", pid, err)
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) < 20 {
		return "", fmt.Errorf("process %d: /proc/%d/stat is too short", pid, pid)
	}
	return fields[19], nil
}

// parsePIDFile reads "PID START" or "PID" alone, as other programs write it; start is then empty.
func parsePIDFile(text string) (pid int, start string, err error) {
	number, start, _ := strings.Cut(strings.TrimSpace(text), " ")
	pid, err = strconv.Atoi(number)
	if err != nil || pid <= 1 {
		return 0, "", fmt.Errorf("%q is not a process id; remove the file", number)
	}
	return pid, start, nil
}

// openRecorded opens the process that a process id file names. It returns -1 where that process has ended, also when
// another one has its number now.
func openRecorded(path string) (pidfd int, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return -1, nil
	}
	if err != nil {
		return -1, fmt.Errorf("process id file: %w", err)
	}
	pid, start, err := parsePIDFile(string(text))
	if err != nil {
		return -1, fmt.Errorf("process id file %s: %w", path, err)
	}
	pidfd, err = unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return -1, nil
	}
	if err != nil {
		return -1, fmt.Errorf("open process %d: %w", pid, err)
	}
	// Compared after the open, so that the number cannot pass to another process in between.
	now, err := startTime(pid)
	if same := err == nil && (start == "" || now == start); !same {
		unix.Close(pidfd)
		return -1, nil
	}
	return pidfd, nil
}

// endRecorded ends the process that a process id file names, if it still runs, and removes the file. The process has the
// time grace to end by itself after SIGTERM.
func endRecorded(ctx context.Context, path string, grace time.Duration) error {
	pidfd, err := openRecorded(path)
	if err != nil {
		return err
	}
	if pidfd >= 0 {
		defer unix.Close(pidfd)
		for _, s := range []unix.Signal{unix.SIGTERM, unix.SIGCONT} {
			if err := unix.PidfdSendSignal(pidfd, s, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
				return fmt.Errorf("end process of %s: %w", path, err)
			}
		}
		if !waitEnded(ctx, pidfd, grace) {
			if err := unix.PidfdSendSignal(pidfd, unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
				return fmt.Errorf("kill process of %s: %w", path, err)
			}
			waitEnded(ctx, pidfd, stopGrace)
		}
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("process id file: %w", err)
	}
	return nil
}

// waitEnded waits for the end of a process, at most for the given time; a pidfd is readable when its process ended.
func waitEnded(ctx context.Context, pidfd int, limit time.Duration) bool {
	deadline := time.Now().Add(limit)
	for ctx.Err() == nil {
		left := time.Until(deadline)
		if left <= 0 {
			return false
		}
		set := []unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}
		n, err := unix.Poll(set, int(min(left, time.Second).Milliseconds())+1)
		if n > 0 && err == nil {
			return true
		}
	}
	return false
}
