package chunk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// blockLen is how many samples a block has; the last one of a chunk may have fewer. Positions in a
// block fit 6 bits, sets of them a uint64.
const blockLen = 64

// maxBlockBytes is more than any block takes: two columns, with their heads, their packed integers
// and a patch or two for each position.
const maxBlockBytes = 2 * (32 + 8*blockLen + 2*11*blockLen)

// The first byte of a block, and of the column of its times. The upper four bits are the scale.
const (
	headTimes       byte = 1 << iota // of a block: times are out of step, their column follows
	headValues                       // a column follows; without, all values repeat the one before
	headDifferences                  // the integers are differences, each to the one before
	headPatches                      // patches follow the packed integers
	headScale       = 4              // shift

	headStep = headTimes // of a column of times: the step changes
)

// state is what a block builds on: where the block before it ended.
type state struct {
	t      int64   // the last time, milliseconds
	step   int64   // the time expected between two samples, milliseconds
	bits   uint64  // the last value, which repeats when a block says nothing else
	anchor float64 // the last value that was an integer at its scale: differences go on from here
}

// regular is the time of sample i of the block when it keeps step. Sums and products wrap round, and
// wrap back, where times lie more than half of all int64 apart.
func (s *state) regular(i int) int64 { return s.t + s.step*int64(i+1) }

// appendBlock packs n samples and moves s behind them. Times of nil keep step, values of nil repeat.
func appendBlock(dst []byte, s *state, times, values *buffer, n int) []byte {
	at := len(dst)
	dst = append(dst, 0)
	if times != nil {
		dst[at] |= headTimes
		dst = appendTimes(dst, s, times[:n])
	} else {
		s.t = s.regular(n - 1)
	}
	if values == nil {
		return dst
	}
	var x [blockLen]int64
	scale, odd := integers(&x, values[:n], s.anchor)
	prev, _ := toInteger(s.anchor, scale)
	dst[at] |= headValues | scale<<headScale
	dst = appendColumn(dst, at, x[:n], prev, odd, values)
	s.bits, s.anchor = values[n-1], toFloat(x[n-1], scale)
	return dst
}

// appendTimes writes the column of times: how far each is from where its step would have it.
func appendTimes(dst []byte, s *state, times []uint64) []byte {
	at := len(dst)
	dst = append(dst, headValues)
	if step := pace(s, times); step != s.step {
		dst[at] |= headStep
		dst = binary.AppendVarint(dst, step-s.step)
		s.step = step
	}
	var x [blockLen]int64
	for i, t := range times {
		x[i] = int64(t) - s.regular(i)
	}
	dst = appendColumn(dst, at, x[:len(times)], 0, 0, nil)
	s.t = int64(times[len(times)-1])
	return dst
}

// pace finds the step from which times differ least: the one that most samples keep, or else the
// mean, in whole seconds where it nearly is: pollers are late by a little, never in the long run.
func pace(s *state, times []uint64) int64 {
	var candidate int64
	votes := 0
	prev := s.t
	for _, t := range times {
		d := int64(t) - prev
		prev = int64(t)
		switch {
		case votes == 0:
			candidate, votes = d, 1
		case d == candidate:
			votes++
		default:
			votes--
		}
	}
	votes, prev = 0, s.t
	for _, t := range times {
		if int64(t)-prev == candidate {
			votes++
		}
		prev = int64(t)
	}
	if 2*votes > len(times) {
		return candidate
	}
	mean := (int64(times[len(times)-1]) - s.t) / int64(len(times))
	const second = 1000
	if whole := (mean + second/2) / second * second; max(whole-mean, mean-whole) <= mean/100 {
		return whole
	}
	return mean
}

var (
	errShort = errors.New("it is cut short")
	errFall  = errors.New("its times do not rise")
)

// rise says whether each time is later than the one before.
func rise(ts []int64) bool {
	last := ts[0]
	for _, t := range ts[1:] {
		if t <= last {
			return false
		}
		last = t
	}
	return true
}

// readBlock unpacks n samples from the front of data and moves s behind them.
func readBlock(data []byte, s *state, ts *[blockLen]int64, vs *[blockLen]float64, n int) (rest []byte, err error) {
	if len(data) == 0 {
		return nil, errShort
	}
	head, data := data[0], data[1:]
	if head&headTimes == 0 {
		t, step := s.t, s.step
		for i := range ts[:n] {
			t += step
			ts[i] = t
		}
	} else if data, err = readTimes(data, s, ts[:n]); err != nil {
		return nil, fmt.Errorf("times: %w", err)
	}
	// A block that keeps step rises when its ends do, unless it might wrap round.
	if kept := head&headTimes == 0 && s.step > 0 && s.step < 1<<56 && ts[n-1] >= ts[0]; !kept && !rise(ts[:n]) {
		return nil, errFall
	}
	s.t = ts[n-1]
	if head&headValues == 0 {
		if head&^headTimes != 0 {
			return nil, fmt.Errorf("unknown block %#x", head)
		}
		v := math.Float64frombits(s.bits)
		for i := range vs[:n] {
			vs[i] = v
		}
		return data, nil
	}
	var x [blockLen]int64
	scale := head >> headScale
	prev, _ := toInteger(s.anchor, scale)
	data, special, err := readColumn(data, head, x[:n], prev)
	if err != nil {
		return nil, fmt.Errorf("values: %w", err)
	}
	toFloats(vs[:n], x[:n], scale)
	s.anchor = vs[n-1]
	if special {
		if data, err = readSpecials(data, vs[:n]); err != nil {
			return nil, fmt.Errorf("values: %w", err)
		}
	}
	s.bits = math.Float64bits(vs[n-1])
	return data, nil
}

func readTimes(data []byte, s *state, ts []int64) (rest []byte, err error) {
	if len(data) == 0 {
		return nil, errShort
	}
	head, data := data[0], data[1:]
	if head&headValues == 0 || head>>headScale != 0 {
		return nil, fmt.Errorf("unknown column %#x", head)
	}
	if head&headStep != 0 {
		d, k := binary.Varint(data)
		if k <= 0 {
			return nil, errShort
		}
		s.step += d
		data = data[k:]
	}
	data, special, err := readColumn(data, head, ts, 0)
	if err != nil {
		return nil, err
	}
	if special {
		return nil, errors.New("a time is no integer")
	}
	t, step := s.t, s.step
	for i, late := range ts {
		t += step
		ts[i] = t + late
	}
	return data, nil
}
