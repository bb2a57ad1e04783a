// Package rollup condenses samples into buckets of five minutes or an hour, packs the buckets of one series
// and window into bytes, and shows one column of them as a series of float samples again.
//
// A bucket covers [start, start+resolution). What it knows is exact: how many samples there were, the lowest,
// highest and last of them, their sum, and what resets took from a counter. PromQL sees a bucket at the moment
// of its last sample. A range of PromQL therefore takes a bucket as a whole or not at all, and adjacent ranges
// never count one twice.
package rollup

import "math"

// MaxBuckets is how many buckets one packed window may have.
const MaxBuckets = 32

// Bucket is what is kept of the samples of one series in one stretch of time.
type Bucket struct {
	T     int64 // Unix milliseconds of the last sample that is not a staleness marker
	Count int64 // samples, staleness markers aside; 0 when there was nothing but a marker
	Min   float64
	Max   float64 // like Min as PromQL's min_over_time and max_over_time: NaN only when all were
	Sum   float64
	Last  float64
	// Drops is the sum over all resets of the value before the reset, also of a reset between the last sample
	// of the bucket before in this window and the first of this one. The increase of a counter from
	// one bucket to the next is last - previous last + drops.
	Drops float64
	Ended bool  // the series ended here: the last sample of all is a staleness marker
	EndT  int64 // when that was, Unix milliseconds
}

// Window is one series in one window: its first sample, and its buckets in time order, at most MaxBuckets.
// Buckets without any sample are not there.
type Window struct {
	FirstT  int64 // of the first sample that is not a staleness marker, when there is one
	First   float64
	Buckets []Bucket
}

// Roller makes a Window out of samples, or out of finer windows, that come in time order.
type Roller struct {
	start, resolution int64
	window            Window
	open              int64 // number of the last bucket
	have              bool  // there was a sample
	prev              float64
}

// Reset begins the window at start, whose buckets are so many milliseconds long. What Window returned
// before is not valid any more.
func (r *Roller) Reset(start, resolution int64) {
	*r = Roller{start: start, resolution: resolution, window: Window{Buckets: r.window.Buckets[:0]}}
}

// bucket returns the bucket that t falls in, nil for none that a window may have.
func (r *Roller) bucket(t int64) *Bucket {
	if t < r.start {
		return nil
	}
	n := (t - r.start) / r.resolution
	if last := len(r.window.Buckets) - 1; last >= 0 && n == r.open {
		return &r.window.Buckets[last]
	} else if n >= MaxBuckets || last >= 0 && n < r.open {
		return nil
	}
	r.open = n
	r.window.Buckets = append(r.window.Buckets, Bucket{})
	return &r.window.Buckets[len(r.window.Buckets)-1]
}

// End adds a staleness marker.
func (r *Roller) End(t int64) {
	if b := r.bucket(t); b != nil {
		b.Ended, b.EndT = true, t
	}
}

// Add adds a sample that is no staleness marker. One outside of the window is left out.
func (r *Roller) Add(t int64, v float64) {
	b := r.bucket(t)
	if b == nil {
		return
	}
	if r.have && v < r.prev {
		b.Drops += r.prev
	}
	if !r.have {
		r.window.FirstT, r.window.First = t, v
	}
	r.have, r.prev = true, v
	b.add(v, v, v, 1)
	b.T, b.Last, b.Ended = t, v, false
}

// Merge adds the buckets of a finer window. Each of its buckets lies in one of this window's.
func (r *Roller) Merge(w *Window) {
	begun := false
	for i := range w.Buckets {
		from := &w.Buckets[i]
		if from.Count > 0 {
			b := r.bucket(from.T)
			if b == nil {
				continue
			}
			if !r.have {
				r.window.FirstT, r.window.First = w.FirstT, w.First
			} else if w.First < r.prev && !begun {
				b.Drops += r.prev // reset between the windows
			}
			begun = true
			r.have, r.prev = true, from.Last
			b.add(from.Min, from.Max, from.Sum, from.Count)
			b.Drops += from.Drops
			b.T, b.Last, b.Ended = from.T, from.Last, false
		}
		if from.Ended {
			r.End(from.EndT)
		}
	}
}

func (b *Bucket) add(low, high, sum float64, count int64) {
	if b.Count == 0 {
		b.Min, b.Max = low, high
	} else {
		if low < b.Min || math.IsNaN(b.Min) {
			b.Min = low
		}
		if high > b.Max || math.IsNaN(b.Max) {
			b.Max = high
		}
	}
	b.Sum += sum
	b.Count += count
}

// Window returns what was added. It is valid until Reset.
func (r *Roller) Window() *Window { return &r.window }
