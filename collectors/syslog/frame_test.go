package syslog

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// all reads the lines of a stream until its error.
func all(r io.Reader) (lines []string, clipped int, err error) {
	f := newFrames(r)
	for {
		if err := f.wait(); err != nil {
			return lines, clipped, err
		}
		line, cut, err := f.next()
		if len(line) > 0 {
			lines = append(lines, strings.TrimRight(string(line), "\r\n"))
		}
		if cut {
			clipped++
		}
		if err != nil {
			return lines, clipped, err
		}
	}
}

func TestStreamsAreFramed(t *testing.T) {
	long := strings.Repeat("x", 70_000)
	for _, c := range []struct {
		name, stream string
		want         []string
		clipped      int
		err          error
	}{
		{"lines", "<1>a\n<2>b\r\n", []string{"<1>a", "<2>b"}, 0, io.EOF},
		{"counted", "4 <1>a7 <2>b\nc\n", []string{"<1>a", "<2>b\nc"}, 0, io.EOF},
		{"both", "4 <1>a<2>b\n4 <3>c", []string{"<1>a", "<2>b", "<3>c"}, 0, io.EOF},
		{"a number of its own", "12 monkeys\n7\n123456789012 <1>x\n", []string{"12 monkeys", "7", "123456789012 <1>x"}, 0, io.EOF},
		{"no end", "<1>a\n<2>unfin", []string{"<1>a", "<2>unfin"}, 0, io.EOF},
		{"counted, no end", "40 <1>unfin", []string{"<1>unfin"}, 0, io.ErrUnexpectedEOF},
		{"long", "<1>" + long + "\n<2>b\n", []string{"<1>" + long[:maxLine-3], "<2>b"}, 1, io.EOF},
		{"long, counted", "70003 <1>" + long + "<2>b\n", []string{"<1>" + long[:maxLine-3], "<2>b"}, 1, io.EOF},
		{"as long as may be", "<1>" + long[:maxLine-3] + "\r\n", []string{"<1>" + long[:maxLine-3]}, 0, io.EOF},
		{"too long to be true", "9999999 <1>x", nil, 0, errFrame},
		{"nothing", "", nil, 0, io.EOF},
	} {
		for _, r := range []io.Reader{strings.NewReader(c.stream), iotest.OneByteReader(strings.NewReader(c.stream))} {
			lines, clipped, err := all(r)
			if !slices.Equal(lines, c.want) || clipped != c.clipped || !errors.Is(err, c.err) {
				t.Errorf("%s: %.200q, %d clipped, %v", c.name, lines, clipped, err)
			}
		}
	}
}

func FuzzFrames(f *testing.F) {
	f.Add("4 <1>a<2>b\n")
	f.Add("1234567 <")
	f.Fuzz(func(t *testing.T, s string) {
		lines, _, err := all(strings.NewReader(s))
		size := 0
		for _, l := range lines {
			if len(l) > maxLine {
				t.Errorf("a line of %d bytes", len(l))
			}
			size += len(l)
		}
		if err == nil || size > len(s) {
			t.Errorf("%d bytes of %d, %v", size, len(s), err)
		}
	})
}
