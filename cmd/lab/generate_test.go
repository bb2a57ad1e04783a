package main

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (run with -update to accept):\n%s", path, got)
	}
}

func TestGeneratedFiles(t *testing.T) {
	p := campus()
	d, err := p.device("dist2")
	if err != nil {
		t.Fatal(err)
	}
	files := agentFilesIn("/lab", d)
	near := p.neighbours(d.Name)
	golden(t, "nocturne.yaml", wallConfig([]plan{p}, clusterPlans(), "/lab"))
	golden(t, "nocturne-kube.yaml", wallConfig(nil, clusterPlans()[:1], "/lab")) // and nothing listens
	golden(t, "snmpd.conf", snmpConfig(p, d, files, agentSettings{Community: readCommunity}))
	core, err := p.device("core1") // with a LAG
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "snmpd-core1.conf", snmpConfig(p, core, agentFilesIn("/lab", core), agentSettings{Community: readCommunity}))
	golden(t, "device-core1.txt", strings.Join(deviceCommands(p, core), "\n")+"\n")
	golden(t, "lldpd.conf", lldpConfig(d))
	golden(t, "agents.txt", strings.Join(append(snmpSpec(d, files).Args, lldpSpec(d, near, files, "").Args...), "\n")+"\n")
	golden(t, "device.txt", strings.Join(deviceCommands(p, d), "\n")+"\n")
	golden(t, "panel.txt", strings.Join(panelCommands(p), "\n")+"\n")
	golden(t, "kubeconfig.yaml", string(kubeconfig([]access{
		{"lab-seoul", clusterPlans()[0].apiServer(), "TOKEN", []byte("CERTIFICATE")}, {"lab-busan", clusterPlans()[1].apiServer(), "OTHER", []byte("CERTIFICATE")}})))
}

func TestPodCount(t *testing.T) {
	for name, want := range map[string]int{"lab-seoul": 100, "lab-busan": 20} {
		p, ok := findClusterPlan(name)
		if n := p.podCount(); !ok || n != want {
			t.Errorf("%s has %d pods, want %d", name, n, want)
		}
	}
}

func TestServicesSelectTheirPods(t *testing.T) {
	text, err := manifest(clusterPlans()[0].workloadObjects())
	if err != nil {
		t.Fatal(err)
	}
	var list struct {
		Items []struct {
			Kind     string
			Metadata struct{ Namespace, Name string }
			Spec     struct {
				Selector json.RawMessage
				Template struct {
					Metadata struct{ Labels map[string]string }
					Spec     struct {
						Containers []struct{ Ports []struct{ Name string } }
					}
				}
				Ports []struct{ TargetPort string }
			}
		}
	}
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	labels, ports := map[string]string{}, map[string]string{}
	for _, item := range list.Items {
		key := item.Metadata.Namespace + "/" + item.Metadata.Name
		if len(item.Spec.Template.Spec.Containers) == 1 {
			labels[key] = item.Spec.Template.Metadata.Labels["app.kubernetes.io/name"]
			for _, p := range item.Spec.Template.Spec.Containers[0].Ports {
				ports[key] = p.Name
			}
		}
	}
	services := 0
	for _, item := range list.Items {
		if item.Kind != "Service" {
			continue
		}
		services++
		key := item.Metadata.Namespace + "/" + item.Metadata.Name
		var selector map[string]string
		if err := json.Unmarshal(item.Spec.Selector, &selector); err != nil {
			t.Fatal(err)
		}
		if labels[key] == "" || selector["app.kubernetes.io/name"] != labels[key] {
			t.Errorf("service %s selects %v; its pods are labelled %q", key, selector, labels[key])
		}
		if ports[key] != item.Spec.Ports[0].TargetPort {
			t.Errorf("service %s leads to port %q; its pods have %q", key, item.Spec.Ports[0].TargetPort, ports[key])
		}
	}
	if services != 13 {
		t.Errorf("%d services, want 13", services)
	}
}

func TestNodeObjects(t *testing.T) {
	lost := false
	for _, n := range clusterPlans()[0].nodeObjects() {
		metadata := n["metadata"].(object)
		lost = lost || metadata["name"] == lostNode
		for key := range metadata["annotations"].(object) {
			if strings.HasPrefix(key, "lab/") && !strings.Contains(stages, `"`+key+`"`) {
				t.Errorf("no stage reads annotation %s", key)
			}
		}
	}
	if !lost {
		t.Errorf("%s, which fault node-notready takes, is not among the nodes", lostNode)
	}
	if !strings.Contains(stages, `.metadata.labels["`+crashLabel+`"]`) {
		t.Errorf("no stage reads label %s", crashLabel)
	}
}

func TestPodElsewhere(t *testing.T) {
	for _, c := range []struct{ pods, want string }{
		{"a node-07\nb node-01\nc node-02\n", "b"},
		{"a node-01", "a"},
		{"a node-07\n", ""},
		{"", ""},
	} {
		if got, err := podElsewhere(c.pods, "node-07"); got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%q: %q, %v; want %q", c.pods, got, err, c.want)
		}
	}
}

func TestAfterMemoryKill(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	patch, err := afterMemoryKill("2 registry.lab/shop/api:1 2026-01-01T00:00:00Z", now)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "oom-patch.json", patch+"\n")
	for _, old := range []string{"", "x y z", "2 image"} {
		if _, err := afterMemoryKill(old, now); err == nil {
			t.Errorf("container status %q was taken", old)
		}
	}
}
