// Command nocturne is a wallboard for network operation centres, and the commands beside it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	_ "github.com/nocturne-noc/nocturne/cmd/nocturne/environ" // before Fyne
)

// version is set when a release is built.
var version = "dev"

// The exit codes.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
)

// collectAt is how much the heap may grow, in percent, before garbage is collected. What a wall holds
// changes slowly and is held for months: a third of Go's default saves a third of the memory, for more
// work of the collector where much is polled.
const collectAt = 35

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectAt)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is main without the process: results go to stdout alone, messages to stderr.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &usage):
		_, _ = fmt.Fprintf(stderr, "nocturne: %v\n", err)
		return exitUsage
	default:
		_, _ = fmt.Fprintf(stderr, "nocturne: %v\n", err)
		return exitError
	}
}

// usageError is a command that was used wrongly.
type usageError struct {
	err  error
	help string // the command line whose help says how to do it
}

func (e usageError) Error() string { return e.err.Error() + "; see " + e.help + " --help" }
func (e usageError) Unwrap() error { return e.err }

func misused(cmd *cobra.Command, err error) error {
	if err == nil {
		return nil
	}
	return usageError{err, cmd.CommandPath()}
}

// args makes a wrong number of arguments a usage error.
func args(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error { return misused(cmd, check(cmd, args)) }
}
