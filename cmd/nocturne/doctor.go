package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/nocturne-noc/nocturne/app"
)

func doctorCommand(g *global) *cobra.Command {
	var asJSON bool
	var lang string
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Look at all that the wallboard needs: display, fonts, data folder, configuration, sources",
		Args:  args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			findings := app.Doctor(cmd.Context(), g.options(cmd), lang)
			if asJSON {
				if err := printJSON(cmd.OutOrStdout(), findings); err != nil {
					return err
				}
			} else {
				t := newTable("", "WHAT", "FINDING")
				for _, f := range findings {
					mark := "ok"
					if !f.OK {
						mark = "BAD"
					}
					t.add(mark, f.What, f.Text)
				}
				if err := t.write(cmd.OutOrStdout()); err != nil {
					return err
				}
			}
			for _, f := range findings {
				if !f.OK {
					return errors.New("something is missing, see above")
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().StringVar(&lang, "lang", "", "language whose letters the fonts must have (default: the configuration's)")
	return cmd
}
