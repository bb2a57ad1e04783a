// Package bolt keeps history on disk: bbolt files of sealed windows, and the write-ahead file of
// what is not sealed yet. It is the one package that imports bbolt, and it knows neither the head
// nor what the state log, the events and the chunks say.
//
// A data folder:
//
//	DIR/
//	├── store.db            bbolt; its file lock is the folder's lock
//	│   └── meta            "version", "kind" = "folder"
//	├── store.pid           text: the process that holds the lock
//	├── wal-NNNNNNNN.log    the write-ahead file; with several (death while rotating) the highest counts
//	├── day-YYYYMMDD.db     samples and state, windows of 2 h: one bbolt file per UTC day
//	├── 5m-YYYYMM.db        rollups of 5 minutes, windows of 2 h: one per UTC month
//	├── 1h-YYYY.db          rollups of an hour, windows of 24 h: one per UTC year
//	├── *.damaged, *.damaged-2, ...
//	│                       what could not be read, set aside
//	└── *.tmp               not finished when the program died; removed at the next opening
//
// Retention removes whole files, because a bbolt file never shrinks. A file of a tier, and a recording in
// the same form:
//
//	├── meta
//	│   ├── version         uint32, big endian: FileVersion
//	│   ├── kind            "day", "5m", "1h" or "recording"
//	│   ├── count           uint64, big endian: how many windows there are
//	│   └── extent          recordings only: first and last Unix millisecond, 2 x int64 big endian
//	├── indexes             label sets, shared by all windows whose series are the same
//	│   └── KEY             16 bytes of SHA-256 over the value's plain form
//	│                       -> zstd(symbols, label sets as symbol numbers), see labels.go
//	└── windows
//	    └── START           int64 big endian, Unix milliseconds, aligned to the tier's window
//	        ├── info        varints, see WindowInfo, and CRC-32C of START and them
//	        ├── blocks      FillPercent 1.0
//	        │   └── LAST    uint32 big endian: the number, in the index, of the block's last series
//	        │               -> a block, see below
//	        ├── checkpoint  zstd(the world at the window's start)
//	        ├── changes     zstd(what changed until its end)
//	        ├── events      zstd(events)
//	        └── eventindex  zstd(what sums the events up); absent when nothing does
//
// Rollups have no state: their last values are empty. A block holds the chunks of series that follow one
// another, about 32 KiB; each group of series in it, about 1 KiB, is checked by itself. Numbers are
// uvarints, each CRC-32C is 4 bytes little endian and covers START, the first series and what is before it:
//
//	first series | number of groups | of each: series, bytes | CRC-32C
//	group ...:  the chunks of each series | CRC-32C
//	chunk ...:  2 x length, + 1 when the series has one more | encoding | data
//
// Encodings are those of package chunk: 1 is the XOR chunk of Prometheus' tsdb/chunkenc, 2 integer deltas,
// 3 the buckets of package rollup; 0 stands for no chunk.
//
// Version 2 is what is written. Version 1 has day files and recordings only; its windows have, in the
// place of "blocks",
//
//	├── chunks
//	│   └── NUMBER      uint32 big endian: the series' number in the index
//	│                   -> one or more of (encoding byte, uvarint length, data),
//	│                      and CRC-32C of NUMBER and them
//
// with XOR chunks only, and its events are JSON. It is read; a file of it that is written to becomes one of
// version 2 whose older windows keep their form, until it is written anew. A file of any other version is
// refused and not touched.
//
// The write-ahead file:
//
//	"NOCTWAL" VERSION (8 bytes; 2, and 1 with fewer kinds of records is read), then frames of
//	uint32 little endian length | uint32 little endian CRC-32C of the payload | payload
//
// A frame is applied entirely or not at all. The first frame that does not check ends the file.
package bolt
