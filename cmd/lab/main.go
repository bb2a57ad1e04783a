// Command lab runs real systems on this machine for Nocturne to watch: a network of SNMP and LLDP agents in network
// namespaces, and a Kubernetes control plane with simulated nodes. It can break them on demand. See README.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const usage = `usage: lab VERB [flags]

  build                  build the programs of the clusters and name missing Debian packages
  up [--net] [--kube]    start the lab (without flags: both halves) and return when it is ready;
                         --clusters 1 starts the first of the two clusters alone
  down                   end all that was started
  status                 say what runs
  faults                 list what can be broken
  fault NAME             break it; returns when the fault is in force
  heal [NAME]            put it right, or all that is broken
  pods                   fill the first cluster: --nodes 1000 --pods 20000 objects that nothing runs; --clear removes
                         them. Its controllers stand still in between
  churn                  change --rate 50 of those pods a second --for 60s
  alone COMMAND...       run a command, such as 'make lab-test', in namespaces of its own, where another lab on this
                         machine is not in its way

Each verb takes --dir DIR (default: .cache/lab/run of the checkout) and --bin DIR (default: .cache/lab/bin).
`

const (
	startLimit = 20 * time.Second // for the supervisor to take orders, an earlier lab's remains being cleared
	orderLimit = clusterReady + 30*time.Second
)

var errUsage = errors.New("wrong use")

func main() { os.Exit(mainCode()) }

// mainCode runs the command line and returns the exit status: 0 success, 1 failure, 2 wrong use.
func mainCode() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout)
	switch {
	case errors.Is(err, errUsage):
		fmt.Fprintf(os.Stderr, "lab: %v\n\n%s", err, usage)
		return 2
	case err != nil:
		fmt.Fprintf(os.Stderr, "lab: %v\n", err)
		return 1
	}
	return 0
}

// options are the flags that the verbs share.
type options struct {
	source, dir, bin string
	net, kube        bool
	clusters         int
	fleet            fleet
	args             []string
}

func parse(verb string, args []string) (options, error) {
	working, err := os.Getwd()
	if err != nil {
		return options{}, fmt.Errorf("working folder: %w", err)
	}
	program, err := os.Executable()
	if err != nil {
		return options{}, fmt.Errorf("this program's path: %w", err)
	}
	var o options
	flags := flag.NewFlagSet(verb, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&o.dir, "dir", "", "")
	flags.StringVar(&o.bin, "bin", "", "")
	if verb == "up" {
		flags.BoolVar(&o.net, "net", false, "")
		flags.BoolVar(&o.kube, "kube", false, "")
		flags.IntVar(&o.clusters, "clusters", len(clusterPlans()), "")
	}
	o.fleet.flags(verb, flags)
	for len(args) > 0 { // flags may stand before and behind the name of a fault
		if err := flags.Parse(args); err != nil {
			return o, fmt.Errorf("%w: %w", errUsage, err)
		}
		args = flags.Args()
		if len(args) > 0 {
			o.args, args = append(o.args, args[0]), args[1:]
		}
	}
	source, sourceErr := findSource(working, filepath.Dir(program))
	o.source = source
	cache := filepath.Join(source, "..", "..", ".cache", "lab")
	for value, fallback := range map[*string]string{&o.dir: filepath.Join(cache, "run"), &o.bin: filepath.Join(cache, "bin")} {
		if *value == "" {
			if sourceErr != nil {
				return o, sourceErr
			}
			*value = fallback
		}
		if *value, err = filepath.Abs(*value); err != nil {
			return o, fmt.Errorf("folder %s: %w", *value, err)
		}
	}
	return o, nil
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 {
		return fmt.Errorf("%w: no verb given", errUsage)
	}
	verb := args[0]
	if verb == "help" || verb == "-h" || verb == "--help" {
		_, err := fmt.Fprint(out, usage)
		return err
	}
	if verb == "alone" {
		return alone(args[1:])
	}
	o, err := parse(verb, args[1:])
	if err != nil {
		return err
	}
	most := map[string]int{"build": 0, "up": 0, "down": 0, "status": 0, "faults": 0, "serve": 0, "pods": 0, "churn": 0, "fault": 1, "heal": 1}
	if n, known := most[verb]; !known {
		return fmt.Errorf("%w: no verb is called %q", errUsage, verb)
	} else if len(o.args) > n || verb == "fault" && len(o.args) != 1 {
		return fmt.Errorf("%w: %s takes %d names, not %d", errUsage, verb, n, len(o.args))
	}
	switch verb {
	case "build":
		return build(ctx, o.source, o.bin, out)
	case "up":
		return up(ctx, o, out)
	case "down":
		return down(ctx, o, out)
	case "faults":
		for _, f := range faults() {
			fmt.Fprintf(out, "%2d  %-22s %s\n", f.Number, f.Name, f.About)
		}
		return nil
	case "pods":
		return o.fleet.fill(ctx, o.dir, out)
	case "churn":
		return o.fleet.churn(ctx, o.dir, out)
	case "status":
		return order(ctx, o.dir, http.MethodGet, verb, "", out)
	case "serve":
		return serve(ctx, o.dir, o.bin, tellReady)
	default:
		return order(ctx, o.dir, http.MethodPost, verb, strings.Join(o.args, ""), out)
	}
}

// up starts the supervisor where none runs and then the halves that were asked for.
func up(ctx context.Context, o options, out io.Writer) error {
	if !o.net && !o.kube {
		o.net, o.kube = true, true
	}
	if o.net {
		if err := checkSystem(); err != nil {
			return err
		}
	}
	parts := []string{}
	if o.net {
		parts = append(parts, partNetwork)
	}
	if o.kube {
		if o.clusters < 1 || o.clusters > len(clusterPlans()) {
			return fmt.Errorf("%w: --clusters %d: there can be 1 to %d", errUsage, o.clusters, len(clusterPlans()))
		}
		if err := checkBuilt(o.bin, o.clusters); err != nil {
			return err
		}
		for _, p := range clusterPlans()[:o.clusters] {
			parts = append(parts, p.Name)
		}
	}
	if !supervised(ctx, o.dir) {
		if err := startSupervisor(ctx, o); err != nil {
			return err
		}
	}
	for _, part := range parts {
		if err := order(ctx, o.dir, http.MethodPost, "up", part, out); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "watch it: %s\n", wallCommand(o.dir))
	return nil
}

// supervised says whether a supervisor takes orders in dir.
func supervised(ctx context.Context, dir string) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return order(ctx, dir, http.MethodGet, "status", "", io.Discard) == nil
}

// startSupervisor starts this program again, detached from the terminal, and waits until it takes orders. The child
// says so on a pipe; an end of the pipe without a word means that it failed.
func startSupervisor(ctx context.Context, o options) error {
	if err := os.MkdirAll(filepath.Join(o.dir, "log"), 0o700); err != nil {
		return fmt.Errorf("lab folder: %w", err)
	}
	log, err := os.OpenFile(supervisorLog(o.dir), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("supervisor: open its log: %w", err)
	}
	defer log.Close()
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("this program's path: %w", err)
	}
	read, write, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("supervisor: %w", err)
	}
	defer read.Close()
	cmd := exec.CommandContext(context.WithoutCancel(ctx), program, "serve", "--dir", o.dir, "--bin", o.bin)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{write}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = cmd.Start()
	write.Close()
	if err != nil {
		return fmt.Errorf("start the supervisor: %w", err)
	}
	if err := read.SetReadDeadline(time.Now().Add(startLimit)); err != nil {
		return fmt.Errorf("supervisor: %w", err)
	}
	if text, err := io.ReadAll(io.LimitReader(read, 16)); err != nil || string(text) != readyWord {
		return fmt.Errorf("the supervisor did not start (%w); see %s", errors.Join(err, errors.New("no word from it")), supervisorLog(o.dir))
	}
	return cmd.Process.Release()
}

const (
	readyWord = "ready"
	readyFD   = 3 // the first of exec.Cmd.ExtraFiles
)

// tellReady tells the process that started the supervisor that it takes orders.
func tellReady() error {
	pipe := os.NewFile(readyFD, "ready")
	if pipe == nil {
		return errors.New("started without a pipe to its caller: use 'lab up'")
	}
	_, err := pipe.WriteString(readyWord)
	return errors.Join(err, pipe.Close())
}

// order sends one order to the supervisor and copies its answer to out.
func order(ctx context.Context, dir, method, verb, name string, out io.Writer) error {
	address := "http://lab/" + verb + "?name=" + url.QueryEscape(name)
	request, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return fmt.Errorf("order %s: %w", verb, err)
	}
	answer, err := unixClient(controlSocket(dir), orderLimit).Do(request)
	if err != nil {
		return fmt.Errorf("no lab runs in %s: start one with 'lab up': %w", dir, err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("order %s: read the answer: %w", verb, err)
	}
	if answer.StatusCode != http.StatusOK {
		return errors.New(strings.TrimSpace(string(text)))
	}
	_, err = out.Write(text)
	return err
}

// down ends the supervisor, which ends all it started, and then whatever a killed one left behind.
func down(ctx context.Context, o options, out io.Writer) error {
	if err := endRecorded(ctx, supervisorPID(o.dir), shutdownLimit); err != nil {
		return err
	}
	if err := sweep(ctx, o.dir); err != nil {
		return err
	}
	fmt.Fprintf(out, "nothing of the lab in %s runs\n", o.dir)
	return nil
}
