package collectors

import (
	"fmt"
	"sync"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

// row keeps the books of one target. It is safe for concurrent use.
type row struct {
	source, kind, target string
	every                time.Duration

	mu       sync.Mutex
	err      error
	begun    time.Time // of the round that runs now
	start    time.Time // the same by the monotonic clock, which nobody sets
	lastOK   time.Time
	duration time.Duration
	samples  int
	panics   int
	state    model.State
	since    time.Time
}

// begin notes that a round starts.
func (r *row) begin(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.begun, r.start = wall(now), time.Now()
}

// end notes how a round went.
func (r *row) end(now time.Time, samples int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.duration = time.Since(r.start)
	r.samples = samples
	r.begun = time.Time{}
	r.report(now, err)
}

// health notes what a watcher says of itself.
func (r *row) health(now time.Time, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report(now, err)
}

// confirm notes that a watcher has told something; samples counts what it told.
func (r *row) confirm(now time.Time, samples int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if samples > 0 {
		r.samples = samples
	}
	if success(r.err) {
		r.lastOK = wall(now)
	}
}

func (r *row) report(now time.Time, err error) {
	r.err = err
	if success(err) {
		r.lastOK = wall(now)
	}
}

func (r *row) panicked() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.panics++
}

// status is the row as people see it at now.
func (r *row) status(now time.Time) model.SourceStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	now = wall(now)
	state := judge(now, r.lastOK, r.every, r.err)
	if state != r.state || r.since.IsZero() {
		r.state, r.since = state, now
	}
	s := model.SourceStatus{
		Name: r.source, Kind: r.kind, Target: r.target, State: state, Since: r.since,
		LastOK: r.lastOK, Every: r.every, Duration: r.duration, Samples: r.samples,
	}
	switch {
	case r.err != nil:
		s.Error = r.err.Error()
	case state == model.Stale && !r.begun.IsZero():
		s.Error = fmt.Sprintf("no answer: the round that began at %s has not ended", r.begun.Format(time.TimeOnly))
	case state == model.Stale:
		s.Error = "nothing heard since " + r.lastOK.Format(time.TimeOnly)
	}
	return s
}

// judge is the state of a target: broken, never heard of, silent, or as its last round said.
func judge(now, lastOK time.Time, every time.Duration, err error) model.State {
	rem, isRemark := remark(err)
	switch {
	case err != nil && !isRemark:
		return model.Critical
	case lastOK.IsZero():
		return model.Unknown
	case model.IsStale(now, lastOK, every):
		return model.Stale
	case isRemark:
		return rem.State
	}
	return model.OK
}

// success reports whether a round that ended with err was a good one.
func success(err error) bool {
	_, isRemark := remark(err)
	return err == nil || isRemark
}
