package control

import (
	"errors"
	"net/http"
)

// boards are the names of the wallboard's boards, in their order.
func (a *api) boards(r *http.Request) (any, error) {
	if a.Boards == nil {
		return nil, &apiError{sortUnavailable, errors.New("boards are shown by a running wallboard")}
	}
	names, err := a.Boards(r.Context())
	return orEmpty(names), err
}

// snapshot is a board as PNG, base64 in JSON.
func (a *api) snapshot(r *http.Request) (any, error) {
	if a.Snapshot == nil {
		return nil, &apiError{sortUnavailable, errors.New("boards are rendered by a running wallboard")}
	}
	png, err := a.Snapshot(r.Context(), r.URL.Query())
	if err != nil {
		return nil, &apiError{sortBadData, err}
	}
	return png, nil
}
