package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	prom "github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"golang.org/x/sync/errgroup"

	"github.com/nocturne-noc/nocturne/app/control"
	"github.com/nocturne-noc/nocturne/store/model"
)

// A real wallboard in a window under Xvfb is flooded with syslog by UDP and TCP. TestWallInASyslogFlood does so for
// some seconds; TestLabSyslogFlood, with the build tag lab, for a minute, and is strict about the frames.
const (
	floodRate    = 20_000 // lines a second
	floodSenders = 20     // half of them by UDP, half by TCP
	floodStep    = 10 * time.Millisecond
	floodRSS     = 512 << 20 // bytes at most
)

func TestWallInASyslogFlood(t *testing.T) {
	if testing.Short() {
		t.Skip("half a minute with a window")
	}
	// Machines that run other tests beside take their time: no frame is lost, and none stands still.
	flood(t, 5*time.Second, time.Second)
}

// floodedWall is the wallboard.
type floodedWall struct {
	t      *testing.T
	data   string
	addr   string // of syslog
	pid    int
	client *control.Client
	http   *http.Client
}

// flood floods a wallboard for some time. No frame of the window may take longer than a bound of its histogram.
func flood(t *testing.T, length, frame time.Duration) {
	w := openFlooded(t)
	w.settle(5) // the first ones bring all textures up
	begin := w.frames("show")
	w.settle(begin.count + 5)
	before, rested := w.frames("show"), w.rss("VmRSS")
	idle := before.since(begin)
	began := time.Now()
	sent, took := w.send(length)
	after, prepared := w.frames("show"), w.frames("prepare")

	// The last line is in the books soon after it came, the last announcement ten seconds later.
	var fate map[string]float64
	w.within(20*time.Second, "all lines are accounted for", func() error {
		fate = w.fates()
		if sum := total(fate); sum != float64(sent) {
			return fmt.Errorf("%.0f of %d: %v", sum, sent, fate)
		}
		return nil
	})
	w.within(15*time.Second, "what is not shown is announced to the last line", func() error {
		shown, sampled, lost := w.told(began)
		if shown != fate["shown"] || sampled != fate["sampled"]+fate["overrun"] || lost != fate["kernel"] {
			return fmt.Errorf("events show %.0f lines and announce %.0f and %.0f, the books say %v", shown, sampled, lost, fate)
		}
		return nil
	})
	peak := w.rss("VmHWM")
	frames := after.since(before)
	t.Logf("%d lines in %.1f s: %v", sent, took.Seconds(), fate)
	t.Logf("without a flood: %s", idle)
	t.Logf("in the flood: %s; load average %s", frames, read(t, "/proc/loadavg"))
	t.Logf("to prepare, since the start: %s", prepared)
	t.Logf("resident memory: %d MiB before, %d MiB at most", rested>>20, peak>>20)
	if frames.count < length.Seconds()/2 {
		t.Errorf("the window took %.0f frames in %v, want one a second", frames.count, length)
	}
	if peak > floodRSS {
		t.Errorf("%d MiB of memory, want at most %d", peak>>20, floodRSS>>20)
	}
	slow := frames.longer(frame)
	if slow > 0 && idle.longer(frame) > 0 {
		t.Skipf("the machine is too busy to tell: %.0f of %.0f frames took longer than %v, and so did %.0f of %.0f without a flood",
			slow, frames.count, frame, idle.longer(frame), idle.count)
	}
	if slow > 0 {
		t.Errorf("%.0f of %.0f frames took longer than %v", slow, frames.count, frame)
	}
}

