// Package collectors defines what a collector is and runs them: on an interval with jitter, under
// a deadline, recovered from panics, backed off when they fail, and measured.
//
// Collectors know neither the store nor the window: they emit model.Batch values.
package collectors

import (
	"context"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

// Emit hands a batch over. It may block while the store is busy and is safe for concurrent use.
// The Runner fills in Batch.Source, and Time and Every where they are zero.
type Emit func(model.Batch)

// Collector polls one target: Collect makes one round and returns when it is done or ctx ends.
// The Runner never runs two rounds of one Collector at once. What was learnt before an error is
// emitted all the same.
type Collector interface {
	Collect(ctx context.Context, emit Emit) error
}

// Watcher is a Collector that stays: Watch runs until ctx ends or the connection to its target is
// lost for good. The Runner starts it again with backoff. It reports each change of its health
// through status: nil for well, else an error that says what is wrong and what to do.
type Watcher interface {
	Watch(ctx context.Context, emit Emit, status func(error)) error
}

// Inspector answers what people ask of single entities of a target.
type Inspector interface {
	model.Inspector
	// Owns reports whether an entity is one of the target's.
	Owns(entity string) bool
}

// Job is one target of a source: exactly one of Poll and Watch is set.
type Job struct {
	Target  string        // shown to people: device address, cluster context; unique in its source
	Every   time.Duration // interval of Poll, and of the confirming batches of Watch
	Timeout time.Duration // deadline of one round; 0 = Every
	Poll    Collector
	Watch   Watcher

	// Beside, where it is set, runs next to Poll or Watch as long as the job does: for what cannot wait for
	// the next round. What it emits says nothing of how the job fares. The Runner starts it
	// again with backoff when it ends.
	Beside func(ctx context.Context, emit Emit) error

	// Inspect, where it is set, answers for the entities that it owns while the job runs.
	Inspect Inspector
}

// Env is what a Kind is given to open a source with.
type Env struct {
	Name   string                           // name of the source
	Every  time.Duration                    // the configured interval, 0 = the kind's own default
	Decode func(into any) error             // strictly decodes the source's configuration; errors carry file:line
	Secret func(ref string) (string, error) // resolves env:NAME, file:PATH, keyring:NAME
	Links  func(source string) []model.Link // what the store remembers of this source's links
	// Entities are what the wall knows of a kind now, from whatever source; nil when there is no wall around.
	Entities func(model.Kind) []model.Entity
	// Path makes a configured path absolute: what is relative is so to the configuration's folder. nil
	// leaves paths as they are.
	Path func(string) string
	// Accepted are the targets of this source that people accepted after discovery had found them; nil for
	// none.
	Accepted func() []string
	Now      func() time.Time
}

// Paths makes configured paths absolute.
func (e Env) Paths(list []string) []string {
	if e.Path == nil {
		return list
	}
	out := make([]string, len(list))
	for i, p := range list {
		out[i] = e.Path(p)
	}
	return out
}

// Kind opens sources of one kind.
type Kind struct {
	Name string
	// Open validates the configuration and returns the jobs. It makes no network traffic: a target
	// that does not answer is a matter of its job.
	Open func(env Env) ([]Job, error)
}
