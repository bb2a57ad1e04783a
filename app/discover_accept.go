package app

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/nocturne-noc/nocturne/app/control"
	"github.com/nocturne-noc/nocturne/store/model"
)

const acceptedName = "accepted.json" // in the data folder: devices that were found and accepted, by source

// accepted are the targets that people accepted after discovery had found them. It is safe for concurrent
// use; a nil one has none and takes none.
type accepted struct {
	file *keeper
	mu   sync.Mutex
	list map[string][]string // by source, what was read or written so far
}

func acceptedIn(dir string) *accepted {
	return &accepted{file: &keeper{path: filepath.Join(dir, acceptedName)}, list: map[string][]string{}}
}

// of returns the accepted targets of a source. A file that cannot be read has none, which adding then says.
func (a *accepted) of(source string) []string {
	if a == nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if list, ok := a.list[source]; ok {
		return list
	}
	var list []string
	if err := a.file.Load(source, &list); err != nil {
		return nil
	}
	a.list[source] = list
	return list
}

// add keeps further targets of a source.
func (a *accepted) add(source string, targets []string) error {
	if a == nil {
		return errors.New("nothing can be accepted: this wallboard keeps nothing, its data folder cannot be written")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	var list []string
	if err := a.file.Load(source, &list); err != nil {
		return err
	}
	list = slices.Compact(slices.Sorted(slices.Values(append(list, targets...))))
	if err := a.file.Save(source, list); err != nil {
		return err
	}
	a.list[source] = list
	return nil
}

// Accept has devices polled that discovery found and that wait for it: those with the given addresses,
// host or host:port, or all of them with none given. It returns what waited and was accepted; it is on disk
// then, and polled from the next round of its source on.
func (c *Core) Accept(targets []string) ([]model.Entity, error) {
	waiting := slices.DeleteFunc(c.store.Entities(model.Filter{Kind: model.KindStub}), func(e model.Entity) bool { return !control.Pending(e) })
	chosen := waiting
	if len(targets) > 0 {
		chosen = nil
		var unknown []string
		for _, t := range targets {
			before := len(chosen)
			for _, e := range waiting {
				if t == e.Labels["target"] || t == e.Labels["address"] {
					chosen = append(chosen, e)
				}
			}
			if len(chosen) == before {
				unknown = append(unknown, fmt.Sprintf("%.80q", t))
			}
		}
		if len(unknown) > 0 {
			return nil, fmt.Errorf("%s: no such device waits to be accepted; nocturne discover pending lists those that do", strings.Join(unknown, ", "))
		}
	}
	bySource := map[string][]string{}
	for _, e := range chosen {
		bySource[e.Source] = append(bySource[e.Source], e.Labels["target"])
	}
	for source, list := range bySource {
		if err := c.accepted.add(source, list); err != nil {
			return nil, err
		}
	}
	return chosen, nil
}