const floodConfig = `
sources:
  - {kind: host, every: 5s}
  - {kind: syslog, name: logs, every: 1s, listen: ['udp://%[1]s', 'tcp://%[1]s'], patterns: [{name: login, match: 'login (failed|refused)'}]}
boards:
  - name: logs
    panels:
      - {kind: events, at: [0, 0, 14, 12], title: Events, since: 6h}
      - {kind: timeseries, at: [14, 0, 10, 4], title: Lines, range: 5m, queries: [{expr: 'sum by (fate) (rate(nocturne_syslog_lines_total[30s]))', legend: '{{fate}}'}]}
      - {kind: topn, at: [14, 4, 10, 4], title: Senders, expr: 'sum by (sender) (rate(nocturne_syslog_messages_total[30s]))', label: '{{sender}}', n: 10}
      - {kind: alerts, at: [14, 8, 10, 4], title: Alerts}
`

// openFlooded opens the window and waits until the wallboard hears.
func openFlooded(t *testing.T) *floodedWall {
	t.Helper()
	w := &floodedWall{t: t, data: t.TempDir(), addr: freePort(t)}
	config := filepath.Join(t.TempDir(), "nocturne.yaml")
	if err := os.WriteFile(config, fmt.Appendf(nil, floodConfig, w.addr), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := preferred(t, cmp.Or(os.Getenv("NOCTURNE_BIN"), os.Args[0]), "--kiosk", "--config", config, "--data", w.data)
	cmd.Env = append(os.Environ(), benchEnv+"=program", "DISPLAY="+display(t), "LIBGL_ALWAYS_SOFTWARE=1", "GOGC="+strconv.Itoa(collectAt))
	log := new(strings.Builder)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the wallboard ended with %v: %s", err, log)
		}
	})
	w.pid = cmd.Process.Pid
	w.http = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(w.data, control.SocketName))
		},
	}}
	w.within(30*time.Second, "the wallboard answers", func() error {
		var ok bool
		if w.client, ok = control.Dial(t.Context(), w.data); !ok {
			return errors.New("no control socket")
		}
		if fate := w.fates(); len(fate) < 5 {
			return fmt.Errorf("it does not hear: %v", fate)
		}
		return nil
	})
	return w
}

// preferred is a command that gets as much of the machine as one of its own would give it, where that is permitted
// (nice goes on without). It is ended by a signal, and in order, even where the test is called off.
func preferred(t *testing.T, path string, args ...string) *exec.Cmd {
	t.Helper()
	return exec.CommandContext(context.WithoutCancel(t.Context()), "nice", append([]string{"-n", "-10", path}, args...)...)
}

// display starts a virtual display of its own and returns its name.
func display(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("Xvfb")
	if err != nil {
		t.Skip("Xvfb is not installed: run make deps-test")
	}
	tell, number, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tell.Close() }() // only read
	cmd := preferred(t, path, "-displayfd", "3", "-screen", "0", "1920x1080x24", "-nolisten", "tcp")
	cmd.ExtraFiles = []*os.File{number}
	err = cmd.Start()
	_ = number.Close() // it is the display's now
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait() // it ends by the signal
	})
	line, err := bufio.NewReader(io.LimitReader(tell, 16)).ReadString('\n')
	if err != nil {
		t.Fatalf("Xvfb names no display: %v", err)
	}
	return ":" + strings.TrimSpace(line)
}

// freePort is an address that is free for UDP and for TCP.
func freePort(t *testing.T) string {
	t.Helper()
	for range 20 {
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		addr := l.Addr().String()
		p, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", addr)
		_ = l.Close()
		if err == nil {
			_ = p.Close()
			return addr
		}
	}
	t.Fatal("no port is free for UDP and TCP")
	return ""
}

// within waits until check is content.
func (w *floodedWall) within(d time.Duration, what string, check func() error) {
	w.t.Helper()
	for from := time.Now(); ; {
		err := check()
		if err == nil {
			return
		}
		if time.Since(from) > d {
			w.t.Fatalf("%s: not within %v: %v", what, d, err)
		}
		select {
		case <-w.t.Context().Done():
			w.t.Fatal(w.t.Context().Err())
		case <-time.After(200 * time.Millisecond): // polling another process: there is no signal to wait for
		}
	}
}

