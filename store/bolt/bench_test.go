package bolt

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

// fleet is a window of a large site: chunks of random bytes, about as long as those of 720 samples are.
func fleet(start int64, series, chunkBytes int) *WindowData {
	r := rand.New(rand.NewPCG(1, uint64(start)))
	w := &WindowData{Start: start, MinT: start, MaxT: start + 1, Samples: 720 * series, Checkpoint: make([]byte, 10_000)}
	for n := range series {
		w.Series = append(w.Series, labels.FromStrings("__name__", "node_network_receive_bytes_total", "device", "eth"+strconv.Itoa(n%10),
			"instance", fmt.Sprintf("server-%03d.example.com:9100", n/10), "job", "node", "source", "servers"))
		data := make([]byte, chunkBytes/2+r.IntN(chunkBytes))
		for i := range data {
			data[i] = byte(r.Uint32())
		}
		w.Chunks = append(w.Chunks, []Chunk{{2, data}})
	}
	return w
}

// written is how many bytes this process has handed to write calls; 0 where the system does not tell.
func written(b *testing.B) float64 {
	text, err := os.ReadFile("/proc/self/io")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "wchar:"); ok {
			n, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			if err != nil {
				b.Fatal(err)
			}
			return n
		}
	}
	return 0
}

// A day of 12 windows; what is written and kept is told as a multiple of the chunks themselves.
func BenchmarkPut(b *testing.B) {
	for _, size := range []int{1000, 120} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			for b.Loop() {
				path := filepath.Join(b.TempDir(), "f")
				f, err := CreateFile(path, KindDay)
				if err != nil {
					b.Fatal(err)
				}
				chunks, before, busy := 0.0, written(b), time.Duration(0)
				for i := range 12 {
					w := fleet(int64(i)*Window.Milliseconds(), 10_000, size)
					for _, list := range w.Chunks {
						chunks += float64(len(list[0].Data))
					}
					began := time.Now()
					if _, err := f.Put(w); err != nil {
						b.Fatal(err)
					}
					busy += time.Since(began)
				}
				info, err := os.Stat(path)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric((written(b)-before)/chunks, "written/chunks")
				b.ReportMetric(float64(info.Size())/chunks, "kept/chunks")
				b.ReportMetric(busy.Seconds()*1000/12, "ms/window")
				if err := f.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// 10 series of 84 windows.
func BenchmarkChunks(b *testing.B) {
	f, err := CreateFile(filepath.Join(b.TempDir(), "f"), KindFiveMinutes)
	if err != nil {
		b.Fatal(err)
	}
	for i := range 84 {
		if _, err := f.Put(fleet(int64(i)*Window.Milliseconds(), 10_000, 120)); err != nil {
			b.Fatal(err)
		}
	}
	numbers := []uint32{17, 1000, 1001, 2500, 4999, 6000, 7123, 8000, 9000, 9999}
	read := 0
	visit := func(_ uint32, c Chunk) { read += len(c.Data) }
	each := func(chunks func(int64, []uint32, func(uint32, Chunk)) error) error {
		for i := range int64(84) {
			if err := chunks(i*Window.Milliseconds(), numbers, visit); err != nil {
				return err
			}
		}
		return nil
	}
	for name, do := range map[string]func() error{
		"each":     func() error { return each(f.Chunks) },
		"together": func() error { return f.View(func(r *Reader) error { return each(r.Chunks) }) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := do(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/1000/float64(b.N)/84, "µs/window")
		})
	}
	if read == 0 {
		b.Fatal("nothing was read")
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkLabels(b *testing.B) {
	plain := encodeLabels(fleet(0, 10_000, 10).Series)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decodeLabels(plain); err != nil {
			b.Fatal(err)
		}
	}
}
