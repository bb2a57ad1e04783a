package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/nocturne-noc/nocturne/app/control"
	"github.com/nocturne-noc/nocturne/store/model"
)

// lister is a command that prints a list of the API, as JSON or as a table.
func lister[T any](g *global, use, short, path string, flags func(*cobra.Command) func(*params), rows func([]T) *table) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{Use: use, Short: short, Args: args(cobra.NoArgs)}
	fill := flags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		p := &params{cmd: cmd, values: url.Values{}, now: time.Now()}
		if fill(p); p.err != nil {
			return p.err
		}
		return g.ask(cmd, func(c *control.Client) error {
			if asJSON {
				var data json.RawMessage
				if err := c.Get(cmd.Context(), path, p.values, &data); err != nil {
					return err
				}
				return printJSON(cmd.OutOrStdout(), data)
			}
			var list []T
			if err := c.Get(cmd.Context(), path, p.values, &list); err != nil {
				return err
			}
			return rows(list).write(cmd.OutOrStdout())
		})
	}
	return cmd
}

func entitiesCommand(g *global) *cobra.Command {
	return lister(g, "entities", "List what is watched", "/api/nocturne/entities",
		func(cmd *cobra.Command) func(*params) {
			kind := cmd.Flags().String("kind", "", "only this kind: node, pod, device, server, ...")
			under := cmd.Flags().String("under", "", "only the entity with this `ID` and what is below it")
			source := cmd.Flags().String("source", "", "only of this source")
			state := cmd.Flags().String("state", "", "only in this state: ok, warning, critical, stale, unknown")
			return func(p *params) {
				p.text("kind", *kind)
				p.text("under", *under)
				p.text("source", *source)
				p.state("state", *state)
			}
		},
		func(list []model.Entity) *table {
			t := newTable("STATE", "KIND", "NAME", "SINCE", "REASON", "ID")
			for _, e := range list {
				t.add(e.State.String(), string(e.Kind), e.Name, clock(e.Since), orText(e.Reason, "-"), e.ID)
			}
			return t
		})
}

func eventsCommand(g *global) *cobra.Command {
	return lister(g, "events", "List what happened, newest first", "/api/nocturne/events",
		func(cmd *cobra.Command) func(*params) {
			since := cmd.Flags().String("since", "", "from this `TIME`: RFC 3339, Unix seconds, or relative (-1h)")
			until := cmd.Flags().String("until", "", "up to this `TIME`")
			kind := cmd.Flags().String("kind", "", "only this kind: state, alert, kubernetes, source, ...")
			source := cmd.Flags().String("source", "", "only of this source")
			entity := cmd.Flags().String("entity", "", "only of the entity with this `ID`, or below it when it ends in /")
			text := cmd.Flags().String("text", "", "only with this text in them")
			severity := cmd.Flags().String("severity", "", "only this severity or worse")
			limit := cmd.Flags().Int("limit", 100, "at most so many")
			return func(p *params) {
				p.time("since", *since)
				p.time("until", *until)
				p.text("kind", *kind)
				p.text("source", *source)
				p.text("entity", *entity)
				p.text("text", *text)
				p.state("severity", *severity)
				p.values.Set("limit", strconv.Itoa(*limit))
			}
		},
		func(list []model.Event) *table {
			t := newTable("TIME", "SEVERITY", "KIND", "OBJECT", "TEXT")
			for _, e := range list {
				text := e.Text
				if e.Count > 1 {
					text += fmt.Sprintf(" (%d times)", e.Count)
				}
				t.add(clock(e.Time), e.Severity.String(), e.Kind, e.Title, text)
			}
			return t
		})
}

