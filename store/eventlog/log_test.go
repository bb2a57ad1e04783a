package eventlog

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nocturne-noc/nocturne/store/model"
)

// A copy of a log is what was in it then, however much is added later.
func TestLogSnapshots(t *testing.T) {
	var log Log
	var copies []Log
	list := randomEvents(rand.New(rand.NewPCG(11, 12)), 5000, 1)
	for i, e := range list {
		if i%313 == 0 {
			copies = append(copies, log)
		}
		log.Add(e)
	}
	if len(log.blocks) != len(list)/tailRows {
		t.Errorf("%d blocks", len(log.blocks))
	}
	for i, c := range append(copies, log) {
		n := min(i*313, len(list))
		want := slices.Clone(list[:n])
		slices.SortFunc(want, Compare)
		got, err := c.Events()
		if diff := cmp.Diff(want, got); diff != "" || err != nil || c.Len() != n {
			t.Fatalf("the first %d, %d of them: %v\n%s", n, c.Len(), err, diff)
		}
		found, err := Search(t.Context(), NewCache(1<<20), c.Parts(), model.EventFilter{Limit: len(list)})
		slices.Reverse(found)
		if diff := cmp.Diff(want, found); diff != "" || err != nil {
			t.Fatalf("the first %d, searched: %v\n%s", n, err, diff)
		}
	}
}
