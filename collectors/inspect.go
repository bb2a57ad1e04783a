package collectors

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/nocturne-noc/nocturne/store/model"
)

// Inspector asks the jobs that run: each question goes to the one that owns the entity, the first by
// source and target where several do. It is model.ErrNotLive where none does.
func (r *Runner) Inspector() model.Inspector { return inspectors{r} }

type inspectors struct{ r *Runner }

// Document implements model.Inspector.
func (i inspectors) Document(ctx context.Context, entity string) (model.Document, error) {
	owner, err := i.owner(entity)
	if err != nil {
		return model.Document{}, err
	}
	return owner.Document(ctx, entity)
}

// Tail implements model.Inspector.
func (i inspectors) Tail(ctx context.Context, req model.LogRequest) (model.Log, error) {
	owner, err := i.owner(req.Entity)
	if err != nil {
		return model.Log{}, err
	}
	return owner.Tail(ctx, req)
}

func (i inspectors) owner(entity string) (model.Inspector, error) {
	i.r.mu.Lock()
	sources := make([]*running, 0, len(i.r.running))
	for _, s := range i.r.running {
		sources = append(sources, s)
	}
	i.r.mu.Unlock()
	slices.SortFunc(sources, func(a, b *running) int { return cmp.Compare(a.Name, b.Name) })
	for _, s := range sources {
		if owner := s.inspector(entity); owner != nil {
			return owner, nil
		}
	}
	return nil, fmt.Errorf("%s: %w", entity, model.ErrNotLive)
}

// inspector is that of the source's jobs which owns an entity, nil for none.
func (s *running) inspector(entity string) Inspector {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, j := range s.jobs {
		if j.Inspect != nil && j.Inspect.Owns(entity) {
			return j.Inspect
		}
	}
	return nil
}
