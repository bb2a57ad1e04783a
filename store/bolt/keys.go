package bolt

import (
	"encoding/binary"
	"errors"
)

// FileVersion is the version of all files that this package writes. It reads version 1 too: there each
// series of a window has a key of its own, all chunks are XOR chunks, and events are JSON.
const FileVersion = 2

// All names of buckets and keys.
var (
	bucketMeta    = []byte("meta")
	bucketIndexes = []byte("indexes")
	bucketWindows = []byte("windows")
	bucketBlocks  = []byte("blocks")
	bucketChunks  = []byte("chunks") // version 1

	keyVersion    = []byte("version")
	keyKind       = []byte("kind")
	keyExtent     = []byte("extent")
	keyCount      = []byte("count")
	keyInfo       = []byte("info")
	keyCheckpoint = []byte("checkpoint")
	keyChanges    = []byte("changes")
	keyEvents     = []byte("events")
	keyEventIndex = []byte("eventindex")
)

// Names in a data folder.
const (
	lockName    = "store.db"
	pidName     = "store.pid"
	walPrefix   = "wal-"
	walSuffix   = ".log"
	asideSuffix = ".damaged"
	tmpSuffix   = ".tmp" // not finished: removed when the folder is opened
)

// Kind says what a file is.
type Kind string

// The kinds of files.
const (
	KindFolder      Kind = "folder"
	KindDay         Kind = "day"
	KindFiveMinutes Kind = "5m"
	KindOneHour     Kind = "1h"
	KindRecording   Kind = "recording"
)

// What reading or opening can fail with, besides the operating system's errors.
var (
	ErrVersion = errors.New("unknown file version")
	ErrInUse   = errors.New("in use by another process")
	ErrDamaged = errors.New("damaged file")
)

func windowKey(start int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(start)) }

func seriesKey(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }
