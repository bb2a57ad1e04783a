package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	shutdownLimit = 60 * time.Second
	partNetwork   = "net" // the other parts are the names of clusters
)

// A supervisor owns everything that runs in the lab. It takes orders over a Unix socket in its folder.
type supervisor struct {
	dir, bin string
	plan     plan
	procs    *processes
	now      func() time.Time

	mu       sync.Mutex // one order at a time
	network  *network   // nil while that half is not up
	clusters []*cluster // those that are up, in the order of clusterPlans
	since    map[string]time.Time
}

func controlSocket(dir string) string  { return filepath.Join(dir, "lab.sock") }
func supervisorPID(dir string) string  { return filepath.Join(dir, "lab.pid") }
func supervisorLog(dir string) string  { return filepath.Join(dir, "log", "lab.log") }
func supervisorLock(dir string) string { return filepath.Join(dir, "lab.lock") }

// serve runs the supervisor until ctx ends and then ends everything it started. It calls ready once it takes orders.
func serve(ctx context.Context, dir, bin string, ready func() error) error {
	lock, err := os.OpenFile(supervisorLock(dir), os.O_CREATE|os.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return fmt.Errorf("lab folder: %w", err)
	}
	defer lock.Close()
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return fmt.Errorf("a lab runs already in %s: %w", dir, err)
	}
	if err := sweep(ctx, dir); err != nil {
		return fmt.Errorf("clear what an earlier lab left behind: %w", err)
	}
	procs, err := newProcesses(dir)
	if err != nil {
		return err
	}
	if err := writePIDFile(supervisorPID(dir), os.Getpid()); err != nil {
		return err
	}
	defer os.Remove(supervisorPID(dir))
	s := &supervisor{dir: dir, bin: bin, plan: campus(), procs: procs, now: time.Now, since: map[string]time.Time{}}
	if err := s.configureWall(); err != nil {
		return err
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "unix", controlSocket(dir))
	if err != nil {
		return fmt.Errorf("control socket: %w", err)
	}
	server := &http.Server{Handler: s.handler(), ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: maxAnswer,
		BaseContext: func(net.Listener) context.Context { return ctx }}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	if err := ready(); err != nil {
		log.Printf("tell the caller: %v", err)
	}
	select {
	case err = <-served:
	case <-ctx.Done():
		err = nil
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownLimit)
	defer cancel()
	return errors.Join(err, server.Shutdown(end), s.stop(end))
}

// stop ends both halves.
func (s *supervisor) stop(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var failed []error
	for _, c := range s.clusters {
		failed = append(failed, c.stop())
	}
	if s.network != nil {
		failed = append(failed, s.network.stop(ctx))
	}
	return errors.Join(append(failed, s.procs.stopAll())...)
}

// sweep ends the processes and removes the namespaces that are recorded in dir. It is how a lab ends whose supervisor
// was killed; where nothing is left it does nothing.
func sweep(ctx context.Context, dir string) error {
	records, err := filepath.Glob(filepath.Join(dir, "pids", "*"))
	if err != nil {
		return fmt.Errorf("recorded processes: %w", err)
	}
	err = forEach(records, func(path string) error { return endRecorded(ctx, path, stopGrace) })
	if remove := os.Remove(controlSocket(dir)); remove != nil && !errors.Is(remove, os.ErrNotExist) {
		err = errors.Join(err, remove)
	}
	return errors.Join(err, removeNamespaces(ctx, dir))
}

// handler takes the orders: POST /up?part=, POST /fault?name=, POST /heal?name=, POST /controllers?name=on|off,
// GET /status. Answers are plain text.
func (s *supervisor) handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, order := range map[string]func(context.Context, string) (string, error){
		"POST /up": s.up, "POST /fault": s.fault, "POST /heal": s.heal, "GET /status": s.status, "POST /controllers": s.controllers,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			s.mu.Lock()
			defer s.mu.Unlock()
			text, err := order(r.Context(), r.URL.Query().Get("name"))
			if err != nil {
				log.Printf("%s: %v", r.URL, err)
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			log.Printf("%s: %s", r.URL, text)
			fmt.Fprintln(w, text)
		})
	}
	return mux
}

// up starts one half of the lab.
func (s *supervisor) up(ctx context.Context, part string) (string, error) {
	start := s.now()
	switch {
	case part == partNetwork && s.network == nil:
		n, err := startNetwork(ctx, s.plan, s.dir, s.procs)
		if err != nil {
			return "", fmt.Errorf("start the network: %w", err)
		}
		s.network = n
	case part == partNetwork || s.cluster(part) != nil:
		return part + " is up already", nil
	default:
		p, ok := findClusterPlan(part)
		if !ok {
			return "", fmt.Errorf("the lab has no part %q", part)
		}
		if err := s.upCluster(ctx, p); err != nil {
			return "", fmt.Errorf("start cluster %s: %w", part, err)
		}
	}
	if err := s.configureWall(); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s is up after %.1f s", part, s.now().Sub(start).Seconds()), nil
}

