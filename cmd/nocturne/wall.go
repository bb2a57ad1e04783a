package main

import (
	"errors"
	"os"
	"runtime"

	"fyne.io/fyne/v2"
	fyneapp "fyne.io/fyne/v2/app"
	"github.com/spf13/cobra"

	"github.com/nocturne-noc/nocturne/app"
	"github.com/nocturne-noc/nocturne/assets"
)

const appID = "io.github.nocturne_noc.nocturne"

// wallCommand makes the root command open the wallboard.
func wallCommand(root *cobra.Command, g *global) {
	show := &app.Show{}
	showFlags(root, show)
	root.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := checkDisplay(); err != nil {
			return err
		}
		core, err := app.Open(cmd.Context(), g.options(cmd))
		if err != nil {
			return err
		}
		err = app.RunWall(cmd.Context(), newFyneApp(), core, *show, g.logger(cmd.ErrOrStderr()))
		return errors.Join(err, core.Close())
	}
	root.AddCommand(demoCommand(g), replayCommand(g), snapshotCommand(g))
}

// showFlags are the flags of every command that opens a window.
func showFlags(cmd *cobra.Command, show *app.Show) {
	cmd.Flags().StringVar(&show.Board, "board", "", "`NAME` of the board to show first (default: the one of last time, else the first)")
	cmd.Flags().BoolVar(&show.Kiosk, "kiosk", false, "full screen, no way out by keyboard, nothing can be changed")
	cmd.Flags().StringVar(&show.Lang, "lang", "", "language, en or ko (default: the configuration's, else the locale's)")
	cmd.Flags().StringVar(&show.Theme, "theme", "", "dark or light (default: the configuration's)")
}

func newFyneApp() fyne.App {
	a := fyneapp.NewWithID(appID)
	a.SetIcon(fyne.NewStaticResource("icon.png", assets.Icon))
	return a
}

// checkDisplay tells whether a window can be opened at all.
func checkDisplay() error {
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" || os.Getenv("DISPLAY") != "" || os.Getenv("WAYLAND_DISPLAY") != "" {
		return nil
	}
	return errors.New("there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set): render a board with nocturne snapshot, or run the sources alone with nocturne collect")
}
