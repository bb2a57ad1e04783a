package snmp

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nocturne-noc/nocturne/collectors"
	"github.com/nocturne-noc/nocturne/store/model"
)

// TestLive polls real agents: NOCTURNE_TEST_SNMP=127.0.0.1:1161,127.0.0.2:1161 go test -run Live -v
func TestLive(t *testing.T) {
	list := os.Getenv("NOCTURNE_TEST_SNMP")
	if list == "" {
		t.Skip("NOCTURNE_TEST_SNMP lists no agents")
	}
	env := collectors.Env{
		Name: "live",
		Decode: func(into any) error {
			*into.(*Config) = Config{Targets: strings.Split(list, ",")}
			return nil
		},
		Secret: func(ref string) (string, error) { return ref, nil },
		Links:  func(string) []model.Link { return nil },
		Now:    time.Now,
	}
	jobs, err := Kind().Open(env)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var mu sync.Mutex
	var topology model.Batch
	emit := func(b model.Batch) {
		mu.Lock()
		defer mu.Unlock()
		if b.Scope == topologyScope {
			topology = b
			return
		}
		t.Logf("%s: %d entities, %d samples; %s: %s %s", b.Scope, len(b.Entities), len(b.Samples), b.Entities[0].Name, b.Entities[0].State, b.Entities[0].Reason)
	}
	for _, job := range jobs {
		if err := job.Poll.Collect(ctx, emit); err != nil {
			t.Errorf("%s: %v", job.Target, err)
		}
	}
	for _, l := range topology.Links {
		text, err := json.Marshal(l)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s", text)
	}
}
