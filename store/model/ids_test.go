package model_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/nocturne-noc/nocturne/store/model"
)

func TestParseIDTakesApartWhatTheOthersMake(t *testing.T) {
	pod := model.ObjectID("prod", "shop", model.KindPod, "api-1")
	for _, c := range []struct {
		id     string
		kind   model.Kind
		name   string
		labels map[string]string
	}{
		{model.ServerID("db/1%"), model.KindServer, "db/1%", map[string]string{"instance": "db/1%"}},
		{model.DeviceID("sw1"), model.KindDevice, "sw1", map[string]string{"device": "sw1"}},
		{model.PortID("sw1", "Gi1/0/1"), model.KindInterface, "Gi1/0/1", map[string]string{"device": "sw1", "ifName": "Gi1/0/1"}},
		{model.SourceID("campus"), model.KindSource, "campus", map[string]string{"source": "campus"}},
		{model.ProbeID("https://www.example.com/"), model.KindProbe, "https://www.example.com/", map[string]string{"probe": "https://www.example.com/"}},
		{model.ClusterID("arn:aws:eks/prod"), model.KindCluster, "arn:aws:eks/prod", map[string]string{"cluster": "arn:aws:eks/prod"}},
		{model.NodeID("prod", "n1"), model.KindNode, "n1", map[string]string{"cluster": "prod", "node": "n1"}},
		{model.NamespaceID("prod", "shop"), model.KindNamespace, "shop", map[string]string{"cluster": "prod", "namespace": "shop"}},
		{pod, model.KindPod, "api-1", map[string]string{"cluster": "prod", "namespace": "shop", "pod": "api-1"}},
		{model.ContainerID(pod, "main"), model.KindContainer, "main", map[string]string{"cluster": "prod", "namespace": "shop", "pod": "api-1", "container": "main"}},
		{model.ClusterObjectID("prod", model.KindVolume, "pv-1"), model.KindVolume, "pv-1", map[string]string{"cluster": "prod", "persistentvolume": "pv-1"}},
	} {
		kind, name, labels, ok := model.ParseID(c.id)
		if !ok || kind != c.kind || name != c.name || !cmp.Equal(labels, c.labels) {
			t.Errorf("%s: %q %q %v %v, want %q %q %v", c.id, kind, name, labels, ok, c.kind, c.name, c.labels)
		}
	}
}

// The labels of an ID lead back to it.
func TestEntityOfFindsWhatParseIDTakesApart(t *testing.T) {
	for _, id := range []string{
		model.ObjectID("prod", "shop", model.KindPod, "api-1"), model.ObjectID("prod", "batch", model.KindJob, "import"), model.NodeID("prod", "n1"),
		model.ClusterObjectID("prod", model.KindVolume, "pv-1"), model.ClusterObjectID("prod", model.KindAPIService, "v1beta1.metrics.k8s.io"),
		model.ProbeID("https://www.example.com/"),
	} {
		_, _, known, ok := model.ParseID(id)
		if got := model.EntityOf(labels.FromMap(known)); !ok || got != id {
			t.Errorf("%s becomes %v and then %s", id, known, got)
		}
	}
}

func TestParseIDRefusesWhatNobodyMakes(t *testing.T) {
	for _, id := range []string{"", "kube", "kube/", "moon/x", "kube/c/ns", "kube/c/ns/n/pod", "device/a/b/c", "kube/c/ns/n/job/j/container/x"} {
		if kind, name, _, ok := model.ParseID(id); ok {
			t.Errorf("%q is taken for %s %s", id, kind, name)
		}
	}
}
