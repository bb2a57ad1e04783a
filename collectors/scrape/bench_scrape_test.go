package scrape

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nocturne-noc/nocturne/collectors"
	"github.com/nocturne-noc/nocturne/store"
	"github.com/nocturne-noc/nocturne/store/model"
)

// What is scraped in the benchmark.
const (
	benchTargets = 500
	benchSeries  = 1000
	benchEvery   = 15 * time.Second
)

// childVariable tells this binary to be one of the benchmark's processes: "targets", or "own" with its
// work in JSON behind a space.
const childVariable = "NOCTURNE_SCRAPE_CHILD"

// child is what the process "own" is to do.
type child struct {
	Targets []string
	Dir     string
}

func benchChild(spec string) int {
	what, rest, _ := strings.Cut(spec, " ")
	var err error
	switch what {
	case "targets":
		err = serveTargets()
	case "own":
		var c child
		if err = json.Unmarshal([]byte(rest), &c); err == nil {
			err = scrapeOwn(c)
		}
	default:
		err = fmt.Errorf("no such process: %q", what)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// untilClosed waits until the benchmark closes this process' standard input, or is dead.
func untilClosed() { _, _ = bufio.NewReader(os.Stdin).ReadString(0) }

// serveTargets prints the addresses of its targets, one a line.
func serveTargets() error {
	debug.SetGCPercent(400) // it is not what is measured
	for range benchTargets {
		l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		server := &http.Server{Handler: http.HandlerFunc(exposition), ReadHeaderTimeout: time.Minute}
		go func() { _ = server.Serve(l) }() // until the process ends
		fmt.Println(l.Addr())
	}
	untilClosed()
	return nil
}

// exposition is what a target exposes: counters that rise at paces of their own, gauges, and what stands still.
func exposition(w http.ResponseWriter, _ *http.Request) {
	body := make([]byte, 0, benchSeries*90)
	at := float64(time.Now().UnixMilli()%1e9) / 1e3
	for i := range benchSeries {
		metric := i / 20
		if i%20 == 0 {
			body = fmt.Appendf(body, "# HELP service_metric_%d_total Something that is counted.\n# TYPE service_metric_%d_total counter\n", metric, metric)
		}
		body = fmt.Appendf(body, "service_metric_%d_total{device=\"disk%d\",operation=\"read\",mode=\"direct\"} ", metric, i%20)
		value := float64(i)
		switch i % 3 {
		case 0:
			value = float64(int64(at * float64(i+1)))
		case 1:
			value = at * float64(i%17)
		}
		body = strconv.AppendFloat(body, value, 'f', -1, 64)
		body = append(body, '\n')
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = w.Write(body)
}

// scrapeOwn scrapes into a store on disk, as the program does.
func scrapeOwn(c child) error {
	debug.SetGCPercent(50) // as the program does
	s, err := store.Open(store.Options{Dir: c.Dir, MaxSeriesPerSource: 2 * benchTargets * benchSeries})
	if err != nil {
		return err
	}
	var failed atomic.Int64
	r := collectors.NewRunner(s.Apply, func(rows []model.SourceStatus) {
		n := int64(0)
		for i := range rows {
			if rows[i].Error != "" {
				n++
			}
		}
		failed.Store(n)
	}, collectors.Options{Log: slog.New(slog.DiscardHandler)})
	if err := r.Set([]collectors.Source{{Name: "bench", Kind: "scrape", Hash: "1", Open: func() ([]collectors.Job, error) {
		return open(collectors.Env{
			Name: "bench", Every: benchEvery, Now: time.Now,
			Decode: func(into any) error { *into.(*Config) = Config{Targets: c.Targets}; return nil },
		})
	}}}); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); r.Run(ctx) }()
	untilClosed()
	wrote := writeHeap(os.Getenv("NOCTURNE_SCRAPE_HEAP"))
	fmt.Println(failed.Load())
	if up, err := s.Query(ctx, "sum(scrape_samples_scraped)", time.Now()); err == nil && len(up) == 1 {
		fmt.Println(up[0].Points[0].V)
	}
	cancel()
	<-done
	return errors.Join(wrote, s.Close())
}

// writeHeap writes what is in use to a file, for go tool pprof; "" writes nothing.
func writeHeap(path string) (err error) {
	if path == "" {
		return nil
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	runtime.GC()
	return pprof.WriteHeapProfile(file)
}

// process is one of the benchmark's.
type process struct {
	*exec.Cmd
	out  *bufio.Reader
	stop func()
}

func start(b *testing.B, env string, path string, args ...string) *process {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), path, args...)
	cmd.Env = append(os.Environ(), env)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	p := &process{Cmd: cmd, out: bufio.NewReader(out), stop: func() { _ = in.Close() }}
	b.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return p
}

