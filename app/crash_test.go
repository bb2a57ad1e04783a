package app

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

// The test binary is its own victim: with crashDirEnv set it acknowledges an alert on that folder and
// is killed.
const crashDirEnv = "NOCTURNE_CRASH_DIR"

const crashConfig = "sources: []\nrules: [r.yml]\n"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDirEnv); dir != "" {
		if err := acknowledgeAndDie(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// acknowledgeAndDie returns only when something goes wrong before the process kills itself.
func acknowledgeAndDie(dir string) error {
	ctx, cancel := context.WithTimeout(context.Background(), testLimit)
	defer cancel()
	c, err := Open(ctx, Options{ConfigPath: filepath.Join(dir, "n.yaml"), DataDir: dir})
	if err != nil {
		return err
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	alerts := c.Source().Alerts()
	for ; len(alerts) == 0; alerts = c.Source().Alerts() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("no alert: %v", c.Problems())
		case <-tick.C:
		}
	}
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		return err
	}
	// The alert itself is on disk already: what is at stake is the acknowledgement alone.
	if err := c.store.Sync(); err != nil {
		return err
	}
	a, err := c.Ack(alerts[0].ID, "kim", "on my way")
	if err != nil {
		return err
	}
	fmt.Println(a.ID)
	if err := self.Kill(); err != nil {
		return err
	}
	select {} // killed here
}

// What a person acknowledged stays so, although the process is killed at the next moment.
func TestAckOutlivesKill(t *testing.T) {
	dir := shortDir(t)
	writeConfig(t, filepath.Join(dir, "r.yml"), "groups: [{name: g, rules: [{alert: Always, expr: vector(1), labels: {severity: critical}}]}]\n")
	writeConfig(t, filepath.Join(dir, "n.yaml"), crashConfig)
	ctx, cancel := context.WithTimeout(t.Context(), 2*testLimit)
	defer cancel()
	victim := exec.CommandContext(ctx, os.Args[0])
	victim.Env = append(os.Environ(), crashDirEnv+"="+dir)
	var stderr strings.Builder
	victim.Stderr = &stderr
	out, err := victim.Output()
	lines := bufio.NewScanner(strings.NewReader(string(out)))
	if !lines.Scan() {
		t.Fatalf("the victim was not killed after its acknowledgement: %v: %s", err, stderr.String())
	}
	id := lines.Text()

	c := openCore(t, dir, crashConfig)
	defer closeCore(t, c)
	kept := func() model.Alert {
		for _, a := range c.Source().Alerts() {
			if a.ID == id {
				return a
			}
		}
		return model.Alert{}
	}
	if a := kept(); a.AckBy != "kim" || a.AckNote != "on my way" || a.AckAt.IsZero() {
		t.Errorf("after the restart %+v, want it acknowledged by kim", a)
	}
	// And it stays so when the rules have been looked at again.
	eventually(t, "the rules are evaluated", func() bool {
		for _, row := range c.Source().Sources() {
			if row.Name == "rules" && row.LastOK.After(c.started) {
				return true
			}
		}
		return false
	})
	if a := kept(); a.AckBy != "kim" {
		t.Errorf("after an evaluation %+v, want it acknowledged by kim", a)
	}
}
