package alert

import (
	"strings"

	"github.com/nocturne-noc/nocturne/store/model"
)

// addressLabels hold what a server is asked at; a and b are the ends of a link, behind what something hangs on.
var addressLabels = [...]string{"instance", "a", "b", "behind"}

// callByName puts a server's name into an alert's words where the rule wrote the address at which it is asked: a wall
// says "db1", not "10.0.0.7:9100". The labels stay as they are. A nil source knows no names.
func callByName(a *model.Alert, src model.Source) {
	if src == nil {
		return
	}
	for _, label := range addressLabels {
		address := a.Labels[label]
		if !strings.Contains(address, ":") && !strings.Contains(address, ".") {
			continue // a name, or nothing
		}
		found := src.Entities(model.Filter{ID: model.ServerID(address)})
		if len(found) == 0 || found[0].Name == "" || found[0].Name == address {
			continue
		}
		for key, words := range a.Annotations {
			a.Annotations[key] = strings.ReplaceAll(words, address, found[0].Name)
		}
	}
}
