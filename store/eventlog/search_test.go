package eventlog

import (
	gocmp "cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nocturne-noc/nocturne/store/model"
)

var origin = time.Date(2026, 3, 4, 5, 0, 0, 0, time.UTC)

// words are what random events are made of: few, so that filters match, and with all that is hard about
// letters: Hangul, capitals of two alphabets, one whose lower case is of another length, broken UTF-8.
var words = []string{"link", "Link", "LINK", "down", "DOWN", "up", "포트", "링크", "꺼짐", "Äpfel", "äpfel", "ΣΟΦΙΑ", "İstanbul",
	"Kelvin", "\xff\xfe", "a", "", "10.0.0.17", "switch-042", "→", "100 %"}

func randomText(r *rand.Rand) string {
	var list []string
	for range r.IntN(5) {
		list = append(list, words[r.IntN(len(words))])
	}
	return strings.Join(list, " ")
}

func randomEvent(r *rand.Rand, id uint64) model.Event {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	e := model.Event{
		ID: id, Time: origin.Add(time.Duration(r.Int64N(int64(2 * time.Hour)))), Severity: model.State(r.IntN(6)),
		Kind: pick("state", "trap", "syslog", "kubernetes", ""), Source: pick("snmp", "kube", ""),
		Entity: pick("", "device/a", "device/a/port/1", "device/a/port/2", "device/ab", "kube/c/ns/n/pod/p", "device/", "장비/가"),
		Title:  randomText(r), Text: randomText(r), Count: r.IntN(4) - 1,
	}
	if r.IntN(3) == 0 {
		e.Time = e.Time.Truncate(time.Hour) // many at the same instant
	}
	if r.IntN(2) == 0 {
		e.Labels = map[string]string{"uid": fmt.Sprint(r.Uint64()), "reason": pick("BackOff", "Killing", ""), "": "nameless"}
	}
	return e
}

func randomEvents(r *rand.Rand, n int, firstID uint64) []model.Event {
	list := make([]model.Event, n)
	for i := range list {
		list[i] = randomEvent(r, firstID+uint64(i))
	}
	return list
}

func randomFilter(r *rand.Rand) model.EventFilter {
	maybe := func(list ...string) string {
		if r.IntN(3) > 0 {
			return ""
		}
		return list[r.IntN(len(list))]
	}
	f := model.EventFilter{
		Kind: maybe("state", "trap", "none"), Source: maybe("snmp", "kube", "none"),
		Entity: maybe("device/", "device/a/", "device/a", "device/a/port/1", "장비/", "kube/c/ns/", "none", "none/"),
		Text:   maybe("link", "LINK DOWN", "꺼짐", "포트 링크", "äPFEL", "σοφια", "i̇st", "kelvin", "크", "0.17", "\xff", "no such text", "n"),
		Limit:  []int{0, 1, 7, 100, 1 << 40}[r.IntN(5)],
	}
	if r.IntN(3) == 0 {
		f.MinRank = model.State(r.IntN(6))
	}
	if r.IntN(3) == 0 {
		f.Since = origin.Add(time.Duration(r.Int64N(int64(2 * time.Hour))))
	}
	if r.IntN(3) == 0 {
		f.Until = origin.Add(time.Duration(r.Int64N(int64(2 * time.Hour)))).Truncate(time.Hour)
	}
	return f
}

// bruteForce is what model.EventFilter says, word for word.
func bruteForce(list []model.Event, f model.EventFilter) []model.Event {
	out := []model.Event{}
	for _, e := range list {
		text := strings.ToLower(f.Text)
		switch {
		case !f.Since.IsZero() && e.Time.Before(f.Since), !f.Until.IsZero() && e.Time.After(f.Until),
			f.MinRank != 0 && e.Severity.Rank() < f.MinRank.Rank(),
			f.Kind != "" && e.Kind != f.Kind, f.Source != "" && e.Source != f.Source,
			f.Entity != "" && e.Entity != f.Entity && (!strings.HasSuffix(f.Entity, "/") || !strings.HasPrefix(e.Entity, f.Entity)),
			!strings.Contains(strings.ToLower(e.Title), text) && !strings.Contains(strings.ToLower(e.Text), text):
		default:
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b model.Event) int { return Compare(b, a) })
	return out[:min(len(out), gocmp.Or(f.Limit, DefaultLimit))]
}

// packed is a list of events as a sealed window has it.
func packed(t testing.TB, list []model.Event) Part {
	t.Helper()
	list = slices.Clone(list)
	slices.SortFunc(list, Compare)
	block, index, err := Encode(list)
	if err != nil {
		t.Fatal(err)
	}
	return Part{First: nanos(list[0].Time), Last: nanos(list[len(list)-1].Time),
		Index: func() (*Index, error) { return DecodeIndex(index) },
		Block: func() (*Block, error) { return Decode(block) }}
}

// jsonList is a list of events as windows had it before there were blocks.
func jsonList(t testing.TB, list []model.Event) []byte {
	t.Helper()
	var b []byte
	for i := range list {
		j, err := json.Marshal(&list[i])
		if err != nil {
			t.Fatal(err)
		}
		b = append(binary.AppendUvarint(b, uint64(len(j))), j...)
	}
	return b
}

