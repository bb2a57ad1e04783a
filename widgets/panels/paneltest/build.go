package paneltest

import (
	"fmt"
	"hash/fnv"
	"math"
	"strconv"
	"time"

	promodel "github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/nocturne-noc/nocturne/store/model"
)

// Every is how often the series of a night have a point, and Reach how far back they go.
const (
	Every = 15 * time.Second
	Reach = 70 * time.Minute
)

// Add puts things into the world; what is not said is filled in: seen now, since two days ago.
func (s *Source) Add(things ...model.Entity) {
	for _, e := range things {
		if e.Since.IsZero() {
			e.Since = s.At.Add(-48 * time.Hour)
		}
		if e.Seen.IsZero() {
			e.Seen = s.At.Add(-3 * time.Second)
		}
		s.Things = append(s.Things, e)
	}
}

// Gauge adds a series with the value of f at each moment; NaN leaves the point out. kv are label
// names and values.
func (s *Source) Gauge(name string, f func(t time.Time) float64, kv ...string) {
	s.Long(name, Reach, f, kv...)
}

// Long is Gauge over another length of time, with a point each s.Every.
func (s *Source) Long(name string, reach time.Duration, f func(t time.Time) float64, kv ...string) {
	line := model.Series{Labels: labels.FromStrings(append([]string{promodel.MetricNameLabel, name}, kv...)...)}
	for t := s.At.Add(-reach).Truncate(s.Every); !t.After(s.At); t = t.Add(s.Every) {
		if v := f(t); !math.IsNaN(v) {
			line.Points = append(line.Points, model.Point{T: t.UnixMilli(), V: v})
		}
	}
	s.Lines = append(s.Lines, line)
}

// Counter adds a series that rises by rate(t) a second.
func (s *Source) Counter(name string, rate func(t time.Time) float64, kv ...string) {
	sum := 1e6
	s.Gauge(name, func(t time.Time) float64 {
		r := rate(t)
		if math.IsNaN(r) {
			return r
		}
		sum += r * Every.Seconds()
		return sum
	}, kv...)
}

// Const is a value that never changes.
func Const(v float64) func(time.Time) float64 { return func(time.Time) float64 { return v } }

// Wave is a value that wanders about mean by up to spread, the same way each time for the same name.
func Wave(name string, mean, spread float64) func(time.Time) float64 {
	phase := 6.28 * Dice(name, 1)
	return func(t time.Time) float64 {
		m := float64(t.Unix()) / 60
		slow := math.Sin(m/7+phase) * 0.45
		fast := math.Sin(m*1.9+3*phase) * 0.2
		noise := Dice(name+strconv.FormatInt(t.Unix()/30, 36), 1) - 0.5
		return mean + spread*(slow+fast+0.7*noise)
	}
}

// Until cuts a series off at a moment: its source fell silent.
func Until(end time.Time, f func(time.Time) float64) func(time.Time) float64 {
	return func(t time.Time) float64 {
		if t.After(end) {
			return math.NaN()
		}
		return f(t)
	}
}

// Dice returns a number in [0, n) that depends on the name alone.
func Dice(name string, n float64) float64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	x := h.Sum64()
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	return float64(x>>11) / (1 << 53) * n
}

// KST is the zone of the nights.
var KST = time.FixedZone("KST", 9*3600)

// clock returns a moment of the world's own day.
func clock(day time.Time, hms string) time.Time {
	t, err := time.Parse("15:04:05", hms)
	if err != nil {
		panic(fmt.Sprintf("time %q in a test night: %v", hms, err)) // a typing error in this package
	}
	y, m, d := day.Date()
	return time.Date(y, m, d, t.Hour(), t.Minute(), t.Second(), 0, day.Location())
}

// Crowd returns a world with n of everything that comes in numbers: servers, pods, events, alerts,
// services and ports, two in a hundred of them with a problem.
func Crowd(n int) *Source {
	s := New(time.Date(2025, 11, 18, 3, 19, 24, 0, KST))
	s.Rows = sources(s.At, false)
	s.Add(model.Entity{ID: model.ClusterID("big"), Kind: model.KindCluster, Name: "big", State: model.OK, Labels: map[string]string{
		"version": "v1.33.2", "nodes": "200", "nodes_ready": "200", "pods": strconv.Itoa(n), "pods_ready": strconv.Itoa(n - n/50),
	}})
	for i := range 200 {
		name := fmt.Sprintf("node-%03d", i)
		s.Add(model.Entity{ID: model.NodeID("big", name), Kind: model.KindNode, Name: name, Parent: model.ClusterID("big"), State: model.OK})
	}
	device := model.DeviceID("big-switch")
	s.Add(model.Entity{ID: device, Kind: model.KindDevice, Name: "big-switch", State: model.OK})
	for i := range n {
		state, reason := model.OK, ""
		switch i % 100 {
		case 7:
			state, reason = model.Warning, "not ready"
		case 13:
			state, reason = model.Critical, "CrashLoopBackOff"
		}
		since := s.At.Add(-time.Duration(i+1) * time.Second)
		pod := fmt.Sprintf("web-%05d", i)
		ns := fmt.Sprintf("ns-%02d", i%40)
		s.Add(
			model.Entity{ID: model.ObjectID("big", ns, model.KindPod, pod), Kind: model.KindPod, Name: pod, State: state, Reason: reason, Since: since,
				Labels: map[string]string{"node": fmt.Sprintf("node-%03d", i%200), "namespace": ns}},
			model.Entity{ID: model.ObjectID("big", ns, model.KindService, pod), Kind: model.KindService, Name: pod, State: state, Since: since,
				Labels: map[string]string{"endpoints_ready": "2", "endpoints": "3", "namespace": ns}},
			model.Entity{ID: model.ServerID(pod), Kind: model.KindServer, Name: pod, State: state, Reason: reason, Since: since},
			model.Entity{ID: model.PortID("big-switch", pod), Kind: model.KindInterface, Name: pod, Parent: device, State: state, Since: since},
		)
		s.Happened = append(s.Happened, model.Event{ID: uint64(i + 1), Time: since, Severity: state, Kind: "kubernetes", Title: pod, Text: "BackOff", Count: i % 7})
		if state.Problem() {
			s.Firing = append(s.Firing, model.Alert{ID: pod, Name: "PodSick", Severity: state, Title: pod + " is sick", Since: since, Fired: since, Labels: map[string]string{}})
		}
		value := Dice(pod, 100)
		s.Lines = append(s.Lines, model.Series{
			Labels: labels.FromStrings(promodel.MetricNameLabel, "load", "instance", pod),
			Points: []model.Point{{T: s.At.Add(-5 * time.Second).UnixMilli(), V: value}},
		})
	}
	return s
}
