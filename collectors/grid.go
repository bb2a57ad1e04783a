package collectors

import (
	"hash/fnv"
	"time"
)

// grid is the series of instants at which a target is polled: phase, phase+every, ... counted from
// the Unix epoch. Nothing is kept between rounds, so a clock that jumps, or a machine that slept,
// costs at most one interval. Samples that lie on the grid also compress to a fraction of those
// that jitter.
type grid struct{ every, phase time.Duration }

// newGrid spreads targets evenly over the interval: the phase is a hash of source and target, the
// same after each restart.
func newGrid(source, target string, every time.Duration) grid {
	h := fnv.New64a()
	h.Write([]byte(source))
	h.Write([]byte{0})
	h.Write([]byte(target))
	// Whole milliseconds, the resolution of samples.
	slots := uint64(max(every.Milliseconds(), 1))
	return grid{every: every, phase: time.Duration(h.Sum64()%slots) * time.Millisecond}
}

// floor is the last instant of the grid that is not after t.
func (g grid) floor(t time.Time) time.Time {
	off := (t.UnixNano() - int64(g.phase)) % int64(g.every)
	if off < 0 {
		off += int64(g.every)
	}
	return time.Unix(0, t.UnixNano()-off)
}

// next is the first instant of the grid that is at least wait after t.
func (g grid) next(t time.Time, wait time.Duration) time.Time {
	at := t.Add(wait)
	if f := g.floor(at); !f.Before(wall(at)) {
		return f
	}
	return g.floor(at).Add(g.every)
}

// wall strips the monotonic reading, which stands still while the machine sleeps.
func wall(t time.Time) time.Time { return t.Round(0) }

// Limits of backoff.
const (
	minBackoff = time.Second
	maxBackoff = time.Minute
)

// backoff grows from a second to a minute, doubling with each failure in a row.
type backoff struct{ wait time.Duration }

func (b *backoff) next() time.Duration {
	b.wait = min(max(2*b.wait, minBackoff), maxBackoff)
	return b.wait
}

func (b *backoff) reset() { b.wait = 0 }
