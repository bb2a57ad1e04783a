package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nocturne-noc/nocturne/app/impact"
	"github.com/nocturne-noc/nocturne/store"
	graph "github.com/nocturne-noc/nocturne/store/impact"
	"github.com/nocturne-noc/nocturne/store/model"
)

const (
	// relateEvery is how often it is found out what hangs on what, where something has changed.
	relateEvery = 5 * time.Second
	// relateAtLeast is how often what was found is told all the same, so that rules go on seeing it.
	relateAtLeast = 30 * time.Second
	// relateLimit ends a round whose queries hang.
	relateLimit = 4 * time.Second
)

// relate joins what the sources know of the same machines, and judges silent servers, until ctx ends.
func (c *Core) relate(ctx context.Context) {
	tick := time.NewTicker(relateEvery)
	defer tick.Stop()
	var rounds impact.Rounds
	var last time.Time
	var seen uint64
	for {
		now, revs := c.opts.Now(), c.store.Revs()
		if revs.Entities != seen || now.Sub(last).Abs() >= relateAtLeast {
			seen, last = revs.Entities, now
			w, err := readWorld(ctx, c.store)
			if err == nil {
				err = c.apply(rounds.Next(w, now))
			}
			if err != nil && ctx.Err() == nil && !errors.Is(err, store.ErrClosed) {
				c.opts.Log.Warn("what hangs on what is not brought up to date", "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// readWorld reads what servers are joined and judged by. Pods, of which there are many, are not among it.
func readWorld(ctx context.Context, src model.Source) (impact.World, error) {
	ctx, cancel := context.WithTimeout(ctx, relateLimit)
	defer cancel()
	var w impact.World
	w.Things = append(w.Things, src.Entities(model.Filter{Under: "server"})...) // and the services that are scraped
	for _, kind := range []model.Kind{model.KindNode, model.KindDevice, model.KindProbe} {
		w.Things = append(w.Things, src.Entities(model.Filter{Kind: kind})...)
	}
	w.Cables = src.Links(model.Filter{Kind: graph.Cable})
	var err error
	if w.Dead, err = named(ctx, src, "nocturne_device_down or nocturne_device_behind", "device", model.DeviceID); err != nil {
		return w, err
	}
	w.Mute, err = named(ctx, src, "up == 0", "instance", func(name string) string { return name })
	return w, err
}

// named are the values of a label of an expression's series.
func named(ctx context.Context, src model.Source, expr, label string, id func(string) string) (map[string]bool, error) {
	series, err := src.Query(ctx, expr, src.Now())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", expr, err)
	}
	out := make(map[string]bool, len(series))
	for _, s := range series {
		out[id(s.Labels.Get(label))] = true
	}
	return out, nil
}
