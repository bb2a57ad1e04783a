package bolt

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestWindowStart(t *testing.T) {
	const h = 3600 * 1000
	for _, tc := range []struct{ t, want int64 }{{0, 0}, {1, 0}, {2*h - 1, 0}, {2 * h, 2 * h}, {-1, -2 * h}, {-2 * h, -2 * h}} {
		if got := WindowStart(tc.t); got != tc.want {
			t.Errorf("WindowStart(%d) = %d, want %d", tc.t, got, tc.want)
		}
	}
}

func window(start int64, series int) *WindowData {
	w := &WindowData{Start: start, MinT: start + 5, MaxT: start + 9, Samples: 2 * series,
		Checkpoint: []byte("checkpoint"), Changes: bytes.Repeat([]byte("change"), 1000), Events: []byte("events")}
	for i := range series {
		w.Series = append(w.Series, labels.FromStrings("__name__", "m", "i", fmt.Sprintf("%05d", i)))
		w.Chunks = append(w.Chunks, []Chunk{{1, fmt.Appendf(nil, "chunk %d", i)}, {1, []byte("more")}})
	}
	return w
}

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	f, err := CreateFile(path, KindDay)
	if err != nil {
		t.Fatal(err)
	}
	size := Window.Milliseconds()
	for _, w := range []*WindowData{window(size, 300), window(0, 300), window(2*size, 10), window(0, 300)} {
		if _, err := f.Put(w); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Finish(); err != nil {
		t.Fatal(err)
	}
	if f, err = OpenFile(path, KindDay); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}()
	list, err := f.Windows()
	if err != nil || len(list) != 3 {
		t.Fatal(list, err)
	}
	if a, b := list[0], list[1]; a.Start != 0 || b.Start != size || a.Index != b.Index || a.Series != 300 || a.MinT != 5 {
		t.Errorf("windows: %+v", list)
	}
	sets, err := f.Labels(list[2].Index)
	if diff := cmp.Diff(window(0, 10).Series, sets, cmp.Comparer(labels.Equal)); err != nil || diff != "" {
		t.Error(err, diff)
	}
	var got []string
	if err := f.Chunks(size, []uint32{7, 299}, func(n uint32, c Chunk) { got = append(got, fmt.Sprint(n, " ", string(c.Data))) }); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"7 chunk 7", "7 more", "299 chunk 299", "299 more"}, got); diff != "" {
		t.Error(diff)
	}
	checkpoint, changes, err := f.State(0)
	events, errEvents := f.Events(0)
	if err != nil || errEvents != nil || string(checkpoint) != "checkpoint" || len(changes) != 6000 || string(events) != "events" {
		t.Errorf("%q, %d, %q, %v", checkpoint, len(changes), events, err)
	}
	if err := f.Chunks(3*size, nil, nil); !errors.Is(err, ErrDamaged) {
		t.Errorf("a window that is not there: %v", err)
	}
}

// A flipped byte anywhere in a file is an error, or is in no place that matters: what is read is
// then what was written. It never panics.
func TestFlippedBytes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	f, err := CreateFile(path, KindDay)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Put(window(0, 50)); err != nil {
		t.Fatal(err)
	}
	if err := f.Finish(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want, err := readAll(path)
	if err != nil {
		t.Fatal(err)
	}
	flips, failed := 0, 0
	for at := 0; at < len(whole); at += 29 {
		b := bytes.Clone(whole)
		b[at] ^= 0xff
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		flips++
		got, err := readAll(path)
		if err != nil {
			failed++
		} else if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("byte %d of %d: unnoticed:\n%s", at, len(whole), diff)
		}
	}
	if failed == 0 {
		t.Error("no flip was noticed")
	}
	t.Logf("%d of %d flips were noticed, the others do not matter", failed, flips)
}

// readAll returns everything that is in a day as text.
func readAll(path string) (content []string, err error) {
	f, err := OpenFile(path, KindDay)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	list, err := f.Windows()
	if err != nil {
		return nil, err
	}
	for _, w := range list {
		content = append(content, fmt.Sprintf("%+v", w))
		sets, err := f.Labels(w.Index)
		if err != nil {
			return nil, err
		}
		for n, ls := range sets {
			if err := f.Chunks(w.Start, []uint32{uint32(n)}, func(_ uint32, c Chunk) {
				content = append(content, fmt.Sprintf("%s %d %q", ls, c.Encoding, c.Data))
			}); err != nil {
				return nil, err
			}
		}
		checkpoint, changes, err := f.State(w.Start)
		if err != nil {
			return nil, err
		}
		events, err := f.Events(w.Start)
		if err != nil {
			return nil, err
		}
		content = append(content, string(checkpoint), string(changes), string(events))
	}
	return content, nil
}

func FuzzLabels(f *testing.F) {
	f.Add(encodeLabels(window(0, 3).Series))
	f.Add(encodeLabels(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		sets, err := decodeLabels(b)
		if err != nil {
			return
		}
		again, err := decodeLabels(encodeLabels(sets))
		if diff := cmp.Diff(sets, again, cmp.Comparer(labels.Equal)); err != nil || diff != "" {
			t.Error(err, diff)
		}
	})
}

func FuzzOldChunks(f *testing.F) {
	f.Add([]byte{1, 3, 'a', 'b', 'c', 2, 2, 'd', 'e'})
	f.Fuzz(func(t *testing.T, b []byte) {
		n := 0
		if err := eachOldChunk(b, func(c Chunk) { n += 2 + len(c.Data) }); err == nil && n > len(b) {
			t.Errorf("%d bytes of chunks in %d bytes", n, len(b))
		}
	})
}

func FuzzInfo(f *testing.F) {
	f.Add(windowKey(7), encodeInfo(WindowInfo{Start: 7, MinT: -4, MaxT: 9, Series: 3, Samples: 4, Bytes: 5, Index: "abc"}))
	f.Fuzz(func(t *testing.T, key, b []byte) {
		info, err := decodeInfo(key, b)
		if err != nil {
			return
		}
		if again, err := decodeInfo(windowKey(info.Start), encodeInfo(info)); err != nil || again != info {
			t.Errorf("%+v became %+v: %v", info, again, err)
		}
	})
}

func FuzzWAL(f *testing.F) {
	header := append([]byte(walMagic), walVersion)
	f.Add(AppendFrame(AppendFrame(bytes.Clone(header), []byte("one")), []byte("two")))
	f.Add(bytes.Clone(header))
	f.Add(AppendFrame([]byte(walMagic+"\x01"), []byte("old")))
	f.Fuzz(func(t *testing.T, b []byte) {
		rebuilt := bytes.Clone(b[:min(len(b), walHeader)])
		good, err := readWAL(bytes.NewReader(b), func(payload []byte) error {
			rebuilt = AppendFrame(rebuilt, payload)
			return nil
		})
		if err != nil {
			return
		}
		if !bytes.Equal(rebuilt, b[:good]) {
			t.Errorf("%d bytes are called good, and are not what was read", good)
		}
	})
}
