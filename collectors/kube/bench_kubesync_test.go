package kube

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	coreinformers "k8s.io/client-go/informers/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/nocturne-noc/nocturne/store/model"
)

// The test binary runs each contestant in a process of its own: with benchModeEnv set it watches the
// cluster of the kubeconfig in benchConfigEnv, says what that took, and ends.
const (
	benchModeEnv   = "NOCTURNE_KUBESYNC"
	benchConfigEnv = "NOCTURNE_KUBESYNC_KUBECONFIG"
	benchLimit     = 3 * time.Minute
	benchLoad      = time.Minute
	benchSettle    = 30 * time.Second
	benchChanges   = 50 // pods a second
)

// footprint is what watching a cluster took.
type footprint struct {
	Heap   uint64        // bytes in use once all is there, after a collection
	Peak   uint64        // bytes of resident memory at most
	Synced time.Duration // until all pods were there
}

// runContestant is the child process.
func runContestant(mode string) error {
	ctx, cancel := context.WithTimeout(context.Background(), benchLimit)
	defer cancel()
	began := time.Now()
	kept, err := contestant(ctx, mode, os.Getenv(benchConfigEnv))
	if err != nil {
		return err
	}
	f := footprint{Synced: time.Since(began)}
	runtime.GC()
	runtime.GC() // the second frees what the first found out to be finalised
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	f.Heap = mem.HeapAlloc
	runtime.KeepAlive(kept)
	f.Peak, err = memoryOf(os.Getpid(), "VmHWM")
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(f)
}

// contestant watches until all pods are there and returns what it keeps.
func contestant(ctx context.Context, mode, kubeconfig string) (any, error) {
	raw, _, err := load(kubeconfig)
	if err != nil {
		return nil, err
	}
	cfg, err := restConfig(raw, "test", "")
	if err != nil {
		return nil, err
	}
	c, err := newCluster("bench", "bench", cfg, nil, nil)
	if err != nil {
		return nil, err
	}
	switch mode {
	case "empty":
		_, err := c.probe(ctx)
		return c, err
	case "typed", "kept":
		informer := coreinformers.NewFilteredPodInformer(c.api, "", 0, nil, func(*metav1.ListOptions) {})
		var in interner
		if mode == "kept" {
			r := podResource()
			if err := informer.SetTransform(func(obj any) (any, error) { return r.transform(&in, obj) }); err != nil {
				return nil, err
			}
		}
		go informer.RunWithContext(ctx)
		if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) || len(informer.GetIndexer().ListKeys()) != benchPods {
			return nil, fmt.Errorf("%d pods came", len(informer.GetIndexer().ListKeys()))
		}
		return informer, nil
	case "collector":
		c.every, c.log = 10*time.Second, slog.New(slog.DiscardHandler)
		whole := make(chan struct{}, 1)
		go func() {
			_ = c.Watch(ctx, func(b model.Batch) {
				if b.Samples != nil && len(b.Entities) > benchPods {
					poke(whole)
				}
			}, func(error) {})
		}()
		select {
		case <-whole:
			return c, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return nil, fmt.Errorf("no contestant %q", mode)
}

func podResource() *resource {
	for i := range resources {
		if resources[i].name == "pods" {
			return &resources[i]
		}
	}
	return nil
}

// memoryOf reads a line of /proc/PID/status, in bytes.
func memoryOf(pid int, line string) (uint64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), line+":")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0, fmt.Errorf("no %s of process %d", line, pid)
	}
	kib, err := strconv.ParseUint(fields[0], 10, 64)
	return kib << 10, err
}

// cpuOf is the processor time that a process took so far. Linux counts it in hundredths of a second.
func cpuOf(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	if err1 != nil || err2 != nil {
		return 0, fmt.Errorf("processor time of process %d: %q", pid, fields[11:13])
	}
	return time.Duration(user+system) * 10 * time.Millisecond, nil
}

// BenchmarkKubeSync watches 20,000 pods of a real API server: what is kept of them, the whole collector,
// and an informer as client-go gives it, each in a process of its own; then the whole program without
// its window, while 50 pods change each second.
func BenchmarkKubeSync(b *testing.B) {
	kubeconfig := startServer(b)
	for b.Loop() {
		results := map[string]footprint{}
		for _, mode := range []string{"empty", "kept", "collector", "typed"} {
			cmd := exec.CommandContext(b.Context(), os.Args[0])
			cmd.Env = append(os.Environ(), benchModeEnv+"="+mode, benchConfigEnv+"="+kubeconfig)
			cmd.Stderr = os.Stderr
			out, err := cmd.Output()
			var f footprint
			if err == nil {
				err = json.Unmarshal(out, &f)
			}
			if err != nil {
				b.Fatalf("%s: %v: %s", mode, err, out)
			}
			results[mode] = f
		}
		program, load := runProgram(b, kubeconfig)
		report(b, results, program, load)
	}
}