// settle waits until the window has taken a number of frames.
func (w *floodedWall) settle(want float64) {
	w.t.Helper()
	w.within(30*time.Second, "the window takes frames", func() error {
		if n := w.frames("show").count; n < want {
			return fmt.Errorf("%.0f frames", n)
		}
		return nil
	})
}

// send sends lines at the rate of the flood, and returns how many, and how long it took.
func (w *floodedWall) send(length time.Duration) (sent int, took time.Duration) {
	w.t.Helper()
	each := int(floodRate*length.Seconds()) / floodSenders
	var group errgroup.Group
	began := time.Now()
	for i := range floodSenders {
		group.Go(func() error {
			network, local := "udp", net.Addr(&net.UDPAddr{IP: net.IPv4(127, 0, 0, byte(2+i))})
			if i%2 == 1 {
				network, local = "tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(2+i))}
			}
			conn, err := (&net.Dialer{LocalAddr: local}).DialContext(w.t.Context(), network, w.addr)
			if err != nil {
				return err
			}
			return errors.Join(sendLines(conn, network == "tcp", i, each, length), conn.Close())
		})
	}
	if err := group.Wait(); err != nil {
		w.t.Fatal(err)
	}
	return each * floodSenders, time.Since(began)
}

// sendLines sends n lines spread evenly over some time. On a stream those of a step go together.
func sendLines(conn net.Conn, stream bool, sender, n int, length time.Duration) error {
	tick := time.NewTicker(floodStep)
	defer tick.Stop()
	began := time.Now()
	var buf []byte
	for sent := 0; sent < n; <-tick.C {
		due := min(n, int(float64(n)*time.Since(began).Seconds()/length.Seconds()))
		buf = buf[:0]
		for ; sent < due; sent++ {
			buf = floodLine(buf, sender, sent)
			if stream {
				buf = append(buf, '\n')
				continue
			}
			if _, err := conn.Write(buf); err != nil {
				return err
			}
			buf = buf[:0]
		}
		if len(buf) > 0 {
			if _, err := conn.Write(buf); err != nil {
				return err
			}
		}
	}
	return nil
}

// floodLine is what a switch or a server says: in both formats, of all severities but the highest, every fourth a repeat.
func floodLine(b []byte, sender, n int) []byte {
	word := func(n int) string { // no digits: those alone make no difference
		return strings.Map(func(r rune) rune { return r - '0' + 'a' }, strconv.Itoa(n))
	}
	priority := 8*(16+sender%8) + 3 + n%5
	if n%4 == 0 {
		return fmt.Appendf(b, "<%d>%s host%02d sshd[%d]: login failed for admin from 192.0.2.%d port %d", priority, time.Now().Format(time.Stamp), sender, n, n%256, n)
	}
	return fmt.Appendf(b, "<%d>1 %s host%02d app%d %d - - session %s of user %s was closed after %d ms: the peer sent more than it had announced",
		priority, time.Now().Format(time.RFC3339Nano), sender, n%7, n, word(n*7919), word(n), n%1000)
}

// fates are the lines that came, by what became of them; "kernel" is what the system had no room for.
func (w *floodedWall) fates() map[string]float64 {
	w.t.Helper()
	var answer struct {
		Result []struct {
			Metric map[string]string
			Value  [2]any
		}
	}
	expr := `{__name__=~"nocturne_syslog_lines_total|nocturne_syslog_kernel_dropped_total"}`
	if err := w.client.Get(w.t.Context(), "/api/v1/query", map[string][]string{"query": {expr}}, &answer); err != nil {
		w.t.Fatal(err)
	}
	out := map[string]float64{}
	for _, r := range answer.Result {
		text, _ := r.Value[1].(string)
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			w.t.Fatalf("%v: %v", r.Metric, err)
		}
		out[cmp.Or(r.Metric["fate"], "kernel")] = v
	}
	return out
}

func total(of map[string]float64) (sum float64) {
	for _, n := range of {
		sum += n
	}
	return sum
}

