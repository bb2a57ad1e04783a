package eventlog

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/nocturne-noc/nocturne/store/model"
)

// decodeJSON reads the list that version 1 of day files has, and packs it as if it had come today.
func decodeJSON(b []byte) (*Block, error) {
	var list []model.Event
	for r := (reader{b: b}); len(r.b) > 0; {
		body := r.bytes()
		var e model.Event
		if r.err != nil || json.Unmarshal(body, &e) != nil {
			return nil, fmt.Errorf("%w: event %d of the window cannot be read", ErrDamaged, len(list))
		}
		list = append(list, e)
	}
	slices.SortStableFunc(list, Compare)
	return newBlock(list)
}

// newBlock packs events and keeps their index at hand.
func newBlock(list []model.Event) (*Block, error) {
	packed, err := encodeBlock(list)
	if err != nil {
		return nil, err
	}
	b, err := Decode(packed)
	if err != nil {
		return nil, err
	}
	b.index = newIndex(list)
	b.memory += b.index.Bytes()
	return b, nil
}
