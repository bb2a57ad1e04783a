package scrape

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/nocturne-noc/nocturne/collectors"
	"github.com/nocturne-noc/nocturne/store/model"
)

// shown is how many targets that fail are named in the row.
const shown = 3

// health is how discovered targets fare together.
type health struct {
	nothing string // is said while there are no targets
	status  func(error)
	holds   func(about string) bool // whether a note still counts; nil for always

	mu      sync.Mutex
	targets int
	wrong   []error           // targets that are none
	results map[string]error  // of the last scrape, by scope
	notes   map[string]string // what else is wrong, by what it is about
}

func newHealth(nothing string, status func(error)) *health {
	return &health{nothing: nothing, status: status, results: map[string]error{}, notes: map[string]string{}}
}

// scraped notes how a scrape went.
func (h *health) scraped(scope string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.results[scope] = err
	h.status(h.summary())
}

// found notes how many targets there are now, and forgets those that are gone.
func (h *health) found(n int, m *member, wrong []error) {
	m.mu.Lock()
	scopes := m.found
	m.mu.Unlock()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.targets, h.wrong = n, wrong
	maps.DeleteFunc(h.results, func(scope string, _ error) bool { return !scopes[scope] })
	if err := h.summary(); err != nil || len(h.results) > 0 {
		h.status(err) // until the first scrape nothing is known
	}
}

// note replaces what else is wrong.
func (h *health) note(notes map[string]string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.notes = notes
}

// summary says what is wrong, the worst first.
func (h *health) summary() error {
	maps.DeleteFunc(h.notes, func(about, _ string) bool { return h.holds != nil && !h.holds(about) })
	var parts, remarks []string
	state := model.OK
	failed := 0
	for _, scope := range slices.Sorted(maps.Keys(h.results)) {
		err := h.results[scope]
		switch remark := (collectors.Remark{}); {
		case err == nil:
		case errors.As(err, &remark):
			state = model.Worst(state, remark.State)
			remarks = append(remarks, fmt.Sprintf("%s: %s", scope, remark.Text))
		default:
			if failed++; failed <= shown {
				parts = append(parts, err.Error())
			}
		}
	}
	if failed > shown {
		parts = append(parts, fmt.Sprintf("and %d more", failed-shown))
	}
	if failed > 0 {
		parts = append([]string{fmt.Sprintf("%d of %d targets fail", failed, h.targets)}, parts...)
		state = model.Warning
	}
	for _, about := range slices.Sorted(maps.Keys(h.notes)) {
		state = model.Warning
		parts = append(parts, h.notes[about])
	}
	if len(h.wrong) > 0 {
		state = model.Warning
		parts = append(parts, fmt.Sprintf("%d cannot be scraped, the first: %s", len(h.wrong), clip(h.wrong[0].Error(), 2*maxQuote)))
	}
	if h.targets == 0 {
		state = model.Warning
		parts = append(parts, h.nothing)
	}
	parts = append(parts, remarks[:min(len(remarks), shown)]...)
	text := strings.Join(parts, "; ")
	switch {
	case text == "":
		return nil
	case failed > 0 && failed == len(h.results):
		return errors.New(text)
	}
	return collectors.Remark{State: state, Text: text}
}