// told reads the event list: how many lines it shows, and how many it says were not shown, or lost.
func (w *floodedWall) told(since time.Time) (shown, sampled, lost float64) {
	w.t.Helper()
	var events []model.Event
	query := map[string][]string{"kind": {"syslog"}, "limit": {"10000"}, "since": {since.Add(-time.Minute).Format(time.RFC3339)}}
	if err := w.client.Get(w.t.Context(), "/api/nocturne/events", query, &events); err != nil {
		w.t.Fatal(err)
	}
	for _, e := range events {
		n, _ := strconv.ParseFloat(e.Labels["lines"], 64)
		switch {
		case e.Labels["fate"] == "sampled":
			sampled += n
		case e.Labels["fate"] == "lost":
			lost += n
		case e.Count == 0: // else it sums up repeats
			shown++
		}
	}
	return shown, sampled, lost
}

// frameTimes is the histogram of what the window's frames took.
type frameTimes struct {
	below map[float64]float64 // frames that took at most that many seconds
	count float64
	sum   float64 // seconds
}

func (w *floodedWall) frames(stage string) frameTimes {
	w.t.Helper()
	f := frameTimes{below: map[float64]float64{}}
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, "http://nocturne/metrics", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	res, err := w.http.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }() // only read
	body, err := io.ReadAll(io.LimitReader(res.Body, 8<<20))
	if err != nil {
		w.t.Fatal(err)
	}
	p, err := textparse.New(body, res.Header.Get("Content-Type"), labels.NewSymbolTable(), textparse.ParserOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	for {
		entry, err := p.Next()
		if errors.Is(err, io.EOF) {
			return f
		}
		if err != nil {
			w.t.Fatal(err)
		}
		if entry != textparse.EntrySeries {
			continue
		}
		_, _, v := p.Series()
		var ls labels.Labels
		if p.Labels(&ls); ls.Get("stage") != stage {
			continue
		}
		switch ls.Get(prom.MetricNameLabel) {
		case "nocturne_wall_frame_seconds_count":
			f.count = v
		case "nocturne_wall_frame_seconds_sum":
			f.sum = v
		case "nocturne_wall_frame_seconds_bucket":
			if le, err := strconv.ParseFloat(ls.Get(prom.BucketLabel), 64); err == nil {
				f.below[le] = v
			}
		}
	}
}

func (f frameTimes) since(before frameTimes) frameTimes {
	out := frameTimes{map[float64]float64{}, f.count - before.count, f.sum - before.sum}
	for le, n := range f.below {
		out.below[le] = n - before.below[le]
	}
	return out
}

// longer counts the frames that took longer than one of the bounds.
func (f frameTimes) longer(than time.Duration) float64 { return f.count - f.below[than.Seconds()] }

func (f frameTimes) String() string {
	bounds := make([]float64, 0, len(f.below))
	for le := range f.below {
		bounds = append(bounds, le)
	}
	slices.Sort(bounds)
	text := fmt.Sprintf("%.0f frames, %.0f ms each", f.count, 1000*f.sum/f.count)
	last := 0.0
	for _, le := range bounds {
		if n := f.below[le] - last; n > 0 {
			text += fmt.Sprintf(", %.0f up to %.0f ms", n, 1000*math.Min(le, 1e6))
		}
		last = f.below[le]
	}
	return text
}

// rss is a figure of the wallboard's memory in bytes: "VmRSS" now, "VmHWM" at its highest (proc_pid_status(5)).
func (w *floodedWall) rss(name string) int {
	w.t.Helper()
	for line := range strings.Lines(read(w.t, fmt.Sprintf("/proc/%d/status", w.pid))) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == name+":" {
			n, err := strconv.Atoi(f[1])
			if err != nil {
				w.t.Fatal(err)
			}
			return n << 10
		}
	}
	w.t.Fatalf("the system does not tell %s", name)
	return 0
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Skip(err) // a system without /proc
	}
	return strings.TrimSpace(string(data))
}
