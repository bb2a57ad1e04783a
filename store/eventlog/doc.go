// Package eventlog packs the events of one window of history into a block, sums the block up in an
// index, and searches many of them: it answers without unpacking what cannot match.
//
// A block, after its version byte, is
//
//	uvarint length | zstd(head) | segments
//
// The head has what most filters ask for, row by row in the order of time and ID:
//
//	uvarint rows
//	3 dictionaries   kinds, sources, entities: uvarint count, then (uvarint length, bytes), sorted
//	times            uvarint unit in nanoseconds, varint first in units, then uvarint differences
//	IDs              varint differences
//	severities       one byte each
//	3 columns        a row's place in the dictionary: 1, 2 or 4 bytes, as few as its size allows
//	uvarint segments, each: uvarint rows, uvarint bytes of texts, uvarint bytes of the rest
//
// A segment has what the rest of a row is, for up to segmentRows rows:
//
//	zstd(texts)      per row title and text: uvarint length, bytes
//	zstd(rest)       per row varint count, uvarint labels, then name and value of each by name
//
// All of it lies in a value that bbolt's owner checks; the block has no checksum of its own. Instants
// keep their nanoseconds and lose their time zone. Before there were blocks, events were a list of
// JSON objects, each with its length before it: Decode reads them too.
package eventlog
