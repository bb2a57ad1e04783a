// Package control is the wallboard's local outside: a socket in the data folder that speaks
// Prometheus' HTTP API for what is measured, and a small API of the same shape for entities, links,
// events, alerts and sources. Commands use it while a wallboard runs, and the same handler without
// a socket when none does.
package control

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/storage"

	"github.com/nocturne-noc/nocturne/store/model"
)

// RecordPath is where a recording is asked for, by POST.
const RecordPath = "/api/nocturne/record"

// Health is how the running wallboard fares.
type Health struct {
	Version  string    `json:"version"`
	PID      int       `json:"pid"`
	Started  time.Time `json:"started"`
	Config   string    `json:"config"` // "" = the built-in one
	Data     string    `json:"data"`   // "" = memory only
	Replay   bool      `json:"replay"`
	Problems []string  `json:"problems"` // as the banner says them
}

// Backend is what is served. Its functions are safe for concurrent use; those that are nil answer
// that this is not possible here.
type Backend struct {
	Source    model.Source
	Queryable storage.Queryable
	Engine    promql.QueryEngine
	Groups    func() []*rules.Group
	Health    func() Health
	Metrics   prometheus.Gatherer
	Ack       func(id, by, note string) (model.Alert, error)
	Unack     func(id, by string) (model.Alert, error)
	Accept    func(targets []string) ([]model.Entity, error) // none: all that wait
	Record    func(ctx context.Context, out string, since, until time.Time) error
	Store     Maintainer
	Boards    func(ctx context.Context) ([]string, error)             // names of the boards
	Snapshot  func(ctx context.Context, v url.Values) ([]byte, error) // a board as PNG: board, size, lang, theme, at
	Panic     func(source string) error                               // a fault drill: the source's collector panics
	Clock     func(what string, by time.Duration) error               // a fault drill: "set" is how far off the system clock is, "sleep" how long the machine slept
}

// Handler serves everything, to whoever may open the socket: ReadOnly's endpoints and what changes
// something.
func Handler(b Backend) http.Handler {
	a := &api{Backend: b, parser: parser.NewParser(parser.Options{})}
	mux := a.routes()
	mux.Handle("POST /api/nocturne/ack", limit(a.handle(a.ack), requestTimeout))
	mux.Handle("POST /api/nocturne/unack", limit(a.handle(a.unack), requestTimeout))
	mux.Handle("POST "+AcceptPath, limit(a.handle(a.accept), requestTimeout))
	mux.Handle("POST /api/lab/panic", limit(a.handle(a.panic), requestTimeout))
	mux.Handle("POST /api/lab/clock", limit(a.handle(a.clock), requestTimeout))
	mux.Handle("POST "+RecordPath, limit(a.handle(a.record), recordTimeout))
	a.maintain(mux)
	return mux
}

// ReadOnly serves what only reads, to clients of this machine that show the token. With an empty token
// nobody is served.
func ReadOnly(b Backend, token string) http.Handler {
	a := &api{Backend: b, parser: parser.NewParser(parser.Options{})}
	return loopbackHost(authorized(token, a.routes()))
}

type api struct {
	Backend
	parser parser.Parser
}

// apiFunc answers a request with the data of the envelope.
type apiFunc func(*http.Request) (any, error)

// routes are the endpoints that read.
func (a *api) routes() *http.ServeMux {
	mux, busy := http.NewServeMux(), newGate()
	read := func(pattern string, f apiFunc) {
		mux.Handle(pattern, limit(busy.pass(a.handle(f)), requestTimeout))
	}
	for path, f := range map[string]apiFunc{
		"label/{name}/values": a.labelValues,
		"metadata":            a.metadata,
		"rules":               a.rules,
		"alerts":              a.promAlerts,
		"status/buildinfo":    a.buildInfo,
	} {
		read("GET /api/v1/"+path, f)
	}
	for path, f := range map[string]apiFunc{ // long ones come by POST
		"query":       a.query,
		"query_range": a.queryRange,
		"series":      a.series,
		"labels":      a.labelNames,
	} {
		read("GET /api/v1/"+path, f)
		read("POST /api/v1/"+path, f)
	}
	for path, f := range map[string]apiFunc{
		"entities": a.entities,
		"links":    a.links,
		"events":   a.events,
		"alerts":   a.alerts,
		"sources":  a.sources,
		"topology": a.topology,
		"health":   a.health,
		"boards":   a.boards,
		"snapshot": a.snapshot,

		"discover/pending": a.pending,
	} {
		read("GET /api/nocturne/"+path, f)
	}
	mux.Handle("GET /api/", a.handle(func(r *http.Request) (any, error) {
		return nil, &apiError{sortNotFound, fmt.Errorf("%s is not part of this API: docs/api.md lists what is", r.URL.Path)}
	}))
	if a.Metrics != nil {
		// Not behind the gate: the wall tells how it fares also while long queries run.
		mux.Handle("GET /metrics", limit(promhttp.HandlerFor(a.Metrics, promhttp.HandlerOpts{
			EnableOpenMetrics: true, ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: maxScrapes,
		}), requestTimeout))
	}
	return mux
}
