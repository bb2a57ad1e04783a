package eventlog

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/nocturne-noc/nocturne/store/model"
)

// How much of an event is kept, in bytes. What is longer is cut, with an ellipsis at its end.
const (
	maxName   = 1 << 10
	maxText   = 16 << 10
	maxLabels = 64
)

// Bound makes an event that came from outside fit to be kept: its texts are valid UTF-8 of a bounded
// length, and its labels, of which the first by name stay, are few.
func Bound(e model.Event) model.Event {
	e.Kind, e.Source, e.Entity = clip(e.Kind, maxName), clip(e.Source, maxName), clip(e.Entity, maxName)
	e.Title, e.Text = clip(e.Title, maxName), clip(e.Text, maxText)
	for name, value := range e.Labels {
		if len(e.Labels) > maxLabels || clip(name, maxName) != name || clip(value, maxText) != value {
			e.Labels = boundLabels(e.Labels)
			break
		}
	}
	return e
}

func boundLabels(labels map[string]string) map[string]string {
	out := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		if len(out) == maxLabels {
			break
		}
		out[clip(name, maxName)] = clip(labels[name], maxText)
	}
	return out
}

func clip(s string, limit int) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	if len(s) <= limit {
		return s
	}
	const ellipsis = "…"
	end := limit - len(ellipsis)
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + ellipsis
}
