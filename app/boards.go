package app

import (
	"fmt"
	"strings"

	"github.com/nocturne-noc/nocturne/app/board"
	"github.com/nocturne-noc/nocturne/app/config"
	"github.com/nocturne-noc/nocturne/assets"
	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/panels"
)

// Boards turns configured boards into what the wall shows. A panel of an unknown kind or with wrong
// keys becomes a panel that says so; the others are not touched.
func Boards(configured []config.Board) []board.Spec {
	kinds := map[string]panels.Kind{}
	var names []string
	for _, k := range panels.Catalog() {
		kinds[k.Name] = k
		names = append(names, k.Name)
	}
	out := make([]board.Spec, 0, len(configured))
	for _, b := range configured {
		spec := board.Spec{Name: b.Name, Title: b.Title, Columns: b.Columns, Rows: b.Rows}
		for _, p := range b.Panels {
			spec.Panels = append(spec.Panels, place(p, kinds, names))
		}
		out = append(out, spec)
	}
	return out
}

func place(p config.Panel, kinds map[string]panels.Kind, names []string) board.Placed {
	placed := board.Placed{At: p.At}
	var common struct {
		Title model.Localized `yaml:"title"`
	}
	// Only the title is wanted here; what else is wrong with the keys is said by the kind below.
	_ = p.Decode(&common)
	placed.Title = common.Title
	kind, ok := kinds[p.Kind]
	if !ok {
		placed.Broken = p.Locate(fmt.Errorf("unknown panel kind %q: want one of %s", p.Kind, strings.Join(names, ", ")))
		return placed
	}
	panel, err := kind.New(p.Decode)
	if err != nil {
		placed.Broken = p.Locate(err)
		return placed
	}
	placed.Panel = panel
	return placed
}

// DefaultBoards are the built-in boards that suit what is watched, for a configuration that names none.
func DefaultBoards(kinds map[string]bool) ([]config.Board, error) {
	var out []config.Board
	for _, name := range defaultBoardNames(kinds) {
		data, err := assets.Boards.ReadFile("boards/" + name + ".yaml")
		if err != nil {
			return nil, fmt.Errorf("built-in board %s: %w", name, err)
		}
		c, err := config.Parse("built-in board "+name, data, ".")
		if err != nil {
			return nil, err
		}
		out = append(out, c.Boards...)
	}
	return out, nil
}

// defaultBoardNames picks the files in assets/boards: an overview made for the widest domain that is
// watched, then one board per domain.
func defaultBoardNames(kinds map[string]bool) []string {
	var names []string
	switch {
	case kinds["snmp"]:
		names = append(names, "overview")
	case kinds["kubernetes"]:
		names = append(names, "overview-clusters")
	}
	if kinds["kubernetes"] {
		names = append(names, "kubernetes")
	}
	if kinds["snmp"] {
		names = append(names, "network")
	}
	if kinds["probe"] {
		names = append(names, "probes")
	}
	if kinds["snmp"] && (kinds["scrape"] || kinds["probe"] || kinds["kubernetes"]) { // else there is nothing to join
		names = append(names, "impact")
	}
	return append(names, "servers", "wall")
}

// KindsOf are the kinds of sources that src has rows of.
func KindsOf(src model.Source) map[string]bool {
	kinds := map[string]bool{}
	for _, s := range src.Sources() {
		kinds[s.Kind] = true
	}
	return kinds
}
