package main

import (
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/nocturne-noc/nocturne/app"
)

func demoCommand(g *global) *cobra.Command {
	show, speed := &app.Show{}, 1.0
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Open the wallboard on the built-in recording: no network, no configuration",
		Args:  args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return play(cmd, g, *show, func() (*app.Player, error) { return app.OpenDemo(speed, time.Now) })
		},
	}
	showFlags(cmd, show)
	cmd.Flags().Float64Var(&speed, "speed", 1, "recorded seconds in one second, 0.25 to 64")
	return cmd
}

func replayCommand(g *global) *cobra.Command {
	show, speed := &app.Show{}, 1.0
	cmd := &cobra.Command{
		Use:   "replay FILE",
		Short: "Open a wallboard on a recording that nocturne record wrote",
		Args:  args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, files []string) error {
			return play(cmd, g, *show, func() (*app.Player, error) { return app.OpenReplay(files[0], speed, time.Now) })
		},
	}
	showFlags(cmd, show)
	cmd.Flags().Float64Var(&speed, "speed", 1, "recorded seconds in one second, 0.25 to 64")
	return cmd
}

// play opens a window on a recording.
func play(cmd *cobra.Command, g *global, show app.Show, open func() (*app.Player, error)) error {
	if err := checkDisplay(); err != nil {
		return err
	}
	p, err := open()
	if err != nil {
		return err
	}
	err = app.RunReplay(cmd.Context(), newFyneApp(), p, show, g.logger(cmd.ErrOrStderr()))
	return errors.Join(err, p.Close())
}
