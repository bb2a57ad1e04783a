package kube

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/json"

	"github.com/nocturne-noc/nocturne/store/model"
)

var webLog = model.LogRequest{Entity: model.ObjectID("c", "shop", model.KindPod, "web")}

// logServer serves pod shop/web and its log: each request for the log is given to say.
type logServer struct {
	mu       sync.Mutex
	pod      *corev1.Pod
	requests []string // for logs
	say      func(n int, w http.ResponseWriter, r *http.Request)
}

func (s *logServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	switch r.URL.Path {
	case "/api/v1/namespaces/shop/pods/web":
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.pod == nil {
			writeStatus(w, http.StatusNotFound, "web")
			return
		}
		body, _ := json.Marshal(s.pod)
		_, _ = w.Write(body)
	case "/api/v1/namespaces/shop/pods/web/log":
		s.mu.Lock()
		s.requests = append(s.requests, r.URL.RawQuery)
		n := len(s.requests)
		s.mu.Unlock()
		s.say(n, w, r)
	default:
		writeStatus(w, http.StatusNotFound, r.URL.Path)
	}
}

func (s *logServer) asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.requests...)
}

func (s *logServer) set(pod *corev1.Pod) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pod = pod
}

// flush writes lines, each at a second of an hour.
func flush(w http.ResponseWriter, seconds ...int) {
	for _, s := range seconds {
		_, _ = fmt.Fprintf(w, "2026-09-14T03:12:%02d.5Z line %d\n", s, s)
	}
	_ = http.NewResponseController(w).Flush()
}

func texts(log model.Log) string {
	var out []string
	for _, l := range log.Lines {
		out = append(out, l.Text)
	}
	return strings.Join(out, ",")
}

func tailUntil(t *testing.T, i *inspector, req model.LogRequest, what string, ok func(model.Log) bool) model.Log {
	t.Helper()
	var log model.Log
	waitUntil(t, what, func() bool {
		var err error
		if log, err = i.Tail(t.Context(), req); err != nil {
			t.Fatal(err)
		}
		return ok(log)
	})
	return log
}

func runningPod() *corev1.Pod {
	pod := testPod("web", running)
	pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{Name: "proxy"})
	pod.Spec.InitContainers = []corev1.Container{{Name: "migrate"}}
	return pod
}

// A stream that breaks while the container runs is taken up again behind its last line.
func TestLogIsFollowedAcrossABreak(t *testing.T) {
	s := &logServer{pod: runningPod()}
	s.say = func(n int, w http.ResponseWriter, r *http.Request) {
		if n == 1 {
			flush(w, 1, 2, 3, 3)
			panic(http.ErrAbortHandler) // the connection breaks
		}
		flush(w, 3, 3, 3, 4) // from the second of the last line on
		<-r.Context().Done()
	}
	i := inspecting(t, s)
	log := tailUntil(t, i, webLog, "the log goes on", func(l model.Log) bool { return len(l.Lines) == 6 && l.State == model.LogFollowing })
	if got := texts(log); got != "line 1,line 2,line 3,line 3,line 3,line 4" {
		t.Errorf("lines %s", got)
	}
	if d := cmp.Diff([]string{"app", "proxy", "migrate"}, log.Containers); d != "" || log.Container != "app" {
		t.Error(d, log.Container)
	}
	asked := s.asked()
	if len(asked) != 2 || !strings.Contains(asked[0], "container=app") || !strings.Contains(asked[0], "follow=true") || !strings.Contains(asked[0], "tailLines=1000") ||
		strings.Contains(asked[0], "since") || !strings.Contains(asked[1], "sinceTime=2026-09-14T03%3A12%3A03Z") {
		t.Errorf("requests %q", asked)
	}
}

