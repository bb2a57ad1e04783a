package clock

import "golang.org/x/sys/unix"

// Read reads the clocks of this machine.
func Read() Reading { return readUnix(unix.CLOCK_BOOTTIME, unix.CLOCK_MONOTONIC) }
