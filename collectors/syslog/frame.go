package syslog

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strconv"
)

const (
	// maxLine is how much of one line is kept, in bytes; the rest is read and thrown away.
	maxLine = 8 << 10
	// maxFrame is the longest counted frame that is believed, in bytes.
	maxFrame = 8 << 20
	// countDigits are as many as maxFrame has.
	countDigits = 7
)

// errFrame is the error of a stream that cannot be read on: nobody knows where its next line begins.
var errFrame = errors.New("a frame says that it is longer than 8 MiB")

// frames reads the lines of a stream in both framings of RFC 6587, each frame in its own: with the number of its
// bytes ahead, or to the end of the line.
type frames struct{ r *bufio.Reader }

func newFrames(r io.Reader) frames { return frames{bufio.NewReaderSize(r, 16<<10)} }

// wait waits until the next frame begins.
func (f frames) wait() error {
	_, err := f.r.Peek(1)
	return err
}

// next reads a frame, of which at most maxLine bytes are kept. The end of a stream may leave a part of a line
// beside its error.
func (f frames) next() (line []byte, clipped bool, err error) {
	if n, ok := f.count(); ok {
		if n > maxFrame {
			return nil, false, errFrame
		}
		return f.counted(n)
	}
	for {
		part, err := f.r.ReadSlice('\n')
		if room := maxLine - len(line); len(part) > room {
			part, clipped = part[:room], clipped || len(bytes.TrimRight(part[room:], "\r\n")) > 0
		}
		line = append(line, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, clipped, err
		}
	}
}

// count takes the number ahead of a counted frame, if there is one. What follows it must be a priority: a line may
// begin with a number of its own.
func (f frames) count() (n int, ok bool) {
	const ahead = countDigits + 2
	first, err := f.r.Peek(1)
	if err != nil || first[0] < '1' || first[0] > '9' {
		return 0, false
	}
	for size := 2; size <= ahead+1; size++ {
		head, err := f.r.Peek(size)
		if err != nil {
			return 0, false
		}
		switch c := head[size-1]; {
		case c >= '0' && c <= '9':
			continue
		case c != ' ':
			return 0, false
		}
		after, err := f.r.Peek(size + 1)
		if err != nil || after[size] != '<' {
			return 0, false
		}
		n, err := strconv.Atoi(string(head[:size-1]))
		if err != nil {
			return 0, false
		}
		_, _ = f.r.Discard(size) // it was peeked at
		return n, true
	}
	return 0, false
}

func (f frames) counted(n int) (line []byte, clipped bool, err error) {
	line = make([]byte, min(n, maxLine))
	got, err := io.ReadFull(f.r, line)
	if err != nil {
		return line[:got], false, err
	}
	if n > maxLine {
		_, err = f.r.Discard(n - maxLine)
	}
	return line, n > maxLine, err
}
