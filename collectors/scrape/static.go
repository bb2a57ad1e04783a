package scrape

import (
	"context"

	prom "github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery/targetgroup"

	"github.com/nocturne-noc/nocturne/collectors"
	"github.com/nocturne-noc/nocturne/store/model"
)

// static watches one target that the configuration names.
type static struct {
	pool    *pool
	target  string
	labels  prom.LabelSet
	dropped bool // by relabelling
}

// Watch has the pool scrape the target until ctx ends.
func (s *static) Watch(ctx context.Context, emit collectors.Emit, status func(error)) error {
	if s.dropped {
		status(collectors.Remark{State: model.Warning, Text: "relabelling drops this target: remove it from targets, or mend relabel"})
		<-ctx.Done()
		return ctx.Err()
	}
	m := &member{
		key: s.target, emit: emit,
		report: func(_ string, err error) { status(err) },
		groups: []*targetgroup.Group{{Targets: []prom.LabelSet{{prom.AddressLabel: prom.LabelValue(s.target)}}, Labels: s.labels}},
	}
	if err := s.pool.join(m); err != nil {
		return err
	}
	defer s.pool.leave(m)
	<-ctx.Done()
	return ctx.Err()
}
