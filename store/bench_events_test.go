package store

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	bbolt "go.etcd.io/bbolt"

	"github.com/nocturne-noc/nocturne/store/bolt"
	"github.com/nocturne-noc/nocturne/store/eventlog"
	"github.com/nocturne-noc/nocturne/store/model"
)

const (
	benchEvents  = 1_000_000
	benchWindows = 360 // of two hours: 30 days
)

// origin is when the month begins.
var origin = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// A month of a large site: Kubernetes news, syslog, traps, changes of state and alerts. One event, a
// third into the month, has a word that no other has.
const benchNeedle = "sn/foc2231x0qz"

func benchWindow(w int) []model.Event {
	r := rand.New(rand.NewPCG(19, uint64(w)))
	start := origin.Add(time.Duration(w) * 2 * time.Hour)
	first, end := benchEvents*w/benchWindows, benchEvents*(w+1)/benchWindows
	at := make([]time.Duration, end-first)
	for i := range at {
		at[i] = time.Duration(r.Int64N(int64(2 * time.Hour)))
	}
	slices.Sort(at)
	list := make([]model.Event, len(at))
	for i := range at {
		list[i] = benchEvent(r, uint64(first+i+1), start.Add(at[i]))
	}
	if w == benchWindows/3 {
		list[len(list)/2].Text += " " + benchNeedle
	}
	slices.SortFunc(list, eventlog.Compare)
	return list
}

