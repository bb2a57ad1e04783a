package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/nocturne-noc/nocturne/app"
	"github.com/nocturne-noc/nocturne/app/control"
)

// snapshotFlags are the flags of nocturne snapshot.
type snapshotFlags struct {
	app.SnapshotRequest
	demo   bool
	replay string
	all    bool
	at     string
	out    string
}

func snapshotCommand(g *global) *cobra.Command {
	f := &snapshotFlags{}
	cmd := &cobra.Command{
		Use:   "snapshot",
		Short: "Render a board to a PNG file, with no display and no GL",
		Long: `Renders one board, or with --all every board, to PNG. The data come from the wallboard that
runs on the data folder, from the folder when none runs, or from a recording. A recording is shown
at its height unless --at says when.`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd, g) },
	}
	cmd.Flags().StringVar(&f.Board, "board", "", "`NAME` of the board (default: the first)")
	cmd.Flags().StringVar(&f.Page, "page", "", "`ENTITY`: its page instead of a board, for example kube/prod/ns/shop/pod/api-1")
	cmd.Flags().StringVar(&f.Sheet, "sheet", "", "`NAME` of the page's sheet, for example cpu (default: the first)")
	cmd.Flags().StringVar(&f.Size, "size", "1920x1080", "`WxH` in pixels")
	cmd.Flags().StringVar(&f.Lang, "lang", "", "language, en or ko")
	cmd.Flags().StringVar(&f.Theme, "theme", "", "dark or light")
	cmd.Flags().StringVar(&f.at, "at", "", "`TIME` to show: RFC 3339, Unix seconds, or relative (default: now)")
	cmd.Flags().BoolVar(&f.demo, "demo", false, "show the built-in recording")
	cmd.Flags().StringVar(&f.replay, "replay", "", "show the recording `FILE`")
	cmd.Flags().BoolVar(&f.all, "all", false, "every board, as BOARD.png (BOARD-LANG.png with --lang) in the folder --out")
	cmd.Flags().StringVar(&f.out, "out", "", "`FILE` to write, or the folder with --all")
	return cmd
}

func (f *snapshotFlags) run(cmd *cobra.Command, g *global) error {
	if f.out == "" {
		return misused(cmd, errors.New("name the file with --out"))
	}
	if f.demo && f.replay != "" {
		return misused(cmd, errors.New("--demo and --replay are two recordings: name one"))
	}
	if f.Page != "" && f.all {
		return misused(cmd, errors.New("--page is one picture and --all is of every board: name one"))
	}
	if f.at != "" {
		at, err := control.ParseTime(f.at, time.Now())
		if err != nil {
			return misused(cmd, err)
		}
		f.At = at
	}
	if err := f.Check(); err != nil {
		return misused(cmd, err)
	}
	r, err := f.open(cmd.Context(), g, cmd)
	if err != nil {
		return err
	}
	err = f.render(cmd, r)
	return errors.Join(err, r.Close())
}

// open finds what to render from.
func (f *snapshotFlags) open(ctx context.Context, g *global, cmd *cobra.Command) (app.Renderer, error) {
	switch {
	case f.demo:
		p, err := app.OpenDemo(1, time.Now)
		return app.PlayerRenderer(p, err)
	case f.replay != "":
		p, err := app.OpenReplay(f.replay, 1, time.Now)
		return app.PlayerRenderer(p, err)
	default:
		return app.LiveRenderer(ctx, g.config, g.data, g.logger(cmd.ErrOrStderr()))
	}
}

func (f *snapshotFlags) render(cmd *cobra.Command, r app.Renderer) error {
	if !f.all {
		return f.one(cmd, r, f.Board, f.out)
	}
	names, err := r.Boards(cmd.Context())
	if err != nil {
		return err
	}
	if err := os.MkdirAll(f.out, 0o755); err != nil {
		return fmt.Errorf("snapshot folder: %w", err)
	}
	for _, name := range names {
		file := name
		if f.Lang != "" {
			file += "-" + f.Lang
		}
		if err := f.one(cmd, r, name, filepath.Join(f.out, file+".png")); err != nil {
			return err
		}
	}
	return nil
}

func (f *snapshotFlags) one(cmd *cobra.Command, r app.Renderer, board, path string) error {
	req := f.SnapshotRequest
	req.Board = board
	var png bytes.Buffer
	if err := r.Render(cmd.Context(), req, &png); err != nil {
		return err
	}
	if err := app.WriteWhole(path, png.Bytes()); err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	_, _ = fmt.Fprintln(cmd.ErrOrStderr(), path)
	return nil
}
