package scrape

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	prom "github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery/targetgroup"

	"github.com/nocturne-noc/nocturne/collectors"
	"github.com/nocturne-noc/nocturne/store/model"
)

// lookEvery is how often the entities of the wall are looked through.
const lookEvery = 5 * time.Second

// settleLooks is how often nothing may be found before it is said: a cluster takes its time to be known.
const settleLooks = 6

// kubernetes watches the pods and services that ask to be scraped. They share one row.
type kubernetes struct {
	pool     *pool
	config   *Kubernetes
	labels   prom.LabelSet
	entities func(model.Kind) []model.Entity // nil when there is no wall around
}

// errNoWall is the remark of a source that runs without a wall.
var errNoWall = collectors.Remark{State: model.Warning, Text: "kubernetes: finds pods and services in what the wall knows of its clusters, and no wall runs here"}

// Watch looks for targets, and has the pool scrape them, until ctx ends.
func (k *kubernetes) Watch(ctx context.Context, emit collectors.Emit, status func(error)) error {
	if k.entities == nil {
		status(errNoWall)
		<-ctx.Done()
		return ctx.Err()
	}
	h := newHealth(`no pod or service asks to be scraped: annotate some with prometheus.io/scrape: "true"`, status)
	m := &member{key: "kubernetes", emit: emit, found: map[string]bool{}, report: func(object string, err error) {
		if err != nil && !errors.As(err, new(collectors.Remark)) {
			err = fmt.Errorf("%s: %w", calledObject(object), err)
		}
		h.scraped(object, err)
	}}
	if err := k.pool.join(m); err != nil {
		return err
	}
	defer k.pool.leave(m)
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var was look
	for looks := 1; ; looks++ {
		if now := k.look(); now.news(was, looks) {
			k.take(m, h, now)
			was = now
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// look is what the wall knows now.
type look struct {
	finding
	Missing []string // configured clusters that nobody watches
}

// news reports whether the look of that number, from 1 on, says something else than was, what was taken last.
func (l look) news(was look, number int) bool {
	if len(l.Targets) == 0 && len(was.Targets) == 0 && number <= settleLooks {
		return number == settleLooks
	}
	return !reflect.DeepEqual(l, was)
}

func (k *kubernetes) look() (out look) {
	var all []model.Entity
	for _, role := range k.config.roles() {
		all = append(all, k.entities(role)...)
	}
	out.finding = k.config.find(all)
	watched := map[string]bool{}
	for _, e := range k.entities(model.KindCluster) {
		watched[e.ID] = true
	}
	for _, name := range k.config.Clusters {
		if !watched[model.ClusterID(name)] {
			out.Missing = append(out.Missing, name)
		}
	}
	return out
}

// take hands the pool its targets and notes what cannot be one.
func (k *kubernetes) take(m *member, h *health, now look) {
	n, wrong := k.pool.set(m, []*targetgroup.Group{{Targets: now.Targets, Labels: k.labels, Source: "kubernetes"}})
	for _, text := range now.Left {
		wrong = append(wrong, errors.New(text))
	}
	notes := map[string]string{}
	for _, name := range now.Missing {
		notes["cluster "+name] = fmt.Sprintf("cluster %.80q is not watched (a source of kind kubernetes has to watch it)", name)
	}
	if now.Beyond > 0 {
		notes["limit"] = fmt.Sprintf("%d more ask to be scraped than the %d that kubernetes.max_targets allows: raise it, or narrow namespaces", now.Beyond, len(now.Targets))
	}
	h.note(notes)
	h.found(n, m, wrong)
}
