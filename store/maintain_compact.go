package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync"

	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/nocturne-noc/nocturne/store/bolt"
	"github.com/nocturne-noc/nocturne/store/chunk"
	"github.com/nocturne-noc/nocturne/store/eventlog"
)

// CompactReport is what writing anew has saved.
type CompactReport struct {
	Files  []CompactedFile `json:"files"`  // that were written anew
	Looked int             `json:"looked"` // how many were looked at
}

// CompactedFile is a file of history before and after.
type CompactedFile struct {
	Name   string `json:"name"`
	Before int64  `json:"before_bytes"`
	After  int64  `json:"after_bytes"`
}

// Writing a file anew is worth it when more than an eighth of it is waste, and that is not a trifle.
const (
	wasteShare = 8
	wasteBytes = 256 << 10
)

// compactDir writes anew the files of a folder that waste room. It holds the lock for the time of one file.
func compactDir(ctx context.Context, dir *bolt.Dir, progress Progress, lock sync.Locker) (*CompactReport, error) {
	report := &CompactReport{Files: []CompactedFile{}}
	for _, tier := range bolt.Tiers {
		for _, f := range dir.Files(tier) {
			if err := ctx.Err(); err != nil {
				return report, fmt.Errorf("compact: stopped after %d files: %w", report.Looked, err)
			}
			name := filepath.Base(f.Path())
			before, after, err := compactFile(ctx, f, tier, func() { progress("compact " + name) }, lock)
			if errors.Is(err, fs.ErrClosed) || errors.Is(err, fs.ErrNotExist) {
				continue // removed meanwhile
			}
			report.Looked++
			if err != nil {
				return report, fmt.Errorf("compact: %w", err)
			}
			if before > 0 {
				report.Files = append(report.Files, CompactedFile{name, before, after})
			}
		}
	}
	return report, nil
}

// compactFile returns 0 for a file that is well as it is.
func compactFile(ctx context.Context, f *bolt.File, tier *bolt.Tier, begin func(), lock sync.Locker) (before, after int64, err error) {
	lock.Lock()
	defer lock.Unlock()
	u, err := f.Usage()
	if err != nil {
		return 0, 0, err
	}
	waste := u.Bytes - u.Used
	if u.Version == bolt.FileVersion && u.Old == 0 && (waste < wasteBytes || waste < u.Bytes/wasteShare) {
		return 0, 0, nil
	}
	begin()
	return f.Rewrite(func(w *bolt.WindowData) error {
		if err := ctx.Err(); err != nil || tier != bolt.Raw {
			return err
		}
		return modernize(w)
	})
}

// modernize packs a window of samples as it is done today. Nothing of what it says changes.
func modernize(w *bolt.WindowData) error {
	for n, list := range w.Chunks {
		for _, c := range list {
			if c.Encoding == chunk.Delta {
				continue
			}
			var err error
			if w.Chunks[n], err = repack(list); err != nil {
				return fmt.Errorf("%w: window %d: %s: %w", bolt.ErrDamaged, w.Start, w.Series[n], err)
			}
			break
		}
	}
	if len(w.Events) == 0 || w.EventIndex != nil {
		return nil
	}
	block, err := eventlog.Decode(w.Events)
	if err != nil {
		return fmt.Errorf("%w: events of window %d: %w", bolt.ErrDamaged, w.Start, err)
	}
	list, err := block.Events()
	if err != nil {
		return fmt.Errorf("%w: events of window %d: %w", bolt.ErrDamaged, w.Start, err)
	}
	w.Events, w.EventIndex, err = eventlog.Encode(list)
	return err
}

// repack packs the samples of chunks into chunks of today's encoding.
func repack(list []bolt.Chunk) ([]bolt.Chunk, error) {
	var out []bolt.Chunk
	var it chunk.Iterator
	var c chunk.Chunk
	flush := func() {
		if c.Len() > 0 {
			out = append(out, bolt.Chunk{Encoding: c.Encoding(), Data: c.Bytes()})
			c = chunk.Chunk{}
		}
	}
	for _, old := range list {
		if err := it.Reset(old.Encoding, old.Data); err != nil {
			return nil, err
		}
		for it.Next() != chunkenc.ValNone {
			if c.Len() >= maxChunkSamples {
				flush()
			}
			c.Append(it.At())
		}
		if err := it.Err(); err != nil {
			return nil, err
		}
	}
	flush()
	return out, nil
}
