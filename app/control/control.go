// Package control is the wallboard's local outside: a socket in the data folder that speaks
// Prometheus' HTTP API for what is measured, and a small API of the same shape for entities, links,
// events, alerts and sources. Commands use it while a wallboard runs, and the same handler without
// a socket when none does.
package control

import (
	"context"
	"encoding/json"
	"errors"
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

// Limits of one request.
const (
	maxBodyBytes   = 1 << 20
	requestTimeout = 30 * time.Second
	recordTimeout  = 10 * time.Minute
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
	Record    func(ctx context.Context, out string, since, until time.Time) error
	Boards    func(ctx context.Context) ([]string, error)             // names of the boards
	Snapshot  func(ctx context.Context, v url.Values) ([]byte, error) // a board as PNG: board, size, lang, theme, at
	Panic     func(source string) error                               // a fault drill: the source's collector panics
}

// Handler serves everything. ReadOnly leaves out what changes anything.
func Handler(b Backend) http.Handler {
	mux := readOnly(b)
	a := &api{Backend: b}
	mux.Handle("POST /api/nocturne/ack", a.handle(a.ack))
	mux.Handle("POST /api/nocturne/unack", a.handle(a.unack))
	mux.Handle("POST /api/lab/panic", a.handle(a.panic))
	all := http.NewServeMux()
	all.Handle("/", limit(mux, requestTimeout))
	all.Handle("POST "+RecordPath, limit(a.handle(a.record), recordTimeout))
	return all
}

// ReadOnly serves what only reads, to clients of this machine.
func ReadOnly(b Backend) http.Handler { return limit(loopbackHost(readOnly(b)), requestTimeout) }

func readOnly(b Backend) *http.ServeMux {
	a := &api{Backend: b, parser: parser.NewParser(parser.Options{})}
	mux := http.NewServeMux()
	for path, f := range map[string]func(*http.Request) (any, error){
		"/api/v1/query":               a.query,
		"/api/v1/query_range":         a.queryRange,
		"/api/v1/series":              a.series,
		"/api/v1/labels":              a.labelNames,
		"/api/v1/label/{name}/values": a.labelValues,
		"/api/v1/metadata":            a.metadata,
		"/api/v1/rules":               a.rules,
		"/api/v1/alerts":              a.promAlerts,
		"/api/v1/status/buildinfo":    a.buildInfo,
		"/api/nocturne/entities":      a.entities,
		"/api/nocturne/links":         a.links,
		"/api/nocturne/events":        a.events,
		"/api/nocturne/alerts":        a.alerts,
		"/api/nocturne/sources":       a.sources,
		"/api/nocturne/topology":      a.topology,
		"/api/nocturne/health":        a.health,
		"/api/nocturne/boards":        a.boards,
		"/api/nocturne/snapshot":      a.snapshot,
	} {
		mux.Handle("GET "+path, a.handle(f))
	}
	for _, path := range []string{"query", "query_range", "series", "labels"} { // long ones come by POST
		mux.Handle("POST /api/v1/"+path, a.handle(map[string]func(*http.Request) (any, error){
			"query": a.query, "query_range": a.queryRange, "series": a.series, "labels": a.labelNames,
		}[path]))
	}
	if b.Metrics != nil {
		mux.Handle("GET /metrics", promhttp.HandlerFor(b.Metrics, promhttp.HandlerOpts{
			EnableOpenMetrics: true, ErrorHandling: promhttp.ContinueOnError, Timeout: requestTimeout,
		}))
	}
	return mux
}

type api struct {
	Backend
	parser parser.Parser
}

// envelope is the shape of every answer, as Prometheus' API has it.
type envelope struct {
	Status    string `json:"status"`
	Data      any    `json:"data,omitempty"`
	ErrorType string `json:"errorType,omitempty"`
	Error     string `json:"error,omitempty"`
}

// apiError is an error with Prometheus' word for its sort.
type apiError struct {
	sort string // "bad_data", "execution", "timeout", "not_found", "unavailable"
	err  error
}

func (e *apiError) Error() string { return e.err.Error() }
func (e *apiError) Unwrap() error { return e.err }

func badData(format string, args ...any) error {
	return &apiError{"bad_data", fmt.Errorf(format, args...)}
}

var statusOf = map[string]int{
	"bad_data": http.StatusBadRequest, "execution": http.StatusUnprocessableEntity, "timeout": http.StatusServiceUnavailable,
	"not_found": http.StatusNotFound, "unavailable": http.StatusNotImplemented,
}

// handle turns a function into a handler with the common envelope.
func (a *api) handle(f func(*http.Request) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, answer := http.StatusOK, envelope{Status: "success"}
		err := r.ParseForm()
		if err != nil {
			err = badData("the request's form: %w", err)
		} else {
			answer.Data, err = f(r)
		}
		var body []byte
		if err == nil {
			body, err = json.Marshal(answer)
		}
		if err != nil {
			status, answer = failure(err)
			body, _ = json.Marshal(answer) // strings only
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write(append(body, '\n')) // whoever went away needs no answer
	})
}

func failure(err error) (int, envelope) {
	sort := "execution"
	var known *apiError
	switch {
	case errors.As(err, &known):
		sort = known.sort
	case errors.Is(err, context.DeadlineExceeded) || errors.As(err, new(promql.ErrQueryTimeout)):
		sort = "timeout"
	}
	return statusOf[sort], envelope{Status: "error", ErrorType: sort, Error: err.Error()}
}

// limit bounds the body and the time of each request.
func limit(h http.Handler, timeout time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), timeout)
		defer cancel()
		// Of a handler in the same process there is no connection to bound.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(timeout + dialTimeout))
		r.Body = http.MaxBytesReader(w, r.Body, maxBodyBytes)
		h.ServeHTTP(w, r.WithContext(ctx))
	})
}
