package snmp

import (
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
	Timing      Timing // zero is the collector's own
	Port        uint16 // for targets that carry none; 0 is 161
	Now         func() time.Time
}

func (o Options) timing() Timing {
	if o.Timing == (Timing{}) {
		return Timing{Timeout: defaultTimeout, Retries: defaultRetries}
	}
	return o.Timing
}

// Discover asks one device everything. What stops half-way is in the report's warnings; an error
// means that the device said nothing at all, or that ctx ended.
func Discover(ctx context.Context, opt Options, target Target) (*Report, error) {
	s := newSession(target, opt.Credentials, opt.timing())
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
	return report(target.String(), snap), nil
}

// Result is what discovery found at one target: exactly one of Report and Err is set.
type Result struct {
	Target Target
	Report *Report
	Err    error
}

// DiscoverAll asks all targets, several at once, and hands over the results in the order asked; a
// subnet stands for its devices that answer, in address order.
func DiscoverAll(ctx context.Context, opt Options, targets []string, result func(Result)) error {
	list, err := Expand(ctx, opt, targets)
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
		for i, t := range list {
			group.Go(func() error {
				report, err := Discover(ctx, opt, t)
				done[i] <- Result{t, report, err}
				return nil
			})
		}
	}()
	for i := range done { // each is sent once, and Discover ends with ctx
		result(<-done[i])
	}
	<-started
	_ = group.Wait() // the errors are in the results
	return ctx.Err()
}

// Expand replaces subnets by the targets in them that answer.
func Expand(ctx context.Context, opt Options, targets []string) ([]Target, error) {
	if err := opt.Credentials.Validate(); err != nil {
		return nil, err
	}
	var list []Target
	for _, text := range targets {
		t, prefix, err := ParseTarget(text, opt.Port)
		if err != nil {
			return nil, err
		}
		if !prefix.IsValid() {
			list = append(list, t)
			continue
		}
		var all []Target
		for _, addr := range hosts(prefix) {
			all = append(all, Target{Host: addr.String(), Port: t.Port})
		}
		found := probe(ctx, all, opt.Credentials, min(probeTimeout, opt.timing().Timeout))
		if len(found) == 0 {
			return nil, fmt.Errorf("no SNMP agent answers in %s on port %d (is the community right? a wrong community is answered with silence)", prefix, t.Port)
		}
		list = append(list, found...)
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
	list, err := Expand(ctx, opt, targets)
	if err != nil {
		return nil, err
	}
	snaps := make([]*Snapshot, len(list))
	errs := make([]error, len(list))
	var group errgroup.Group
	group.SetLimit(pollsAtOnce)
	for i, t := range list {
		group.Go(func() error {
			s := newSession(t, opt.Credentials, opt.timing())
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
	for i, t := range list {
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
