package collectors

import (
	"context"

	"github.com/nocturne-noc/nocturne/store/model"
)

// beside keeps the job's Beside running until ctx ends.
func (j *job) beside(ctx context.Context) {
	var wait backoff
	for {
		err := j.besideOnce(ctx)
		if ctx.Err() != nil {
			return
		}
		pause := wait.next()
		j.s.r.log.Warn("what runs beside a job's rounds ended", "source", j.s.Name, "target", j.Target, "again_in", pause, "error", err)
		if !sleep(ctx, pause) {
			return
		}
	}
}

func (j *job) besideOnce(ctx context.Context) (err error) {
	defer j.s.recovered(j.row, &err)
	return j.Beside(ctx, func(b model.Batch) {
		tell := &teller{job: j, ctx: ctx, time: j.s.r.now()} // each batch has a time of its own
		tell.emit(b)
		if _, err := tell.result(); err != nil {
			j.s.r.log.Error("store refused a batch", "source", j.s.Name, "target", j.Target, "error", err)
		}
	})
}
