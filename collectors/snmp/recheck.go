package snmp

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/nocturne-noc/nocturne/collectors"
	"github.com/nocturne-noc/nocturne/collectors/snmp/trap"
	"github.com/nocturne-noc/nocturne/store/model"
)

const (
	recheckPause   = time.Second // between two checks of one device: a port that flaps sends traps without end
	recheckTimeout = 10 * time.Second
	rechecksAtOnce = 8
	maxRechecked   = 64 // ports of one device at once; the rest waits for the round
	portsPerGet    = 16
)

// rechecker polls single ports of a source's devices at once, beside its rounds: a trap says where to
// look. It is safe for concurrent use.
type rechecker struct {
	now  func() time.Time
	wake chan struct{}

	mu     sync.Mutex
	checks map[*device]*check
}

// check is what waits to be polled of one device.
type check struct {
	ports map[uint32]bool
	busy  bool
	next  time.Time // not before
}

func newRechecker(now func() time.Time) *rechecker {
	return &rechecker{now: now, wake: make(chan struct{}, 1), checks: map[*device]*check{}}
}

// add has a port polled soon. It does not block.
func (c *rechecker) add(d *device, port uint32) {
	c.mu.Lock()
	k := c.checks[d]
	if k == nil {
		k = &check{ports: map[uint32]bool{}}
		c.checks[d] = k
	}
	if len(k.ports) < maxRechecked {
		k.ports[port] = true
	}
	c.mu.Unlock()
	c.nudge()
}

func (c *rechecker) nudge() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// due takes what may be polled now, and says when the next may be; 0 for nothing in sight.
func (c *rechecker) due() (map[*device][]uint32, time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	due := map[*device][]uint32{}
	var wait time.Duration
	for d, k := range c.checks {
		left := min(k.next.Sub(now), recheckPause) // a clock that was set back must not hold it up
		switch {
		case k.busy:
		case left > 0:
			if wait == 0 || left < wait {
				wait = left
			}
		case len(k.ports) == 0:
			delete(c.checks, d)
		default:
			due[d] = slices.Sorted(maps.Keys(k.ports))
			k.ports, k.busy = map[uint32]bool{}, true
		}
	}
	return due, wait
}

func (c *rechecker) done(d *device) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.checks[d].busy, c.checks[d].next = false, c.now().Add(recheckPause)
	c.nudge()
}

// run polls what is added until ctx ends. It is the source's collectors.Job.Beside.
func (p *poller) recheck(ctx context.Context, emit collectors.Emit) error {
	p.roster.join(p)
	defer p.roster.leave(p)
	var group errgroup.Group
	group.SetLimit(rechecksAtOnce)
	pause := time.NewTimer(time.Hour)
	defer pause.Stop()
	for {
		due, wait := p.checks.due()
		for d, ports := range due {
			group.Go(func() error {
				defer p.checks.done(d)
				d.recheck(ctx, ports, emit)
				return nil
			})
		}
		if wait == 0 {
			wait = time.Hour
		}
		pause.Reset(wait)
		select {
		case <-ctx.Done():
			_ = group.Wait() // no check returns an error
			return ctx.Err()
		case <-p.checks.wake:
		case <-pause.C:
		}
	}
}

// outlook is what the last round of a device told, for those who look between rounds. order makes
// rounds and checks tell one after the other; mu is never held for long.
type outlook struct {
	order sync.Mutex

	mu      sync.Mutex
	last    *round                // nil before the first
	checked map[uint32]portStatus // since
}

// portStatus is what a check found out.
type portStatus struct {
	at          time.Time
	descr       string
	admin, oper Status
}

// remember keeps what a round told. Its index labels grow in later rounds, so that they may be read with
// order held alone.
func (o *outlook) remember(r *round) {
	o.mu.Lock()
	defer o.mu.Unlock()
	kept := *r
	kept.events = nil
	o.last, o.checked = &kept, nil
}

// correct gives the ports of a round that were checked after it began what the check said.
func (o *outlook) correct(snap *Snapshot, began time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := range snap.Interfaces {
		p := &snap.Interfaces[i]
		if c, ok := o.checked[p.Index]; ok && c.at.After(began) && c.descr == p.Descr {
			p.Admin, p.Oper = c.admin, c.oper
		}
	}
}

// find returns what is known of a port, false for one that the last round did not have.
func (o *outlook) find(ifIndex uint32) (*round, *Interface) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.last == nil {
		return nil, nil
	}
	list := o.last.snap.Interfaces
	for i := range list {
		if list[i].Index == ifIndex {
			return o.last, &list[i]
		}
	}
	return o.last, nil
}

