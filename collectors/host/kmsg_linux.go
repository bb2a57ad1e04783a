package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nocturne-noc/nocturne/collectors"
	"github.com/nocturne-noc/nocturne/store/model"
)

// kernelPast is how old a line may be when the collector starts: not older than what the store remembers
// of events, or they would be there twice.
const kernelPast = time.Hour

// maxKmsg bounds a record of /dev/kmsg, in bytes: the kernel's CONSOLE_EXT_LOG_MAX.
const maxKmsg = 8192

// kernelLog follows what the kernel says.
type kernelLog struct {
	path    string
	refused atomic.Bool // it is not for us to read
}

// remark says what is missing without it, nil for nothing.
func (k *kernelLog) remark() error {
	if !k.refused.Load() {
		return nil
	}
	return collectors.Remark{State: model.OK, Text: "no messages of the kernel: not permitted to read " + k.path +
		" (run with the capability CAP_SYSLOG, or set kernel.dmesg_restrict to 0)"}
}

// follow hands what the kernel says to desk until ctx ends.
func (k *kernelLog) follow(ctx context.Context, desk *kernelDesk, now func() time.Time, emit collectors.Emit) error {
	f, err := os.OpenFile(k.path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, fs.ErrNotExist): // containers have none
		k.refused.Store(errors.Is(err, fs.ErrPermission))
		<-ctx.Done()
		return nil
	case err != nil:
		return fmt.Errorf("messages of the kernel: %w", err)
	}
	k.refused.Store(false)
	defer func() { _ = f.Close() }()
	// What waits in Read is woken by a deadline that has passed.
	defer context.AfterFunc(ctx, func() { _ = f.SetReadDeadline(time.Now()) })()
	return k.lines(ctx, f, desk, now, emit)
}

// deadlineReader is a file that a read can be woken from.
type deadlineReader interface {
	io.Reader
	SetReadDeadline(time.Time) error
}

func (k *kernelLog) lines(ctx context.Context, f deadlineReader, desk *kernelDesk, now func() time.Time, emit collectors.Emit) error {
	tell := func(events []model.Event) {
		if len(events) > 0 {
			emit(model.Batch{Scope: "kernel", Events: events})
		}
	}
	buf := make([]byte, maxKmsg)
	for ctx.Err() == nil {
		if err := k.wake(ctx, f, desk.end().Sub(now()), !desk.end().IsZero()); err != nil {
			return err
		}
		n, err := f.Read(buf)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			tell(desk.due(now()))
			continue
		case errors.Is(err, syscall.EPIPE): // it said more than its buffer holds; the next line is the oldest there
			continue
		case errors.Is(err, syscall.EPERM), errors.Is(err, syscall.EACCES):
			k.refused.Store(true)
			<-ctx.Done()
			return nil
		case err != nil:
			return fmt.Errorf("messages of the kernel: %w", err)
		}
		l, ok := parseKmsg(buf[:n])
		if !ok {
			continue
		}
		at := now()
		if ago := uptime() - l.at; ago > kernelPast {
			continue
		} else if ago > 0 {
			at = at.Add(-ago)
		}
		tell(desk.take(l, at))
	}
	return nil
}

// wake has the next read end when the desk's window does. The end of ctx may come in between: so it is
// looked at once more after the deadline is set.
func (k *kernelLog) wake(ctx context.Context, f deadlineReader, in time.Duration, has bool) error {
	var at time.Time
	if has {
		at = time.Now().Add(max(in, time.Millisecond))
	}
	if err := f.SetReadDeadline(at); err != nil {
		return fmt.Errorf("messages of the kernel: %w", err)
	}
	if ctx.Err() != nil {
		return f.SetReadDeadline(time.Now())
	}
	return nil
}

// uptime is the kernel's own clock, by which it dates what it says.
func uptime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		return 0 // never for this clock
	}
	return time.Duration(t.Nano())
}
