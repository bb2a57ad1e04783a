package kube

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"sigs.k8s.io/yaml"

	"github.com/nocturne-noc/nocturne/collectors"
	"github.com/nocturne-noc/nocturne/store/model"
)

// labContext is the cluster of cmd/lab that is asked.
const labContext = "lab-seoul"

// labKubectl runs kubectl on the lab.
func labKubectl(t *testing.T, lab string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	args = append([]string{"--kubeconfig", filepath.Join(lab, "run", "kubeconfig"), "--context", labContext, "-n", "shop"}, args...)
	out, err := exec.CommandContext(ctx, filepath.Join(lab, "bin", "kubectl"), args...).Output()
	if err != nil {
		t.Fatalf("kubectl %v: %v: %s", args, err, out)
	}
	return string(out)
}

// TestLabDocumentsAndLogs asks a real API server, where a lab is up, and compares with what kubectl says.
func TestLabDocumentsAndLogs(t *testing.T) {
	lab := labDir(t)
	config := filepath.Join(lab, "run", "kubeconfig")
	if _, err := os.Stat(config); err != nil {
		t.Skip("the lab that is up has no cluster: lab up --kube")
	}
	before := goleak.IgnoreCurrent()
	jobs, err := open(collectors.Env{Name: "test", Every: time.Second, Now: time.Now, Decode: func(into any) error {
		into.(*Config).Kubeconfig = config
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	var inspect *inspector
	for _, j := range jobs {
		if j.Target == labContext {
			inspect = j.Inspect.(*inspector)
		}
	}
	if inspect == nil {
		t.Fatalf("no context %s among %d", labContext, len(jobs))
	}
	ctx, cancel := context.WithCancel(t.Context())
	var run sync.WaitGroup
	run.Go(func() { _ = inspect.run(ctx, nil) }) // ctx.Err
	defer func() {
		cancel()
		run.Wait()
		inspect.c.disconnect()
		goleak.VerifyNone(t, before)
	}()
	name := strings.Fields(labKubectl(t, lab, "get", "pods", "-o", "name"))[0]
	for _, pod := range strings.Fields(labKubectl(t, lab, "get", "pods", "-o", "name")) {
		if strings.HasPrefix(pod, "pod/web") {
			name = pod
		}
	}
	id := model.ObjectID(labContext, "shop", model.KindPod, strings.TrimPrefix(name, "pod/"))
	waitUntil(t, "it runs", func() bool {
		_, err := inspect.Tail(ctx, model.LogRequest{Entity: id})
		return err == nil
	})

	doc, err := inspect.Document(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{}
	if err := yaml.Unmarshal([]byte(labKubectl(t, lab, "get", name, "-o", "yaml")), &want); err != nil {
		t.Fatal(err)
	}
	bare(want)
	hideSecrets(want)
	got := map[string]any{}
	if err := yaml.Unmarshal([]byte(doc.Text), &got); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("not what kubectl has: %s", d)
	}
	t.Logf("document of %d bytes", len(doc.Text))

	log := tailUntil(t, inspect, model.LogRequest{Entity: id}, "the log is followed", func(l model.Log) bool {
		return l.State == model.LogFollowing && len(l.Lines) > 3
	})
	theirs := strings.Split(strings.TrimSpace(labKubectl(t, lab, "logs", name, "-c", log.Container, "--timestamps", "--tail=1000")), "\n")
	for i, line := range log.Lines[:min(len(log.Lines), len(theirs))] {
		if log.Dropped == 0 && len(theirs) < 1000 && !strings.HasSuffix(theirs[i], line.Text) {
			t.Fatalf("line %d is %q, of kubectl %q", i, line.Text, theirs[i])
		}
		if line.Time.IsZero() {
			t.Fatalf("line %d %q has no time", i, line.Text)
		}
	}
	t.Logf("%d lines of %s in %v", len(log.Lines), log.Container, log.Containers)

	for _, entity := range []string{model.NodeID(labContext, "nowhere"), model.ObjectID(labContext, "shop", model.KindCustom, "nothings.example.com/x")} {
		if _, err := inspect.Document(ctx, entity); err == nil || !strings.Contains(err.Error(), "the cluster does not have it") {
			t.Errorf("%s: %v", entity, err)
		}
	}
}
