//go:build !linux && !darwin

package clock

import "time"

var began = time.Now()

// Read reads the clocks of this machine. Go's monotonic clock is all there is. Where it counts the time
// that the machine slept, as on Windows, a sleep is told as a stop; elsewhere as a clock that was set.
func Read() Reading {
	now := time.Now()
	passed := now.Sub(began)
	return Reading{Wall: now.Round(0), Boot: passed, Mono: passed}
}