func benchEvent(r *rand.Rand, id uint64, at time.Time) model.Event {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	device := fmt.Sprintf("switch-%03d", r.IntN(400))
	port := fmt.Sprintf("Gi1/0/%d", 1+r.IntN(48))
	e := model.Event{ID: id, Time: at, Source: "campus", Entity: model.DeviceID(device), Title: device, Severity: model.OK}
	switch n := r.IntN(100); {
	case n < 40:
		ns, app := fmt.Sprintf("team-%02d", r.IntN(30)), pick("api", "web", "worker", "cache", "db")
		pod := fmt.Sprintf("%s-7d9f8c6b5-%05x", app, 1+r.IntN(13)*77_711) // of 1950
		reason := pick("BackOff", "Unhealthy", "FailedScheduling", "Failed", "Killing", "NodeNotReady")
		e = model.Event{ID: id, Time: at.Truncate(time.Second), Severity: model.Warning, Kind: "kubernetes", Source: "prod",
			Entity: model.ObjectID("prod", ns, model.KindPod, pod), Title: ns + "/" + pod, Count: 1 + r.IntN(30),
			Text: reason + ": " + pick("Back-off restarting failed container "+app+" in pod "+pod,
				fmt.Sprintf("Readiness probe failed: Get \"http://10.%d.%d.%d:8080/healthz\": context deadline exceeded", r.IntN(4), r.IntN(256), r.IntN(256)),
				fmt.Sprintf("0/%d nodes are available: %d Insufficient memory", 20+r.IntN(3), r.IntN(20))),
			Labels: map[string]string{"cluster": "prod", "kind": "Pod", "reason": reason, "namespace": ns, "from": "kubelet",
				"uid": fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", r.Uint32(), r.IntN(1<<16), r.IntN(1<<12), r.IntN(1<<16), r.Int64N(1<<48))}}
	case n < 70:
		e.Kind = "syslog"
		e.Severity = []model.State{model.OK, model.OK, model.Warning, model.Critical}[min(r.IntN(40)/13, 3)]
		e.Text = pick(fmt.Sprintf("%%LINEPROTO-5-UPDOWN: Line protocol on Interface %s, changed state to %s", port, pick("up", "down")),
			fmt.Sprintf("%%SEC_LOGIN-4-LOGIN_FAILED: Login failed [user: admin] [Source: 10.%d.%d.%d] [localport: 22]", r.IntN(4), r.IntN(256), r.IntN(256)),
			fmt.Sprintf("%%SYS-5-CONFIG_I: Configured from console by vty%d (10.0.%d.%d)", r.IntN(5), r.IntN(256), r.IntN(256)),
			"온도가 한계를 넘음: 전원 장치 "+fmt.Sprint(1+r.IntN(2)))
	case n < 80:
		e.Kind, e.Severity = "trap", model.Warning
		e.Entity, e.Text = model.PortID(device, port), pick("linkDown ", "linkUp ")+port
		e.Labels = map[string]string{"oid": "1.3.6.1.6.3.1.1.5." + pick("3", "4"), "ifName": port}
	case n < 97:
		e.Kind, e.Entity, e.Title = "state", model.PortID(device, port), device+" "+port
		e.Text = pick("ok → warning", "warning → ok", "ok → stale", "stale → ok")
	default:
		e.Kind, e.Severity, e.Title = "alert", model.State(1+r.IntN(3)), "Device down: "+device
		e.Text = pick("fired", "resolved after 5m", "resolved after 12m30s")
		e.Labels = map[string]string{"alertname": "DeviceDown", "device": device, "transition": "fired",
			"summary_ko": "장비 꺼짐: " + device, "description_ko": "5분 동안 응답이 없음"}
	}
	return e
}

var benchFilters = []struct {
	name string
	f    model.EventFilter
}{
	{"newest 1000", model.EventFilter{}},
	{"critical", model.EventFilter{MinRank: model.Critical}},
	{"kind and severity", model.EventFilter{Kind: "alert", MinRank: model.Critical, Limit: 50}},
	{"one entity", model.EventFilter{Entity: "device/switch-123"}},
	{"one port", model.EventFilter{Entity: model.PortID("switch-123", "Gi1/0/17")}},
	{"entities under", model.EventFilter{Entity: "kube/prod/ns/team-07/"}},
	{"needle", model.EventFilter{Text: strings.ToUpper(benchNeedle)}},
	{"nowhere", model.EventFilter{Text: "10.9.8.7"}},
	{"an address", model.EventFilter{Text: "10.3.17.99"}},
	{"common text", model.EventFilter{Text: "Changed State to DOWN"}},
	{"hangul", model.EventFilter{Text: "전원 장치 2"}},
	{"a day in the middle", model.EventFilter{Since: origin.Add(15 * 24 * time.Hour), Until: origin.Add(16 * 24 * time.Hour)}},
}

// BenchmarkEvents searches a million events of 30 days in sealed windows on disk: cold with nothing
// unpacked, and warm. The peers are the way before blocks, a JSON list per window of which all is
// decoded, and a bbolt bucket with a key per event.
func BenchmarkEvents(b *testing.B) {
	dir := b.TempDir()
	kept := writeBenchEvents(b, dir, eventlog.Encode)
	end := origin.Add(benchWindows * bolt.Window)
	s := open(b, Options{Dir: dir, Now: func() time.Time { return end }, Tick: never, Retention: 10_000 * time.Hour, ReadOnly: true})
	search := func(b *testing.B, f model.EventFilter) {
		list, err := s.FindEvents(b.Context(), f)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(list)), "events")
	}
	for _, tc := range benchFilters {
		b.Run("cold/"+tc.name, func(b *testing.B) {
			for b.Loop() {
				s.archive.events = eventlog.NewCache(eventMemory)
				search(b, tc.f)
			}
			b.ReportMetric(kept, "B/event")
		})
	}
	for _, tc := range benchFilters {
		b.Run("warm/"+tc.name, func(b *testing.B) {
			search(b, tc.f)
			search(b, tc.f)
			for b.Loop() {
				search(b, tc.f)
			}
			b.ReportMetric(float64(s.archive.events.Used())/(1<<20), "MiB")
		})
	}
	b.Run("json/any", func(b *testing.B) {
		old := b.TempDir()
		kept := writeBenchEvents(b, old, jsonEvents)
		s := open(b, Options{Dir: old, Now: func() time.Time { return end }, Tick: never, Retention: 10_000 * time.Hour, ReadOnly: true})
		for b.Loop() {
			found := 0
			for _, w := range s.archive.list(bolt.Raw) {
				packed, err := w.File.Events(w.Start)
				if err != nil {
					b.Fatal(err)
				}
				eachJSONEvent(b, packed, func(e *model.Event) {
					if strings.Contains(strings.ToLower(e.Text), benchNeedle) {
						found++
					}
				})
			}
			b.ReportMetric(float64(found), "events")
		}
		b.ReportMetric(kept, "B/event")
	})
	b.Run("bbolt/any", benchEventCursor)
}

