// Package panels holds the kinds of panels that people put on boards, one file each, and their
// catalog. A panel reads a model.Source and describes a View; it knows neither the store nor the
// collectors nor the window, starts no goroutine and keeps no state that a View could race with.
package panels

import (
	"context"
	"strings"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// Panel is one configured panel of a board.
type Panel interface {
	// Load reads what the panel shows. It runs off the main thread under a deadline; an error is
	// drawn on the panel's face in the last good picture's place.
	Load(ctx context.Context, src model.Source, env Env) (*View, error)
	// Deps says what changes make Load worth calling again.
	Deps() Deps
}

// Env is everything but the data that a panel needs to make its View.
type Env struct {
	Style plot.Style
	Face  *plot.Typeface
	Text  Text
	// Phrase says in the wall's language what a collector told in English; nil leaves it as it is.
	Phrase func(english string) string
	Lang   string // "en", "ko"
	// Size is the body's size in pixels, so that queries ask for no more points than can be seen.
	Size plot.Rect
	// Range, where it is not 0, is how much time all charts show instead of their own ranges.
	Range time.Duration
	// Board is the name of the board that the panel is on.
	Board string
	// Keep keeps what people arrange; nil where nothing is kept.
	Keep Keeper
	// Fixed says that people may look but arrange nothing: a kiosk.
	Fixed bool
	// Live is asked for documents and logs; nil where nothing is live: a recording, a data folder.
	Live model.Inspector
	// Withheld says that documents and logs are not shown: a kiosk stands before people for whom they may
	// not be meant.
	Withheld bool
}

// Keeper keeps what people arranged by hand, across restarts. Safe for concurrent use; it writes to
// disk, so it is for Load and not for Handle.
type Keeper interface {
	// Load fills what was saved under a name; nothing saved leaves into as it is.
	Load(name string, into any) error
	// Save keeps a value under a name: it is on disk when Save returns.
	Save(name string, value any) error
}

// Text translates English source text with fmt verbs into the wall's language.
type Text func(english string, args ...any) string

// Deps names what a panel depends on.
type Deps struct {
	Samples, Entities, Events, Alerts, Sources bool
	// Clock asks for a redraw each second although no data changed: ages, clocks.
	Clock bool
	// Every is the least time between two loads for changes of samples: a chart need not be drawn
	// again before a new column of pixels can differ. 0 = each tick.
	Every time.Duration
}

// View is a panel's face at one moment: an immutable description that the board paints.
type View struct {
	Title string // overrides the configured title when not empty
	Right string // unit or count, right of the title, muted
	// Head paints in the title row instead of Right: legends, switches.
	Head func(c *plot.Canvas, row plot.Rect)
	// State dresses the frame: Critical a red edge, Stale hatched and dashed; everything else, the
	// zero value too, the quiet edge. A Notice with state Unknown makes the edge violet and dashed.
	State model.State
	// AsOf is when the newest value shown was measured, Every how often it should come: the frame
	// shows the age in the title row once it is stale.
	AsOf  time.Time
	Every time.Duration
	// Hold is how long the view need not be made again although samples have changed; where it is
	// longer than Deps.Every it counts instead.
	Hold time.Duration
	// Bare leaves out frame and title: the panel paints the whole of its place.
	Bare bool
	// Notice is shown instead of Paint when there is nothing to paint.
	Notice *Notice
	// MinW and MinH are the least body size at density 1 below which "Too small" is shown.
	MinW, MinH float64
	Paint      func(c *plot.Canvas, body plot.Rect)
	// Spots are places that react to the mouse and the keyboard, in body coordinates.
	Spots []Spot
}

// Notice is an honest face: no sample yet, no permission, broken query, a good empty answer.
type Notice struct {
	State model.State // Unknown, Critical (broken) or OK (a good empty answer)
	Head  string
	Lines []string // the first in text2, the others muted
}

// Spot is a place on a panel that stands for an entity or a link.
type Spot struct {
	Rect   plot.Rect
	Entity string
	Link   string
	Alert  string
	// Ack says that the place acknowledges its alert; elsewhere a spot opens the page of its entity.
	Ack bool
}

// Said is what a collector told (a reason, an error, an event's text) in the wall's language; what is no
// phrase of ours stays as it is.
func (e Env) Said(text string) string {
	if e.Phrase == nil {
		return text
	}
	return e.Phrase(text)
}

// SaidAfter is Said where the first colon of a text parts somebody's own words, such as a rule's, from what a
// collector told.
func (e Env) SaidAfter(text string) string {
	if said := e.Said(text); said != text {
		return said
	}
	if own, told, ok := strings.Cut(text, ": "); ok {
		return own + ": " + e.Said(told)
	}
	return text
}

// width is the body's width at density 1: a denser screen shows the same points more finely.
func (e Env) width() float64 {
	if e.Style.K > 0 {
		return e.Size.W / e.Style.K
	}
	return e.Size.W
}

// Common are the keys that every panel has in the configuration.
type Common struct {
	Kind  string          `yaml:"kind"`
	At    [4]int          `yaml:"at"` // column, row, width, height in grid cells
	Title model.Localized `yaml:"title"`
	Unit  string          `yaml:"unit"`
}

// Query is one PromQL expression of a panel. Legend may hold {{label}} references.
type Query struct {
	Expr   string          `yaml:"expr"`
	Legend model.Localized `yaml:"legend"`
}

// Kind makes panels of one kind.
type Kind struct {
	Name string
	// New decodes the panel's own keys (a struct that inlines Common) and validates them: PromQL is
	// parsed here, so that a typing error is found when the board is loaded. decode's errors carry
	// file:line.
	New func(decode func(into any) error) (Panel, error)
}