// line is the next that a process prints.
func (p *process) line(b *testing.B) string {
	b.Helper()
	text, err := p.out.ReadString('\n')
	if err != nil {
		b.Fatalf("%s: %v", p.Path, err)
	}
	return strings.TrimSpace(text)
}

// cpu is the user and system time of a process so far (proc(5), stat, in hundredths of a second).
func (p *process) cpu(b *testing.B) time.Duration {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+2:]))
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	if err1 != nil || err2 != nil {
		b.Fatalf("%s", text)
	}
	return time.Duration(user+system) * (time.Second / 100)
}

// memory is a figure of a process' status file in bytes: VmRSS, RssAnon, VmHWM.
func (p *process) memory(b *testing.B, what string) float64 {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), what+":")
	var kilobytes float64
	if _, err := fmt.Sscan(rest, &kilobytes); err != nil {
		b.Fatalf("%s: %v", what, err)
	}
	return kilobytes * 1024
}

// BenchmarkScrape scrapes 500 targets of 1,000 series each 15 seconds into a store on disk, next to Debian's
// prometheus doing the same with the same targets at the same time. It prints processor time and memory of both,
// after a minute of settling. NOCTURNE_SCRAPE_FOR sets how long is measured, 4m by default: as long as both heaps
// need to grow to what their garbage collectors allow. NOCTURNE_SCRAPE_HEAP names a file for a profile of our own heap at
// the end.
func BenchmarkScrape(b *testing.B) {
	if _, err := os.Stat("/proc/self/status"); err != nil {
		b.Skip("memory and processor time of processes are read from /proc, which this system has not")
	}
	path, err := exec.LookPath("prometheus")
	if err != nil {
		b.Skip("no prometheus here: apt-get install prometheus")
	}
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	length := 4 * time.Minute
	if text := os.Getenv("NOCTURNE_SCRAPE_FOR"); text != "" {
		if length, err = time.ParseDuration(text); err != nil {
			b.Fatal(err)
		}
	}
	served := start(b, childVariable+"=targets", self)
	c := child{Dir: b.TempDir()}
	for range benchTargets {
		c.Targets = append(c.Targets, served.line(b))
	}
	work, err := json.Marshal(c)
	if err != nil {
		b.Fatal(err)
	}
	own := start(b, childVariable+"=own "+string(work), self)
	peer := startPrometheus(b, path, c.Targets)

	wait(b, 4*benchEvery) // all series are known, and what that took is collected
	ownCPU, peerCPU := own.cpu(b), peer.cpu(b)
	var ownMemory, peerMemory float64 // on the average: at one moment it depends on the last garbage collection
	const looks = 50
	for range looks {
		wait(b, length/looks)
		ownMemory += own.memory(b, "VmRSS") / looks
		peerMemory += peer.memory(b, "VmRSS") / looks
	}
	ownCPU, peerCPU = own.cpu(b)-ownCPU, peer.cpu(b)-peerCPU
	ownPeak, peerPeak := own.memory(b, "VmHWM"), peer.memory(b, "VmHWM")
	own.stop()
	failed, samples := own.line(b), own.line(b)
	if failed != "0" || samples != strconv.Itoa(benchTargets*benchSeries) {
		b.Errorf("%s targets failed, %s samples in a round: want none and %d", failed, samples, benchTargets*benchSeries)
	}
	share := func(d time.Duration) float64 { return 100 * d.Seconds() / length.Seconds() }
	b.ReportMetric(share(ownCPU), "own-%-of-a-core")
	b.ReportMetric(share(peerCPU), "prometheus-%-of-a-core")
	b.ReportMetric(ownCPU.Seconds()/peerCPU.Seconds(), "cpu-own/prometheus")
	b.ReportMetric(ownMemory/(1<<20), "own-MiB")
	b.ReportMetric(peerMemory/(1<<20), "prometheus-MiB")
	b.ReportMetric(ownMemory/peerMemory, "memory-own/prometheus")
	b.ReportMetric(ownPeak/(1<<20), "own-peak-MiB")
	b.ReportMetric(peerPeak/(1<<20), "prometheus-peak-MiB")
	b.ReportMetric(0, "ns/op")
}

func wait(b *testing.B, d time.Duration) {
	b.Helper()
	select {
	case <-time.After(d):
	case <-b.Context().Done():
		b.Fatal(b.Context().Err())
	}
}

// startPrometheus starts Debian's with a folder of its own.
func startPrometheus(b *testing.B, path string, targets []string) *process {
	b.Helper()
	dir := b.TempDir()
	var conf strings.Builder
	fmt.Fprintf(&conf, "global: {scrape_interval: %v}\nscrape_configs:\n- job_name: bench\n  static_configs:\n  - targets: [%s]\n", benchEvery, strings.Join(targets, ", "))
	file := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(file, []byte(conf.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	return start(b, "TZ=UTC", path, "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address=127.0.0.1:0", "--log.level=error")
}
