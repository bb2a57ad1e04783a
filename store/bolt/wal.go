package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

const (
	walMagic    = "NOCTWAL"
	walVersion  = 2 // version 1 has fewer kinds of records; it is read too
	walHeader   = len(walMagic) + 1
	frameHeader = 8
	// MaxFrame bounds the payload of one frame.
	MaxFrame = 256 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// AppendFrame appends a frame with the payload to b.
func AppendFrame(b, payload []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(len(payload)))
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(payload, castagnoli))
	return append(b, payload...)
}

// WAL is a write-ahead file that is being written. One goroutine uses it at a time.
type WAL struct {
	path   string
	file   handle
	size   int64 // of what is known to be good
	broken error // why nothing can be added any more
}

// Append writes frames and waits until they are on disk. After an error the file is given up, and so
// fails for good: what the operating system could not write it may have forgotten, and a later success
// would not bring it back. Go on with a new file, by Dir.RotateWAL.
func (w *WAL) Append(frames []byte) error {
	if w.broken != nil || len(frames) == 0 {
		return w.broken
	}
	n, err := w.file.WriteAt(frames, w.size)
	if err == nil && n < len(frames) {
		err = io.ErrShortWrite
	}
	if err == nil {
		err = w.file.Sync()
	}
	if err != nil {
		err = errors.Join(err, w.file.Truncate(w.size)) // nobody was told that it is kept
		w.broken = fmt.Errorf("write-ahead file %s: %w", w.path, err)
		return w.broken
	}
	w.size += int64(len(frames))
	return nil
}

// Size is how many bytes are known to be on disk.
func (w *WAL) Size() int64 { return w.size }

// Close closes the file.
func (w *WAL) Close() error { return w.file.Close() }

// readWAL hands the payload of each good frame to visit, and returns how long the good part is.
// A torn tail is no error; an unknown version, or what visit fails with, is.
func readWAL(r io.Reader, visit func(payload []byte) error) (good int64, err error) {
	head := make([]byte, walHeader)
	if _, err := io.ReadFull(r, head); err != nil {
		return 0, fmt.Errorf("%w: the write-ahead file has no header", ErrDamaged)
	}
	if string(head[:len(walMagic)]) != walMagic {
		return 0, fmt.Errorf("%w: this is no write-ahead file", ErrDamaged)
	}
	if v := head[len(walMagic)]; v == 0 || v > walVersion {
		return 0, fmt.Errorf("%w %d of the write-ahead file: this program reads up to version %d; use the program that wrote it", ErrVersion, v, walVersion)
	}
	good = int64(walHeader)
	var payload []byte
	for {
		var whole bool
		if payload, whole = readFrame(r, payload[:0]); !whole {
			return good, nil
		}
		if err := visit(payload); err != nil {
			return good, err
		}
		good += frameHeader + int64(len(payload))
	}
}

// readFrame reads the payload of the next frame into b. It is not whole when the file ends within it,
// or when its checksum is wrong.
func readFrame(r io.Reader, b []byte) (payload []byte, whole bool) {
	var head [frameHeader]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return b, false
	}
	n := binary.LittleEndian.Uint32(head[:])
	if n == 0 || n > MaxFrame {
		return b, false
	}
	b, err := readN(r, b, int(n))
	return b, err == nil && crc32.Checksum(b, castagnoli) == binary.LittleEndian.Uint32(head[4:])
}

// readN reads n bytes, growing as they come: a length in a torn tail must not take memory.
func readN(r io.Reader, b []byte, n int) ([]byte, error) {
	const step = 1 << 20
	for len(b) < n {
		want := min(step, n-len(b))
		from := len(b)
		b = append(b, make([]byte, want)...)
		if _, err := io.ReadFull(r, b[from:]); err != nil {
			return b, err
		}
	}
	return b, nil
}
