package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/nocturne-noc/nocturne/app"
)

func discoverCommand(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "discover",
		Short: "Ask devices what they are",
		Args:  args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return misused(cmd, errors.New("say what to discover: snmp or topology; or what was found: pending or accept"))
		},
	}
	var f app.SNMPFlags
	asking := func(c *cobra.Command) *cobra.Command {
		p := c.Flags()
		p.Uint16Var(&f.Port, "port", 161, "UDP port of targets that name none")
		p.StringVar(&f.Version, "version", "", "SNMP version: 1, 2c or 3 (default 2c, or 3 with --user)")
		p.StringArrayVar(&f.Communities, "community", nil, "community of versions 1 and 2c, or env:NAME, file:PATH (default public); several are tried in order")
		p.StringVar(&f.User, "user", "", "user of version 3, tried after the communities")
		p.StringVar(&f.Auth, "auth", "", "authentication of version 3, `PROTOCOL:SECRET` such as SHA:env:SNMP_AUTH")
		p.StringVar(&f.Priv, "priv", "", "encryption of version 3, `PROTOCOL:SECRET` such as AES:file:priv.txt")
		p.StringVar(&f.Context, "context", "", "context of version 3")
		p.DurationVar(&f.Timeout, "timeout", 0, "how long to wait for one answer")
		p.StringVar(&f.Credentials, "credentials", "", "YAML `FILE` with credentials: [...] as in the configuration, tried after those above")
		p.StringArrayVar(&f.Exclude, "exclude", nil, "address, subnet or range to leave out; may be repeated")
		p.StringVar(&f.ICMP, "icmp", "auto", "auto asks first who answers ping, only asks nobody else, never does not ping")
		return c
	}
	cmd.AddCommand(asking(discoverSNMPCommand(&f)), asking(discoverTopologyCommand(&f)), pendingCommand(g), acceptCommand(g))
	return cmd
}

func discoverSNMPCommand(f *app.SNMPFlags) *cobra.Command {
	var asJSON bool
	var save, name string
	cmd := &cobra.Command{
		Use:   "snmp TARGET...",
		Short: "Identity, interfaces, sensors, processors, memory, storage and neighbours of devices or subnets",
		Long: `Asks each device, HOST or HOST:PORT, or each device of a subnet (10.0.0.0/16) or range (10.0.0.10-60)
that answers, everything that standard MIBs tell. With --json it prints one object a line, in the order
asked. With --save it writes a configuration of what it found, to be reviewed.`,
		Args: args(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, targets []string) error {
			end := watchSweep(cmd, f)
			var results []app.SNMPResult
			err := app.DiscoverSNMP(cmd.Context(), *f, targets, func(r app.SNMPResult) error {
				end()
				if save != "" {
					results = append(results, r)
				}
				switch {
				case r.Report == nil: // its error is told at the end
					return nil
				case asJSON:
					return printJSON(cmd.OutOrStdout(), r.Report)
				}
				return printReport(cmd, r.Report)
			})
			end()
			if save != "" && len(results) > 0 {
				err = errors.Join(err, app.SaveSources(save, name, *f, results))
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, one object a line")
	cmd.Flags().StringVar(&save, "save", "", "write a configuration of what was found into a new `FILE`")
	cmd.Flags().StringVar(&name, "name", "discovered", "`NAME` of the source in that file")
	return cmd
}

func discoverTopologyCommand(f *app.SNMPFlags) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "topology TARGET...",
		Short: "Poll devices or subnets once and print the map of them",
		Args:  args(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, targets []string) error {
			end := watchSweep(cmd, f)
			top, err := app.DiscoverTopology(cmd.Context(), *f, targets)
			end()
			if top == nil {
				return err
			}
			return errors.Join(printTopology(cmd, top, asJSON), err)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func printReport(cmd *cobra.Command, r *app.SNMPReport) error {
	w := cmd.OutOrStdout()
	d := r.Device
	cmd.Println(printable(strings.Join(strings.Fields(fmt.Sprintf("%s  %s  %s %s %s %s %s",
		r.Target, d.SysName, d.Vendor, d.Hardware, d.OS, d.Version, d.Serial)), " ")))
	cmd.Println(printable(d.SysDescr))
	sections := []*table{
		newTable("PORT", "TYPE", "ADMIN", "OPER", "SPEED", "MAC", "ALIAS"),
		newTable("NEIGHBOUR", "BY", "PORT", "ITS PORT", "PLATFORM", "ADDRESS"),
		newTable("PROCESSOR", "BUSY"),
		newTable("MEMORY AND STORAGE", "USED", "BYTES"),
		newTable("SENSOR", "CLASS", "VALUE", "STATE"),
	}
	for _, i := range r.Interfaces {
		sections[0].add(orText(i.Name, i.Descr), i.Type, i.Admin, i.Oper, speed(i.SpeedBPS), orText(i.MAC, "-"), i.Alias)
	}
	for _, n := range r.Neighbours {
		sections[1].add(n.Name, n.Protocol, n.LocalPort, n.Port, orText(n.Platform, "-"), orText(n.Address, "-"))
	}
	for _, p := range r.Processors {
		sections[2].add(p.Name, fmt.Sprintf("%.0f %%", p.Percent))
	}
	for _, v := range append(r.Memory, r.Storage...) {
		sections[3].add(v.Name, fmt.Sprintf("%.0f %%", v.Percent), number(v.TotalBytes))
	}
	for _, s := range r.Sensors {
		sections[4].add(s.Name, s.Class, strconv.FormatFloat(s.Value, 'g', 6, 64)+" "+s.Unit, s.State.String())
	}
	for _, t := range sections {
		if len(t.rows) > 1 {
			cmd.Println()
			if err := t.write(w); err != nil {
				return err
			}
		}
	}
	for _, warning := range r.Warnings {
		cmd.PrintErrln(printable(r.Target + ": " + warning))
	}
	cmd.Println()
	return nil
}
