package model

import (
	"context"
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

// Point is one value of a series.
type Point struct {
	T int64 // Unix milliseconds
	V float64
}

// Series is one labelled line of points in time order. An instant vector's series has one point.
type Series struct {
	Labels labels.Labels
	Points []Point
}

// Revs counts changes; a reader that sees the same number again need not load again.
type Revs struct {
	Samples  uint64
	Entities uint64 // entities and links, and their turning stale
	Events   uint64
	Alerts   uint64
	Sources  uint64
}

// Filter picks entities or links; zero fields match everything.
type Filter struct {
	Kind   Kind
	Source string
	Under  string // ID of an ancestor, or the entity itself
	ID     string
}

// EventFilter picks events, newest first.
type EventFilter struct {
	Since, Until time.Time // zero = open
	MinRank      State     // only this severity or worse; zero = all
	Kind         string
	Source       string
	Entity       string // exact ID or a prefix that ends in "/"
	Text         string // case-insensitive substring of title or text
	Limit        int    // 0 = 1000
}

// Source is how everything but the store's owner reads. Live it is the store itself; in replay it
// is a recording seen through the recording's own clock. Implementations are safe for concurrent use.
type Source interface {
	// Now is the clock of all panels.
	Now() time.Time
	// Revs says what has changed.
	Revs() Revs
	// Query evaluates PromQL at one instant. A scalar comes as one series without labels.
	Query(ctx context.Context, expr string, at time.Time) ([]Series, error)
	// QueryRange evaluates PromQL from start to end in steps. A gap is an absent point.
	QueryRange(ctx context.Context, expr string, start, end time.Time, step time.Duration) ([]Series, error)
	// QueryBand returns the lowest and the highest value that each line of QueryRange had since the step
	// before, so that a spike of one sample shows however long the steps are. Both come with the lines
	// of QueryRange, by labels, and may lack points. Both are empty where a step holds no more than QueryRange tells.
	QueryBand(ctx context.Context, expr string, start, end time.Time, step time.Duration) (low, high []Series, err error)
	// Marks are the stretches from start to end in which history is not what it should be, in time order.
	Marks(start, end time.Time) []Mark
	// Entities are sorted by ID; their State is already Stale where their source fell silent.
	Entities(f Filter) []Entity
	// Links are sorted by Key.
	Links(f Filter) []Link
	// Events are newest first.
	Events(f EventFilter) []Event
	// Alerts are the active ones: firing before pending, worst first, then oldest first.
	Alerts() []Alert
	// Sources is one row per target of each configured source, sorted by name and target.
	Sources() []SourceStatus
	// Replay reports whether Now is a recording's clock, and the recording's extent.
	Replay() (start, end time.Time, replay bool)
}

// StaleAfter is the factor on a source's own interval beyond which its data is stale.
const StaleAfter = 1.5

// IsStale reports whether something seen at seen and due every so often is stale at now. What was seen
// that far in the future was seen by a clock that was wrong, and says nothing of now.
func IsStale(now, seen time.Time, every time.Duration) bool {
	return every > 0 && now.Sub(seen).Abs() > time.Duration(StaleAfter*float64(every))
}

// Mark is a stretch of time in which history is not what it should be.
type Mark struct {
	Start, End time.Time
	Kind       string // MarkDamaged, MarkAsleep, MarkClock
	Text       string // what happened, for people
}

// The kinds of marks.
const (
	MarkDamaged = "damaged" // a file that could not be read was set aside
	MarkAsleep  = "asleep"  // the machine slept, or Nocturne was stopped within a running machine
	MarkClock   = "clock"   // the system clock was set
)
