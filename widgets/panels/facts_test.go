package panels

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/panels/paneltest"
)

// factsOf loads a facts panel and returns its view and the texts that it translated.
func factsOf(t *testing.T, src model.Source, id string, w, h float64) (*View, string) {
	t.Helper()
	var said strings.Builder
	env := testEnv(w, h)
	env.Text = func(english string, args ...any) string {
		text := fmt.Sprintf(english, args...)
		said.WriteString(text + "\n")
		return text
	}
	v, err := newPanel(t, "facts", "{of: '"+id+"'}").Load(t.Context(), src, env)
	if err != nil {
		t.Fatal(err)
	}
	paintAt(v, env)
	return v, said.String()
}

func TestFacts(t *testing.T) {
	at := time.Date(2025, 11, 18, 3, 19, 24, 0, time.UTC)
	src := paneltest.New(at)
	pod, gone := model.ObjectID("c", "n", model.KindPod, "api-1"), model.ObjectID("c", "n", model.KindPod, "api-2")
	src.Add(model.Entity{ID: pod, Kind: model.KindPod, Name: "api-1", Parent: "kube/c/ns/n", State: model.Critical, Reason: "CrashLoopBackOff", Labels: map[string]string{
		"why":            "service api has no endpoint\npod api-1 is not ready",
		"container/main": `{"state":"waiting","restarts":7,"image":"reg/api:1","reason":"CrashLoopBackOff","last":"exit code 1"}`,
		"container/bad":  `{`,
		"node":           "node-01",
	}})
	src.Add(model.Entity{ID: model.NodeID("c", "node-01"), Kind: model.KindNode, Name: "node-01", State: model.OK})
	src.Cables = append(src.Cables, model.Link{A: pod, B: model.NodeID("c", "node-01"), Kind: "runs-on"})
	src.Happened = append(src.Happened, model.Event{Time: at.Add(-time.Hour), Kind: "state", Entity: gone, Title: "api-2", Text: "ok → gone", Labels: map[string]string{"to": "gone"}})

	v, said := factsOf(t, src, pod, 700, 900)
	for _, want := range []string{"Why", "Containers", "7 restarts", "before: exit code 1", "runs on"} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not said:\n%s", want, said)
		}
	}
	for _, id := range []string{model.ContainerID(pod, "main"), model.NodeID("c", "node-01"), "kube/c/ns/n"} {
		if !slices.ContainsFunc(v.Spots, func(s Spot) bool { return s.Entity == id }) {
			t.Errorf("nothing opens %s", id)
		}
	}
	if v.State != model.Critical {
		t.Errorf("the frame is %v", v.State)
	}
	if _, said := factsOf(t, src, model.ContainerID(pod, "main"), 700, 900); !strings.Contains(said, "critical") {
		t.Errorf("a container in CrashLoopBackOff is not critical:\n%s", said)
	}
	if v, said := factsOf(t, src, gone, 700, 900); !strings.Contains(said, "gone since") || v.State != model.Unknown {
		t.Errorf("what is gone is not said to be: %v\n%s", v.State, said)
	}
	if _, said := factsOf(t, src, pod, 400, 200); !strings.Contains(said, "more") {
		t.Error("what has no room is not counted")
	}
}

// What a page asks for stands before what it is related to, and the other labels behind.
func TestFactsInOrder(t *testing.T) {
	src := paneltest.New(time.Date(2025, 11, 18, 3, 19, 24, 0, time.UTC))
	pod, node := model.ObjectID("c", "n", model.KindPod, "api-1"), model.NodeID("c", "node-01")
	src.Add(model.Entity{ID: pod, Kind: model.KindPod, Name: "api-1", State: model.OK, Labels: map[string]string{"phase": "Running", "node": "node-01", "zone": "z", "why": "w", "container/main": `{"state":"running","ready":true}`}})
	src.Add(model.Entity{ID: node, Kind: model.KindNode, Name: "node-01", State: model.OK})
	src.Cables = append(src.Cables, model.Link{A: pod, B: node, Kind: "runs-on"})
	for keys, want := range map[string][]string{
		"{of: '" + pod + "', labels: [phase, absent, node, why]}": {"Why", "Containers", "Labels", "phase", "node", "Relations", "More labels", "zone", "Origin"},
		"{of: '" + pod + "'}": {"Why", "Containers", "Relations", "Labels", "node", "phase", "zone", "Origin"},
	} {
		var said []string
		env := testEnv(700, 1200)
		env.Text = func(english string, args ...any) string {
			if slices.Contains([]string{"Why", "Containers", "Labels", "More labels", "Relations", "Origin", "phase", "node", "zone"}, english) && !slices.Contains(said, english) {
				said = append(said, english)
			}
			return fmt.Sprintf(english, args...)
		}
		if _, err := newPanel(t, "facts", keys).Load(t.Context(), src, env); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(said, want) {
			t.Errorf("%s: %q, want %q", keys, said, want)
		}
	}
}

func TestAmountsAreReadable(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{
		{"memory_allocatable", "68719476736", "64.0 GiB"},
		{"speed_bps", "1e10", "10.0 Gb/s"},
		{"speed_bps", "unknown", "unknown"},
		{"version", "20", "20"},
	} {
		if got := amountText(c.name, c.value); got != c.want {
			t.Errorf("%s %s reads %q, want %q", c.name, c.value, got, c.want)
		}
	}
}
