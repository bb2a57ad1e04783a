package control

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"

	jsoniter "github.com/json-iterator/go"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/util/annotations"
)

// maxAnswerBytes is how long one answer may be.
const maxAnswerBytes = 64 << 20

// envelope is the shape of every answer, as Prometheus' API has it. Data is written in its place by encode.
type envelope struct {
	Status    string   `json:"status"`
	ErrorType string   `json:"errorType,omitempty"`
	Error     string   `json:"error,omitempty"`
	Warnings  []string `json:"warnings,omitempty"`
	Infos     []string `json:"infos,omitempty"`
}

// remarked is data with what is to be said beside it.
type remarked struct {
	data     any
	warnings annotations.Annotations
	query    string // that positions in the warnings are of
	done     func() // gives back what data lies in; nil for nothing
}

// errTruncated is Prometheus' word for a list that the parameter limit has cut.
var errTruncated = errors.New("results truncated due to limit")

// errorType is Prometheus' word for a sort of error, with the HTTP status that goes with it.
type errorType struct {
	name   string
	status int
}

var (
	sortBadData     = errorType{"bad_data", http.StatusBadRequest}
	sortExecution   = errorType{"execution", http.StatusUnprocessableEntity}
	sortTimeout     = errorType{"timeout", http.StatusServiceUnavailable}
	sortCanceled    = errorType{"canceled", 499} // nginx's: the client has gone
	sortInternal    = errorType{"internal", http.StatusInternalServerError}
	sortNotFound    = errorType{"not_found", http.StatusNotFound}
	sortUnavailable = errorType{"unavailable", http.StatusServiceUnavailable}
	sortBusy        = errorType{"unavailable", http.StatusTooManyRequests}
	sortNoToken     = errorType{"unauthorized", http.StatusUnauthorized}
	sortNoHost      = errorType{"forbidden", http.StatusForbidden}
)

// apiError is an error of a known sort.
type apiError struct {
	sort errorType
	err  error
}

func (e *apiError) Error() string { return e.err.Error() }
func (e *apiError) Unwrap() error { return e.err }

func badData(format string, args ...any) error {
	return &apiError{sortBadData, fmt.Errorf(format, args...)}
}

// invalid says which parameter is wrong, in Prometheus' words.
func invalid(parameter string, err error) error {
	return badData("invalid parameter %q: %w", parameter, err)
}

// sortOf is the sort of an error that a query, or reading history, ended with.
func sortOf(err error) errorType {
	var known *apiError
	switch {
	case errors.As(err, &known):
		return known.sort
	case errors.Is(err, context.DeadlineExceeded) || errors.As(err, new(promql.ErrQueryTimeout)):
		return sortTimeout
	case errors.Is(err, context.Canceled) || errors.As(err, new(promql.ErrQueryCanceled)):
		return sortCanceled
	case errors.As(err, new(promql.ErrStorage)):
		return sortInternal
	}
	return sortExecution
}

// handle turns a function into a handler with the common envelope.
func (a *api) handle(f apiFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			fail(w, badData("the request's form: %w", err))
			return
		}
		data, err := f(r)
		if err != nil {
			fail(w, err)
			return
		}
		answer, ok := data.(remarked)
		if !ok {
			answer.data = data
		}
		if answer.done != nil {
			defer answer.done()
		}
		body, err := encode(answer)
		if err != nil {
			fail(w, err)
			return
		}
		reply(w, http.StatusOK, body)
	})
}

// fail answers with an error.
func fail(w http.ResponseWriter, err error) {
	sort := sortOf(err)
	body, merr := jsoniter.ConfigCompatibleWithStandardLibrary.Marshal(envelope{Status: "error", ErrorType: sort.name, Error: err.Error()})
	if merr != nil { // texts only
		body = []byte(`{"status":"error","errorType":"internal","error":"the error cannot be written as JSON"}`)
	}
	reply(w, sort.status, body)
}

func reply(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(body) // whoever went away needs no answer
}

// encode writes an answer as JSON, with the same numbers as Prometheus itself.
func encode(a remarked) ([]byte, error) {
	warnings, infos := a.warnings.AsStrings(a.query, maxRemarks, maxRemarks)
	// Prometheus has data in the second place, which encoding the rest as a whole keeps.
	head, err := jsoniter.ConfigCompatibleWithStandardLibrary.Marshal(envelope{Status: "success", Warnings: warnings, Infos: infos})
	if err != nil {
		return nil, fmt.Errorf("writing the answer: %w", err)
	}
	s := jsoniter.NewStream(jsoniter.ConfigCompatibleWithStandardLibrary, nil, 4096)
	rest := bytes.TrimPrefix(head, []byte(success))
	s.WriteRaw(success)
	if a.data != nil {
		s.WriteRaw(`,"data":`)
		if err := writeData(s, a.data); err != nil {
			return nil, err
		}
	}
	s.WriteRaw(string(rest))
	if s.Error != nil {
		return nil, fmt.Errorf("writing the answer: %w", s.Error)
	}
	return s.Buffer(), nil
}

const (
	success    = `{"status":"success"`
	maxRemarks = 10 // warnings, and infos, in one answer, as Prometheus has it
)

// tooLong is an error once an answer has grown too long.
func tooLong(s *jsoniter.Stream) error {
	if s.Buffered() <= maxAnswerBytes {
		return nil
	}
	return &apiError{sortExecution, fmt.Errorf("the answer is longer than %d MiB: ask for fewer series, a shorter time or a larger step", maxAnswerBytes>>20)}
}