// Whatever is asked of however many events in whatever form, the answer is what looking at each of
// them gives.
func TestSearchIsBruteForce(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 9 {
		var all []model.Event
		var parts []Part
		cache := NewCache([]int{0, 4096, 1 << 20}[round%3])
		for range 1 + r.IntN(4) {
			list := randomEvents(r, 1+r.IntN(700), uint64(len(all)+1))
			parts = append(parts, packed(t, list))
			all = append(all, list...)
		}
		old := randomEvents(r, 50, uint64(len(all)+1))
		for i := range old { // JSON knows only valid UTF-8
			old[i] = Bound(old[i])
		}
		all = append(all, old...)
		parts = append(parts, Part{First: nanos(origin), Last: nanos(origin.Add(2 * time.Hour)),
			Block: func() (*Block, error) { return Decode(jsonList(t, old)) }})
		var log Log
		for _, e := range randomEvents(r, r.IntN(3000), uint64(len(all)+1)) {
			log.Add(e)
			all = append(all, e)
		}
		parts = append(parts, log.Parts()...)
		for range 50 {
			f := randomFilter(r)
			got, err := Search(t.Context(), cache, parts, f)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(bruteForce(all, f), got); diff != "" {
				t.Fatalf("round %d, %+v: want -, got +:\n%s", round, f, diff)
			}
		}
		if cache.used > cache.limit {
			t.Fatalf("the cache keeps %d of %d bytes", cache.used, cache.limit)
		}
	}
}

// A part that cannot match is not unpacked: its index says so.
func TestSearchSkips(t *testing.T) {
	e := model.Event{ID: 1, Time: origin, Severity: model.Warning, Kind: "trap", Source: "snmp", Entity: "device/a/port/1", Title: "sw1", Text: "Link down"}
	for _, tc := range []struct {
		name  string
		f     model.EventFilter
		opens bool
	}{
		{"all", model.EventFilter{}, true},
		{"later", model.EventFilter{Since: origin.Add(1)}, false},
		{"earlier", model.EventFilter{Until: origin.Add(-1)}, false},
		{"that instant", model.EventFilter{Since: origin, Until: origin}, true},
		{"severity", model.EventFilter{MinRank: model.Warning}, true},
		{"worse", model.EventFilter{MinRank: model.Critical}, false},
		{"kind", model.EventFilter{Kind: "trap"}, true},
		{"other kind", model.EventFilter{Kind: "syslog"}, false},
		{"source", model.EventFilter{Source: "snmp"}, true},
		{"other source", model.EventFilter{Source: "kube"}, false},
		{"entity", model.EventFilter{Entity: "device/a/port/1"}, true},
		{"its device alone", model.EventFilter{Entity: "device/a"}, false},
		{"under its device", model.EventFilter{Entity: "device/a/"}, true},
		{"under another", model.EventFilter{Entity: "device/b/"}, false},
		{"text", model.EventFilter{Text: "LINK"}, true},
		{"other text", model.EventFilter{Text: "power"}, false},
		{"short text", model.EventFilter{Text: "zz"}, true},
	} {
		p := packed(t, []model.Event{e})
		opened := false
		block := p.Block
		p.Block = func() (*Block, error) { opened = true; return block() }
		if _, err := Search(t.Context(), NewCache(1<<20), []Part{p}, tc.f); err != nil {
			t.Fatal(err)
		}
		if opened != tc.opens {
			t.Errorf("%s: opened %v, want %v", tc.name, opened, tc.opens)
		}
	}
}

// The search goes back only as far as it has to, and one bad part does not keep out the others.
func TestSearchStops(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var parts []Part
	opened := 0
	for i := range 10 {
		list := randomEvents(r, 20, uint64(20*i+1))
		for k := range list {
			list[k].Time = list[k].Time.Add(time.Duration(i) * 2 * time.Hour)
		}
		p := packed(t, list)
		block := p.Block
		p.Block = func() (*Block, error) { opened++; return block() }
		parts = append(parts, p)
	}
	list, err := Search(t.Context(), NewCache(1<<20), parts, model.EventFilter{Limit: 30})
	if err != nil || len(list) != 30 || opened != 2 {
		t.Errorf("%d events out of %d parts, %v; want 30 of 2", len(list), opened, err)
	}

	bad := errors.New("unreadable")
	parts[9].Block = func() (*Block, error) { return nil, bad }
	parts[8].Index = func() (*Index, error) { return nil, bad } // costs nothing but time
	list, err = Search(t.Context(), NewCache(1<<20), parts, model.EventFilter{Limit: 30})
	if !errors.Is(err, bad) || len(list) != 30 {
		t.Errorf("%d events, %v; want 30 and that one part is unreadable", len(list), err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	block := parts[5].Block
	parts[5].Block = func() (*Block, error) { cancel(); return block() }
	parts[9] = packed(t, randomEvents(r, 20, 1000))
	list, err = Search(ctx, NewCache(1<<20), parts, model.EventFilter{Text: "n"})
	if !errors.Is(err, ErrCutShort) || len(list) == 0 {
		t.Errorf("%d events, %v; want what was found and that it was cut short", len(list), err)
	}
}

// Letters compare as strings.ToLower makes them, all of them.
func TestFold(t *testing.T) {
	for r := rune(0); r < 0x20000; r++ {
		s := "A" + string(r) + "z"
		if got := string(fold(nil, s)); got != strings.ToLower(s) {
			t.Fatalf("%U: %q, want %q", r, got, strings.ToLower(s))
		}
	}
}
