package app

import (
	"time"

	"github.com/nocturne-noc/nocturne/app/config"
	"github.com/nocturne-noc/nocturne/collectors"
	"github.com/nocturne-noc/nocturne/collectors/catalog"
	"github.com/nocturne-noc/nocturne/store/model"
)

// Sources makes the configured sources ready for a Runner. remembered gives the links of before; nil
// when there are none. found are the devices that were accepted after discovery; it may be nil.
func Sources(cfg *config.Config, remembered model.Source, found *accepted, now func() time.Time) []collectors.Source {
	list := make([]collectors.Source, 0, len(cfg.Sources))
	for _, s := range cfg.Sources {
		list = append(list, collectors.Source{
			Name: s.Name, Kind: s.Kind, Hash: s.Hash(),
			Open: func() ([]collectors.Job, error) { return openSource(cfg, s, remembered, found, now) },
		})
	}
	return list
}

// openSource has the source's kind read its configuration. Errors carry file:line.
func openSource(cfg *config.Config, s config.Source, remembered model.Source, found *accepted, now func() time.Time) ([]collectors.Job, error) {
	var names []string
	for _, kind := range catalog.Kinds() {
		if kind.Name != s.Kind {
			names = append(names, kind.Name)
			continue
		}
		var entities func(model.Kind) []model.Entity
		if remembered != nil {
			entities = func(kind model.Kind) []model.Entity { return remembered.Entities(model.Filter{Kind: kind}) }
		}
		jobs, err := kind.Open(collectors.Env{
			Name: s.Name, Every: s.Every, Decode: s.Decode, Secret: cfg.Secret, Now: now, Entities: entities,
			Path: cfg.Abs, Accepted: func() []string { return found.of(s.Name) },
			Links: func(source string) []model.Link {
				if remembered == nil {
					return nil
				}
				return remembered.Links(model.Filter{Source: source})
			},
		})
		return jobs, s.Locate(err)
	}
	return nil, s.Locate(config.Unknown("source kind", s.Kind, names))
}
