// Package chunk packs the samples of one series in one window into bytes, and reads them again.
//
// Chunk packs, Iterator reads, Check proves that a chunk can be read. A chunk does not say how it is
// encoded: an encoding byte is kept beside it. XOR chunks, which are Prometheus', are only read.
//
// # Delta chunks
//
// Almost everything that a wall shows is an integer: counters, states, and measurements with a few
// decimals, which are integers at a scale of ten. Integers that lie near each other, or have like
// differences, fit in a few bits each. So a chunk is a row of blocks of 64 samples (the last may have
// fewer); each block picks what suits it, and a block with nothing new takes one byte.
//
//	chunk    version   1 byte: 1
//	         count     uvarint: samples in all blocks, at least 1
//	         first     varint: the first time, Unix milliseconds
//	         step      varint: from the first time to the second; 0 when there is none
//	         blocks    until the end; min(64, what is left of count) samples each
//
//	block    head      1 byte, see below
//	         times     a column with its own head, if so flagged
//	         values    a column without (the block's head serves), if so flagged
//
//	head       7  6  5  4    3   2   1   0
//	         +-------------+---+---+---+---+
//	         |    scale    | P | D | V | T |
//	         +-------------+---+---+---+---+
//	         T  block: a column of times follows; without, times keep step
//	            column of times: a change of the step follows, a varint
//	         V  block: a column of values follows; without, all are the last value before the block,
//	            bit by bit (0 before the first), and the rest of the head but T is 0
//	            column of times: always 1
//	         D  integers are differences, each to the one before; without, offsets to the last
//	            integer before the block
//	         P  patches follow the packed integers
//	         scale  integers are values times 10^scale; 15: they are the bits of floats, see below
//	            column of times: 0
//
//	column   head      1 byte, of times; and the change of the step
//	         form        7   6   5  4  3  2  1  0
//	                   +---+---+------------------+
//	                   | S | B |      width       |   width 63 stands for 64
//	                   +---+---+------------------+
//	         base      varint, if B, else 0
//	         shift     1 byte, if S, else 0
//	         integers  width bits each, the first in the lowest bits of the first byte;
//	                   nothing for a width of 0
//	         patches   if P
//
//	patch      7   6   5  4  3  2  1  0
//	         +---+---+------------------+
//	         | M | F |     position     |   M: another follows
//	         +---+---+------------------+
//	         F clear  varint: the integer's bits above the width. These come first.
//	         F set    uvarint: the bits of the value, xor value.StaleNaN. It stands for itself.
//
// What is packed, and patched, becomes an offset or difference as (packed + base) << shift. Sums wrap
// round 64 bits. A time is what its column says, added to where step has it: the time before the block
// + step * (position + 1). Offsets of times count from 0.
//
// The last integer of a block goes on, as the float that it stands for, to the next block with values:
// as the integer that toInteger finds at that one's scale, which may be no more than near it. Before the
// first it is 0. A value that is patched whole has an integer beneath it which is nobody's, chosen to be
// cheap.
//
// True floats, at scale 15, have integers too: their bits, the lower 63 inverted for negative ones, so
// that they sort as the floats do. The difference of two bit patterns is never much longer than their
// XOR, and far shorter where a value crosses a power of two, so floats need no second machine.
//
// NaN, infinities, minus zero, staleness markers and single values of another scale are patched and
// so do not spoil their block: a staleness marker takes two bytes. So are single large jumps.
//
// Against Prometheus' XOR chunk, two hours each ten seconds (BenchmarkCodec), bytes per sample:
// octet counters 2.56 for 3.83, counters that seldom move 0.08 for 0.29, sensors 0.34 for 0.53,
// decimals with two places 1.72 for 7.14, floats 3.46 for 4.55, jittered times 1.15 for 2.38; a
// recorded page of node_exporter that was made to move 0.18 for 0.47, the demo's recording 0.27 for
// 0.69. Blocks of 32 take 1 % (octets) to 10 % (node_exporter) more.
package chunk
