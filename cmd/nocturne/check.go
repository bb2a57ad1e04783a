package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/nocturne-noc/nocturne/app"
)

func checkCommand(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Validate configuration or rule files",
		Args:  args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return misused(cmd, errors.New("say what to check: config or rules"))
		},
	}
	cmd.AddCommand(
		&cobra.Command{
			Use:   "config [FILE...]",
			Short: "Validate configuration files: keys, types, panels, sources and the rule files they name",
			RunE: func(cmd *cobra.Command, files []string) error {
				if len(files) == 0 {
					files = []string{g.config}
				}
				return check(cmd, files, app.CheckConfig)
			},
		},
		&cobra.Command{
			Use:   "rules FILE...",
			Short: "Validate Prometheus rule files",
			Args:  args(cobra.MinimumNArgs(1)),
			RunE: func(cmd *cobra.Command, files []string) error {
				return check(cmd, files, app.CheckRules)
			},
		})
	return cmd
}

// check prints all that is wrong, and fails when something is.
func check(cmd *cobra.Command, files []string, validate func(string) []error) error {
	bad := false
	for _, f := range files {
		errs := validate(f)
		for _, err := range errs {
			bad = true
			cmd.Println(err)
		}
		if len(errs) == 0 {
			cmd.PrintErrln(orText(f, "the user's configuration") + ": good")
		}
	}
	if bad {
		return errors.New("not valid")
	}
	return nil
}
