package control

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/prometheus/util/annotations"

	"github.com/nocturne-noc/nocturne/store/model"
)

const maxEvents = 10_000 // in one answer

func filterOf(r *http.Request) model.Filter {
	return model.Filter{
		Kind: model.Kind(r.FormValue("kind")), Source: r.FormValue("source"), Under: r.FormValue("under"), ID: r.FormValue("id"),
	}
}

// stateOf reads the parameter "state": only entities and links in it are wanted.
func stateOf(r *http.Request) (state model.State, given bool, err error) {
	s := r.FormValue("state")
	if s == "" {
		return 0, false, nil
	}
	state, err = model.ParseState(s)
	if err != nil {
		return 0, false, badData("parameter state: %w", err)
	}
	return state, true, nil
}

func (a *api) entities(r *http.Request) (any, error) {
	state, given, err := stateOf(r)
	if err != nil {
		return nil, err
	}
	list := a.Source.Entities(filterOf(r))
	return orEmpty(slices.DeleteFunc(list, func(e model.Entity) bool { return given && e.State != state })), nil
}

func (a *api) links(r *http.Request) (any, error) {
	state, given, err := stateOf(r)
	if err != nil {
		return nil, err
	}
	list := a.Source.Links(filterOf(r))
	return orEmpty(slices.DeleteFunc(list, func(l model.Link) bool { return given && l.State != state })), nil
}

func (a *api) events(r *http.Request) (any, error) {
	f := model.EventFilter{
		Kind: r.FormValue("kind"), Source: r.FormValue("source"), Entity: r.FormValue("entity"), Text: r.FormValue("text"), Limit: 100,
	}
	var err error
	if f.Since, err = a.timeOf(r, "since", time.Time{}); err != nil {
		return nil, err
	}
	if f.Until, err = a.timeOf(r, "until", time.Time{}); err != nil {
		return nil, err
	}
	if s := r.FormValue("severity"); s != "" {
		if f.MinRank, err = model.ParseState(s); err != nil {
			return nil, badData("parameter severity: %w", err)
		}
	}
	if s := r.FormValue("limit"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > maxEvents {
			return nil, badData("parameter limit: want a number from 1 to %d", maxEvents)
		}
		f.Limit = n
	}
	source, ok := a.Source.(eventFinder)
	if !ok {
		return orEmpty(a.Source.Events(f)), nil
	}
	list, err := source.FindEvents(r.Context(), f)
	answer := remarked{data: orEmpty(list)}
	if err != nil { // what was found is true, but not all there is
		answer.warnings = annotations.New().Add(err)
	}
	return answer, nil
}

// eventFinder is a source that says when its events are not all there are.
type eventFinder interface {
	FindEvents(ctx context.Context, f model.EventFilter) ([]model.Event, error)
}

func (a *api) alerts(r *http.Request) (any, error) {
	severity, pending := r.FormValue("severity"), r.FormValue("pending") == "true"
	return orEmpty(slices.DeleteFunc(a.Source.Alerts(), func(alert model.Alert) bool {
		return alert.Pending && !pending || severity != "" && alert.Severity.String() != severity
	})), nil
}

func (a *api) sources(*http.Request) (any, error) { return orEmpty(a.Source.Sources()), nil }

func (a *api) health(*http.Request) (any, error) {
	if a.Health == nil {
		return nil, &apiError{sortUnavailable, errors.New("no wallboard runs on this data folder")}
	}
	return a.Health(), nil
}

// Topology is the map of what hangs together.
type Topology struct {
	Nodes []TopologyNode `json:"nodes"`
	Links []TopologyLink `json:"links"`
}

// TopologyNode is a device on the map.
type TopologyNode struct {
	ID     string            `json:"id"`
	Kind   model.Kind        `json:"kind"`
	Name   string            `json:"name"`
	State  model.State       `json:"state"`
	Parent string            `json:"parent"`
	Labels map[string]string `json:"labels"`
}

// TopologyLink is a cable, or a relation, between two nodes.
type TopologyLink struct {
	A          string           `json:"a"`
	APort      string           `json:"a_port"`
	B          string           `json:"b"`
	BPort      string           `json:"b_port"`
	Kind       string           `json:"kind"`
	State      model.State      `json:"state"`
	Evidence   []model.Evidence `json:"evidence"`
	Confidence float64          `json:"confidence"`
	SpeedBPS   float64          `json:"speed_bps"`
}

// kindCable is the kind of link that a cable is; all others are relations.
const kindCable = "ethernet"

