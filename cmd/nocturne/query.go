package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/nocturne-noc/nocturne/app/control"
)

func queryCommand(g *global) *cobra.Command {
	var at, start, end, step string
	cmd := &cobra.Command{
		Use:   "query EXPR",
		Short: "Evaluate PromQL and print the data JSON of Prometheus' HTTP API",
		Args:  args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, positional []string) error {
			p := params{cmd: cmd, values: url.Values{"query": {positional[0]}}, now: time.Now()}
			path := "/api/v1/query"
			if start != "" || end != "" || step != "" {
				switch {
				case at != "":
					return misused(cmd, errors.New("--at is one instant: leave out --start, --end and --step"))
				case start == "" || step == "":
					return misused(cmd, errors.New("a range needs --start and --step"))
				}
				path = "/api/v1/query_range"
				p.time("start", start)
				p.time("end", end)
				if _, err := control.ParseStep(step); err != nil {
					return misused(cmd, fmt.Errorf("--step: %w", err))
				}
				p.values.Set("step", step)
			} else {
				p.time("time", at)
			}
			if p.err != nil {
				return p.err
			}
			return g.ask(cmd, func(c *control.Client) error {
				var data json.RawMessage
				if err := c.Get(cmd.Context(), path, p.values, &data); err != nil {
					return err
				}
				return printJSON(cmd.OutOrStdout(), data)
			})
		},
	}
	cmd.Flags().StringVar(&at, "at", "", "instant, by default now (`TIME` is RFC 3339, Unix seconds, or relative: -1h)")
	cmd.Flags().StringVar(&start, "start", "", "start `TIME` of a range")
	cmd.Flags().StringVar(&end, "end", "", "end `TIME` of a range, by default now")
	cmd.Flags().StringVar(&step, "step", "", "`DURATION` between the points of a range")
	return cmd
}

// params gathers the parameters of a request out of flags.
type params struct {
	cmd    *cobra.Command
	values url.Values
	now    time.Time
	err    error // the first
}

// time sets a moment as Unix seconds; an empty text sets nothing.
func (p *params) time(name, s string) {
	if s == "" || p.err != nil {
		return
	}
	t, err := control.ParseTime(s, p.now)
	if err != nil {
		p.err = misused(p.cmd, err)
		return
	}
	p.values.Set(name, strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64))
}

// text sets a text; an empty one sets nothing.
func (p *params) text(name, s string) {
	if s != "" {
		p.values.Set(name, s)
	}
}
