package control_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nocturne-noc/nocturne/app/control"
	"github.com/nocturne-noc/nocturne/store/eventlog"
	"github.com/nocturne-noc/nocturne/store/model"
)

// hurried is a source whose searches are cut short.
type hurried struct {
	model.Source
	asked model.EventFilter
}

func (h *hurried) FindEvents(_ context.Context, f model.EventFilter) ([]model.Event, error) {
	h.asked = f
	return h.Events(f), eventlog.ErrCutShort
}

// All parameters reach the source, and an answer that is not all there is says so.
func TestEventsCutShort(t *testing.T) {
	b := backend(t)
	source := &hurried{Source: b.Source}
	b.Source = source
	params := url.Values{"since": {"2026-03-01T01:00:00Z"}, "until": {"2026-03-01T03:00:00Z"}, "kind": {"trap"}, "source": {"campus"},
		"entity": {"device/"}, "text": {"HOT"}, "severity": {"warning"}, "limit": {"7"}}
	w := httptest.NewRecorder()
	control.Handler(b).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://nocturne/api/nocturne/events?"+params.Encode(), nil))
	var answer struct {
		Status   string
		Data     []model.Event
		Warnings []string
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{eventlog.ErrCutShort.Error()}, answer.Warnings); diff != "" || answer.Status != "success" || answer.Data == nil {
		t.Errorf("%s\n%s", w.Body, diff)
	}
	want := model.EventFilter{Since: now.Add(-2 * 3600e9), Until: now, MinRank: model.Warning, Kind: "trap", Source: "campus", Entity: "device/", Text: "HOT", Limit: 7}
	if diff := cmp.Diff(want, source.asked); diff != "" {
		t.Error(diff)
	}
}
