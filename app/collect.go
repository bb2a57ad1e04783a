package app

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/nocturne-noc/nocturne/app/config"
	"github.com/nocturne-noc/nocturne/collectors"
	"github.com/nocturne-noc/nocturne/store/model"
)

// onceLimit is how long one round of all sources may take.
const onceLimit = 45 * time.Second

// Round is what one round of all sources told.
type Round struct {
	Batches []model.Batch
	Sources []model.SourceStatus
}

// CollectOnce runs every source until each of its targets has answered, or failed to, once. now nil
// is time.Now.
func CollectOnce(ctx context.Context, cfg *config.Config, now func() time.Time, log *slog.Logger) (*Round, error) {
	if now == nil {
		now = time.Now
	}
	ctx, cancel := context.WithTimeout(ctx, onceLimit)
	defer cancel()
	var mu sync.Mutex
	round := &Round{}
	done := make(chan struct{})
	var once sync.Once
	r := collectors.NewRunner(
		func(b model.Batch) error {
			mu.Lock()
			defer mu.Unlock()
			round.Batches = append(round.Batches, b)
			return nil
		},
		func(rows []model.SourceStatus) {
			mu.Lock()
			defer mu.Unlock()
			round.Sources = rows
			if !slices.ContainsFunc(rows, waiting) {
				once.Do(func() { close(done) })
			}
		},
		collectors.Options{Now: now, Log: log})
	if err := r.Set(Sources(cfg, nil, nil, now)); err != nil {
		return nil, err
	}
	run, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.Run(run)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
	stop()
	<-ended
	return round, nil
}

// waiting reports whether a target has not had its round yet. A watcher is well before it has told
// anything.
func waiting(row model.SourceStatus) bool {
	return row.State == model.Unknown || row.State == model.OK && row.Samples == 0
}
