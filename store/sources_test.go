package store

import (
	"testing"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

// TestSourcesOfAFolder: rows say that a source answers only as long as somebody tells them so.
func TestSourcesOfAFolder(t *testing.T) {
	c := newClock()
	s := open(t, Options{Now: c.Now})
	rows := []model.SourceStatus{
		{Name: "a", State: model.OK, LastOK: c.now, Every: 10 * time.Second},
		{Name: "b", State: model.Critical, Error: "refused", LastOK: c.now, Every: 10 * time.Second},
		{Name: "c", State: model.OK, LastOK: c.now},
	}
	if err := s.SetStatus(rows); err != nil {
		t.Fatal(err)
	}
	want := func(states ...model.State) {
		t.Helper()
		for i, row := range s.Sources() {
			if row.State != states[i] {
				t.Errorf("%s is %v (%s), want %v", row.Name, row.State, row.Error, states[i])
			}
		}
	}
	c.advance(14 * time.Second)
	want(model.OK, model.Critical, model.OK)
	c.advance(2 * time.Second)
	want(model.Stale, model.Critical, model.OK)
}
