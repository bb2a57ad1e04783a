// Package bolt keeps history on disk: bbolt files of sealed windows, and the write-ahead file of
// what is not sealed yet. It is the one package that imports bbolt, and it knows neither the head
// nor what the state log says.
//
// A data folder:
//
//	DIR/
//	├── store.db            bbolt; its file lock is the folder's lock
//	│   └── meta            "version", "kind" = "folder"
//	├── store.pid           text: the process that holds the lock
//	├── wal-NNNNNNNN.log    the write-ahead file; with several (death while rotating) the highest counts
//	└── day-YYYYMMDD.db     one bbolt file per UTC day; retention removes whole files
//
// A day file, and a recording in the same form:
//
//	├── meta
//	│   ├── version         uint32, big endian: FileVersion
//	│   ├── kind            "day" or "recording"
//	│   ├── count           uint64, big endian: how many windows there are
//	│   └── extent          recordings only: first and last Unix millisecond, 2 x int64 big endian
//	├── indexes             label sets, shared by all windows whose series are the same
//	│   └── KEY             16 bytes of SHA-256 over the value's plain form
//	│                       -> zstd(symbols, label sets as symbol numbers), see labels.go
//	└── windows
//	    └── START           int64 big endian, Unix milliseconds, aligned to Window
//	        ├── info        varints, see WindowInfo, and CRC-32C of START and them
//	        ├── chunks      FillPercent 1.0
//	        │   └── NUMBER  uint32 big endian: the series' number in the index
//	        │               -> one or more of (encoding byte, uvarint length, data),
//	        │                  and CRC-32C of NUMBER and them
//	        ├── checkpoint  zstd(the world at the window's start)
//	        ├── changes     zstd(what changed until its end)
//	        └── events      zstd(events)
//
// Tiers of rollups will be further buckets beside chunks ("5m", "1h"); readers of version 1 pass
// over buckets that they do not know. Encoding 1 is the XOR chunk of Prometheus' tsdb/chunkenc.
//
// The write-ahead file:
//
//	"NOCTWAL" VERSION (8 bytes), then frames of
//	uint32 little endian length | uint32 little endian CRC-32C of the payload | payload
//
// A frame is applied entirely or not at all. The first frame that does not check ends the file.
package bolt
