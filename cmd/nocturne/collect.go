package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/nocturne-noc/nocturne/app"
	"github.com/nocturne-noc/nocturne/app/config"
	"github.com/nocturne-noc/nocturne/store/model"
)

func collectCommand(g *global) *cobra.Command {
	var once bool
	var out string
	cmd := &cobra.Command{
		Use:   "collect",
		Short: "Run the sources without a window",
		Long: `Runs collectors, history, alerting and the control socket, as the wallboard does, but without
a window, until it is interrupted. With --once it makes one round of all sources, prints what they
told, and keeps nothing.`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case out != "json" && out != "openmetrics":
				return misused(cmd, fmt.Errorf("--out is %q: want json or openmetrics", out))
			case cmd.Flags().Changed("out") && !once:
				return misused(cmd, errors.New("--out prints one round: add --once"))
			case once:
				return collectOnce(cmd, g, out)
			}
			return collectOn(cmd, g)
		},
	}
	cmd.Flags().BoolVar(&once, "once", false, "make one round, print it, and end")
	cmd.Flags().StringVar(&out, "out", "json", "json or openmetrics")
	return cmd
}

// collectOn runs everything but the window until the context ends.
func collectOn(cmd *cobra.Command, g *global) error {
	core, err := app.Open(cmd.Context(), g.options(cmd))
	if err != nil {
		return err
	}
	for _, p := range core.Problems() {
		cmd.PrintErrln(p.Area + ": " + p.Text)
	}
	cmd.PrintErrln("collecting; end with Ctrl-C")
	<-cmd.Context().Done()
	return core.Close()
}

func collectOnce(cmd *cobra.Command, g *global, out string) error {
	cfg, err := config.Load(g.config)
	if err != nil {
		return err
	}
	opts := g.options(cmd)
	round, err := app.CollectOnce(cmd.Context(), cfg, nil, opts.Log)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(cmd.OutOrStdout())
	if out == "openmetrics" {
		err = writeOpenMetrics(w, round.Batches)
	} else {
		err = writeRound(w, round)
	}
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		return fmt.Errorf("writing the round: %w", err)
	}
	return failed(cmd, round.Sources)
}

// failed says on standard error which targets have nothing to tell; it is an error when none has.
func failed(cmd *cobra.Command, rows []model.SourceStatus) error {
	bad := 0
	for _, row := range rows {
		if row.State == model.Critical || row.State == model.Unknown {
			bad++
			cmd.PrintErrf("%s %s: %s\n", row.Name, row.Target, orText(row.Error, "no answer in time"))
		}
	}
	if bad > 0 && bad == len(rows) {
		return errors.New("no source answered")
	}
	return nil
}

// roundJSON is one round of all sources.
type roundJSON struct {
	Samples  []sampleJSON         `json:"samples"`
	Entities []model.Entity       `json:"entities"`
	Links    []model.Link         `json:"links"`
	Events   []model.Event        `json:"events"`
	Sources  []model.SourceStatus `json:"sources"`
}

// sampleJSON is one sample in the form of Prometheus' HTTP API.
type sampleJSON struct {
	Metric map[string]string `json:"metric"`
	Value  [2]any            `json:"value"` // Unix seconds, the value as text
}

func writeRound(w *bufio.Writer, round *app.Round) error {
	r := roundJSON{
		Samples: []sampleJSON{}, Entities: []model.Entity{}, Links: []model.Link{}, Events: []model.Event{}, Sources: round.Sources,
	}
	for _, b := range round.Batches {
		for _, s := range b.Samples {
			r.Samples = append(r.Samples, sampleJSON{s.Labels.Map(), [2]any{float64(s.T) / 1000, number(s.V)}})
		}
		r.Entities = append(r.Entities, b.Entities...)
		r.Links = append(r.Links, b.Links...)
		r.Events = append(r.Events, b.Events...)
	}
	return json.NewEncoder(w).Encode(r)
}
