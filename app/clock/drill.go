package clock

import (
	"sync/atomic"
	"time"
)

// Drill reads clocks that a fault drill moves, for this process alone. The zero Drill moves nothing.
type Drill struct {
	set, slept atomic.Int64 // nanoseconds that are added
}

// Read reads the clocks of this machine, as the drill has moved them.
func (d *Drill) Read() Reading {
	r := Read()
	r.Wall = r.Wall.Add(time.Duration(d.set.Load() + d.slept.Load()))
	r.Boot += time.Duration(d.slept.Load())
	return r
}

// Set sets the system clock ahead of what it really is, or back by a negative duration; 0 sets it right.
func (d *Drill) Set(off time.Duration) { d.set.Store(int64(off)) }

// Sleep lets the machine have slept.
func (d *Drill) Sleep(long time.Duration) { d.slept.Add(int64(max(long, 0))) }
