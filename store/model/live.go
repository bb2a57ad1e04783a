package model

import (
	"context"
	"errors"
	"time"
)

// Inspector reads what is too large or too secret to be kept: an object's document as its source has it
// now, and the logs of a container. Only a live wall has one. Implementations are safe for concurrent
// use, put a deadline on every request, and bound what they hold.
type Inspector interface {
	// Document is what the source of an entity knows of it now, or knew a few seconds ago, as YAML without
	// secrets. The error says what to do; ErrNotLive means that no source can be asked for that entity. A
	// question that ctx ends goes on, so that the next one for the same entity may find its answer.
	Document(ctx context.Context, entity string) (Document, error)
	// Tail is what a log holds at its end. The first call begins to follow the log and returns at once;
	// later calls with the same request return what has come meanwhile. A log that is not asked for during
	// a while is not followed any more, so that there is nothing to close.
	Tail(ctx context.Context, req LogRequest) (Log, error)
}

// ErrNotLive is returned for an entity whose source cannot be asked: it belongs to a recording, or to a
// source that keeps no documents or logs.
var ErrNotLive = errors.New("no live source for it")

// Document is an object as its source has it.
type Document struct {
	Text string // YAML, at most 1 MiB, printable
	At   time.Time
}

// LogRequest names a log.
type LogRequest struct {
	Entity    string // ID of a pod or of one of its containers
	Container string // "" = the container of Entity, else the pod's first
	Previous  bool   // of the container before its last restart
}

// LogState says whether more of a log is to come.
type LogState string

// The states of a log.
const (
	LogConnecting LogState = "connecting" // nothing is known yet
	LogFollowing  LogState = "following"  // what comes is taken
	LogWaiting    LogState = "waiting"    // nothing can come now; it is tried again by itself
	LogEnded      LogState = "ended"      // nothing more will come
)

// Log is the end of a log.
type Log struct {
	Containers []string // that the pod has, init containers last; nil while that is not known
	Container  string   // whose log this is, "" while that is not known
	Lines      []LogLine
	Dropped    int // lines that came before Lines and are held no more
	State      LogState
	Why        string // it waits or has ended, "" where that needs no word
}

// LogLine is one line, printable and of bounded length.
type LogLine struct {
	Time time.Time // as the node's runtime stamped it; zero when it did not
	Text string
}
