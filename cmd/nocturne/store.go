package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/nocturne-noc/nocturne/app"
	"github.com/nocturne-noc/nocturne/app/control"
	"github.com/nocturne-noc/nocturne/store"
)

func storeCommand(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "store",
		Short: "Look after the data folder, also while a wallboard runs on it",
		Args:  args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return misused(cmd, errors.New("say what to do: check, compact or backup"))
		},
	}
	cmd.AddCommand(storeCheckCommand(g), storeCompactCommand(g), storeBackupCommand(g))
	return cmd
}

// maintain has a job on the data folder done by the wallboard that runs on it, or does it here.
func maintain[T any](cmd *cobra.Command, g *global, path string, params url.Values, here func(ctx context.Context, dir string, progress store.Progress) (*T, error)) (*T, error) {
	ctx := cmd.Context()
	dir, err := app.DataDir(g.data)
	if err != nil {
		return nil, err
	}
	if client, runs := control.Dial(ctx, dir); runs {
		cmd.PrintErrln("the wallboard that runs on " + dir + " does it")
		report := new(T)
		return report, client.Post(ctx, path, params, report)
	}
	return here(ctx, dir, func(what string) { cmd.PrintErrln(what) })
}

func storeCheckCommand(g *global) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Read all of the data folder, verify it, and say what is kept",
		Args:  args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			report, err := maintain(cmd, g, control.StoreCheckPath, nil, store.CheckDir)
			if err != nil {
				return err
			}
			if asJSON {
				err = printJSON(cmd.OutOrStdout(), report)
			} else {
				err = printCheck(cmd.OutOrStdout(), report)
			}
			if err == nil && len(report.Damage) > 0 {
				err = fmt.Errorf("damaged in %d places", len(report.Damage))
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func printCheck(w io.Writer, r *store.CheckReport) error {
	t := newTable("TIER", "FILES", "FROM", "TO", "SERIES", "SAMPLES", "BYTES", "BYTES/SAMPLE")
	for _, tier := range r.Tiers {
		t.add(tier.Tier, strconv.Itoa(tier.Files), clock(tier.Start), clock(tier.End), strconv.Itoa(tier.Series),
			strconv.FormatInt(tier.Samples, 10), strconv.FormatInt(tier.Bytes, 10), perSample(tier))
	}
	if err := t.write(w); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "events        %d in %d bytes\nstate         %d bytes\nnot sealed    %d bytes\nset aside     %d bytes\n",
		r.Events, r.EventBytes, r.StateBytes, r.WALBytes, r.AsideBytes)
	for _, d := range r.Damage {
		if err == nil {
			_, err = fmt.Fprintln(w, "damage: "+printable(d))
		}
	}
	return err
}

func perSample(t store.TierReport) string {
	if t.Samples == 0 {
		return "-"
	}
	return strconv.FormatFloat(t.BytesPerSample(), 'f', 2, 64)
}

func storeCompactCommand(g *global) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "compact",
		Short: "Write anew the files that waste room, or are of an older version",
		Args:  args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			began := time.Now()
			report, err := maintain(cmd, g, control.StoreCompactPath, nil, store.CompactDir)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), report)
			}
			t := newTable("FILE", "BEFORE", "AFTER")
			for _, f := range report.Files {
				t.add(f.Name, strconv.FormatInt(f.Before, 10), strconv.FormatInt(f.After, 10))
			}
			cmd.PrintErrf("%d of %d files written anew in %v\n", len(report.Files), report.Looked, time.Since(began).Round(time.Millisecond))
			if len(report.Files) == 0 {
				return nil
			}
			return t.write(cmd.OutOrStdout())
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func storeBackupCommand(g *global) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "backup DIR",
		Short: "Copy the data folder into an empty one, which then opens by itself with --data",
		Args:  args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, names []string) error {
			to, err := filepath.Abs(names[0])
			if err != nil {
				return fmt.Errorf("backup %s: %w", names[0], err)
			}
			report, err := maintain(cmd, g, control.StoreBackupPath, url.Values{"to": {to}},
				func(ctx context.Context, dir string, progress store.Progress) (*store.BackupReport, error) {
					return store.BackupDir(ctx, dir, to, progress)
				})
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), report)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %d files, %d bytes\n", report.Dir, report.Files, report.Bytes)
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
