package app

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/nocturne-noc/nocturne/app/config"
	"github.com/nocturne-noc/nocturne/app/control"
	"github.com/nocturne-noc/nocturne/store/model"
)

// testLimit bounds each wait on what runs by the real clock.
const testLimit = 30 * time.Second

// shortDir is a folder whose path leaves room for a socket's name.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "noc")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func writeConfig(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// openCore opens a wallboard on a folder, with its configuration in it.
func openCore(t *testing.T, dir, yaml string) *Core {
	t.Helper()
	path := filepath.Join(dir, "n.yaml")
	writeConfig(t, path, yaml)
	c, err := Open(t.Context(), Options{ConfigPath: path, DataDir: dir, Version: "test", Lab: true})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func closeCore(t *testing.T, c *Core) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// eventually waits until the condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(testLimit)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("after %v still not: %s", testLimit, what)
		}
		<-tick.C
	}
}

func problemIn(c *Core, area string) string {
	for _, p := range c.Problems() {
		if p.Area == area {
			return p.Text
		}
	}
	return ""
}

func TestCoreOnThisMachine(t *testing.T) {
	leaks := goleak.IgnoreCurrent()
	dir := shortDir(t)
	c := openCore(t, dir, "sources: [{kind: host, every: 1s}]\n")
	eventually(t, "load is known", func() bool {
		s, err := c.Source().Query(t.Context(), "node_load1", time.Now())
		return err == nil && len(s) == 1
	})
	if p := c.Problems(); len(p) > 0 {
		t.Errorf("problems: %v", p)
	}
	pid, runs := Owner(t.Context(), dir)
	if !runs || pid != strconv.Itoa(os.Getpid()) {
		t.Errorf("owner %s, %v", pid, runs)
	}

	// A second one on the same folder is refused, with the other's number.
	_, err := Open(t.Context(), Options{ConfigPath: filepath.Join(dir, "n.yaml"), DataDir: dir})
	if err == nil || !strings.Contains(err.Error(), pid) || !strings.Contains(err.Error(), "--data") {
		t.Errorf("second instance: %v", err)
	}

	// Commands reach it through the socket.
	client, done, err := Connect(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	var h control.Health
	if err := client.Get(t.Context(), "/api/nocturne/health", url.Values{}, &h); err != nil || h.PID != os.Getpid() || h.Version != "test" {
		t.Errorf("health %+v, %v", h, err)
	}
	if err := client.Post(t.Context(), "/api/lab/panic", url.Values{"source": {"host"}}, nil); err != nil {
		t.Errorf("fault drill: %v", err)
	}
	eventually(t, "the crashed collector is red", func() bool {
		for _, row := range c.Source().Sources() {
			if row.Name == "host" && row.State == model.Critical && strings.Contains(row.Error, "panicked") {
				return true
			}
		}
		return false
	})
	eventually(t, "and recovers", func() bool {
		for _, row := range c.Source().Sources() {
			if row.Name == "host" && row.State == model.OK {
				return true
			}
		}
		return false
	})
	if err := done(); err != nil {
		t.Error(err)
	}
	closeCore(t, c)
	if _, err := os.Stat(filepath.Join(dir, pidName)); err == nil {
		t.Error("the pid file stays behind")
	}
	goleak.VerifyNone(t, leaks)

	// And when none runs, they read the folder.
	client, done, err = Connect(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	var list []model.Entity
	if err := client.Get(t.Context(), "/api/nocturne/entities", url.Values{"kind": {"server"}}, &list); err != nil || len(list) != 1 {
		t.Errorf("entities %+v, %v", list, err)
	}
	if err := client.Post(t.Context(), "/api/nocturne/ack", url.Values{}, nil); err == nil {
		t.Error("acknowledged without a wallboard")
	}
	if err := done(); err != nil {
		t.Error(err)
	}
}

func TestConnectWithoutFolder(t *testing.T) {
	_, _, err := Connect(t.Context(), filepath.Join(t.TempDir(), "none"), nil)
	if err == nil || !strings.Contains(err.Error(), "start nocturne first") {
		t.Errorf("got %v", err)
	}
}

// What of the configuration is wrong is said; the rest runs; a reload takes over or is refused whole.
func TestCoreConfigProblemsAndReload(t *testing.T) {
	dir := shortDir(t)
	path := filepath.Join(dir, "n.yaml")
	c := openCore(t, dir, "sources: [{kind: host}, {kind: toaster}]\nwal: {}\n")
	defer closeCore(t, c)
	if text := problemIn(c, "config"); !strings.Contains(text, `n.yaml:2:1: unknown key "wal": did you mean "wall"?`) {
		t.Errorf("problem %q", text)
	}
	eventually(t, "the unknown source is red and the other lives", func() bool {
		state := map[string]model.State{}
		for _, row := range c.Source().Sources() {
			state[row.Name] = row.State
		}
		return state["toaster"] == model.Critical && state["host"] == model.OK
	})

	writeConfig(t, path, "sources: [{kind: host, name: renamed}]\nwall: {theme: light}\n")
	select {
	case cfg := <-c.Changes():
		if cfg.Wall.Theme != "light" || problemIn(c, "config") != "" {
			t.Errorf("%+v %q", cfg.Wall, problemIn(c, "config"))
		}
	case <-time.After(testLimit):
		t.Fatal("a changed file is not seen")
	}

	writeConfig(t, path, "sources: [{kind: host, name: renamed}]\nwall: {theme: pink}\n")
	eventually(t, "the bad reload is reported", func() bool { return strings.Contains(problemIn(c, "config"), "pink") })
	if c.Config().Wall.Theme != "light" {
		t.Errorf("the bad reload is used: %+v", c.Config().Wall)
	}
	if len(c.Changes()) > 0 {
		t.Error("the bad reload is delivered")
	}
}

// With no folder to write in, the wall runs from memory and says so (fault 29).
func TestCoreWithoutDataFolder(t *testing.T) {
	dir := shortDir(t)
	blocked := filepath.Join(dir, "file")
	writeConfig(t, blocked, "not a folder")
	c, err := Open(t.Context(), Options{ConfigPath: "", DataDir: filepath.Join(blocked, "data")})
	if err != nil {
		t.Fatal(err)
	}
	defer closeCore(t, c)
	if text := problemIn(c, "data"); !strings.Contains(text, "runs from memory") {
		t.Errorf("problem %q", text)
	}
	if err := c.SaveUI(1); err != nil {
		t.Errorf("nowhere to remember is no error: %v", err)
	}
	if c.Source().Now().IsZero() {
		t.Error("no clock")
	}
}

func TestUIState(t *testing.T) {
	dir := shortDir(t)
	c := openCore(t, dir, "sources: []\n")
	defer closeCore(t, c)
	type state struct{ Board string }
	var got state
	if err := c.LoadUI(&got); err != nil || got.Board != "" {
		t.Errorf("nothing remembered: %+v, %v", got, err)
	}
	if err := c.SaveUI(state{"network"}); err != nil {
		t.Fatal(err)
	}
	if err := c.LoadUI(&got); err != nil || got.Board != "network" {
		t.Errorf("%+v, %v", got, err)
	}
	writeConfig(t, filepath.Join(dir, uiName), "{")
	if err := c.LoadUI(&got); err == nil || !strings.Contains(err.Error(), "remove the file") {
		t.Errorf("damaged: %v", err)
	}
}

func TestCheckConfig(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "n.yaml")
	writeConfig(t, filepath.Join(dir, "r.yml"), "groups: [{name: a, rules: [{alert: A, expr: 'sum('}]}]")
	writeConfig(t, path, `sources:
  - {kind: hosd}
  - {kind: host, instanze: x}
rules: [r.yml]
notify: [{kind: mail}]
boards: [{name: a, panels: [{kind: sttat, at: [0, 0, 1, 1]}]}]
pages:
  - {for: pod, panels: [{kind: topnn, at: [0, 0, 1, 1]}]}
  - {for: service, exporter: redis, sheets: [{name: s, panels: [{kind: stat, at: [0, 0, 1, 1], expr: 'sum(x{instance="$instance"}'}]}]}
`)
	all := errors.Join(CheckConfig(path)...)
	if all == nil {
		t.Fatal("nothing is wrong")
	}
	for _, want := range []string{`n.yaml:2:6: unknown source kind "hosd": did you mean "host"?`, `unknown key "instanze": did you mean "instance"?`, "r.yml:1:", `unknown panel kind "sttat"`, `unknown panel kind "topnn"`, "n.yaml:9:", "n.yaml:5:11: notifications are not sent"} {
		if !strings.Contains(all.Error(), want) {
			t.Errorf("lacks %q:\n%v", want, all)
		}
	}
	writeConfig(t, path, "sources: [{kind: host}]\n")
	if errs := CheckConfig(path); len(errs) > 0 {
		t.Error(errs)
	}
}

func TestCollectOnce(t *testing.T) {
	cfg, err := config.Parse("n.yaml", []byte("sources: [{kind: host}, {kind: toaster}]\n"), ".")
	if err != nil {
		t.Fatal(err)
	}
	round, err := CollectOnce(t.Context(), cfg, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	states := map[string]model.State{}
	for _, row := range round.Sources {
		states[row.Name] = row.State
	}
	if states["host"] != model.OK || states["toaster"] != model.Critical || len(round.Batches) == 0 {
		t.Errorf("states %v, %d batches", states, len(round.Batches))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := CollectOnce(ctx, cfg, nil, nil); err != nil {
		t.Errorf("interrupted: %v", err)
	}
}
