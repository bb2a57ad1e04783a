package app

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestKeeperKeepsAcrossRestarts(t *testing.T) {
	dir := t.TempDir()
	if err := keeperIn(dir).Save("a/network", []int{1, 2}); err != nil {
		t.Fatal(err)
	}
	k := keeperIn(dir)
	var group sync.WaitGroup
	for _, name := range []string{"b", "c", "d"} {
		group.Go(func() {
			if err := k.Save(name, name); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	got := map[string]any{}
	for _, name := range []string{"a/network", "b", "c", "d", "nothing"} {
		var v any
		if err := keeperIn(dir).Load(name, &v); err != nil {
			t.Fatal(err)
		}
		got[name] = v
	}
	want := map[string]any{"a/network": []any{1.0, 2.0}, "b": "b", "c": "c", "d": "d", "nothing": nil}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
}

func TestKeeperSaysWhatItCannotRead(t *testing.T) {
	for _, content := range []string{"{", "[]", `{"map": "text"}`} {
		dir := t.TempDir()
		path := filepath.Join(dir, keptName)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		var into map[string]int
		err := keeperIn(dir).Load("map", &into)
		if err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %v, want one that names the file", content, err)
		}
	}
	dir := t.TempDir()
	path := filepath.Join(dir, keptName)
	if err := os.WriteFile(path, []byte("{broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := keeperIn(dir).Save("map", 1); err == nil {
		t.Error("what cannot be read was written over")
	}
	if err := os.WriteFile(path, []byte("null"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := keeperIn(dir).Save("map", 1); err != nil {
		t.Errorf("an empty file cannot be used: %v", err)
	}
	if err := keeperIn(filepath.Join(dir, "gone")).Save("map", 1); err == nil {
		t.Error("a folder that is not there kept something")
	}
}
