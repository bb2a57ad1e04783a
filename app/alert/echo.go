package alert

import (
	"slices"

	"github.com/prometheus/prometheus/rules"

	"github.com/nocturne-noc/nocturne/store/model"
)

// echoes remembers what explained each active alert last. A rule with keep_firing_for holds an alert for a
// while after its condition has passed; one that was a symptom would then outlive its cause, and stand alone
// as if it were one.
type echoes map[string]string // cause by ID of the alert

// leaveOut takes those out of a folded list that nothing but their rule's patience keeps, and whose cause is
// over.
func (e echoes) leaveOut(list []model.Alert, kept map[string]bool) []model.Alert {
	active := byID(list)
	for id := range e {
		if _, ok := active[id]; !ok {
			delete(e, id)
		}
	}
	for _, a := range list {
		if a.Cause != "" {
			e[a.ID] = a.Cause
		}
	}
	return slices.DeleteFunc(list, func(a model.Alert) bool {
		cause := e[a.ID]
		_, going := active[cause]
		return kept[a.ID] && cause != "" && !going
	})
}

// keptFiring are the IDs of alerts whose condition has passed.
func keptFiring(groups []*rules.Group) map[string]bool {
	kept := map[string]bool{}
	for _, g := range groups {
		for _, rule := range g.AlertingRules() {
			for _, a := range rule.ActiveAlerts() {
				if !a.KeepFiringSince.IsZero() {
					kept[id(a)] = true
				}
			}
		}
	}
	return kept
}