// A container that crashes has its log shown to the end, and after its restart what comes then.
func TestLogOfARestartedContainer(t *testing.T) {
	s := &logServer{pod: runningPod()}
	crashed := runningPod()
	ended := &corev1.ContainerStateTerminated{ExitCode: 1, Reason: "Error"}
	crashed.Status.ContainerStatuses[0].State = corev1.ContainerState{Terminated: ended}
	again := runningPod()
	again.Status.ContainerStatuses[0].RestartCount = 1
	again.Status.ContainerStatuses[0].LastTerminationState.Terminated = ended
	s.say = func(n int, w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.Contains(r.URL.RawQuery, "previous=true"):
			flush(w, 1, 2)
		case n == 1:
			flush(w, 1)
			s.set(crashed)
		case strings.Contains(r.URL.RawQuery, "sinceTime") && n <= 3:
			flush(w, 1, 2)
		default:
			flush(w, 2, 5)
			<-r.Context().Done()
		}
	}
	i := inspecting(t, s)
	log := tailUntil(t, i, webLog, "it waits for the restart", func(l model.Log) bool { return l.Why == "Error, exit code 1" })
	if log.State != model.LogWaiting || texts(log) != "line 1,line 2" {
		t.Errorf("%s %s", log.State, texts(log))
	}
	s.set(again)
	tailUntil(t, i, webLog, "it goes on", func(l model.Log) bool {
		return l.State == model.LogFollowing && strings.HasSuffix(texts(l), "line 5")
	})
	previous := webLog
	previous.Previous = true
	log = tailUntil(t, i, previous, "the log of before has ended", func(l model.Log) bool { return l.State == model.LogEnded })
	if log.Why != "Error, exit code 1" || texts(log) != "line 1,line 2" {
		t.Errorf("%q %s", log.Why, texts(log))
	}
}

func TestLogThatCannotBe(t *testing.T) {
	for _, tt := range []struct {
		name  string
		pod   *corev1.Pod
		req   model.LogRequest
		code  int // of the request for the log
		state model.LogState
		why   string
	}{
		{"a pod that is gone", nil, webLog, 0, model.LogEnded, "the pod is gone"},
		{"a container that it has not", runningPod(), model.LogRequest{Entity: webLog.Entity, Container: "x"}, 0, model.LogEnded, "the pod has no container x"},
		{"a container that has not started", testPod("web", corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: "no such image"}}),
			webLog, 0, model.LogWaiting, "ImagePullBackOff: no such image"},
		{"no permission", runningPod(), webLog, http.StatusForbidden, model.LogWaiting, "log of pods shop/web: no permission to get pods/log: ask for a role with get on pods/log"},
		{"a node that is away", runningPod(), webLog, http.StatusBadGateway, model.LogWaiting, "log of pods shop/web: log is refused"},
		{"no log of before", runningPod(), model.LogRequest{Entity: webLog.Entity, Previous: true}, 0, model.LogWaiting, "the container has not been restarted: there is no log of before"},
		{"an init container that has no status", runningPod(), model.LogRequest{Entity: model.ContainerID(webLog.Entity, "migrate")}, 0, model.LogWaiting, "the container has not started"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &logServer{pod: tt.pod, say: func(_ int, w http.ResponseWriter, _ *http.Request) { writeStatus(w, tt.code, "log") }}
			i := inspecting(t, s)
			log := tailUntil(t, i, tt.req, "it says why", func(l model.Log) bool { return l.Why == tt.why })
			if log.State != tt.state || len(log.Lines) != 0 {
				t.Errorf("%s with %d lines", log.State, len(log.Lines))
			}
		})
	}
	i := newInspector(&Cluster{name: "c"})
	if _, err := i.Tail(t.Context(), model.LogRequest{Entity: model.NodeID("c", "n1")}); !errors.Is(err, model.ErrNotLive) {
		t.Errorf("a node's log: %v", err)
	}
}

