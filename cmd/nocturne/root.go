package main

import (
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/nocturne-noc/nocturne/app"
	"github.com/nocturne-noc/nocturne/app/control"
)

// global are the flags that every command takes.
type global struct {
	config  string
	data    string
	verbose bool
}

// logger writes messages, warnings and worse unless --verbose, to standard error.
func (g *global) logger(w io.Writer) *slog.Logger {
	level := slog.LevelWarn
	if g.verbose {
		level = slog.LevelInfo
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
}

// options are how the wallboard is opened.
func (g *global) options(cmd *cobra.Command) app.Options {
	return app.Options{
		ConfigPath: g.config, DataDir: g.data, Version: version, Log: g.logger(cmd.ErrOrStderr()),
		Lab: os.Getenv("NOCTURNE_LAB") == "1",
	}
}

// ask runs f with a client of the wallboard, or of the data folder when no wallboard runs.
func (g *global) ask(cmd *cobra.Command, f func(*control.Client) error) error {
	client, done, err := app.Connect(cmd.Context(), g.data, g.logger(cmd.ErrOrStderr()))
	if err != nil {
		return err
	}
	client.Warn = func(text string) { cmd.PrintErrln("nocturne:", text) }
	err = f(client)
	if closeErr := done(); err == nil {
		err = closeErr
	}
	return err
}

func newRoot() *cobra.Command {
	g := &global{}
	root := &cobra.Command{
		Use:   "nocturne",
		Short: "A wallboard for network operation centres: clusters, servers and network devices on one screen",
		Long: `Nocturne watches Kubernetes clusters, servers and SNMP devices, keeps their history, raises
alerts, and shows all of it on boards. Without a configuration it starts at once on this machine.`,
		Version:       version,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          args(cobra.NoArgs),
	}
	root.SetFlagErrorFunc(misused)
	root.PersistentFlags().StringVar(&g.config, "config", "", "configuration `FILE` (default: the user's nocturne/nocturne.yaml)")
	root.PersistentFlags().StringVar(&g.data, "data", "", "data `DIR`, for history (default: the user's own)")
	root.PersistentFlags().BoolVarP(&g.verbose, "verbose", "v", false, "say more on standard error")
	wallCommand(root, g)
	root.AddCommand(
		collectCommand(g),
		queryCommand(g),
		entitiesCommand(g),
		eventsCommand(g),
		alertsCommand(g),
		sourcesCommand(g),
		topologyCommand(g),
		ackCommand(g),
		unackCommand(g),
		discoverCommand(g),
		recordCommand(g),
		checkCommand(g),
		doctorCommand(g),
		storeCommand(g),
	)
	return root
}
