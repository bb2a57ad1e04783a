package collectors

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/nocturne-noc/nocturne/store/model"
)

// ofCluster owns what is in a cluster.
type ofCluster string

func (c ofCluster) Owns(entity string) bool {
	return strings.HasPrefix(entity, model.ClusterID(string(c))+"/")
}

func (c ofCluster) Document(context.Context, string) (model.Document, error) {
	return model.Document{Text: "of " + string(c)}, nil
}

func (c ofCluster) Tail(context.Context, model.LogRequest) (model.Log, error) {
	return model.Log{Container: string(c)}, nil
}

func TestInspectorFindsTheOwner(t *testing.T) {
	r := NewRunner(nil, nil, Options{})
	r.running = map[string]*running{
		"host": {jobs: []*job{{Job: Job{Target: "a"}}}},
		"kube": {jobs: []*job{{Job: Job{Inspect: ofCluster("seoul")}}, {Job: Job{Inspect: ofCluster("busan")}}}},
	}
	in := r.Inspector()
	doc, err := in.Document(t.Context(), model.NodeID("busan", "n1"))
	if err != nil || doc.Text != "of busan" {
		t.Errorf("%+v, %v", doc, err)
	}
	log, err := in.Tail(t.Context(), model.LogRequest{Entity: model.NodeID("seoul", "n1")})
	if err != nil || log.Container != "seoul" {
		t.Errorf("%+v, %v", log, err)
	}
	if _, err := in.Document(t.Context(), model.NodeID("daegu", "n1")); !errors.Is(err, model.ErrNotLive) {
		t.Errorf("error %v", err)
	}
	if _, err := in.Tail(t.Context(), model.LogRequest{Entity: model.ServerID("a")}); !errors.Is(err, model.ErrNotLive) {
		t.Errorf("error %v", err)
	}
}
