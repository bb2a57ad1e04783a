package store

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/nocturne-noc/nocturne/store/bolt"
	"github.com/nocturne-noc/nocturne/store/model"
)

// The test binary is its own victim: with crashDirEnv set it writes to that folder, from the round
// in crashFromEnv on, until it is killed. crashKillsEnv says how often to kill it, 20 when unset.
const (
	crashDirEnv   = "NOCTURNE_CRASH_DIR"
	crashFromEnv  = "NOCTURNE_CRASH_FROM"
	crashKillsEnv = "NOCTURNE_CRASH_KILLS"
)

// A round is ten minutes of the victim's clock, so that windows are sealed, days begun and old ones
// removed all along.
func crashTime(round int) time.Time {
	return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(round) * 10 * time.Minute)
}

// crashKept is how many rounds are certainly kept by crashOptions, besides those of today.
const crashKept = 3 * 24 * 6

func crashOptions(dir string, now func() time.Time) Options {
	return Options{Dir: dir, Now: now, Tick: never, Retention: 4 * 24 * time.Hour, Retention5m: 40 * 24 * time.Hour}
}

// crashChild writes round after round, and says of each that it is synced when it is.
func crashChild(dir string) error {
	round, err := strconv.Atoi(os.Getenv(crashFromEnv))
	if err != nil {
		return err
	}
	s, err := Open(crashOptions(dir, func() time.Time { return crashTime(round) }))
	if err != nil {
		return err
	}
	for ; ; round++ {
		b := model.Batch{Source: "s", Scope: "s", Time: crashTime(round), Replace: true,
			Entities: []model.Entity{{ID: "device/x", Kind: model.KindDevice, State: model.OK, Labels: map[string]string{"round": strconv.Itoa(round)}}},
			Events:   []model.Event{{Kind: "round", Title: strconv.Itoa(round)}}}
		for i := range 50 {
			b.Samples = append(b.Samples, sample(crashTime(round), float64(round), "__name__", "round", "i", strconv.Itoa(i)))
		}
		if err := s.Apply(b); err != nil {
			return err
		}
		s.tick()
		if err := s.Health(); err != nil {
			return err
		}
		fmt.Println(round)
	}
}

// TestCrash kills a writer at random moments. All that it had called synced is there afterwards, and
// the rollups tell what the samples tell.
func TestCrash(t *testing.T) {
	kills := 20
	if n, err := strconv.Atoi(os.Getenv(crashKillsEnv)); err == nil {
		kills = n
	} else if testing.Short() {
		kills = 3
	}
	dir := t.TempDir()
	next := 0
	for range kills {
		acked := crashOnce(t, dir, next)
		next = checkCrash(t, dir, acked) + 1
	}
	t.Logf("%d kills, %d rounds, all that was synced is there", kills, next)
}

// crashOnce runs the victim from a round on, kills it, and returns the last round that was synced.
func crashOnce(t *testing.T, dir string, from int) (acked int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), crashDirEnv+"="+dir, crashFromEnv+"="+strconv.Itoa(from))
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	acked = from - 1
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		n, err := strconv.Atoi(lines.Text())
		if err != nil {
			break // killed while it wrote the line
		}
		if acked < from { // it is at work: from now on death may come at any moment
			time.AfterFunc(time.Duration(rand.IntN(100_000))*time.Microsecond, cancel)
		}
		acked = n
	}
	if err := cmd.Wait(); ctx.Err() == nil {
		t.Fatalf("the victim died by itself: %v: %s", err, stderr.String())
	}
	if acked < from {
		t.Fatalf("the victim got nowhere in a minute: %s", stderr.String())
	}
	return acked
}

// checkCrash returns the last round that is there, and fails the test for any before it that is not.
func checkCrash(t *testing.T, dir string, acked int) (last int) {
	t.Helper()
	s, err := Open(crashOptions(dir, func() time.Time { return crashTime(acked) }))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	from := max(0, acked-crashKept)
	mint, maxt := crashTime(from).UnixMilli(), crashTime(1<<20).UnixMilli()
	found, err := s.load(context.Background(), mint, maxt, whole, []*labels.Matcher{labels.MustNewMatcher(labels.MatchEqual, "__name__", "round")})
	if err != nil {
		t.Fatal(err)
	}
	list := found.list
	if len(list) != 50 || len(found.damage) > 0 {
		t.Fatalf("%d series, want 50; damage: %v", len(list), found.damage)
	}
	last = -1
	for k, d := range list {
		d.mint, d.maxt = mint, maxt
		n := from
		it := d.Iterator(nil)
		for ; it.Next() != chunkenc.ValNone; n++ {
			if at, v := it.At(); v != float64(n) || at != crashTime(n).UnixMilli() {
				t.Fatalf("sample %d of %v is %v at %v", n, d.labels, v, time.UnixMilli(at).UTC())
			}
		}
		if err := it.Err(); err != nil {
			t.Fatal(err)
		}
		if k > 0 && n != last+1 {
			t.Fatalf("%v ends with sample %d, the one before it with %d", d.labels, n-1, last)
		}
		last = n - 1
	}
	if last < acked {
		t.Fatalf("round %d was synced, %d is the last one there", acked, last)
	}
	events := s.Events(model.EventFilter{Kind: "round", Since: crashTime(from), Limit: 1 << 20})
	if n := last - from + 1; len(events) != n || events[0].Title != strconv.Itoa(last) || events[n-1].Title != strconv.Itoa(from) {
		t.Fatalf("%d events of %d rounds", len(events), n)
	}
	if e := s.Entities(model.Filter{}); len(e) != 1 || e[0].Labels["round"] != strconv.Itoa(last) {
		t.Fatalf("entities after round %d: %v", last, e)
	}
	catchUpAll(t, s)
	checkRollups(t, s)
	if raw, fine := s.archive.list(bolt.Raw), s.archive.list(bolt.FiveMinutes); len(fine) < len(raw) {
		t.Fatalf("%d windows of samples, %d are rolled up", len(raw), len(fine))
	}
	return last
}
