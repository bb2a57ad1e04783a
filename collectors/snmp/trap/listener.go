package trap

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/nocturne-noc/nocturne/collectors"
	"github.com/nocturne-noc/nocturne/store/model"
)

// Listener receives traps at one address and emits events. It is a collectors.Watcher.
type Listener struct {
	Source  string        // name of the configured source
	Listen  string        // UDP address, ":162"
	Every   time.Duration // of the counters
	Decoder *Decoder
	Names   *Names
	Find    func(netip.Addr) Device // the one polled device with that address; nil for none
	Now     func() time.Time

	stats *stats // since the first start
}

// Scope is the scope of all batches of a Listener.
const Scope = "traps"

const (
	maxDatagram   = 1 << 16
	queueLength   = 1024 // notifications that wait; with all their texts at their longest, 10 MB
	batchLength   = 256
	socketBuffer  = 4 << 20
	replyDeadline = 100 * time.Millisecond
)

// item is what the socket's goroutine hands to the one that tells.
type item struct {
	n       *Notification
	device  Device
	refusal *Refusal
	from    netip.Addr
	at      time.Time
}

// Watch listens until ctx ends.
func (l *Listener) Watch(ctx context.Context, emit collectors.Emit, status func(error)) error {
	addr, err := net.ResolveUDPAddr("udp", l.Listen)
	if err != nil {
		return fmt.Errorf("listen for traps on %s: %w", l.Listen, err)
	}
	conn, err := net.ListenUDP("udp", addr)
	if err != nil {
		return fmt.Errorf("listen for traps on %s: %w%s", l.Listen, err, advice(err))
	}
	// The system may grant less. A storm then costs some traps, which nobody counts.
	_ = conn.SetReadBuffer(socketBuffer)
	if l.stats == nil {
		l.stats = newStats()
	}
	status(nil)
	queue := make(chan item, queueLength)
	group, ctx := errgroup.WithContext(ctx)
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() }) // wakes the read
	defer stop()
	group.Go(func() error {
		defer func() { _ = conn.Close() }()
		return l.receive(ctx, conn, queue)
	})
	group.Go(func() error {
		l.tell(ctx, queue, emit)
		return nil
	})
	return group.Wait()
}

// advice says what to do about a socket that cannot be opened.
func advice(err error) string {
	switch {
	case errors.Is(err, os.ErrPermission):
		return " (ports below 1024 need a right: setcap cap_net_bind_service=+ep on the program, or listen on :1162 and have the devices send there)"
	case errors.Is(err, syscall.EADDRINUSE):
		return " (does snmptrapd, or another source, listen there?)"
	}
	return ""
}

// receive decodes, answers, and hands over what comes in. It never waits for the store: what does not
// fit into the queue is dropped and counted, and an inform among it is not acknowledged, so that it
// comes again.
func (l *Listener) receive(ctx context.Context, conn *net.UDPConn, queue chan<- item) error {
	buf := make([]byte, maxDatagram)
	seen := newRecent()
	told := refusals{}
	for {
		size, peer, err := conn.ReadFromUDPAddrPort(buf)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("receive traps on %s: %w", l.Listen, err)
		}
		from, now := peer.Addr().Unmap(), l.Now()
		n, reply, err := l.Decoder.Decode(buf[:size], from, now)
		var refusal *Refusal
		switch {
		case errors.As(err, &refusal):
			l.stats.refuse(refusal.Reason)
			if told.first(from, refusal.Reason, now) && !hand(queue, item{refusal: refusal, from: from, at: now}) {
				l.stats.drop(dropQueue)
			}
		case n != nil && !l.take(n, seen, queue):
			reply = nil
		}
		if reply != nil {
			_ = conn.SetWriteDeadline(time.Now().Add(replyDeadline))
			_, _ = conn.WriteToUDPAddrPort(reply, peer) // who does not hear it asks again
		}
	}
}

// take hands a notification over and reports whether it is safe, so that it may be acknowledged.
func (l *Listener) take(n *Notification, seen *recent, queue chan<- item) bool {
	if n.Inform && seen.again(n) {
		l.stats.drop(dropDuplicate)
		return true
	}
	it := item{n: n, from: n.From, at: n.At}
	name := ""
	if n.Origin.IsValid() {
		it.device = l.Find(n.Origin)
	}
	if it.device == nil {
		it.device = l.Find(n.From)
	}
	if it.device != nil {
		name = it.device.Name()
		it.device.Heard()
		if port := n.Port(); port != 0 && n.IsLink() {
			it.device.Recheck(port)
		}
		if n.OID == oidAuthFailure {
			it.device.Refused(n.At)
		}
	}
	l.stats.receive(n.Sender(), name)
	if !hand(queue, it) {
		l.stats.drop(dropQueue)
		return false
	}
	if n.Inform {
		seen.add(n)
	}
	return true
}

func hand(queue chan<- item, it item) bool {
	select {
	case queue <- it:
		return true
	default:
		return false
	}
}

// tell turns the queue into events, and the counters into samples, until ctx ends.
func (l *Listener) tell(ctx context.Context, queue <-chan item, emit collectors.Emit) {
	senders := newSenders()
	summary, counters := time.NewTicker(firstSummary), time.NewTicker(l.Every)
	defer summary.Stop()
	defer counters.Stop()
	var lossTold time.Time
	lost := l.stats.lost()
	emit(model.Batch{Scope: Scope, Samples: l.stats.samples(l.Source)})
	for {
		var events []model.Event
		select {
		case <-ctx.Done():
			return
		case <-counters.C:
			emit(model.Batch{Scope: Scope, Samples: l.stats.samples(l.Source)})
			continue
		case it := <-queue:
			events = l.events(it, senders, events)
			for range min(len(queue), batchLength) { // nobody else takes from it
				events = l.events(<-queue, senders, events)
			}
		case <-summary.C:
			now := l.Now()
			events = senders.summaries(now)
			if n := l.stats.lost(); n > lost && now.Sub(lossTold) >= nextSummary {
				events = append(events, model.Event{
					Time: now, Kind: "trap", Severity: model.Warning, Title: l.Source, Entity: model.SourceID(l.Source), Count: int(n - lost),
					Text: fmt.Sprintf("%d traps were lost: more came than could be taken in", n-lost),
				})
				lost, lossTold = n, now
			}
		}
		if len(events) > 0 {
			emit(model.Batch{Scope: Scope, Events: events})
		}
	}
}

// events adds the event of an item, unless it is one too many of its sender.
func (l *Listener) events(it item, senders *senders, events []model.Event) []model.Event {
	if it.refusal != nil {
		name := "refused: " + string(it.refusal.Reason)
		if !senders.shows("", name, it.from, it.at) {
			return events
		}
		return append(events, model.Event{
			Time: it.at, Kind: "trap", Severity: model.Warning, Title: it.from.String(),
			Text:   "a trap was refused, and more like it are only counted: " + it.refusal.Text,
			Labels: map[string]string{"trap": "refused", "reason": string(it.refusal.Reason), "sender": it.from.String()},
		})
	}
	device := ""
	if it.device != nil {
		device = it.device.Name()
	}
	if !senders.shows(device, l.Names.Name(it.n.OID), it.n.Sender(), it.at) {
		l.stats.drop(dropStorm)
		return events
	}
	return append(events, event(it.n, l.Names, it.device))
}
