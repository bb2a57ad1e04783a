package eventlog

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/nocturne-noc/nocturne/store/model"
)

func FuzzDecode(f *testing.F) {
	list := randomEvents(rand.New(rand.NewPCG(13, 14)), 20, 1)
	slices.SortFunc(list, Compare)
	packed, _, err := Encode(list)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(packed)
	f.Add(jsonList(f, list[:3]))
	f.Fuzz(readAll)
}

// FuzzHead fuzzes what is below the compression, which random bytes seldom get through.
func FuzzHead(f *testing.F) {
	list := randomEvents(rand.New(rand.NewPCG(15, 16)), 5, 1)
	slices.SortFunc(list, Compare)
	head, err := encodeHead(list)
	if err != nil {
		f.Fatal(err)
	}
	_, texts, others := encodeSegment(list)
	f.Add(append(head, 0), texts, others)
	f.Fuzz(func(t *testing.T, head, texts, others []byte) {
		var packed [3][]byte
		for i, plain := range [][]byte{head, texts, others} {
			var err error
			if packed[i], err = pack(plain); err != nil {
				t.Fatal(err)
			}
		}
		readAll(t, append(appendString([]byte{blockVersion}, packed[0]), slices.Concat(packed[1], packed[2])...))
		b := &Block{times: make([]int64, 5), segments: []segment{{rows: 5, texts: packed[1], others: packed[2]}}}
		if texts, err := b.unpackTexts(0); err == nil {
			texts.row(4)
		}
		if o, err := b.unpackOthers(0); err == nil {
			o.labelsOf(4)
		}
	})
}

func FuzzDecodeIndex(f *testing.F) {
	f.Add(newIndex(randomEvents(rand.New(rand.NewPCG(17, 18)), 20, 1)).encode())
	f.Fuzz(func(_ *testing.T, b []byte) {
		if x, err := DecodeIndex(b); err == nil {
			x.may(newQuery(model.EventFilter{Text: "some text", Source: "s", Entity: "a/"}), 0)
		}
	})
}
