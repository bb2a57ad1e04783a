//go:build lab

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nocturne-noc/nocturne/app/control"
	"github.com/nocturne-noc/nocturne/store/model"
)

// ownClock is the clock of the machine that the wallboard runs on; the servers of the lab tell theirs too.
const ownClock = `node_time_seconds{job="host"}`

// raw is a sample as it is stored.
type raw struct {
	at time.Time
	v  float64
}

// samples are those of the only series of that name, as they are stored.
func (l *lab) samples(name string, back time.Duration, until time.Time) []raw {
	l.t.Helper()
	list := l.matrix(fmt.Sprintf("%s[%ds]", name, int(back.Seconds())), until)
	if len(list) != 1 {
		l.t.Fatalf("%d series are called %s, want 1", len(list), name)
	}
	return list[0]
}

// matrix evaluates a range selector, or a subquery.
func (l *lab) matrix(expr string, until time.Time) [][]raw {
	l.t.Helper()
	out, err := l.nocturne("query", expr, "--at", until.Format(time.RFC3339Nano))
	if err != nil {
		l.t.Fatal(err)
	}
	var data struct {
		ResultType string
		Result     []struct{ Values [][2]any }
	}
	if err := json.Unmarshal([]byte(out), &data); err != nil || data.ResultType != "matrix" {
		l.t.Fatalf("query %s: %v: %.200s", expr, err, out)
	}
	var list [][]raw
	for _, series := range data.Result {
		var one []raw
		for _, pair := range series.Values {
			at, atOK := pair[0].(float64)
			text, ok := pair[1].(string)
			v, err := strconv.ParseFloat(text, 64)
			if !atOK || !ok || err != nil {
				l.t.Fatalf("query %s: sample %v: %v", expr, pair, err)
			}
			one = append(one, raw{time.UnixMilli(int64(at*1000 + 0.5)), v})
		}
		list = append(list, one)
	}
	return list
}

// checkSamples checks that a clock's samples (node_time_seconds) are none twice, in order, and each
// dated when it was taken.
func checkSamples(t *testing.T, list []raw) {
	t.Helper()
	for i, s := range list {
		taken := time.UnixMilli(int64(s.v * 1000))
		if late := taken.Sub(s.at); late < -time.Second || late > 2*time.Second {
			t.Errorf("a sample that was taken at %v is dated %v", taken.Format(time.StampMilli), s.at.Format(time.StampMilli))
		}
		if i > 0 && (!s.at.After(list[i-1].at) || s.v <= list[i-1].v) {
			t.Errorf("sample %d at %v (%f) after one at %v (%f)", i, s.at, s.v, list[i-1].at, list[i-1].v)
		}
	}
}

// checkRates checks that no rate of the last while is negative, and none above what the cables carry.
func (l *lab) checkRates(back time.Duration, until time.Time) {
	l.t.Helper()
	n := 0
	for _, series := range l.matrix(fmt.Sprintf("(rate(ifHCInOctets[30s]) * 8)[%ds:1s]", int(back.Seconds())), until) {
		for _, s := range series {
			if n++; s.v < 0 || s.v > 1e9 {
				l.t.Errorf("a rate of %g bit/s at %v", s.v, s.at)
			}
		}
	}
	if n == 0 {
		l.t.Error("no rates at all")
	}
	l.t.Logf("%d rates, none negative", n)
}

// now is the wallboard's time.
func (l *lab) now() time.Time {
	l.t.Helper()
	client, runs := control.Dial(l.t.Context(), l.data)
	if !runs {
		l.t.Fatal("no wallboard runs")
	}
	var data struct{ Result [2]any }
	if err := client.Get(l.t.Context(), "/api/v1/query", map[string][]string{"query": {"time()"}}, &data); err != nil {
		l.t.Fatal(err)
	}
	text, _ := data.Result[1].(string)
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil {
		l.t.Fatal(err)
	}
	return time.UnixMilli(int64(seconds * 1000))
}

// problems are what the banner says.
func (l *lab) problems() ([]string, error) {
	client, runs := control.Dial(l.t.Context(), l.data)
	if !runs {
		return nil, fmt.Errorf("no wallboard answers on %s", l.data)
	}
	var health control.Health
	err := client.Get(l.t.Context(), "/api/nocturne/health", nil, &health)
	return health.Problems, err
}

// problem checks whether the banner says something.
func (l *lab) problem(text string, want bool) func() error {
	return func() error {
		list, err := l.problems()
		if err != nil {
			return err
		}
		if all := strings.Join(list, "; "); strings.Contains(all, text) != want {
			return fmt.Errorf("the banner says %q", all)
		}
		return nil
	}
}

// events are those of a kind, newest first.
func (l *lab) events(kind string) ([]model.Event, error) {
	client, runs := control.Dial(l.t.Context(), l.data)
	if !runs {
		return nil, fmt.Errorf("no wallboard answers on %s", l.data)
	}
	var list []model.Event
	err := client.Get(l.t.Context(), "/api/nocturne/events", map[string][]string{"kind": {kind}, "limit": {"1000"}}, &list)
	return list, err
}

// told checks whether an event of a kind says something.
func (l *lab) told(kind, text string) func() error {
	return func() error {
		list, err := l.events(kind)
		if err != nil {
			return err
		}
		for _, e := range list {
			if strings.Contains(e.Text, text) {
				return nil
			}
		}
		return fmt.Errorf("none of %d events of kind %s says %q", len(list), kind, text)
	}
}

// pid is the wallboard's own process: its parent is the virtual display's.
func (l *lab) pid() (int, error) {
	text, err := os.ReadFile(filepath.Join(l.data, "nocturne.pid"))
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(text)))
}

// signal sends one to the wallboard itself.
func (l *lab) signal(s syscall.Signal) {
	l.t.Helper()
	pid, err := l.pid()
	if err != nil {
		l.t.Fatal(err)
	}
	if err := syscall.Kill(pid, s); err != nil {
		l.t.Fatal(err)
	}
}
