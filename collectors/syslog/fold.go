package syslog

import (
	"hash/maphash"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

const (
	foldWindow = time.Minute
	maxFolds   = 10_000 // patterns that are watched for repeats at a time
)

// folds finds repeats: lines of one sender, host and program that differ in their numbers alone.
type folds struct {
	seed  maphash.Seed
	known map[uint64]*fold
	buf   []byte
}

// fold is a line that was shown, and how often it came again since.
type fold struct {
	message Message
	who     who
	from    netip.Addr
	since   time.Time
	count   int
}

func newFolds() *folds { return &folds{seed: maphash.MakeSeed(), known: map[uint64]*fold{}} }

// key identifies the pattern of a message.
func (f *folds) key(m *Message, from netip.Addr) uint64 {
	addr := from.As16()
	b := append(append(f.buf[:0], addr[:]...), m.Severity)
	b = append(append(append(append(b, m.Host...), 0), m.App...), 0)
	digits := false
	for i := range len(m.Text) {
		c := m.Text[i]
		if c >= '0' && c <= '9' {
			if !digits {
				b = append(b, '#')
			}
			digits = true
			continue
		}
		digits = false
		b = append(b, c)
	}
	f.buf = b
	return maphash.Bytes(f.seed, b)
}

// again counts a repeat; false for what is new.
func (f *folds) again(key uint64, m *Message) bool {
	known := f.known[key]
	if known == nil {
		return false
	}
	known.count++
	known.message.Text, known.message.Time = m.Text, m.Time
	return true
}

// watch has the repeats of a line found that is shown.
func (f *folds) watch(key uint64, m *Message, who who, from netip.Addr, now time.Time) {
	if len(f.known) < maxFolds {
		f.known[key] = &fold{message: *m, who: who, from: from, since: now}
	}
}

// due returns the lines that came again, each once a window, and forgets those that did not.
func (f *folds) due(now time.Time) []fold {
	var out []fold
	for key, known := range f.known {
		switch {
		case now.Sub(known.since) < foldWindow:
		case known.count == 0:
			delete(f.known, key)
		default:
			out = append(out, *known)
			known.since, known.count = now, 0
		}
	}
	return out
}

// repeated reads what a syslogd says when it has folded repeats itself: "last message repeated 214 times", and
// rsyslog's "message repeated 214 times: [ text]".
func repeated(text string) (n int, ok bool) {
	rest, ok := strings.CutPrefix(strings.TrimPrefix(text, "last "), "message repeated ")
	if !ok {
		return 0, false
	}
	number, rest, ok := strings.Cut(rest, " ")
	if !ok || !strings.HasPrefix(rest, "time") {
		return 0, false
	}
	n, err := strconv.Atoi(number)
	return n, err == nil && n > 0 && n < 1<<31
}
