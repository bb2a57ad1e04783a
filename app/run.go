package app

import (
	"context"
	"fmt"
	"log/slog"
	"os/user"
	"time"

	"fyne.io/fyne/v2"

	"github.com/nocturne-noc/nocturne/app/board"
	"github.com/nocturne-noc/nocturne/app/config"
	"github.com/nocturne-noc/nocturne/widgets/panels"
)

// Show are the wishes of whoever opens a window, from the command line.
type Show struct {
	Board string
	Kiosk bool
	Lang  string
	Theme string
}

// ui is what the window remembers between two starts.
type ui struct {
	Board string `json:"board"`
}

// RunWall opens the wallboard on core and returns when its window has been closed or ctx ends.
func RunWall(ctx context.Context, a fyne.App, core *Core, show Show, log *slog.Logger) error {
	cfg := core.Config()
	look := LookOf(cfg.Wall, show.Lang, show.Theme)
	boards, err := boardsOf(cfg)
	if err != nil {
		return err
	}
	if show.Board == "" {
		var last ui
		if err := core.LoadUI(&last); err != nil {
			log.Warn("the board of last time is not known", "error", err)
		}
		if board.Find(boards, last.Board) >= 0 { // it may have gone from the configuration
			show.Board = last.Board
		}
	}
	pages, err := PagesOf(cfg)
	if err != nil {
		return err
	}
	wall, err := NewWall(a, WallOptions{
		Source: core.Source(), Boards: boards, Pages: pages, Board: show.Board, Look: look, Kiosk: show.Kiosk,
		Rotation: cfg.Wall.Rotation, Log: log,
		Banner: func() *board.Banner { return troubleBanner(core, look) },
		Remember: func(name string) {
			if err := core.SaveUI(ui{Board: name}); err != nil {
				log.Warn("the next start will not know this board", "error", err)
			}
		},
		Ack: func(id string) error {
			_, err := core.Ack(id, userName(), "")
			return err
		},
		Keep:    core.Keeper(),
		Live:    core.Inspector(),
		Changed: core.Changes(),
		Framed:  framesIn(core.registry),
	})
	if err != nil {
		return err
	}
	wall.Run(ctx)
	return nil
}

// RunReplay opens a wallboard on a recording.
func RunReplay(ctx context.Context, a fyne.App, p *Player, show Show, log *slog.Logger) error {
	look := LookOf(config.Wall{Distance: 5, Screen: 55}, show.Lang, show.Theme)
	boards, err := ReplayBoards(p)
	if err != nil {
		return err
	}
	pages, err := PagesOf(nil)
	if err != nil {
		return err
	}
	wall, err := NewWall(a, WallOptions{
		Source: p.Source(), Boards: boards, Pages: pages, Board: show.Board, Look: look, Kiosk: show.Kiosk, Player: p, Log: log,
		Banner: func() *board.Banner { return p.Banner(look) },
	})
	if err != nil {
		return err
	}
	wall.Run(ctx)
	return nil
}

// ReplayBoards are the built-in boards that suit what a recording had come to know at its end.
func ReplayBoards(p *Player) ([]board.Spec, error) {
	configured, err := DefaultBoards(KindsOf(p.rec.View(func() time.Time { return p.end })))
	if err != nil {
		return nil, err
	}
	return Boards(configured), nil
}

// boardsOf are the configured boards, or the built-in ones that suit the configured sources.
func boardsOf(cfg *config.Config) ([]board.Spec, error) {
	configured := cfg.Boards
	if len(configured) == 0 {
		kinds := map[string]bool{}
		for _, s := range cfg.Sources {
			kinds[s.Kind] = true
		}
		var err error
		if configured, err = DefaultBoards(kinds); err != nil {
			return nil, err
		}
	}
	return Boards(configured), nil
}

// troubleBanner says what is wrong with the wallboard itself, nil for nothing.
func troubleBanner(core *Core, look Look) *board.Banner {
	problems := core.Problems()
	if len(problems) == 0 {
		return nil
	}
	b := &board.Banner{Text: panels.Env{Phrase: look.Phrase}.Said(problems[0].Text)}
	switch problems[0].Area {
	case "config":
		b.Head = look.Text("Configuration")
	case "rules":
		b.Head = look.Text("Rules")
	case "data":
		b.Head = look.Text("Data folder")
	case "control":
		b.Head = look.Text("Control socket")
	case "listen":
		b.Head = look.Text("API for other programs")
	case "time":
		b.Head = look.Text("System clock")
	default:
		b.Head = problems[0].Area
	}
	if n := len(problems) - 1; n > 0 {
		b.Right = fmt.Sprintf("+%d", n)
	}
	return b
}

// userName is who acknowledges at this window.
func userName() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "wall"
}
