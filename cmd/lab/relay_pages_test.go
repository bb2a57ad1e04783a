package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestShiftClock(t *testing.T) {
	const page = "# TYPE node_time_seconds gauge\nnode_time_seconds 1.7952750916977303e+09\nnode_time_zone_offset_seconds{time_zone=\"UTC\"} 0\nlast 1"
	for _, c := range []struct {
		name  string
		shift time.Duration
		want  string
	}{
		{"none", 0, page},
		{"ahead", 5 * time.Minute, "# TYPE node_time_seconds gauge\nnode_time_seconds 1.7952753916977303e+09\nnode_time_zone_offset_seconds{time_zone=\"UTC\"} 0\nlast 1"},
		{"back", -91697 * time.Second, "# TYPE node_time_seconds gauge\nnode_time_seconds 1.7951833946977303e+09\nnode_time_zone_offset_seconds{time_zone=\"UTC\"} 0\nlast 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := string(shiftClock([]byte(page), c.shift)); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestPageRelay(t *testing.T) {
	exporter := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.Header.Get("Accept-Encoding") != "" {
			t.Errorf("asks for %s", q.Header.Get("Accept-Encoding"))
		}
		_, _ = io.WriteString(w, "node_time_seconds 1000\n")
	}))
	defer exporter.Close()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := newPageRelay(listener, exporter.Listener.Addr().String(), (&net.Dialer{}).DialContext)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); r.run(ctx) }()
	defer func() { cancel(); <-done }()
	for _, c := range []struct {
		shift time.Duration
		want  string
	}{{0, "node_time_seconds 1000\n"}, {5 * time.Minute, "node_time_seconds 1300\n"}} {
		r.shift.Store(int64(c.shift))
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+listener.Addr().String()+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Accept-Encoding", "gzip")
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		page, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if string(page) != c.want {
			t.Errorf("shift %v: %q, want %q", c.shift, page, c.want)
		}
	}
}
