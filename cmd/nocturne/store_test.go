package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nocturne-noc/nocturne/app"
	"github.com/nocturne-noc/nocturne/store"
)

// The tools do the same on a folder that nobody uses and on one that a wallboard runs on.
func TestStoreCommands(t *testing.T) {
	dir := history(t)
	for _, running := range []bool{false, true} {
		if running {
			core, err := app.Open(t.Context(), app.Options{DataDir: dir, ConfigPath: emptyConfig(t), Log: (&global{}).logger(os.Stderr)})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := core.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		code, out, messages := nocturne(t, "store", "check", "--data", dir)
		if code != 0 || !strings.HasPrefix(out, "TIER") || !strings.Contains(out, "not sealed") {
			t.Errorf("check: %d\n%s\n%s", code, out, messages)
		}
		if did := strings.Contains(messages, "the wallboard that runs on"); did != running {
			t.Errorf("who did it: %s", messages)
		}
		var check store.CheckReport
		code, out, messages = nocturne(t, "store", "check", "--json", "--data", dir)
		if err := json.Unmarshal([]byte(out), &check); err != nil || code != 0 || len(check.Tiers) != 3 || check.WALBytes == 0 || check.Damage == nil {
			t.Errorf("check --json: %d, %v\n%s\n%s", code, err, out, messages)
		}
		if code, out, messages = nocturne(t, "store", "compact", "--data", dir); code != 0 || out != "" {
			t.Errorf("compact: %d\n%s\n%s", code, out, messages)
		}
		to := filepath.Join(t.TempDir(), "copy")
		if code, out, messages = nocturne(t, "store", "backup", to, "--data", dir); code != 0 || !strings.HasPrefix(out, to+": ") {
			t.Errorf("backup: %d\n%s\n%s", code, out, messages)
		}
		if code, _, messages = nocturne(t, "store", "backup", to, "--data", dir); code != 1 || !strings.Contains(messages, "is not empty") {
			t.Errorf("backup over another: %d\n%s", code, messages)
		}
		if code, out, messages = nocturne(t, "query", "count_over_time(m[1d])", "--data", to); code != 0 || !strings.Contains(out, `"1"`) {
			t.Errorf("the copy: %d\n%s\n%s", code, out, messages)
		}
	}
}

func TestStoreCheckDamage(t *testing.T) {
	dir := history(t)
	if err := os.WriteFile(filepath.Join(dir, "day-20260101.db"), []byte("not a file of history"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, messages := nocturne(t, "store", "check", "--data", dir)
	if code != 1 || !strings.Contains(out, "damage: ") || !strings.Contains(out, "day-20260101.db") || !strings.Contains(messages, "damaged in 1 places") {
		t.Errorf("%d\n%s\n%s", code, out, messages)
	}
	if _, err := os.Stat(filepath.Join(dir, "day-20260101.db")); err != nil {
		t.Error("a check has changed the folder:", err)
	}
}

func TestStoreMisuse(t *testing.T) {
	for _, args := range [][]string{{"store"}, {"store", "backup"}, {"store", "check", "extra"}} {
		if code, _, messages := nocturne(t, args...); code != 2 {
			t.Errorf("%v: %d\n%s", args, code, messages)
		}
	}
	if code, _, messages := nocturne(t, "store", "check", "--data", filepath.Join(t.TempDir(), "none")); code != 1 || !strings.Contains(messages, "there is none") {
		t.Errorf("no folder: %d\n%s", code, messages)
	}
}

func emptyConfig(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "nocturne.yaml")
	if err := os.WriteFile(path, []byte("wall: {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