func alertsCommand(g *global) *cobra.Command {
	return lister(g, "alerts", "List the active alerts, worst first", "/api/nocturne/alerts",
		func(cmd *cobra.Command) func(*params) {
			severity := cmd.Flags().String("severity", "", "only this severity: critical, warning, stale, unknown")
			pending := cmd.Flags().Bool("pending", false, "also those that have not lasted long enough to fire")
			return func(p *params) {
				p.state("severity", *severity)
				p.values.Set("pending", strconv.FormatBool(*pending))
			}
		},
		func(list []model.Alert) *table {
			t := newTable("SEVERITY", "SINCE", "TITLE", "ACKNOWLEDGED", "ID")
			titles := map[string]string{}
			for _, a := range list {
				titles[a.ID] = a.Title
			}
			for _, a := range list {
				title := a.Title
				if a.Pending {
					title += " (pending)"
				}
				if a.Cause != "" {
					title = "└ " + title + ", caused by " + orText(titles[a.Cause], a.Cause)
				}
				ack := "-"
				if a.AckBy != "" {
					ack = strings.TrimSuffix(a.AckBy+" "+clock(a.AckAt)+": "+a.AckNote, ": ")
				}
				t.add(a.Severity.String(), clock(a.Since), title, ack, a.ID)
			}
			return t
		})
}

func sourcesCommand(g *global) *cobra.Command {
	return lister(g, "sources", "List the configured sources and how they fare", "/api/nocturne/sources",
		func(*cobra.Command) func(*params) { return func(*params) {} },
		func(list []model.SourceStatus) *table {
			t := newTable("STATE", "SOURCE", "KIND", "TARGET", "LAST OK", "TOOK", "SAMPLES", "ERROR")
			for _, s := range list {
				t.add(s.State.String(), s.Name, s.Kind, orText(s.Target, "-"), clock(s.LastOK),
					s.Duration.Round(time.Millisecond).String(), strconv.Itoa(s.Samples), orText(s.Error, "-"))
			}
			return t
		})
}

func topologyCommand(g *global) *cobra.Command {
	var asJSON bool
	var kind string
	cmd := &cobra.Command{
		Use:   "topology",
		Short: "Print the map: devices and the cables between them",
		Args:  args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			p := params{values: url.Values{}}
			p.text("kind", kind)
			return g.ask(cmd, func(c *control.Client) error {
				var top control.Topology
				if err := c.Get(cmd.Context(), "/api/nocturne/topology", p.values, &top); err != nil {
					return err
				}
				return printTopology(cmd, &top, asJSON)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().StringVar(&kind, "kind", "", "links of this kind instead of cables: owns, runs-on, selects, all")
	return cmd
}

func printTopology(cmd *cobra.Command, top *control.Topology, asJSON bool) error {
	if asJSON {
		return printJSON(cmd.OutOrStdout(), top)
	}
	names := map[string]string{}
	nodes := newTable("STATE", "KIND", "NAME", "ID")
	for _, n := range top.Nodes {
		names[n.ID] = n.Name
		nodes.add(n.State.String(), string(n.Kind), n.Name, n.ID)
	}
	links := newTable("STATE", "A", "PORT", "B", "PORT", "SPEED", "EVIDENCE")
	for _, l := range top.Links {
		var evidence []string
		for _, e := range l.Evidence {
			if !slices.Contains(evidence, e.Source) {
				evidence = append(evidence, e.Source)
			}
		}
		links.add(l.State.String(), orText(names[l.A], l.A), orText(l.APort, "-"), orText(names[l.B], l.B), orText(l.BPort, "-"),
			speed(l.SpeedBPS), fmt.Sprintf("%s %.0f%%", strings.Join(evidence, "+"), 100*l.Confidence))
	}
	if err := nodes.write(cmd.OutOrStdout()); err != nil {
		return err
	}
	cmd.Println()
	return links.write(cmd.OutOrStdout())
}

// speed is bit/s for people.
func speed(bps float64) string {
	for _, unit := range []struct {
		size float64
		name string
	}{{1e12, "Tbit/s"}, {1e9, "Gbit/s"}, {1e6, "Mbit/s"}, {1e3, "kbit/s"}} {
		if bps >= unit.size {
			return strconv.FormatFloat(bps/unit.size, 'f', -1, 64) + " " + unit.name
		}
	}
	return "-"
}

// state sets the name of a state; an empty text sets nothing.
func (p *params) state(name, s string) {
	if _, err := model.ParseState(s); s != "" && err != nil && p.err == nil {
		p.err = misused(p.cmd, err)
	}
	p.text(name, s)
}