// topology answers with the network map: devices, stubs, and whatever else a cable ends at. With
// the parameter kind, links of that kind and their ends instead; kind=all is everything.
func (a *api) topology(r *http.Request) (any, error) {
	return MakeTopology(a.Source, r.FormValue("kind")), nil
}

// MakeTopology draws the map out of a source; kind as in the API.
func MakeTopology(src model.Source, kind string) Topology {
	ends := map[string]bool{}
	links := slices.DeleteFunc(src.Links(model.Filter{}), func(l model.Link) bool {
		if kind == "" && l.Kind != kindCable || kind != "" && kind != "all" && l.Kind != kind {
			return true
		}
		ends[l.A], ends[l.B] = true, true
		return false
	})
	nodes := slices.DeleteFunc(src.Entities(model.Filter{}), func(e model.Entity) bool {
		device := kind == "" && (e.Kind == model.KindDevice || e.Kind == model.KindStub)
		return !ends[e.ID] && !device && kind != "all"
	})
	return NewTopology(nodes, links)
}

// NewTopology puts entities and links into the map's shape.
func NewTopology(nodes []model.Entity, links []model.Link) Topology {
	t := Topology{Nodes: []TopologyNode{}, Links: []TopologyLink{}}
	for _, e := range nodes {
		t.Nodes = append(t.Nodes, TopologyNode{
			ID: e.ID, Kind: e.Kind, Name: cmp.Or(e.Name, e.ID), State: e.State, Parent: e.Parent, Labels: orEmptyMap(e.Labels),
		})
	}
	for _, l := range links {
		t.Links = append(t.Links, TopologyLink{
			A: l.A, APort: l.APort, B: l.B, BPort: l.BPort, Kind: l.Kind, State: l.State,
			Evidence: orEmpty(l.Evidence), Confidence: l.Confidence, SpeedBPS: l.SpeedBPS,
		})
	}
	return t
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func orEmptyMap(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

func (a *api) ack(r *http.Request) (any, error) {
	if a.Ack == nil {
		return nil, &apiError{sortUnavailable, errors.New("alerts are acknowledged on a running wallboard")}
	}
	return mark(a.Ack(r.FormValue("id"), r.FormValue("by"), r.FormValue("note")))
}

func (a *api) unack(r *http.Request) (any, error) {
	if a.Unack == nil {
		return nil, &apiError{sortUnavailable, errors.New("alerts are acknowledged on a running wallboard")}
	}
	return mark(a.Unack(r.FormValue("id"), r.FormValue("by")))
}

func mark(alert model.Alert, err error) (any, error) {
	if err != nil {
		return nil, &apiError{sortBadData, err}
	}
	return alert, nil
}

// record writes a recording to a file of this machine, as the user who runs the wallboard.
func (a *api) record(r *http.Request) (any, error) {
	if a.Record == nil {
		return nil, &apiError{sortUnavailable, errors.New("recordings are taken on a running wallboard")}
	}
	since, err := a.timeOf(r, "since", a.Source.Now().Add(-time.Hour))
	if err != nil {
		return nil, err
	}
	until, err := a.timeOf(r, "until", a.Source.Now())
	if err != nil {
		return nil, err
	}
	if !filepath.IsAbs(r.FormValue("out")) {
		return nil, badData("parameter out: want the absolute path of the file to write")
	}
	return nil, a.Record(r.Context(), r.FormValue("out"), since, until)
}

var errDrill = errors.New("fault drills are only for a wallboard that was started with NOCTURNE_LAB=1")

func (a *api) panic(r *http.Request) (any, error) {
	if a.Panic == nil {
		return nil, &apiError{sortUnavailable, errDrill}
	}
	if err := a.Panic(r.FormValue("source")); err != nil {
		return nil, &apiError{sortBadData, err}
	}
	return nil, nil
}

// clock takes Go's durations: set=-1h sets the system clock back, set=0s right; sleep=1h lets the machine
// have slept.
func (a *api) clock(r *http.Request) (any, error) {
	if a.Clock == nil {
		return nil, &apiError{sortUnavailable, errDrill}
	}
	for _, what := range []string{"set", "sleep"} {
		text := r.FormValue(what)
		if text == "" {
			continue
		}
		by, err := time.ParseDuration(text)
		if err != nil {
			return nil, badData("parameter %s: %w", what, err)
		}
		if err := a.Clock(what, by); err != nil {
			return nil, &apiError{sortBadData, err}
		}
	}
	return nil, nil
}
