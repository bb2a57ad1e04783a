package bolt

import "time"

// Window is the span of one sealed chunk. Windows are aligned to UTC.
const Window = 2 * time.Hour

// WindowStart returns the start of the window that holds t, both in Unix milliseconds.
func WindowStart(t int64) int64 {
	size := Window.Milliseconds()
	start := t - t%size
	if start > t { // before 1970
		start -= size
	}
	return start
}
