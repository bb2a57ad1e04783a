package clock

import "golang.org/x/sys/unix"

// Read reads the clocks of this machine. Unlike elsewhere, CLOCK_MONOTONIC goes on here while the
// machine sleeps.
func Read() Reading { return readUnix(unix.CLOCK_MONOTONIC, unix.CLOCK_UPTIME_RAW) }
