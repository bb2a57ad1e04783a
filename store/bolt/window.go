package bolt

import "time"

// Window is the span of one sealed window of samples, and of the state log. Windows are aligned to UTC.
const Window = 2 * time.Hour

// WindowStart returns the start of the window of samples that holds t, both in Unix milliseconds.
func WindowStart(t int64) int64 {
	return Raw.Start(t)
}
