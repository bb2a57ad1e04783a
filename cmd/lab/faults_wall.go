package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const maxAnswer = 64 << 10 // bytes of an HTTP answer that are read

// unixClient speaks HTTP over a Unix socket.
func unixClient(socket string, limit time.Duration) *http.Client {
	return &http.Client{Timeout: limit, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		},
	}}
}

// drill asks the wallboard through its control socket for a fault drill.
func drill(ctx context.Context, s *supervisor, path string) error {
	socket := filepath.Join(s.dir, "data", "control.sock")
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://nocturne/api/lab/"+path, nil)
	if err != nil {
		return fmt.Errorf("fault drill: %w", err)
	}
	answer, err := unixClient(socket, 10*time.Second).Do(request)
	if err != nil {
		return fmt.Errorf("no wallboard answers on %s: start one with '%s': %w", socket, wallCommand(s.dir), err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("wallboard on %s: %w", socket, err)
	}
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("the wallboard on %s refuses: %s: %s", socket, answer.Status, strings.TrimSpace(string(text)))
	}
	return nil
}

func panicCollector(ctx context.Context, s *supervisor) error {
	return drill(ctx, s, "panic?source=campus")
}

// The clocks are moved for the wallboard's process alone: those of the machine are not the lab's.
func sleepMachine(ctx context.Context, s *supervisor) error { return drill(ctx, s, "clock?sleep=1h") }

func setClockBack(ctx context.Context, s *supervisor) error { return drill(ctx, s, "clock?set=-1h") }

// setClockRight has nothing to do when no wallboard runs any more: the next one reads the machine's clocks.
func setClockRight(ctx context.Context, s *supervisor) error {
	if _, err := os.Stat(filepath.Join(s.dir, "data", "nocturne.pid")); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return drill(ctx, s, "clock?set=0s")
}

// killWall ends the wallboard without warning and waits for its end.
func killWall(ctx context.Context, s *supervisor) error {
	path := filepath.Join(s.dir, "data", "nocturne.pid")
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("no wallboard runs on %s: %w", filepath.Join(s.dir, "data"), err)
	}
	pidfd, err := openRecorded(path)
	if err != nil {
		return err
	}
	if pidfd < 0 {
		return fmt.Errorf("no wallboard runs on %s: the process in %s has ended", filepath.Join(s.dir, "data"), path)
	}
	defer unix.Close(pidfd)
	if err := unix.PidfdSendSignal(pidfd, unix.SIGKILL, nil, 0); err != nil {
		return fmt.Errorf("kill the wallboard of %s: %w", path, err)
	}
	if !waitEnded(ctx, pidfd, stopGrace) {
		return errors.New("the wallboard did not end after SIGKILL")
	}
	return nil
}

func afterPanic(string) string { return "the wallboard starts the collector again by itself" }

func afterSleep(string) string {
	return "the wallboard's time is an hour ahead of the machine's until it is started again"
}

func afterKill(dir string) string { return "start the wallboard again with '" + wallCommand(dir) + "'" }

func wallCommand(dir string) string {
	return fmt.Sprintf("nocturne --config %s --data %s", filepath.Join(dir, "nocturne.yaml"), filepath.Join(dir, "data"))
}
