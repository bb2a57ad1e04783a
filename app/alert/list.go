package alert

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/rules"

	nocturne "github.com/nocturne-noc/nocturne/store/model"
)

// collect lists what the rules of all groups hold active, as the wall shows it. What people and
// earlier evaluations added (acknowledgement, when it fired) comes from known, by ID; src knows what servers are called.
func collect(groups []*rules.Group, known map[string]nocturne.Alert, src nocturne.Source) []nocturne.Alert {
	list := []nocturne.Alert{} // never nil: an empty list is a message too
	for _, g := range groups {
		for _, rule := range g.AlertingRules() {
			for _, a := range rule.ActiveAlerts() {
				list = append(list, convert(a, known, src))
			}
		}
	}
	sortAlerts(list)
	return slices.CompactFunc(list, func(a, b nocturne.Alert) bool { return a.ID == b.ID })
}

func convert(a *rules.Alert, known map[string]nocturne.Alert, src nocturne.Source) nocturne.Alert {
	out := nocturne.Alert{
		ID:          id(a),
		Name:        a.Labels.Get(model.AlertNameLabel),
		Severity:    severity(a.Labels.Get("severity")),
		Labels:      a.Labels.Map(),
		Annotations: a.Annotations.Map(),
		Entity:      nocturne.EntityOf(a.Labels),
		Pending:     a.State == rules.StatePending,
		Since:       a.ActiveAt,
		Value:       a.Value,
	}
	callByName(&out, src)
	out.Title = cmp.Or(title(out.Annotations["summary"]), out.Name)
	out.Text = out.Annotations["description"]
	if !out.Pending {
		out.Fired = a.FiredAt
	}
	if was, ok := known[out.ID]; ok {
		out.AckBy, out.AckAt, out.AckNote = was.AckBy, was.AckAt, was.AckNote
		if !out.Pending && !was.Fired.IsZero() {
			out.Fired = was.Fired
		}
	}
	return out
}

// id tells an alert from all others: the fingerprint of its labels.
func id(a *rules.Alert) string { return fmt.Sprintf("%016x", a.Labels.Hash()) }

// severity reads the label: what is not known there is worth a look, and no more.
func severity(label string) nocturne.State {
	switch strings.ToLower(label) {
	case "critical", "page", "error":
		return nocturne.Critical
	case "stale":
		return nocturne.Stale
	case "unknown":
		return nocturne.Unknown
	}
	return nocturne.Warning
}

func sortAlerts(list []nocturne.Alert) {
	slices.SortFunc(list, func(a, b nocturne.Alert) int {
		pending := func(a nocturne.Alert) int {
			if a.Pending {
				return 1
			}
			return 0
		}
		return cmp.Or(
			cmp.Compare(pending(a), pending(b)),
			cmp.Compare(b.Severity.Rank(), a.Severity.Rank()),
			a.Since.Compare(b.Since),
			strings.Compare(a.ID, b.ID))
	})
}

// transitions are the events between two lists: what fired and what is over.
func transitions(before map[string]nocturne.Alert, after []nocturne.Alert, now time.Time) []nocturne.Event {
	var events []nocturne.Event
	still := map[string]bool{}
	for _, a := range after {
		still[a.ID] = true
		was, known := before[a.ID]
		if !a.Pending && (!known || was.Pending) {
			events = append(events, event(a, "fired", a.Severity, now, cmp.Or(title(a.Text), "fired")))
		}
	}
	for _, a := range before {
		if !still[a.ID] && !a.Pending {
			text := "resolved after " + model.Duration(now.Sub(a.Since).Round(time.Second)).String()
			events = append(events, event(a, "resolved", nocturne.OK, now, text))
		}
	}
	slices.SortFunc(events, func(a, b nocturne.Event) int {
		return cmp.Or(strings.Compare(a.Labels["transition"], b.Labels["transition"]), strings.Compare(a.Title, b.Title))
	})
	return events
}

func event(a nocturne.Alert, transition string, severity nocturne.State, now time.Time, text string) nocturne.Event {
	ls := map[string]string{"alertname": a.Name, "alert": a.ID, "transition": transition}
	if a.Cause != "" {
		ls["cause"] = a.Cause
	}
	for name, words := range a.Annotations { // in other languages: the event has its title and text in English
		if strings.HasPrefix(name, "summary_") || transition == "fired" && strings.HasPrefix(name, "description_") {
			ls[name] = title(words)
		}
	}
	return nocturne.Event{
		Time: now, Severity: severity, Kind: "alert", Entity: a.Entity, Title: a.Title, Text: text, Labels: ls,
	}
}
