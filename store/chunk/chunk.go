// Package chunk packs the samples of one series in one window into bytes, and reads them again.
package chunk

import (
	"fmt"

	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

// The encodings of a chunk. Their numbers are stored on disk: append only.
const (
	XOR    byte = 1 // an XOR chunk of Prometheus' tsdb/chunkenc
	Delta  byte = 2 // blocks of integer differences, see doc.go
	Rollup byte = 3 // buckets of a tier, see package rollup
)

// Chunk is a chunk that grows. The zero value is empty. It is not safe for concurrent use, but what
// Bytes returned stays as it is.
type Chunk struct {
	xor *chunkenc.XORChunk
	app chunkenc.Appender
	n   int
}

// Append adds a sample. Times rise.
func (c *Chunk) Append(t int64, v float64) {
	if c.xor == nil {
		c.xor = chunkenc.NewXORChunk()
		c.app, _ = c.xor.Appender()
	}
	c.app.Append(0, t, v)
	c.n++
}

// Len is the number of samples.
func (c *Chunk) Len() int { return c.n }

// Encoding is how Bytes is to be read.
func (c *Chunk) Encoding() byte { return XOR }

// Bytes returns all samples so far, as a copy.
func (c *Chunk) Bytes() []byte {
	if c.xor == nil {
		return nil
	}
	return append([]byte(nil), c.xor.Bytes()...)
}

// Iterator reads chunks of samples of every encoding, one after the other: Prometheus' interface.
type Iterator struct {
	chunkenc.Iterator
	chunk chunkenc.XORChunk
	xor   chunkenc.Iterator
}

// Reset begins another chunk. Data must not change while it is read.
func (it *Iterator) Reset(encoding byte, data []byte) error {
	if encoding != XOR {
		return fmt.Errorf("unknown chunk encoding %d", encoding)
	}
	if len(data) < 2 {
		return fmt.Errorf("a chunk of %d bytes is cut short", len(data))
	}
	it.chunk.Reset(data)
	it.xor = it.chunk.Iterator(it.xor)
	it.Iterator = it.xor
	return nil
}