// What a server sends is bounded in memory, whatever it is.
func TestHostileLogs(t *testing.T) {
	long := bytes.Repeat([]byte("x"), 1<<20)
	for _, tt := range []struct {
		name string
		say  func(w http.ResponseWriter, r *http.Request)
		ok   func(model.Log) bool
	}{
		{"an endless line", func(w http.ResponseWriter, _ *http.Request) {
			for range 16 {
				if _, err := w.Write(long); err != nil {
					return
				}
			}
		}, func(l model.Log) bool { return len(l.Lines) > 0 && l.State != model.LogFollowing }},
		{"a flood", func(w http.ResponseWriter, _ *http.Request) {
			line := append(bytes.Repeat([]byte("y"), 200), '\n')
			for n := range 100_000 { // 20 MB
				if _, err := w.Write(fmt.Appendf(nil, "2026-09-14T03:12:00.%09dZ %s", n, line)); err != nil {
					return
				}
			}
		}, func(l model.Log) bool { return l.Dropped+len(l.Lines) >= 100_000 }},
		{"headers without end", func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = conn.Close() }()
			_, err = conn.Write([]byte("HTTP/1.1 200 OK\r\n"))
			for n := 0; err == nil; n++ {
				_, err = fmt.Fprintf(conn, "X-%d: %s\r\n", n, long[:4000])
			}
		}, func(l model.Log) bool { return strings.Contains(l.Why, "headers exceeded") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &logServer{pod: runningPod(), say: func(_ int, w http.ResponseWriter, r *http.Request) { tt.say(w, r) }}
			i := inspecting(t, s)
			log := tailUntil(t, i, webLog, "it has come", tt.ok)
			size := 0
			for _, l := range log.Lines {
				size += len(l.Text)
				if len(l.Text) > maxLogLine {
					t.Fatalf("a line of %d bytes", len(l.Text))
				}
			}
			if size > maxLogBytes || len(log.Lines) > maxLogLines {
				t.Errorf("%d lines of %d bytes", len(log.Lines), size)
			}
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			if m.HeapAlloc > 64<<20 {
				t.Errorf("%d MiB of heap", m.HeapAlloc>>20)
			}
		})
	}
}

// A log that nobody asks for any more is let go, and so is the oldest of too many.
func TestLogsAreLetGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newInspector(&Cluster{name: "c", now: time.Now})
		ctx, cancel := context.WithCancel(t.Context())
		var run sync.WaitGroup
		run.Go(func() { _ = i.run(ctx, nil) })
		defer run.Wait()
		defer cancel()
		synctest.Wait()
		held := func() int {
			i.mu.Lock()
			defer i.mu.Unlock()
			return len(i.logs)
		}
		// Without a client each follower panics, and says so: that too takes nothing else down.
		i.c.log = slog.New(slog.DiscardHandler)
		ask := func(n int) model.Log {
			log, err := i.Tail(ctx, model.LogRequest{Entity: model.ObjectID("c", "shop", model.KindPod, fmt.Sprint("web-", n))})
			if err != nil {
				t.Fatal(err)
			}
			return log
		}
		ask(0)
		synctest.Wait()
		if log := ask(0); log.State != model.LogEnded || !strings.Contains(log.Why, "panicked") {
			t.Errorf("%s %s", log.State, log.Why)
		}
		time.Sleep(logLease - time.Second)
		ask(0)
		time.Sleep(logLease - time.Second)
		if held() != 1 {
			t.Errorf("%d are held of one that is asked for", held())
		}
		time.Sleep(2 * time.Second)
		if held() != 0 {
			t.Errorf("%d are held that nobody asks for", held())
		}
		for n := range maxFollowers + 3 {
			ask(n)
		}
		ask(3)
		ask(99)
		i.mu.Lock()
		_, kept := i.logs[model.LogRequest{Entity: model.ObjectID("c", "shop", model.KindPod, "web-3")}]
		_, gone := i.logs[model.LogRequest{Entity: model.ObjectID("c", "shop", model.KindPod, "web-4")}]
		i.mu.Unlock()
		if held() != maxFollowers || !kept || gone {
			t.Errorf("%d are held, of 3 %t, of 4 %t", held(), kept, gone)
		}
	})
}

func TestReadLines(t *testing.T) {
	long := strings.Repeat("x", 3*maxLogLine)
	broken := errors.New("broken")
	for _, tt := range []struct {
		name string
		r    io.Reader
		want []int // lengths of the lines
		err  error
	}{
		{"lines", strings.NewReader("a\r\nbb\n\nccc"), []int{1, 2, 0, 3}, nil},
		{"nothing", strings.NewReader(""), nil, nil},
		{"a long line between short ones", strings.NewReader("a\n" + long + "\nb\n"), []int{1, maxLogLine + stampRoom, 1}, nil},
		{"a long line at the end", strings.NewReader(long), []int{maxLogLine + stampRoom}, nil},
		{"half a line", io.MultiReader(strings.NewReader("a\nhalf"), iotest.ErrReader(broken)), []int{1}, broken},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []int
			err := readLines(tt.r, func(line []byte) { got = append(got, len(line)) })
			if d := cmp.Diff(tt.want, got); d != "" || !errors.Is(err, tt.err) {
				t.Error(err, d)
			}
		})
	}
}

