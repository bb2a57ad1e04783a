package host

import (
	"context"
	"time"
)

// paced makes a part that may be slow cost little: it is read anew when the last reading is share times
// as long ago as that took, and its last answer stands meanwhile. It is not for concurrent use.
type paced struct {
	read  func(context.Context) ([]metric, error)
	least time.Duration // between two readings, however quick

	due     time.Time
	metrics []metric
	err     error
}

const (
	share   = 400         // of the time is spent on one part: 0.25 %
	longest = time.Minute // an answer stands, however long it took
)

func (p *paced) again(ctx context.Context) ([]metric, error) {
	begun := time.Now()
	if begun.Before(p.due) {
		return p.metrics, p.err
	}
	p.metrics, p.err = p.read(ctx)
	p.due = begun.Add(max(p.least, min(share*time.Since(begun), longest)))
	return p.metrics, p.err
}

// pace is a part that is read at most each least, and seldomer when that takes long.
func pace(least time.Duration, read func(context.Context) ([]metric, error)) func(context.Context) ([]metric, error) {
	return (&paced{read: read, least: least}).again
}