// runProgram runs the whole program without its window, and returns its memory and the share of one
// processor that it takes while pods change.
func runProgram(b *testing.B, kubeconfig string) (footprint, float64) {
	b.Helper()
	dir := b.TempDir()
	binary, config := filepath.Join(dir, "nocturne"), filepath.Join(dir, "n.yaml")
	if out, err := exec.CommandContext(b.Context(), "go", "build", "-tags", "migrated_fynedo", "-o", binary, "../../cmd/nocturne").CombinedOutput(); err != nil {
		b.Fatalf("build: %v: %s", err, out)
	}
	err := os.WriteFile(config, fmt.Appendf(nil, "sources: [{kind: kubernetes, name: bench, kubeconfig: %q, context: test}]\n", kubeconfig), 0o600)
	if err != nil {
		b.Fatal(err)
	}
	args := []string{"--config", config, "--data", filepath.Join(dir, "data")}
	cmd := exec.CommandContext(b.Context(), binary, append([]string{"collect"}, args...)...)
	cmd.Stderr = os.Stderr
	began := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	}()
	var f footprint
	until(b, "all pods in history", func(ctx context.Context) error {
		out, err := exec.CommandContext(ctx, binary, append([]string{"query", "count(kube_pod_info)"}, args...)...).CombinedOutput()
		if err == nil && !bytes.Contains(out, []byte(strconv.Itoa(benchPods))) {
			err = fmt.Errorf("counted %s", out)
		}
		return err
	})
	f.Synced = time.Since(began)
	changePods(b, kubeconfig, benchSettle) // what the first picture leaves behind is collected and written in this time
	before, err := cpuOf(cmd.Process.Pid)
	if err != nil {
		b.Fatal(err)
	}
	took := changePods(b, kubeconfig, benchLoad)
	after, err := cpuOf(cmd.Process.Pid)
	if err != nil {
		b.Fatal(err)
	}
	if f.Heap, err = memoryOf(cmd.Process.Pid, "VmRSS"); err != nil {
		b.Fatal(err)
	}
	if f.Peak, err = memoryOf(cmd.Process.Pid, "VmHWM"); err != nil {
		b.Fatal(err)
	}
	return f, float64(after-before) / float64(took)
}

// changePods restarts containers of pods for a while, and says how long it took.
func changePods(b *testing.B, kubeconfig string, forTime time.Duration) time.Duration {
	b.Helper()
	api := writer(b, kubeconfig)
	tick := time.NewTicker(time.Second / benchChanges)
	defer tick.Stop()
	began := time.Now()
	for i := range int(forTime.Seconds()) * benchChanges {
		p := benchPod(i * 7 % benchPods)
		patch := fmt.Sprintf(`{"status":{"containerStatuses":[{"name":"app","image":%q,"imageID":"x","ready":%t,"started":true,"restartCount":%d,"state":{"running":{}}}]}}`,
			p.Spec.Containers[0].Image, i%2 == 0, i)
		if err := api.patch(b.Context(), p.Namespace, p.Name, patch); err != nil {
			b.Fatal(err)
		}
		<-tick.C
	}
	return time.Since(began)
}

func report(b *testing.B, results map[string]footprint, program footprint, load float64) {
	b.Helper()
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "\theap per pod\tpeak RSS\tsynced\t")
	perPod := func(f footprint) float64 { return float64(f.Heap-results["empty"].Heap) / benchPods / 1024 }
	for _, row := range []struct{ mode, name string }{{"kept", "what is kept of pods"}, {"collector", "the collector"}, {"typed", "client-go's informer"}} {
		f := results[row.mode]
		fmt.Fprintf(table, "%s\t%.2f KB\t%d MB\t%.1f s\t\n", row.name, perPod(f), f.Peak>>20, f.Synced.Seconds())
	}
	fmt.Fprintf(table, "the program\tRSS %d MB\t%d MB\t%.1f s\t\n", program.Heap>>20, program.Peak>>20, program.Synced.Seconds())
	_ = table.Flush() // into memory
	b.Logf("\n%s%.1f %% of a processor at %d changes a second", text.String(), 100*load, benchChanges)
	b.ReportMetric(perPod(results["kept"]), "KB/pod")
	b.ReportMetric(perPod(results["kept"])/perPod(results["typed"]), "heap/typed")
	b.ReportMetric(float64(results["kept"].Peak)/float64(results["typed"].Peak), "peak/typed")
	b.ReportMetric(perPod(results["collector"]), "collector-KB/pod")
	b.ReportMetric(results["collector"].Synced.Seconds(), "sync-s")
	b.ReportMetric(float64(program.Heap>>20), "program-MB")
	b.ReportMetric(100*load, "cpu-%")
}

// podWriter changes pods: the collector's own clients refuse to.
type podWriter struct{ kubernetes.Interface }

func writer(b *testing.B, kubeconfig string) podWriter {
	b.Helper()
	cfg, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		b.Fatal(err)
	}
	cfg.QPS, cfg.Burst = 1000, 1000
	api, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		b.Fatal(err)
	}
	return podWriter{api}
}

// patch changes the status of a pod.
func (w podWriter) patch(ctx context.Context, namespace, name, patch string) error {
	_, err := w.CoreV1().Pods(namespace).Patch(ctx, name, types.MergePatchType, []byte(patch), metav1.PatchOptions{}, "status")
	return err
}
