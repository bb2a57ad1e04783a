package host

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"
)

var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestProgramsAreSumsOfProcesses(t *testing.T) {
	var p processes
	first := []reading{
		{pid: 1, began: 1, name: "nginx", cpu: 100, rss: 10, read: 1000, age: 1000 * time.Second},
		{pid: 2, began: 2, name: "nginx", cpu: 0, rss: 5, age: 500 * time.Second},
		{pid: 3, began: 3, name: "cc", cpu: 3, rss: 7, wrt: 500, age: 10 * time.Second},
	}
	got := p.programs(first, epoch)
	if g := got["nginx"]; g.count != 2 || g.rss != 15 || g.ratio != 0.1 || g.readBps != 1 {
		t.Errorf("at first sight %+v, want what it used over its life", g)
	}
	second := []reading{
		{pid: 1, began: 1, name: "nginx", cpu: 101, rss: 10, read: 6000},
		{pid: 2, began: 2, name: "nginx", cpu: 1.5, rss: 5},
		{pid: 3, began: 9, name: "cc", cpu: 2, rss: 7, wrt: 100, age: 4 * time.Second},    // the number of another
		{pid: 4, began: 4, name: "hidden", cpu: 50, rss: 1, age: 90 * time.Second},        // older than the round, and not seen in the last one
		{pid: 5, began: 5, name: "sh", cpu: 0.5, read: 50, wrt: 10, age: 2 * time.Second}, // began since
	}
	got = p.programs(second, epoch.Add(5*time.Second))
	for name, want := range map[string]program{
		"nginx":  {name: "nginx", count: 2, rss: 15, ratio: 0.5, readBps: 1000},
		"cc":     {name: "cc", count: 1, rss: 7, ratio: 0.4, wrtBps: 20},
		"hidden": {name: "hidden", count: 1, rss: 1},
		"sh":     {name: "sh", count: 1, ratio: 0.1, readBps: 10, wrtBps: 2},
	} {
		if g := got[name]; *g != want {
			t.Errorf("%+v, want %+v", *g, want)
		}
	}
}

// Whatever runs during a day, the number of series is bounded, and what did not fit is told as a sum.
func TestRosterIsBounded(t *testing.T) {
	var r roster
	told := map[string]bool{}
	now := epoch
	for range 24 * 60 {
		now = now.Add(time.Minute)
		programs := map[string]*program{"steady": {name: "steady", count: 1, ratio: 5, rss: 1e9}}
		for i := range 20 {
			name := fmt.Sprintf("tmp-%d-%d", now.Unix(), i)
			programs[name] = &program{name: name, count: 1, ratio: 0.5}
		}
		sum := 0.0
		for _, p := range r.choose(programs, now) {
			told[p.name] = true
			sum += p.ratio
		}
		if !told["steady"] {
			t.Fatal("what always runs is not told")
		}
		if want := 5 + 0.5*9; sum < want {
			t.Fatalf("at %v only %v processors of %v are told", now, sum, want)
		}
	}
	if len(told) > maxNames+1 || !told[others] {
		t.Errorf("%d names in a day, want at most %d and %s", len(told), maxNames+1, others)
	}
	now = now.Add(2 * forgotten)
	if got := r.choose(map[string]*program{"new": {name: "new", count: 1, ratio: 1}}, now); len(got) != 1 || got[0].name != "new" {
		t.Errorf("%v, want room for a new one after a day", got)
	}
}

// A program that is quiet for a moment keeps its line.
func TestRosterLingers(t *testing.T) {
	var r roster
	busy := map[string]*program{"burst": {name: "burst", ratio: 1}}
	quiet := map[string]*program{"burst": {name: "burst"}}
	r.choose(busy, epoch)
	if got := r.choose(quiet, epoch.Add(lingers)); len(got) != 1 || got[0].ratio != 0 {
		t.Errorf("%+v, want a quiet program", got)
	}
	if got := r.choose(quiet, epoch.Add(lingers+time.Second)); len(got) != 0 {
		t.Errorf("%+v, want none", got)
	}
	if got := r.choose(map[string]*program{}, epoch); len(got) != 0 {
		t.Errorf("%+v of a program that has ended", got)
	}
}

func TestUsers(t *testing.T) {
	var names []string
	for i := range 30 {
		names = append(names, fmt.Sprintf("user%02d", i))
	}
	names = append(names, "root", "root", "evil\x1b[2J")
	got := map[string]float64{}
	for _, m := range userMetrics(names) {
		got[m.labels[1]] = m.value
	}
	if got["root"] != 2 || got[others] != 12 || len(got) != maxUsers+1 || got["evil [2J"] != 1 {
		t.Errorf("%v, want 2 of root and 12 others", slices.Sorted(maps.Keys(got)))
	}
}