// benchEventCursor reads the newest tenth of the events from a bucket, one value each, and says what all
// would take.
func benchEventCursor(b *testing.B) {
	db, err := bbolt.Open(filepath.Join(b.TempDir(), "events.db"), 0o600, &bbolt.Options{NoSync: true})
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			b.Error(err)
		}
	}()
	const share = 10
	for w := range benchWindows / share {
		err := db.Update(func(tx *bbolt.Tx) error {
			bucket, err := tx.CreateBucketIfNotExists([]byte("events"))
			if err != nil {
				return err
			}
			bucket.FillPercent = 1
			for _, e := range benchWindow(w) {
				j, err := json.Marshal(&e)
				if err != nil {
					return err
				}
				if err := bucket.Put(binary.BigEndian.AppendUint64(nil, e.ID), j); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	found := 0
	for b.Loop() {
		err := db.View(func(tx *bbolt.Tx) error {
			c := tx.Bucket([]byte("events")).Cursor()
			for key, value := c.Last(); key != nil; key, value = c.Prev() {
				var e model.Event
				if err := json.Unmarshal(value, &e); err != nil {
					return err
				}
				if strings.Contains(strings.ToLower(e.Text), benchNeedle) {
					found++
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	info, err := os.Stat(db.Path())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(b.Elapsed().Seconds()*1000*share/float64(b.N), "ms/million")
	b.ReportMetric(float64(info.Size())*share/benchEvents, "B/event")
}

// writeBenchEvents seals windows with events alone, and returns what an event takes in the files.
func writeBenchEvents(b *testing.B, path string, encode func([]model.Event) (block, index []byte, err error)) float64 {
	b.Helper()
	dir, err := bolt.OpenDir(path, false)
	if err != nil {
		b.Fatal(err)
	}
	for w := range benchWindows {
		block, index, err := encode(benchWindow(w))
		if err != nil {
			b.Fatal(err)
		}
		start := origin.Add(time.Duration(w) * bolt.Window).UnixMilli()
		if _, err := dir.Put(bolt.Raw, &bolt.WindowData{Start: start, MinT: math.MaxInt64, MaxT: math.MinInt64, Events: block, EventIndex: index}); err != nil {
			b.Fatal(err)
		}
	}
	if err := dir.Close(); err != nil {
		b.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(path, "day-*.db"))
	if err != nil {
		b.Fatal(err)
	}
	size := int64(0)
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			b.Fatal(err)
		}
		size += info.Size()
	}
	return float64(size) / benchEvents
}

// jsonEvents is how events were kept before there were blocks; compressed on disk.
func jsonEvents(list []model.Event) (block, index []byte, err error) {
	var b []byte
	for i := range list {
		j, err := json.Marshal(&list[i])
		if err != nil {
			return nil, nil, err
		}
		b = appendBytes(b, j)
	}
	return b, nil, nil
}

func eachJSONEvent(t testing.TB, b []byte, visit func(*model.Event)) {
	t.Helper()
	for r := (reader{b: b}); len(r.b) > 0; {
		var e model.Event
		if err := json.Unmarshal(r.bytes(), &e); err != nil {
			t.Fatal(err)
		}
		visit(&e)
	}
}

// BenchmarkEventSealing packs the events of one window.
func BenchmarkEventSealing(b *testing.B) {
	list := benchWindow(0)
	for b.Loop() {
		if _, _, err := eventlog.Encode(list); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(list)), "ns/event")
}

// BenchmarkEventsOpen searches 200,000 events that are not sealed yet, as the wall does each second,
// with one more told each time.
func BenchmarkEventsOpen(b *testing.B) {
	for _, tc := range benchFilters {
		b.Run(tc.name, func(b *testing.B) {
			var log eventlog.Log
			for w := range 72 {
				for _, e := range benchWindow(w) {
					log.Add(e)
				}
			}
			cache := eventlog.NewCache(eventMemory)
			one := benchWindow(72)[0]
			for b.Loop() {
				log.Add(one)
				if _, err := eventlog.Search(b.Context(), cache, log.Parts(), tc.f); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
