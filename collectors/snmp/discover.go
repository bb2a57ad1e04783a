package snmp

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/nocturne-noc/nocturne/store/model"
)

// Options are how discovery asks.
type Options struct {
	Credentials Credentials
	Others      []Credentials // tried after them, in order
	Exclude     []string      // of subnets and ranges
	ICMP        string        // ICMPAuto, ICMPNever, ICMPOnly; "" is auto
	Progress    func(Progress)
	Remark      func(string) // told what a sweep could not use; nil tells nobody
	Timing      Timing       // zero is the collector's own
	Port        uint16       // for targets that carry none; 0 is 161
	Now         func() time.Time
}

func (o Options) timing() Timing {
	if o.Timing == (Timing{}) {
		return Timing{Timeout: defaultTimeout, Retries: defaultRetries}
	}
	return o.Timing
}

func (o Options) logins() []Credentials { return append([]Credentials{o.Credentials}, o.Others...) }

// open makes a session with the credentials that a target accepts; which is their index, -1 for not known.
func (o Options) open(ctx context.Context, target Target, which int) (*session, error) {
	all := o.logins()
	if len(all) == 1 {
		which = 0
	}
	if which < 0 {
		var err error
		if which, err = tryEach(ctx, target, all, o.timing().Timeout); err != nil {
			return nil, err
		}
	}
	return newSession(target, all[which], o.timing()), nil
}

// Discover asks one device everything. What stops half-way is in the report's warnings; an error
// means that the device said nothing at all, or that ctx ended.
func Discover(ctx context.Context, opt Options, target Target) (*Report, error) {
	return discover(ctx, opt, finding{target: target, which: -1})
}

func discover(ctx context.Context, opt Options, f finding) (*Report, error) {
	if f.err != nil {
		return nil, f.err
	}
	s, err := opt.open(ctx, f.target, f.which)
	if err != nil {
		return nil, err
	}
	defer s.close()
	snap, err := poll(ctx, s, nil, &hardware{}, opt.Now)
	if snap == nil || ctx.Err() != nil {
		return nil, err
	}
	if snap.System.Name != "" {
		s.name = snap.System.Name
	}
	if ctx.Err() != nil {
		return nil, err
	}
	if err != nil {
		snap.Warnings = append(snap.Warnings, err.Error())
	}
	r := report(f.target.String(), snap)
	r.Credentials = s.cred.Name
	return r, nil
}

// Result is what discovery found at one target: exactly one of Report and Err is set.
type Result struct {
	Target Target
	Report *Report
	Err    error
}

// DiscoverAll asks all targets, several at once, and hands over the results in the order asked; a
// subnet or range stands for its devices that answer, if only with a refusal, in address order.
func DiscoverAll(ctx context.Context, opt Options, targets []string, result func(Result)) error {
	list, err := expand(ctx, opt, targets)
	if err != nil {
		return err
	}
	done := make([]chan Result, len(list))
	for i := range done {
		done[i] = make(chan Result, 1)
	}
	var group errgroup.Group
	group.SetLimit(pollsAtOnce)
	started := make(chan struct{})
	go func() {
		defer close(started)
		for i, f := range list {
			group.Go(func() error {
				report, err := discover(ctx, opt, f)
				done[i] <- Result{f.target, report, err}
				return nil
			})
		}
	}()
	for i := range done { // each is sent once, and discover ends with ctx
		result(<-done[i])
	}
	<-started
	_ = group.Wait() // the errors are in the results
	return ctx.Err()
}

// expand replaces subnets and ranges by the agents in them, which it looks for in one sweep.
func expand(ctx context.Context, opt Options, targets []string) ([]finding, error) {
	for _, c := range opt.logins() {
		if err := c.Validate(); err != nil {
			return nil, err
		}
	}
	exclude, err := parseExclusions(opt.Exclude)
	if err != nil {
		return nil, err
	}
	var single []Target
	var blocks []Block
	var order []Block // of the targets as asked; the zero value is a single one
	for _, text := range targets {
		t, block, err := ParseTarget(text, opt.Port)
		if err != nil {
			return nil, err
		}
		if order = append(order, block); block.IsValid() {
			blocks = append(blocks, block)
		} else {
			single = append(single, t)
		}
	}
	found := map[Target]finding{}
	if len(blocks) > 0 {
		sw := &sweep{
			blocks: blocks, skip: exclude.cover, logins: opt.logins(), timeout: min(probeTimeout, opt.timing().Timeout),
			icmp: cmp.Or(opt.ICMP, ICMPAuto), found: func(f finding) { found[f.target] = f }, told: opt.Progress,
		}
		remark, err := sw.run(ctx)
		if err != nil {
			return nil, err
		}
		if remark != "" && opt.Remark != nil {
			opt.Remark(remark)
		}
	}
	var list []finding
	for _, block := range order {
		if !block.IsValid() {
			list, single = append(list, finding{target: single[0], which: -1}), single[1:]
			continue
		}
		before := len(list)
		for t := range block.All() {
			if f, ok := found[t]; ok {
				list = append(list, f)
			}
		}
		if len(list) == before {
			return nil, fmt.Errorf("no SNMP agent answers in %s (is the community right? a wrong community is answered with silence)", block)
		}
	}
	return list, ctx.Err()
}

// Topology is the merged map of `discover topology`.
type Topology struct {
	Nodes []model.Entity `json:"nodes"`
	Links []model.Link   `json:"links"`
	Errs  []error        `json:"-"` // of the devices that did not answer, each naming its device
}

// DiscoverTopology polls the targets once and merges what they say into a map.
func DiscoverTopology(ctx context.Context, opt Options, targets []string) (*Topology, error) {
	list, err := expand(ctx, opt, targets)
	if err != nil {
		return nil, err
	}
	snaps := make([]*Snapshot, len(list))
	errs := make([]error, len(list))
	var group errgroup.Group
	group.SetLimit(pollsAtOnce)
	for i, f := range list {
		group.Go(func() error {
			if f.err != nil {
				errs[i] = f.err
				return nil
			}
			s, err := opt.open(ctx, f.target, f.which)
			if err != nil {
				errs[i] = err
				return nil
			}
			defer s.close()
			snaps[i], errs[i] = poll(ctx, s, nil, &hardware{identityOnly: true}, opt.Now)
			if errs[i] == nil {
				surveyOnce(ctx, s, snaps[i])
			}
			return nil
		})
	}
	_ = group.Wait() // the errors are in errs
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	maps := newMapper("", 0, nil, opt.Now) // for the names only
	var nodes []Node
	top := &Topology{Nodes: []model.Entity{}, Links: []model.Link{}}
	for i, f := range list {
		t := f.target
		if errs[i] != nil {
			top.Errs = append(top.Errs, errs[i])
		}
		if snaps[i] == nil {
			continue
		}
		r := round{target: t.String(), address: t.Host, snap: snaps[i], device: maps.claim(t.String(), snaps[i].System.Name, t.Host)}
		top.Nodes = append(top.Nodes, r.deviceEntity())
		nodes = append(nodes, newNode(r.device, r.address, snaps[i]))
	}
	links, stubs := BuildMap(nodes, nil, true)
	links = slices.DeleteFunc(links, func(l model.Link) bool { return l.Kind != kindCable })
	top.Links, top.Nodes = append(top.Links, links...), append(top.Nodes, stubs...)
	return top, nil
}