// Name implements trap.Device: the name that the device had in its last round, else its address.
func (d *device) Name() string {
	if r, _ := d.outlook.find(0); r != nil {
		return r.device
	}
	return d.target.Host
}

// Port implements trap.Device.
func (d *device) Port(ifIndex uint32) (trap.Port, bool) {
	r, p := d.outlook.find(ifIndex)
	if p == nil {
		return trap.Port{}, false
	}
	linked := d.maps.linked(r.device) // by now: the other end may have answered later
	return trap.Port{Name: p.Port, Switched: p.Admin != StatusDown, Linked: linked[p.Port]}, true
}

// Heard implements trap.Device.
func (d *device) Heard() { d.breaker.askNow() }

// Refused implements trap.Device.
func (d *device) Refused(at time.Time) { d.refusedAt.Store(at.UnixNano()) }

// refused reports whether the device said since then that it refused somebody.
func (d *device) refused(since time.Time) bool { return d.refusedAt.Load() >= since.UnixNano() }

// Recheck implements trap.Device.
func (d *device) Recheck(ifIndex uint32) { d.checks.add(d, ifIndex) }

// recheck asks for the status of some ports in a session of its own, so that it need not wait for a
// round, and tells what changed. An agent that does not answer is the matter of its rounds.
func (d *device) recheck(ctx context.Context, ports []uint32, emit collectors.Emit) {
	cred, err := d.chosen()
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, recheckTimeout)
	defer cancel()
	s := newSession(d.target, cred, d.timing)
	defer s.close()
	for part := range slices.Chunk(ports, portsPerGet) {
		found, err := askPorts(ctx, s, part)
		if err != nil {
			return
		}
		d.checkedPorts(found, emit)
	}
}

// askPorts asks for the status of some ports.
func askPorts(ctx context.Context, r reader, ports []uint32) (map[uint32]portStatus, error) {
	cols := []uint32{ifDescr, ifAdminStatus, ifOperStatus}
	oids := make([]OID, 0, len(cols)*len(ports))
	for _, port := range ports {
		for _, c := range cols {
			oids = append(oids, oidIfEntry.Append(c, port))
		}
	}
	v, err := r.get(ctx, oids...)
	if err != nil {
		return nil, fmt.Errorf("status of %d ports: %w", len(ports), err)
	}
	found := map[uint32]portStatus{}
	for i, port := range ports {
		admin, _ := v[len(cols)*i+1].Int()
		if oper, ok := v[len(cols)*i+2].Int(); ok {
			found[port] = portStatus{descr: v[len(cols)*i].Line(), admin: Status(admin), oper: Status(oper)}
		}
	}
	return found, nil
}

// checkedPorts tells of ports as a round would. It says nothing while the last round is too long ago:
// what would be confirmed with them is stale.
func (d *device) checkedPorts(found map[uint32]portStatus, emit collectors.Emit) {
	d.outlook.order.Lock()
	defer d.outlook.order.Unlock()
	now := d.now()
	r, changed := d.outlook.take(found, now)
	if len(changed) == 0 || model.IsStale(now, r.began, d.every) {
		return
	}
	d.maps.observe(r.target, newNode(r.device, r.address, r.snap), emit)
	r.linked = d.maps.linked(r.device)
	b := model.Batch{Scope: r.target, Every: d.every}
	for _, p := range changed {
		b.Entities = append(b.Entities, r.interfaceEntity(p))
		b.Samples = append(b.Samples, r.statusSamples(p)...)
	}
	emit(b)
}

// take puts what a check found into a copy of the last round, and returns it and the ports that are the
// same as then.
func (o *outlook) take(found map[uint32]portStatus, now time.Time) (*round, []*Interface) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.last == nil {
		return nil, nil
	}
	r, snap := *o.last, *o.last.snap
	snap.Interfaces = slices.Clone(snap.Interfaces)
	r.snap = &snap
	var changed []*Interface
	for i := range snap.Interfaces {
		p := &snap.Interfaces[i]
		status, ok := found[p.Index]
		if !ok || status.descr != p.Descr { // renumbered meanwhile
			continue
		}
		status.at = now
		if o.checked == nil {
			o.checked = map[uint32]portStatus{}
		}
		o.checked[p.Index] = status
		p.Admin, p.Oper = status.admin, status.oper
		changed = append(changed, p)
	}
	o.last = &r
	return &r, changed
}
