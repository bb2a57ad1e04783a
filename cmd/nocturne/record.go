package main

import (
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/nocturne-noc/nocturne/app"
	"github.com/nocturne-noc/nocturne/app/control"
)

func recordCommand(g *global) *cobra.Command {
	var out, since, until string
	cmd := &cobra.Command{
		Use:   "record",
		Short: "Write a recording out of the store, to replay or to mail",
		Args:  args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if out == "" {
				return misused(cmd, errors.New("name the file with --out"))
			}
			now := time.Now()
			from, err := control.ParseTime(since, now)
			if err != nil {
				return misused(cmd, err)
			}
			to, err := control.ParseTime(until, now)
			if err != nil {
				return misused(cmd, err)
			}
			if !to.After(from) {
				return misused(cmd, errors.New("--until is not after --since"))
			}
			return app.Record(cmd.Context(), g.data, out, from, to, g.logger(cmd.ErrOrStderr()))
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "recording `FILE` to write")
	cmd.Flags().StringVar(&since, "since", "-1h", "from this `TIME`: RFC 3339, Unix seconds, or relative")
	cmd.Flags().StringVar(&until, "until", "now", "up to this `TIME`")
	return cmd
}
