package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// podLogs are the log files that kwok serves for containers, in the format of the container runtime interface:
// "TIME STREAM F TEXT". While it runs, each gets a line every second.
type podLogs struct {
	cancel context.CancelFunc
	task   sync.WaitGroup
	files  map[string]*os.File // by container
}

// logLine is the n-th line of a container.
func logLine(container string, n int) (stream, text string) {
	switch {
	case container == "web":
		return "stdout", fmt.Sprintf(`10.244.%d.%d - "GET /products/%d HTTP/1.1" 200 %d`, n%10, 1+n%200, 1000+n*37%9000, 512+n*91%4096)
	case n%30 == 29:
		return "stderr", fmt.Sprintf(`level=error msg="payment provider timed out" order=%d retry=1`, 500000+n)
	}
	return "stdout", fmt.Sprintf(`level=info msg="order placed" order=%d items=%d`, 500000+n, 1+n%7)
}

func writeLogLine(w io.Writer, at time.Time, stream, text string) error {
	_, err := fmt.Fprintf(w, "%s %s F %s\n", at.UTC().Format(time.RFC3339Nano), stream, text)
	return err
}

func startPodLogs(folder string, now func() time.Time) (*podLogs, error) {
	ctx, cancel := context.WithCancel(context.Background()) // until stop
	l := &podLogs{cancel: cancel, files: map[string]*os.File{}}
	for _, container := range []string{"web", "checkout"} {
		file, err := os.OpenFile(filepath.Join(folder, container+".log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("logs of containers: %w", err), l.stop())
		}
		l.files[container] = file
	}
	if err := writePreviousLog(filepath.Join(folder, "previous.log"), now()); err != nil {
		return nil, errors.Join(err, l.stop())
	}
	l.task.Go(func() { l.write(ctx, now) })
	return l, nil
}

// writePreviousLog is what a container said before it crashed.
func writePreviousLog(path string, now time.Time) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("logs of containers: %w", err)
	}
	for i, text := range []string{"starting", "connecting to data/redis:6379", "panic: runtime error: invalid memory address or nil pointer dereference", "exit status 1"} {
		err = errors.Join(err, writeLogLine(file, now.Add(time.Duration(i-60)*time.Second), "stderr", text))
	}
	return errors.Join(err, file.Close())
}

func (l *podLogs) write(ctx context.Context, now func() time.Time) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for n := 0; ; n++ {
		for container, file := range l.files {
			stream, text := logLine(container, n)
			if err := writeLogLine(file, now(), stream, text); err != nil {
				log.Printf("logs of container %s end: %v", container, err)
				return
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (l *podLogs) stop() error {
	l.cancel()
	l.task.Wait()
	var failed []error
	for _, file := range l.files {
		failed = append(failed, file.Close())
	}
	return errors.Join(failed...)
}
