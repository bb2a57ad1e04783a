//go:build linux || darwin

package clock

import (
	"time"

	"golang.org/x/sys/unix"
)

// began is what time is counted from where a clock cannot be read, as in some sandboxes.
var began = time.Now()

// readUnix reads the clocks by their numbers.
func readUnix(boot, mono int32) Reading {
	of := func(id int32) time.Duration {
		var t unix.Timespec
		if err := unix.ClockGettime(id, &t); err != nil {
			return time.Since(began)
		}
		return time.Duration(t.Nano())
	}
	return Reading{Wall: time.Now().Round(0), Boot: of(boot), Mono: of(mono)}
}
