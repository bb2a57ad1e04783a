package main

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/nocturne-noc/nocturne/app"
	"github.com/nocturne-noc/nocturne/app/control"
	"github.com/nocturne-noc/nocturne/store/model"
)

func pendingCommand(g *global) *cobra.Command {
	return lister(g, "pending", "List devices that discovery found and that wait to be accepted", control.PendingPath,
		func(*cobra.Command) func(*params) { return func(*params) {} },
		func(list []model.Entity) *table {
			t := newTable("TARGET", "NAME", "VENDOR", "OS", "HARDWARE", "CREDENTIALS", "SOURCE", "SINCE")
			for _, e := range list {
				l := e.Labels
				t.add(l["target"], e.Name, orText(l["vendor"], "-"), orText(l["os"], "-"), orText(l["hardware"], "-"),
					orText(l["credentials"], "-"), e.Source, clock(e.Since))
			}
			return t
		})
}

func acceptCommand(g *global) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "accept TARGET... | --all",
		Short: "Have devices polled that discovery found",
		Long: `Accepts devices that nocturne discover pending lists, by their address or HOST:PORT. The running wallboard
keeps them in its data folder and polls them from the next round of their source on.`,
		RunE: func(cmd *cobra.Command, targets []string) error {
			if all != (len(targets) == 0) {
				return misused(cmd, errors.New("name targets, or --all"))
			}
			values := url.Values{"target": targets}
			if all {
				values.Set("all", "true")
			}
			return g.ask(cmd, func(c *control.Client) error {
				var list []model.Entity
				if err := c.Post(cmd.Context(), control.AcceptPath, values, &list); err != nil {
					return err
				}
				for _, e := range list {
					cmd.PrintErrln("accepted:", printable(e.Labels["target"]+" "+e.Name))
				}
				if len(list) == 0 {
					cmd.PrintErrln("nothing waits to be accepted")
				}
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "all that wait")
	return cmd
}

// How often a sweep's progress is written: rewritten in place on a terminal, else a line of its own.
const (
	progressInPlace = 200 * time.Millisecond
	progressLine    = 5 * time.Second
)

// watchSweep has a sweep tell its progress on standard error. The result ends that and may be called more
// than once.
func watchSweep(cmd *cobra.Command, f *app.SNMPFlags) (end func()) {
	w := cmd.ErrOrStderr()
	line := progressWriter{w: w, terminal: isTerminal(w), last: time.Now()}
	f.Progress = line.tell
	f.Remark = func(text string) { cmd.PrintErrln("nocturne:", text) }
	return line.end
}

// progressWriter writes progress, not too often.
type progressWriter struct {
	w        io.Writer
	terminal bool
	last     time.Time
	open     bool // a line stands that is rewritten
}

func (p *progressWriter) tell(now app.SNMPProgress) {
	every := progressLine
	if p.terminal {
		every = progressInPlace
	}
	if time.Since(p.last) < every {
		return
	}
	p.last = time.Now()
	if p.terminal {
		p.open = true
		_, _ = fmt.Fprintf(p.w, "\r\x1b[Ksweeping: %s", now) // progress is worth no error
		return
	}
	_, _ = fmt.Fprintf(p.w, "sweeping: %s\n", now)
}

func (p *progressWriter) end() {
	if p.open {
		p.open = false
		_, _ = fmt.Fprint(p.w, "\r\x1b[K")
	}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
