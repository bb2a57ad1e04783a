package host

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"
)

const (
	topProcesses = 10               // are told of by each of CPU, memory and I/O
	lingers      = 10 * time.Minute // a name that was among them is told on, so that its line does not break
	maxNames     = 60               // are told in a day; what would be more goes into others
	forgotten    = 24 * time.Hour   // after which a name makes room for another
)

// reading is what a system tells of one process. Counters are since the process began.
type reading struct {
	pid       int32
	began     int64 // tells processes of one number apart; any unit
	name      string
	state     string // a letter as ps(1) has it, "" where the system does not tell
	threads   int
	age       time.Duration // when it is seen for the first time, else 0
	cpu       float64       // seconds
	rss       uint64        // bytes
	read, wrt uint64        // bytes from and to disks
}

// processes turns readings of two rounds into what programs use.
type processes struct {
	source procSource
	known  map[int32]counters
	last   time.Time
	names  roster
}

// counters are those of a process at the last round.
type counters struct {
	began     int64
	cpu       float64
	read, wrt uint64
}

// program is all processes of one name. Processes come and go, programs stay: so their series do.
type program struct {
	name            string
	count           int
	ratio           float64 // of one processor: 1 keeps one processor busy
	rss             uint64  // bytes; what processes share counts for each
	readBps, wrtBps float64 // bytes per second
}

func (p *processes) read(ctx context.Context, now time.Time) ([]metric, error) {
	list, err := p.source.list(ctx, now)
	if err != nil {
		return nil, err
	}
	programs := p.programs(list, now)
	return append(processMetrics(p.names.choose(programs, now)), stateMetrics(list)...), nil
}

// programs sums up what processes did since the last round.
func (p *processes) programs(list []reading, now time.Time) map[string]*program {
	elapsed := now.Sub(p.last)
	seen := make(map[int32]counters, len(list))
	programs := map[string]*program{}
	for i := range list {
		r := &list[i]
		g := programs[r.name]
		if g == nil {
			g = &program{name: r.name}
			programs[r.name] = g
		}
		before, took := p.since(r, elapsed)
		g.count++
		g.rss += r.rss
		if s := took.Seconds(); s > 0 {
			g.ratio += max(0, r.cpu-before.cpu) / s
			g.readBps += float64(r.read-min(before.read, r.read)) / s
			g.wrtBps += float64(r.wrt-min(before.wrt, r.wrt)) / s
		}
		seen[r.pid] = counters{r.began, r.cpu, r.read, r.wrt}
	}
	p.known, p.last = seen, now
	return programs
}

// since is from where and over what time a process is counted: from the last round; from its beginning,
// if that was later; and over all of its life when there was no last round, which is the best guess.
func (p *processes) since(r *reading, elapsed time.Duration) (counters, time.Duration) {
	if k, ok := p.known[r.pid]; ok && k.began == r.began {
		return k, elapsed
	}
	if p.last.IsZero() && r.age >= time.Second {
		return counters{}, r.age
	}
	if !p.last.IsZero() && r.age <= elapsed {
		return counters{}, elapsed
	}
	return counters{}, 0
}

// roster keeps the number of names within bounds: those that were told within a day, and when they were
// last among the busiest.
type roster struct{ busy map[string]time.Time }

// choose returns the programs to tell of: those that are among the busiest or were lately, and the sum of
// those for which there was no room.
func (r *roster) choose(programs map[string]*program, now time.Time) []program {
	if r.busy == nil {
		r.busy = map[string]time.Time{}
	}
	maps.DeleteFunc(r.busy, func(_ string, at time.Time) bool { return now.Sub(at) > forgotten })
	list := slices.Collect(maps.Values(programs))
	rest := program{name: others}
	refused := map[string]bool{}
	for _, by := range []func(*program) float64{
		func(p *program) float64 { return p.ratio },
		func(p *program) float64 { return float64(p.rss) },
		func(p *program) float64 { return p.readBps + p.wrtBps },
	} {
		slices.SortFunc(list, func(a, b *program) int { return cmp.Or(cmp.Compare(by(b), by(a)), cmp.Compare(a.name, b.name)) })
		for _, g := range list[:min(topProcesses, len(list))] {
			if by(g) == 0 || refused[g.name] {
				continue
			}
			if _, known := r.busy[g.name]; known || len(r.busy) < maxNames {
				r.busy[g.name] = now
				continue
			}
			refused[g.name] = true
			rest.add(g)
		}
	}
	var out []program
	for name, at := range r.busy {
		if g := programs[name]; g != nil && now.Sub(at) <= lingers {
			out = append(out, *g)
		}
	}
	if rest.count > 0 {
		out = append(out, rest)
	}
	return out
}

func (p *program) add(g *program) {
	p.count += g.count
	p.ratio += g.ratio
	p.rss += g.rss
	p.readBps += g.readBps
	p.wrtBps += g.wrtBps
}

func processMetrics(programs []program) []metric {
	var out []metric
	for i := range programs {
		p := &programs[i]
		name := []string{"name", p.name}
		out = append(out,
			metric{"nocturne_process_count", name, float64(p.count)},
			metric{"nocturne_process_cpu_ratio", name, p.ratio},
			metric{"nocturne_process_resident_memory_bytes", name, float64(p.rss)},
			metric{"nocturne_process_io_bytes_per_second", []string{"direction", "read", "name", p.name}, p.readBps},
			metric{"nocturne_process_io_bytes_per_second", []string{"direction", "written", "name", p.name}, p.wrtBps})
	}
	return out
}

// stateMetrics counts processes by state: runs, sleeps, waits for a disk, is a zombie are always told.
func stateMetrics(list []reading) []metric {
	states := map[string]int{"R": 0, "S": 0, "D": 0, "Z": 0}
	threads, told := 0, false
	for i := range list {
		threads += list[i].threads
		if list[i].state != "" {
			states[list[i].state]++
			told = true
		}
	}
	out := []metric{{"node_processes_pids", nil, float64(len(list))}}
	if !told {
		return out
	}
	out = append(out, metric{"node_processes_threads", nil, float64(threads)})
	for state, n := range states {
		out = append(out, metric{"node_processes_state", []string{"state", state}, float64(n)})
	}
	return out
}
