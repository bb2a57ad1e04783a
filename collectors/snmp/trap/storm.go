package trap

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

// How much of one sender is shown trap by trap. A device that reboots sends some dozens at once; what
// goes on for longer is a storm, which is counted and summed up.
const (
	shownAtOnce = 40
	shownEvery  = 10 * time.Second // one more

	firstSummary = time.Second // after the first trap that is not shown
	nextSummary  = time.Minute

	maxSummaries = 20 // events in one go; more storms than that are told of in one
	maxCounted   = 32 // kinds, or addresses, that are counted apart in one storm
)

// budget is a bucket of tokens. The zero value is full.
type budget struct {
	used float64
	at   time.Time
}

// take takes a token, false if there is none.
func (b *budget) take(now time.Time) bool {
	if d := now.Sub(b.at); d > 0 {
		b.used = max(0, b.used-float64(d)/float64(shownEvery))
	}
	b.at = now
	if b.used+1 > shownAtOnce {
		return false
	}
	b.used++
	return true
}

// sender is one polled device, or all senders that nobody polls together: there is no end of them.
type sender struct {
	budget budget
	device string // "" for those that nobody polls
	storm  storm
}

// storm counts what is not shown of a sender.
type storm struct {
	since   time.Time // the first that no summary tells of; zero for none
	due     time.Time // when the next summary may be told
	count   int
	names   map[string]int
	senders map[netip.Addr]int
}

func (s *storm) add(name string, from netip.Addr, now time.Time) {
	if s.count == 0 {
		s.since = now
		if d := now.Add(firstSummary); s.due.Before(d) {
			s.due = d
		}
		s.names, s.senders = map[string]int{}, map[netip.Addr]int{}
	}
	s.count++
	count(s.names, name)
	count(s.senders, from)
}

// count counts within bounds.
func count[K comparable](m map[K]int, key K) {
	if _, ok := m[key]; ok || len(m) < maxCounted {
		m[key]++
	}
}

// senders keeps what may still be shown of each sender. It is not for concurrent use.
type senders struct {
	devices map[string]*sender
	others  sender
}

func newSenders() *senders { return &senders{devices: map[string]*sender{}} }

// of returns the books of a device, "" for all that nobody polls. Its number of devices is that of the
// polled ones.
func (s *senders) of(device string) *sender {
	if device == "" {
		return &s.others
	}
	known := s.devices[device]
	if known == nil {
		known = &sender{device: device}
		s.devices[device] = known
	}
	return known
}

// shows reports whether a trap is shown, and counts it if it is not.
func (s *senders) shows(device, name string, from netip.Addr, now time.Time) bool {
	of := s.of(device)
	if of.budget.take(now) {
		return true
	}
	of.storm.add(name, from, now)
	return false
}

// summaries tells of what was not shown, each storm once a minute, and forgets senders that have been
// calm.
func (s *senders) summaries(now time.Time) []model.Event {
	var events []model.Event
	rest, more := 0, 0
	for _, device := range append([]string{""}, slices.Sorted(maps.Keys(s.devices))...) {
		of := s.of(device)
		st := &of.storm
		if st.count == 0 {
			if now.Sub(of.budget.at) > shownAtOnce*shownEvery && now.After(st.due) {
				delete(s.devices, device)
			}
			continue
		}
		if now.Before(st.due) {
			continue
		}
		if len(events) < maxSummaries {
			events = append(events, of.summary(now))
		} else {
			rest, more = rest+st.count, more+1
		}
		of.storm = storm{due: now.Add(nextSummary)}
	}
	if more > 0 {
		events = append(events, model.Event{
			Time: now, Kind: "trap", Severity: model.Warning, Count: rest, Title: "trap storm",
			Text: fmt.Sprintf("%d more traps of %d other devices are not shown", rest, more),
		})
	}
	return events
}

// summary tells of one storm.
func (s *sender) summary(now time.Time) model.Event {
	st := &s.storm
	e := model.Event{
		Time: now, Kind: "trap", Severity: model.Warning, Count: st.count, Title: s.device,
		Labels: map[string]string{"trap": "storm"},
	}
	took := max(now.Sub(st.since).Round(time.Second), time.Second)
	e.Text = fmt.Sprintf("trap storm: %d more in %s are not shown: %s", st.count, took, most(st.names))
	addrs := make(map[string]int, len(st.senders))
	for addr, n := range st.senders {
		addrs[addr.String()] = n
	}
	one := ""
	if len(addrs) == 1 {
		one = slices.Collect(maps.Keys(addrs))[0]
		e.Labels["sender"] = one
	}
	switch {
	case s.device != "":
		e.Entity = model.DeviceID(s.device)
	case one != "":
		e.Title = one
		return e
	default:
		e.Title = "unknown senders"
	}
	e.Text += "; from " + most(addrs)
	return e
}

// most lists the greatest few with their counts.
func most(counts map[string]int) string {
	const few = 4
	keys := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	var parts []string
	for _, k := range keys[:min(few, len(keys))] {
		parts = append(parts, fmt.Sprintf("%s %d", k, counts[k]))
	}
	if len(keys) > few {
		parts = append(parts, "...")
	}
	return strings.Join(parts, ", ")
}
