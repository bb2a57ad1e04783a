package host

import (
	"context"
	"fmt"

	"golang.org/x/sys/unix"
)

// readClock reads how well the kernel's clock is kept. See adjtimex(2); nothing is set.
func readClock(context.Context) ([]metric, error) {
	var tx unix.Timex
	state, err := unix.Adjtimex(&tx)
	if err != nil {
		return nil, fmt.Errorf("adjtimex: %w", err)
	}
	synced := 1.0
	if state == timeError {
		synced = 0
	}
	unit := 1e-6
	if tx.Status&staNano != 0 {
		unit = 1e-9
	}
	return []metric{
		{"node_timex_sync_status", nil, synced},
		{"node_timex_offset_seconds", nil, float64(tx.Offset) * unit},
		{"node_timex_maxerror_seconds", nil, float64(tx.Maxerror) / 1e6},
		{"node_timex_estimated_error_seconds", nil, float64(tx.Esterror) / 1e6},
		{"node_timex_status", nil, float64(tx.Status)},
	}, nil
}

// From the kernel's include/uapi/linux/timex.h.
const (
	timeError = 5      // TIME_ERROR: the clock is not synchronised
	staNano   = 0x2000 // STA_NANO: nanoseconds, not microseconds
)
