package snmp

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/nocturne-noc/nocturne/collectors"
	"github.com/nocturne-noc/nocturne/collectors/snmp/module"
	"github.com/nocturne-noc/nocturne/store/model"
)

// poller is what the devices of one source share.
type poller struct {
	source      string
	every       time.Duration
	timing      Timing
	now         func() time.Time
	credentials func() ([]Credentials, error) // resolved, in the order to be tried; never empty
	maps        *mapper
	modules     []module.Choice // that the source may run
	engines     engineIDs

	roster *roster // of the devices of all sources
	left   bool    // guarded by roster: the source ended
	checks *rechecker
}

// device polls one agent. Its session, and what was learnt of the agent, stay between rounds.
type device struct {
	*poller
	target  Target
	session *session
	login   login
	name    string            // "" until it answered
	last    *Snapshot         // of the last round that was answered
	index   map[string]uint32 // ifIndex label of each port
	meters  odometer
	survey  survey
	loss    lossWindow
	silent  bool    // the last round got no answer at all
	breaker breaker // spares it while it is silent
	twin    string  // the target that has the same SNMPv3 engine ID, "" for none

	refusedAt atomic.Int64 // when it last told by a trap that it refused somebody, Unix nanoseconds

	outlook   outlook
	addresses []netip.Addr // on the roster

	hardware   hardware
	modules    moduleRuns
	identity   *Identity // nil: to be read
	identityAt time.Time
}

func newDevice(p *poller, target Target) *device {
	return &device{poller: p, target: target, session: newSession(target, Credentials{}, p.timing), index: map[string]uint32{}, modules: moduleRuns{choices: p.modules}}
}

// Collect makes one round. A silent agent emits nothing for its device, whose last values then
// turn stale; the map is drawn again all the same, from the other ends' words.
func (d *device) Collect(ctx context.Context, emit collectors.Emit) error {
	if d.breaker.spares(d.now(), d.every) {
		d.maps.silent(d.target.String(), emit)
		return d.breaker.reason()
	}
	if !d.session.isOpen() {
		if err := d.logIn(ctx); err != nil {
			d.maps.silent(d.target.String(), emit)
			return err
		}
	}
	defer d.session.rest()
	ctx, cancel := context.WithTimeout(ctx, d.every/10*9) // the next round begins when it is due
	defer cancel()
	sent, lost := d.session.requests, d.session.lost
	began := d.now()
	known := d.known(began)
	snap, err := poll(ctx, d.session, known, &d.hardware, d.now)
	if snap != nil {
		d.breaker.answered()
		if !d.silent { // an agent that comes back in the middle of a round has lost nothing
			d.loss.add(d.session.requests-sent, d.session.lost-lost)
		}
		d.silent = false
		if err == nil && known == nil {
			identity := snap.Identity // a copy: it outlives the snapshot
			d.identity, d.identityAt = &identity, began
		}
		d.enlist(ctx, err == nil && known == nil)
		told := d.told(snap, err == nil, began, emit)
		if err == nil {
			d.survey.look(ctx, d, snap, began)
			d.runModules(ctx, snap, told, began, emit)
		}
	} else if !errors.Is(err, context.Canceled) {
		d.silent, d.loss = true, lossWindow{} // silence is no loss, nor is how it began
		if errors.Is(err, errTimeout) && d.refused(began) {
			err = refusedByTrap{d.session.name, err}
		}
		if isSilence(err) {
			d.breaker.unanswered(began, err)
		}
		d.maps.silent(d.target.String(), emit)
	}
	if err == nil {
		return nil
	}
	d.login.failed(err)
	d.session.close() // the next round resolves the secrets anew and, in version 3, finds the engine anew
	if snap != nil && !errors.Is(err, context.Canceled) {
		return collectors.Remark{State: model.Warning, Text: d.session.name + " answers only in part: " + snap.Warnings[len(snap.Warnings)-1]}
	}
	return err
}

