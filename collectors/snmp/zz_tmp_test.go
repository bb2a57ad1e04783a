package snmp

import (
	"context"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nocturne-noc/nocturne/collectors"
	"github.com/nocturne-noc/nocturne/store/model"
)

func TestZZ(t *testing.T) {
	list := os.Getenv("ZZ")
	if list == "" {
		t.Skip()
	}
	env := collectors.Env{
		Name: "live", Every: 5 * time.Second,
		Decode: func(into any) error { *into.(*Config) = Config{Targets: strings.Split(list, ",")}; return nil },
		Secret: func(ref string) (string, error) { return ref, nil },
		Links:  func(string) []model.Link { return nil },
		Now:    time.Now,
	}
	jobs, err := Kind().Open(env)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	var mu sync.Mutex
	last := map[string]string{}
	say := func(key, text string) {
		if last[key] != text {
			t.Logf("%s %s: %s", time.Now().Format("15:04:05.0"), key, text)
			last[key] = text
		}
	}
	emit := func(b model.Batch) {
		mu.Lock()
		defer mu.Unlock()
		for _, l := range b.Links {
			say(l.Key(), l.State.String()+" "+l.Reason)
		}
		for _, e := range b.Entities {
			if e.Kind == model.KindDevice {
				say(e.ID, e.State.String()+" "+e.Reason)
			}
		}
	}
	var wg sync.WaitGroup
	for _, job := range jobs {
		wg.Go(func() {
			for ctx.Err() == nil {
				c, cancel := context.WithTimeout(ctx, 5*time.Second)
				start := time.Now()
				err := job.Poll.Collect(c, emit)
				cancel()
				mu.Lock()
				d := job.Poll.(*device).session
				t.Logf("%s %.2fs %d/%d %v %v", job.Target, time.Since(start).Seconds(), d.lost, d.requests, d.pace, err)
				mu.Unlock()
				select {
				case <-time.After(5*time.Second - time.Since(start)):
				case <-ctx.Done():
				}
			}
		})
	}
	wg.Wait()
}
