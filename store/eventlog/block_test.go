package eventlog

import (
	gocmp "cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nocturne-noc/nocturne/store/model"
)

func TestRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	full := model.Event{ID: 42, Time: origin.Add(123456789), Severity: model.Critical, Kind: "kubernetes", Entity: "kube/c/ns/n/pod/p",
		Title: "n/p", Text: "이미지를 받지 못함", Count: 17, Labels: map[string]string{"uid": "u", "reason": ""}, Source: "kube"}
	seconds := randomEvents(r, 300, 1)
	for i := range seconds {
		seconds[i].Time = seconds[i].Time.Truncate(time.Second)
	}
	entities := randomEvents(r, 70_000, 1) // more than two bytes count
	for i := range entities {
		entities[i] = model.Event{ID: uint64(i), Time: origin, Entity: fmt.Sprint("device/", i), Text: fmt.Sprint(i)}
	}
	long := full
	long.Text = strings.Repeat("long ", 1<<18)
	for name, list := range map[string][]model.Event{
		"none":           {},
		"one":            {full},
		"empty":          {{Time: origin}},
		"random":         randomEvents(r, 2000, 1),
		"whole seconds":  seconds,
		"many entities":  entities,
		"long texts":     {long, long, full},
		"unknown state":  {{Time: origin, Severity: 200}},
		"far from today": {{ID: math.MaxUint64, Time: time.Unix(0, math.MinInt64).UTC()}, {ID: 1, Time: time.Unix(0, math.MaxInt64).UTC()}},
	} {
		slices.SortFunc(list, Compare)
		packed, index, err := Encode(list)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		b, err := Decode(packed)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := b.Events()
		if diff := cmp.Diff(list, got); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", name, err, diff)
		}
		if len(list) == 0 {
			continue
		}
		x, err := DecodeIndex(index)
		if err != nil || x.Rows() != len(list) {
			t.Errorf("%s: the index has %v, %v", name, x, err)
		}
		if want := slices.MaxFunc(list, func(a, b model.Event) int { return gocmp.Compare(a.ID, b.ID) }).ID; b.LastID() != want {
			t.Errorf("%s: last ID %d, want %d", name, b.LastID(), want)
		}
	}
}

// What comes from where years have five digits is kept at the border of time.
func TestTimesOutOfReach(t *testing.T) {
	for _, at := range []time.Time{{}, time.Unix(1<<50, 0)} {
		packed, _, err := Encode([]model.Event{{Time: at, Text: "x"}})
		if err != nil {
			t.Fatal(err)
		}
		b, err := Decode(packed)
		if err != nil {
			t.Fatal(err)
		}
		list, err := b.Events()
		if err != nil || len(list) != 1 || list[0].Time.IsZero() != false || list[0].Time.Year() < 1677 || list[0].Time.Year() > 2262 {
			t.Errorf("%v became %v, %v", at, list, err)
		}
	}
}

func TestDecodeOldList(t *testing.T) {
	list := randomEvents(rand.New(rand.NewPCG(7, 8)), 500, 1)
	for i := range list {
		list[i] = Bound(list[i])
	}
	b, err := Decode(jsonList(t, list))
	if err != nil {
		t.Fatal(err)
	}
	got, err := b.Events()
	slices.SortFunc(list, Compare)
	if diff := cmp.Diff(list, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
}

// Every single flipped bit is either noticed or changes what the block says; nothing panics.
func TestDamage(t *testing.T) {
	list := randomEvents(rand.New(rand.NewPCG(9, 10)), 300, 1)
	slices.SortFunc(list, Compare)
	packed, index, err := Encode(list)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(packed); i += 1 + i/100 { // all of the head, some of the rest
		for _, bit := range []byte{1, 0x80} {
			packed[i] ^= bit
			readAll(t, packed)
			packed[i] ^= bit
		}
		readAll(t, packed[:i])
	}
	for i := range index {
		for _, bit := range []byte{1, 0x80} {
			index[i] ^= bit
			if _, err := DecodeIndex(index); err != nil && !errors.Is(err, ErrDamaged) {
				t.Fatalf("byte %d: %v", i, err)
			}
			index[i] ^= bit
		}
		if _, err := DecodeIndex(index[:i]); err != nil && !errors.Is(err, ErrDamaged) {
			t.Fatalf("%d bytes: %v", i, err)
		}
	}
	if _, err := Decode([]byte{3, 0, 0}); !errors.Is(err, ErrDamaged) {
		t.Errorf("a block of another version: %v", err)
	}
}

// readAll reads and searches what may be a block.
func readAll(t *testing.T, packed []byte) {
	b, err := Decode(packed)
	if err == nil {
		_, err = b.Events()
	}
	if err != nil && !errors.Is(err, ErrDamaged) {
		t.Fatal(err)
	}
	if b != nil {
		_, err := Search(t.Context(), NewCache(1<<20), []Part{{First: math.MinInt64, Last: math.MaxInt64,
			Block: func() (*Block, error) { return b, nil }}}, model.EventFilter{Text: "link", Entity: "device/"})
		if err != nil && !errors.Is(err, ErrDamaged) {
			t.Fatal(err)
		}
	}
}

func TestBound(t *testing.T) {
	many := map[string]string{}
	for i := range 1000 {
		many[fmt.Sprintf("%04d", i)] = "v"
	}
	for _, tc := range []struct {
		name      string
		e         model.Event
		want      func(e model.Event) any
		is        any
		unchanged bool
	}{
		{name: "small", e: model.Event{Title: "t", Labels: map[string]string{"a": "b"}}, unchanged: true},
		{name: "long text", e: model.Event{Text: strings.Repeat("가", 10_000)},
			want: func(e model.Event) any { return len(e.Text) <= maxText && strings.HasSuffix(e.Text, "가…") }, is: true},
		{name: "broken text", e: model.Event{Title: "a\xffb"}, want: func(e model.Event) any { return e.Title }, is: "a\uFFFDb"},
		{name: "long entity", e: model.Event{Entity: strings.Repeat("x", 5000)}, want: func(e model.Event) any { return len(e.Entity) }, is: maxName},
		{name: "many labels", e: model.Event{Labels: many},
			want: func(e model.Event) any { return fmt.Sprint(len(e.Labels), e.Labels["0063"], e.Labels["0064"]) }, is: "64v"},
		{name: "long label", e: model.Event{Labels: map[string]string{"a": strings.Repeat("x", 1<<20)}},
			want: func(e model.Event) any { return len(e.Labels["a"]) }, is: maxText},
	} {
		got := Bound(tc.e)
		if tc.unchanged {
			if diff := cmp.Diff(tc.e, got); diff != "" {
				t.Errorf("%s: %s", tc.name, diff)
			}
		} else if is := tc.want(got); is != tc.is {
			t.Errorf("%s: %v, want %v", tc.name, is, tc.is)
		}
	}
	if len(many) != 1000 {
		t.Error("the caller's labels were changed")
	}
}