// told turns a snapshot into batches, and returns the device's samples; whole says that the agent
// answered to the end.
func (d *device) told(snap *Snapshot, whole bool, began time.Time, emit collectors.Emit) []model.Sample {
	d.outlook.order.Lock()
	defer d.outlook.order.Unlock()
	d.outlook.correct(snap, began)
	target := d.target.String()
	d.name = d.maps.claim(target, snap.System.Name, d.target.Host)
	d.session.name = d.name
	if !snap.HasInterfaces && d.last != nil {
		snap.Interfaces = knownPorts(snap.Interfaces, d.last.Interfaces, whole)
	}
	for i := range snap.Interfaces {
		if p := &snap.Interfaces[i]; d.index[p.Port] == 0 {
			d.index[p.Port] = p.Index
		}
	}
	d.meters.correct(snap)
	events := d.sharedEngine(snap.Time)
	if d.last != nil && rebooted(d.last.System, snap.System, snap.Time.Sub(d.last.Time)) {
		d.identity = nil // it may have a new version
		d.modules.forget()
		events = append(events, model.Event{
			Time: snap.Time, Severity: model.Warning, Kind: "state", Entity: model.DeviceID(d.name), Title: d.name,
			Text: fmt.Sprintf("rebooted, or its agent restarted: up since %s", snap.System.UpTime.Truncate(time.Second)),
		})
	}
	if !whole && !snap.HasNeighbours && d.last != nil {
		snap.Neighbours = d.last.Neighbours // not read to the end: those of the last round stand
	}
	snap.Credentials = d.session.cred.Name
	d.survey.apply(snap)
	snap.Warnings = append(snap.Warnings, d.survey.warnings...)
	snap.Warnings = append(snap.Warnings, d.modules.warnings()...)
	kept := snap.withoutCounters()
	if whole || snap.HasInterfaces {
		d.maps.observe(target, newNode(d.name, d.target.Host, kept), emit)
	} else { // no word on its ports: the other ends' words count
		d.maps.silent(target, emit)
	}
	r := round{
		source: d.source, target: target, device: d.name, address: d.target.Host, every: d.every, began: began, snap: snap,
		linked: d.maps.linked(d.name), index: d.index, events: events,
		health: health{
			requests: d.session.requests, lost: d.session.lost, rtt: d.session.rtt, lossRatio: d.loss.ratio(),
		},
	}
	now := d.now()
	r.slow = now.Sub(began) > d.every/4
	b := r.batch()
	if r.slow {
		b.Time = now // what took long does not turn stale sooner for it
	}
	r.snap = kept
	d.outlook.remember(&r)
	emit(b)
	d.last = kept
	return b.Samples
}

// knownPorts joins the interfaces of a round that read only a part of them with those of the round before,
// so that what was not read is known to be so. Where the agent stopped in the middle, whole is false, a row may lack
// the half with its name: then the old names stand, and ports that are new wait for a better round.
func knownPorts(list, before []Interface, whole bool) []Interface {
	same := func(a, b *Interface) bool { return a.Index == b.Index && a.Descr == b.Descr }
	var kept []Interface
	if whole {
		kept = list
	}
	for i := range before {
		old := before[i]
		n := slices.IndexFunc(list, func(p Interface) bool { return same(&p, &old) })
		switch {
		case n < 0:
			old.Counters, old.unread = nil, true
			kept = append(kept, old)
		case !whole:
			p := &list[n]
			old.Admin, old.Oper, old.Counters, old.CountersAt, old.restarts, old.unread = p.Admin, p.Oper, p.Counters, p.CountersAt, p.restarts, false
			kept = append(kept, old)
		}
	}
	return kept
}

// newNode is a device as the map needs it.
func newNode(name, address string, snap *Snapshot) Node {
	return Node{
		Device: name, Address: address, Chassis: snap.Local.Chassis, Names: snap.Local.Names,
		Ports: snap.Interfaces, Neighbours: snap.Neighbours, Around: snap.Around, Answers: true, told: snap,
	}
}

// identityAgain is how often a device is asked what it is; a reboot makes it sooner.
const identityAgain = time.Hour

// known returns the identity unless it is time to read it again.
func (d *device) known(now time.Time) *Identity {
	if d.identity == nil || now.Sub(d.identityAt) >= identityAgain {
		return nil
	}
	return d.identity
}

// lossWindow counts unanswered requests over the last rounds.
type lossWindow struct {
	rounds [lossRounds]struct{ sent, lost uint64 }
	next   int
}

const (
	lossRounds   = 10
	lossRequests = 20 // before which a ratio says nothing
	lossOften    = 3  // rounds that must have lost something: an agent that stood still once loses nothing on the way
)

func (w *lossWindow) add(sent, lost uint64) {
	w.rounds[w.next] = struct{ sent, lost uint64 }{sent, lost}
	w.next = (w.next + 1) % lossRounds
}

func (w *lossWindow) ratio() float64 {
	var sent, lost uint64
	often := 0
	for _, r := range w.rounds {
		sent, lost = sent+r.sent, lost+r.lost
		if r.lost > 0 {
			often++
		}
	}
	if sent < lossRequests || often < lossOften {
		return 0
	}
	return float64(lost) / float64(sent)
}
