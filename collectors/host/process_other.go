//go:build !linux

package host

import (
	"context"
	"fmt"
	"time"

	"github.com/shirou/gopsutil/v4/process"
)

// procSource reads processes through gopsutil.
type procSource struct {
	known map[int32]*task
}

// task is what is remembered of a process between two rounds.
type task struct {
	proc  *process.Process
	name  string
	began int64 // Unix milliseconds
}

func (s *procSource) list(ctx context.Context, now time.Time) ([]reading, error) {
	pids, err := process.PidsWithContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("list: %w", err)
	}
	known := make(map[int32]*task, len(pids))
	out := make([]reading, 0, len(pids))
	for _, pid := range pids {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("after %d of %d: %w", len(out), len(pids), err)
		}
		r, k, ok := s.one(ctx, pid, now)
		if !ok {
			continue // it has ended meanwhile, or is not for us to see
		}
		known[pid] = k
		out = append(out, r)
	}
	s.known = known
	return out, nil
}

func (s *procSource) one(ctx context.Context, pid int32, now time.Time) (r reading, k *task, ok bool) {
	proc, err := process.NewProcessWithContext(ctx, pid)
	if err != nil {
		return r, nil, false
	}
	began, err := proc.CreateTimeWithContext(ctx)
	if err != nil {
		return r, nil, false
	}
	r.pid, r.began = pid, began
	if k = s.known[pid]; k == nil || k.began != began {
		name, err := proc.NameWithContext(ctx)
		if err != nil {
			return r, nil, false
		}
		k = &task{proc: proc, name: printable(name, maxName), began: began}
		r.age = max(now.Sub(time.UnixMilli(began)), 0)
	}
	r.name = k.name
	times, err := k.proc.TimesWithContext(ctx)
	if err != nil {
		return r, nil, false
	}
	r.cpu = times.User + times.System
	if m, err := k.proc.MemoryInfoWithContext(ctx); err == nil && m != nil {
		r.rss = m.RSS
	}
	if io, err := k.proc.IOCountersWithContext(ctx); err == nil && io != nil { // not on macOS
		r.read, r.wrt = io.ReadBytes, io.WriteBytes
	}
	return r, k, true
}
