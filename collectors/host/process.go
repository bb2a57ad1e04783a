package host

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/shirou/gopsutil/v4/process"
)

// topProcesses is how many processes are told of.
const topProcesses = 10

// processes reads the processes and remembers their processor time between two rounds.
type processes struct {
	known map[int32]*known
	last  time.Time
}

// known is a process that was seen before.
type known struct {
	proc *process.Process
	name string
	cpu  float64 // seconds used at the last round
}

// procLoad is what a process did since the last round.
type procLoad struct {
	pid   int32
	name  string
	ratio float64 // of one processor: 1 keeps one processor busy
	rss   uint64  // bytes
}

func (p *processes) read(ctx context.Context, now time.Time) ([]metric, error) {
	pids, err := process.PidsWithContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("list: %w", err)
	}
	seen := make(map[int32]*known, len(pids))
	loads := make([]procLoad, 0, len(pids))
	for _, pid := range pids {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("after %d of %d: %w", len(seen), len(pids), err)
		}
		if k, l, ok := p.readOne(ctx, pid, now); ok {
			seen[pid] = k
			loads = append(loads, l)
		}
	}
	p.known, p.last = seen, now
	return processMetrics(top(loads, topProcesses)), nil
}

// readOne reads one process; ok is false when it has ended meanwhile or may not be read.
func (p *processes) readOne(ctx context.Context, pid int32, now time.Time) (k *known, l procLoad, ok bool) {
	k = p.known[pid]
	if k == nil {
		proc, err := process.NewProcessWithContext(ctx, pid)
		if err != nil {
			return nil, l, false
		}
		name, err := proc.NameWithContext(ctx)
		if err != nil {
			return nil, l, false
		}
		k = &known{proc: proc, name: name, cpu: -1}
	}
	times, err := k.proc.TimesWithContext(ctx)
	if err != nil {
		return nil, l, false
	}
	used := times.User + times.System
	var ratio float64
	switch elapsed := now.Sub(p.last).Seconds(); {
	case k.cpu > used: // the number went to another process
		delete(p.known, pid)
		return p.readOne(ctx, pid, now)
	case k.cpu >= 0 && elapsed > 0:
		ratio = (used - k.cpu) / elapsed
	case k.cpu < 0:
		ratio = lifetime(ctx, k.proc, used, now)
	}
	k.cpu = used
	var rss uint64
	if m, err := k.proc.MemoryInfoWithContext(ctx); err == nil && m != nil {
		rss = m.RSS
	}
	return k, procLoad{pid, k.name, ratio, rss}, true
}

// lifetime is the load of a process over all of its life: the best guess at first sight.
func lifetime(ctx context.Context, proc *process.Process, used float64, now time.Time) float64 {
	ms, err := proc.CreateTimeWithContext(ctx)
	age := now.Sub(time.UnixMilli(ms)).Seconds()
	if err != nil || age < 1 {
		return 0
	}
	return used / age
}

// top returns the n busiest processes, the larger first among equally busy ones.
func top(loads []procLoad, n int) []procLoad {
	slices.SortFunc(loads, func(a, b procLoad) int {
		return cmp.Or(cmp.Compare(b.ratio, a.ratio), cmp.Compare(b.rss, a.rss), cmp.Compare(a.pid, b.pid))
	})
	return loads[:min(n, len(loads))]
}

func processMetrics(loads []procLoad) []metric {
	var out []metric
	for _, l := range loads {
		ls := []string{"pid", strconv.Itoa(int(l.pid)), "name", l.name}
		out = append(out,
			metric{"nocturne_process_cpu_ratio", ls, l.ratio},
			metric{"nocturne_process_resident_memory_bytes", ls, float64(l.rss)})
	}
	return out
}
