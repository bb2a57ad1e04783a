package trap

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"sync"

	prom "github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/nocturne-noc/nocturne/store/model"
)

// Why a good trap makes no event; labels of nocturne_trap_dropped_total.
const (
	dropQueue     = "queue"     // more came than could be taken in
	dropStorm     = "storm"     // told of in a summary
	dropDuplicate = "duplicate" // an inform that came again
)

// Limits of the senders that have a series of their own.
const (
	maxDevices  = 5000
	maxStrays   = 200
	otherSender = "other"
)

type senderKey struct{ sender, device string }

// stats counts since the start. It is safe for concurrent use.
type stats struct {
	mu       sync.Mutex
	received map[senderKey]uint64
	devices  int // of received
	dropped  map[string]uint64
	refused  map[Reason]uint64
}

func newStats() *stats {
	s := &stats{received: map[senderKey]uint64{}, dropped: map[string]uint64{}, refused: map[Reason]uint64{}}
	for _, reason := range []string{dropQueue, dropStorm, dropDuplicate} {
		s.dropped[reason] = 0 // a counter that is there before it counts has a rate
	}
	for _, reason := range []Reason{BadMessage, BadCommunity, BadUser, BadLevel, BadDigest, BadPrivacy, BadTime} {
		s.refused[reason] = 0
	}
	return s
}

// receive counts a good trap; device is "" for a sender that nobody polls.
func (s *stats) receive(from netip.Addr, device string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := senderKey{from.String(), device}
	if _, ok := s.received[key]; !ok {
		if device != "" && s.devices >= maxDevices || device == "" && len(s.received)-s.devices >= maxStrays {
			key = senderKey{sender: otherSender}
		} else if device != "" {
			s.devices++
		}
	}
	s.received[key]++
}

func (s *stats) drop(reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropped[reason]++
}

// lost is how many were dropped because of the queue.
func (s *stats) lost() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dropped[dropQueue]
}

func (s *stats) refuse(reason Reason) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused[reason]++
}

// samples are the counters as series of a source.
func (s *stats) samples(source string) []model.Sample {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []model.Sample
	add := func(name string, v uint64, pairs ...string) {
		pairs = append([]string{prom.MetricNameLabel, name, "source", source}, pairs...)
		out = append(out, model.Sample{Labels: labels.FromStrings(pairs...), V: float64(v)})
	}
	for _, key := range slices.SortedFunc(maps.Keys(s.received), func(a, b senderKey) int {
		return cmp.Or(cmp.Compare(a.sender, b.sender), cmp.Compare(a.device, b.device))
	}) {
		if key.device == "" {
			add("nocturne_trap_received_total", s.received[key], "sender", key.sender)
		} else {
			add("nocturne_trap_received_total", s.received[key], "sender", key.sender, "device", key.device)
		}
	}
	for _, reason := range slices.Sorted(maps.Keys(s.dropped)) {
		add("nocturne_trap_dropped_total", s.dropped[reason], "reason", reason)
	}
	for _, reason := range slices.Sorted(maps.Keys(s.refused)) {
		add("nocturne_trap_refused_total", s.refused[reason], "reason", string(reason))
	}
	return out
}