func TestPlainLine(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"\x1b[31mERROR\x1b[0m\tfailed", "ERROR failed"},
		{"\x1b]0;title\aafter", "after"},
		{"\x1b]8;;http://x\x1b\\link", "link"},
		{"\x1b", ""},
		{"\x1b[", ""},
		{"a\x00b\u202ec\xff", "abc�"},
		{"한글 로그", "한글 로그"},
		{"0123456789abcdef", "0123456789abc…"},
		{"한글한글한글", "한글한글…"},
	} {
		if got := plainLine(tt.in, 16); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.in, got, tt.want)
		}
	}
}

func FuzzLogLine(f *testing.F) {
	f.Add([]byte("2026-09-14T03:12:00.123456789Z \x1b[1mhello\x1b[0m"))
	f.Add([]byte("\xff\xfe\x1b]\x1b["))
	f.Fuzz(func(t *testing.T, raw []byte) {
		l := parseLine(raw)
		if !utf8.ValidString(l.Text) || len(l.Text) > maxLogLine || strings.ContainsAny(l.Text, "\x1b\n\r\x00") {
			t.Errorf("%q", l.Text)
		}
	})
}

func TestLogMark(t *testing.T) {
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	var m logMark
	var got []int
	feed := func(seconds ...int) {
		m.again()
		for _, s := range seconds {
			stamp := at(s)
			if s < 0 {
				stamp = time.Time{}
			}
			if m.takes(stamp) {
				got = append(got, s)
			}
		}
	}
	feed(1, 3, 2, 3)     // 2 was stamped late
	feed(2, 3, 3, 3, 4)  // again from 2 on, with one more
	feed(4, -1, 5, 1, 6) // the clock went back
	feed()
	feed(6, 6)
	if d := cmp.Diff([]int{1, 3, 2, 3, 3, 4, 5, 1, 6, 6}, got); d != "" {
		t.Error(d)
	}
}

func TestTargetOf(t *testing.T) {
	ended := &corev1.ContainerStateTerminated{ExitCode: 0, Reason: "Completed"}
	with := func(change func(*corev1.Pod)) *corev1.Pod {
		pod := runningPod()
		change(pod)
		return pod
	}
	for _, tt := range []struct {
		name string
		pod  *corev1.Pod
		req  model.LogRequest
		want logTarget
	}{
		{"the first container", runningPod(), webLog, logTarget{container: "app", life: "0  false", running: true}},
		{"the one that an annotation names", with(func(p *corev1.Pod) {
			p.Annotations = map[string]string{defaultContainer: "proxy"}
			p.Status.ContainerStatuses = append(p.Status.ContainerStatuses, corev1.ContainerStatus{Name: "proxy", State: running})
		}), webLog, logTarget{container: "proxy", life: "0  false", running: true}},
		{"a job that is done", with(func(p *corev1.Pod) {
			p.Status.Phase = corev1.PodSucceeded
			p.Status.ContainerStatuses[0].State = corev1.ContainerState{Terminated: ended}
		}), webLog, logTarget{container: "app", life: "0  true", last: true, why: "Completed, exit code 0"}},
		{"an init container that is done", with(func(p *corev1.Pod) {
			p.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "migrate", State: corev1.ContainerState{Terminated: ended}}}
		}), model.LogRequest{Container: "migrate"}, logTarget{container: "migrate", life: "0  true", last: true, why: "Completed, exit code 0"}},
		{"a crash loop", with(func(p *corev1.Pod) {
			p.Status.ContainerStatuses[0] = corev1.ContainerStatus{Name: "app", RestartCount: 4, ContainerID: "x",
				State:                corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}},
				LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 1}}}
		}), webLog, logTarget{container: "app", life: "4 x false", why: "CrashLoopBackOff"}},
		{"a pod without containers", &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web"}}, webLog, logTarget{refused: "the pod has no container "}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := targetOf(tt.pod, containersOf(tt.pod), tt.req); got != tt.want {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
}
