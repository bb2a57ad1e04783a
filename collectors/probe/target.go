package probe

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"strconv"
	"time"

	"github.com/nocturne-noc/nocturne/collectors"
	"github.com/nocturne-noc/nocturne/store/model"
)

// Job is the value of the label "job", as a Prometheus server would set it.
const Job = "probe"

// check makes one probe. Its error says why the probe failed; one that is unable, why there was none.
type check interface {
	run(ctx context.Context, r *report) error
}

// target is one thing that is probed. It is a collectors.Collector.
type target struct {
	name    string
	address string // as configured, without secrets
	host    string // that is asked: name or address
	port    uint16 // 0 for ping
	prober  string // "icmp", "tcp", "tls", "http", "dns"
	source  string
	labels  map[string]string // of people's own
	timeout time.Duration
	slow    time.Duration // a success that takes longer is a warning
	check   check

	seen string // the address that host had last; of the one round that runs at a time
}

// Collect makes one probe. A target that fails is no failure of the collector: its entity says so.
func (t *target) Collect(ctx context.Context, emit collectors.Emit) error {
	r := newReport()
	probing, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	start := time.Now()
	err := t.check.run(probing, r)
	took := time.Since(start)
	if ctx.Err() != nil {
		return ctx.Err() // the source was removed meanwhile: nothing is known
	}
	if errors.As(err, new(unable)) {
		emit(model.Batch{Scope: t.name, Replace: true, Entities: []model.Entity{t.entity(r, model.Unknown, words(err.Error()))}})
		return err
	}
	if err != nil {
		r.state, r.reason = model.Critical, explain(err, r.phase, t.timeout)
	} else if latency := cmp.Or(r.latency, took); latency > t.slow {
		r.notice(model.Warning, "slow: %s", span(latency))
	}
	r.add("nocturne_probe_slow_seconds", t.slow.Seconds())
	r.add("probe_success", truth(err == nil))
	r.add("probe_duration_seconds", took.Seconds())
	emit(model.Batch{Scope: t.name, Replace: true, Samples: r.samples(t.shared()), Entities: []model.Entity{t.entity(r, r.state, r.reason)}})
	return nil
}

func (t *target) shared() []string {
	pairs := []string{"source", t.source, "job", Job, "probe", t.name, "prober", t.prober, "instance", t.address}
	for name, value := range t.labels {
		pairs = append(pairs, name, value)
	}
	return pairs
}

func (t *target) entity(r *report, state model.State, reason string) model.Entity {
	e := model.Entity{ID: model.ProbeID(t.name), Kind: model.KindProbe, Name: t.name, State: state, Reason: reason, Labels: r.labels}
	maps.Copy(e.Labels, t.labels)
	e.Labels["prober"], e.Labels["target"], e.Labels["host"] = t.prober, t.address, t.host
	if t.port != 0 {
		e.Labels["port"] = strconv.Itoa(int(t.port))
	}
	// What hangs on what is to be known when the name cannot be looked up, too.
	if t.seen = cmp.Or(e.Labels["address"], t.seen); t.seen != "" {
		e.Labels["address"] = t.seen
	}
	return e
}
