package main

import (
	"net/url"
	"os/user"

	"github.com/spf13/cobra"

	"github.com/nocturne-noc/nocturne/app/control"
	"github.com/nocturne-noc/nocturne/store/model"
)

func ackCommand(g *global) *cobra.Command {
	var by, note string
	cmd := &cobra.Command{
		Use:   "ack ALERT",
		Short: "Acknowledge an active alert until it resolves",
		Long:  "Acknowledges the active alert with this ID, which may be cut short. The IDs stand in nocturne alerts.",
		Args:  args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, positional []string) error {
			return mark(cmd, g, "/api/nocturne/ack", url.Values{"id": positional, "by": {by}, "note": {note}}, "acknowledged: ")
		},
	}
	cmd.Flags().StringVar(&by, "by", whoami(), "`NAME` of who acknowledges")
	cmd.Flags().StringVar(&note, "note", "", "what is being done about it")
	return cmd
}

func unackCommand(g *global) *cobra.Command {
	var by string
	cmd := &cobra.Command{
		Use:   "unack ALERT",
		Short: "Take an acknowledgement back",
		Args:  args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, positional []string) error {
			return mark(cmd, g, "/api/nocturne/unack", url.Values{"id": positional, "by": {by}}, "no longer acknowledged: ")
		},
	}
	cmd.Flags().StringVar(&by, "by", whoami(), "`NAME` of who takes it back")
	return cmd
}

func mark(cmd *cobra.Command, g *global, path string, values url.Values, done string) error {
	return g.ask(cmd, func(c *control.Client) error {
		var alert model.Alert
		if err := c.Post(cmd.Context(), path, values, &alert); err != nil {
			return err
		}
		cmd.PrintErrln(done + printable(alert.Title))
		return nil
	})
}

// whoami is the name of the user who runs the command.
func whoami() string {
	u, err := user.Current()
	if err != nil {
		return "operator"
	}
	return u.Username
}
