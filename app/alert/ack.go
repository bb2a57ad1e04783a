package alert

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

// ErrNoAlert says that no active alert has the ID.
var ErrNoAlert = errors.New("no such active alert")

const maxNote = 1000 // runes of an acknowledgement's note

// Ack marks an active alert as seen by somebody, until it resolves. The ID may be cut short as long
// as it is unique. It is in the store when Ack returns.
func (m *Manager) Ack(id, by, note string, now time.Time) (model.Alert, error) {
	if strings.TrimSpace(by) == "" {
		return model.Alert{}, errors.New("acknowledge: say who you are")
	}
	if n := []rune(note); len(n) > maxNote {
		note = string(n[:maxNote])
	}
	return m.mark(id, now, func(a *model.Alert) model.Event {
		a.AckBy, a.AckAt, a.AckNote = by, now, note
		return event(*a, "acknowledged", a.Severity, now, strings.TrimSuffix("acknowledged by "+by+": "+note, ": "))
	})
}

// Unack takes an acknowledgement back.
func (m *Manager) Unack(id, by string, now time.Time) (model.Alert, error) {
	return m.mark(id, now, func(a *model.Alert) model.Event {
		a.AckBy, a.AckAt, a.AckNote = "", time.Time{}, ""
		return event(*a, "unacknowledged", a.Severity, now, "acknowledgement taken back by "+cmp.Or(by, "somebody"))
	})
}

func (m *Manager) mark(id string, now time.Time, change func(*model.Alert) model.Event) (model.Alert, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	full, err := m.find(id)
	if err != nil {
		return model.Alert{}, err
	}
	a := m.alerts[full]
	e := change(&a)
	m.alerts[full] = a
	list := slices.Collect(maps.Values(m.alerts))
	sortAlerts(list)
	m.apply(list, []model.Event{e}, now)
	return a, nil
}

func (m *Manager) find(id string) (string, error) {
	if _, ok := m.alerts[id]; ok {
		return id, nil
	}
	var found []string
	for full := range m.alerts {
		if id != "" && strings.HasPrefix(full, id) {
			found = append(found, full)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return "", fmt.Errorf("alert %q: %w: it may have resolved; list them with nocturne alerts", id, ErrNoAlert)
	}
	return "", fmt.Errorf("alert %q: %d active alerts begin with this: write more of the ID", id, len(found))
}
