package control

import (
	"errors"
	"net/http"
	"slices"

	"github.com/nocturne-noc/nocturne/store/model"
)

// Where devices that discovery found are listed, and accepted by POST: "target", as often as needed, or
// "all".
const (
	PendingPath = "/api/nocturne/discover/pending"
	AcceptPath  = "/api/nocturne/discover/accept"
)

// Pending reports whether an entity is a device that discovery found and nobody has accepted yet.
func Pending(e model.Entity) bool {
	return e.Kind == model.KindStub && e.Labels["discovery"] == "pending" && e.Labels["target"] != ""
}

func (a *api) pending(*http.Request) (any, error) {
	list := a.Source.Entities(model.Filter{Kind: model.KindStub})
	return orEmpty(slices.DeleteFunc(list, func(e model.Entity) bool { return !Pending(e) })), nil
}

func (a *api) accept(r *http.Request) (any, error) {
	targets, all := r.Form["target"], r.FormValue("all") == "true"
	switch {
	case a.Accept == nil:
		return nil, &apiError{sortUnavailable, errors.New("devices are accepted on a running wallboard")}
	case all != (len(targets) == 0):
		return nil, badData("name targets, or all=true")
	}
	list, err := a.Accept(targets)
	if err != nil {
		return nil, &apiError{sortBadData, err}
	}
	return orEmpty(list), nil
}