// configureWall lets the wallboard watch what is up.
func (s *supervisor) configureWall() error {
	var networks []plan
	if s.network != nil {
		networks = append(networks, s.network.plan)
	}
	var clusters []clusterPlan
	for _, c := range s.clusters {
		clusters = append(clusters, c.plan)
	}
	return writeWallConfig(networks, clusters, s.dir)
}

// fault injects a fault and reports when it was in force.
func (s *supervisor) fault(ctx context.Context, name string) (string, error) {
	f, err := findFault(name)
	if err != nil {
		return "", err
	}
	if t, ok := s.since[name]; ok {
		return fmt.Sprintf("%s is in force since %s", name, t.Format(time.RFC3339Nano)), nil
	}
	ctx, cancel := context.WithTimeout(ctx, faultLimit)
	defer cancel()
	start := s.now()
	err = f.inject(ctx, s)
	now := s.now()
	if !f.event() && !errors.Is(err, errNotUp) {
		s.since[name] = now // also when it failed half-way: 'lab heal' shall then undo the half
	}
	if err != nil {
		return "", fmt.Errorf("fault %s: %w", name, err)
	}
	return fmt.Sprintf("%s begun %s in force %s", name, start.Format(time.RFC3339Nano), now.Format(time.RFC3339Nano)), nil
}

// heal undoes one fault, or with an empty name all that are in force, the last one first: a later one may be in the way
// of healing an earlier one, as a dead API server is.
func (s *supervisor) heal(ctx context.Context, name string) (string, error) {
	if name != "" {
		f, err := findFault(name)
		if err != nil {
			return "", err
		}
		return s.healOne(ctx, f)
	}
	var lines []string
	var failed []error
	names := slices.SortedFunc(maps.Keys(s.since), func(a, b string) int { return s.since[b].Compare(s.since[a]) })
	for _, name := range names {
		line, err := s.heal(ctx, name)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		lines = append(lines, line)
	}
	if len(lines) == 0 && failed == nil {
		lines = append(lines, "no fault is in force")
	}
	return strings.Join(lines, "\n"), errors.Join(failed...)
}

func (s *supervisor) healOne(ctx context.Context, f fault) (string, error) {
	if f.event() {
		return f.Name + ": nothing to heal: " + f.afterwards(s.dir), nil
	}
	ctx, cancel := context.WithTimeout(ctx, faultLimit)
	defer cancel()
	start := s.now()
	if err := f.heal(ctx, s); err != nil {
		return "", fmt.Errorf("heal %s: %w", f.Name, err)
	}
	delete(s.since, f.Name)
	return fmt.Sprintf("%s begun to heal %s healed %s", f.Name, start.Format(time.RFC3339Nano), s.now().Format(time.RFC3339Nano)), nil
}

// status says what runs and which faults are in force.
func (s *supervisor) status(context.Context, string) (string, error) {
	lines := []string{fmt.Sprintf("supervisor pid %d in %s", os.Getpid(), s.dir)}
	lines = append(lines, "network: "+upOrDown(s.network != nil))
	if s.network != nil {
		for _, d := range s.plan.Devices {
			lines = append(lines, fmt.Sprintf("  %-8s %s:%d", d.Name, agentAddress(d), agentPort))
		}
		for _, s := range s.plan.Servers {
			lines = append(lines, fmt.Sprintf("  %-8s %s", s.Name, s.at(exporterPort)))
		}
	}
	for _, p := range clusterPlans() {
		lines = append(lines, fmt.Sprintf("cluster %s %s: %s", p.Name, p.Version, upOrDown(s.cluster(p.Name) != nil)))
	}
	lines = append(lines, "  kubeconfig "+kubeconfigIn(s.dir)+", with all rights "+adminKubeconfigIn(s.dir))
	lines = append(lines, "processes:")
	for _, line := range s.procs.status() {
		lines = append(lines, "  "+line)
	}
	lines = append(lines, "faults in force:")
	for _, line := range inForce(s.since) {
		lines = append(lines, "  "+line)
	}
	return strings.Join(lines, "\n"), nil
}

func upOrDown(up bool) string {
	if up {
		return "up"
	}
	return "not up"
}

var errNotUp = errors.New("is not up")

func (s *supervisor) needNetwork() (*network, error) {
	if s.network == nil {
		return nil, fmt.Errorf("the network %w: run 'lab up --net'", errNotUp)
	}
	return s.network, nil
}
