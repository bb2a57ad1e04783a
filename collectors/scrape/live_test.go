package scrape

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/nocturne-noc/nocturne/collectors"
	"github.com/nocturne-noc/nocturne/store/model"
)

// program finds one of this machine's; the test is skipped where it is not installed.
func program(t *testing.T, name, alsoAt string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	if found, err := filepath.Glob(alsoAt); err == nil && len(found) > 0 {
		return found[0]
	}
	t.Skipf("no %s here: apt-get install it", name)
	return ""
}

// free is a port of 127.0.0.1 that nobody listens on.
func free(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// runs starts a program in the background until the test ends, and waits until it listens.
func runs(t *testing.T, addr string, change func(*exec.Cmd), path string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(path, args...) //nolint:noctx // ended by hand, so that what it holds open is closed in order
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if change != nil {
		change(cmd)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s: %.2000s", path, said.String())
		}
	})
	listens(t, addr)
	return cmd
}

func listens(t *testing.T, addr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
		if err == nil {
			_ = conn.Close() // it was only to see that somebody listens
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("nobody listens on %s: %v", addr, err)
		case <-tick.C:
		}
	}
}

// scraped waits until a target was scraped well and returns its entity and its metrics.
func scraped(t *testing.T, target string, every time.Duration) (model.Entity, map[string]float64, *bench) {
	t.Helper()
	b := watch(t, Config{Targets: []string{target}}, func(env *collectors.Env) { env.Every = every })
	first, e := b.first(target)
	t.Logf("%+v", e)
	return e, values(first), b
}

func has(t *testing.T, got map[string]float64, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, ok := got[name]; !ok {
			t.Errorf("%s is missing", name)
		}
	}
}

// TestLiveNodeExporter scrapes Debian's node_exporter on this machine.
func TestLiveNodeExporter(t *testing.T) {
	path := program(t, "prometheus-node-exporter", "")
	addr := free(t)
	runs(t, addr, nil, path, "--web.listen-address="+addr)
	e, got, _ := scraped(t, addr, testEvery)
	name, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	if e.Kind != model.KindServer || e.Name != name || e.Labels["kernel"] == "" || e.Labels["version"] == "" || e.Labels["platform"] == "" {
		t.Errorf("entity %+v", e)
	}
	has(t, got, "node_cpu_seconds_total", "node_memory_MemAvailable_bytes", "node_filesystem_avail_bytes", "node_network_receive_bytes_total",
		"node_disk_read_bytes_total", "node_load1", "node_boot_time_seconds", "up")
}

// TestLiveRedis scrapes Debian's Redis by its exporter, and sees it stop.
func TestLiveRedis(t *testing.T) {
	t.Parallel()
	server, exporter := program(t, "redis-server", ""), program(t, "prometheus-redis-exporter", "")
	addr, exposed := free(t), free(t)
	_, port, _ := net.SplitHostPort(addr)
	redis := runs(t, addr, nil, server, "--bind", "127.0.0.1", "--port", port, "--dir", t.TempDir(), "--save", "")
	runs(t, exposed, nil, exporter, "-redis.addr", "redis://"+addr, "-web.listen-address", exposed)
	e, got, b := scraped(t, exposed, testEvery)
	if e.Kind != model.KindService || e.Name != "Redis "+exposed || e.State != model.OK || e.Labels["version"] == "" || e.Labels["role"] != "master" {
		t.Errorf("entity %+v", e)
	}
	has(t, got, "redis_connected_clients", "redis_memory_used_bytes", "redis_commands_processed_total", "redis_keyspace_hits_total", "redis_evicted_keys_total", "redis_blocked_clients")
	if err := redis.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	b.await("that Redis is down", func() bool {
		e, ok := b.entity(exposed)
		return ok && e.State == model.Critical && e.Reason == "Redis does not answer its exporter"
	})
}

// TestLivePostgres scrapes Debian's PostgreSQL by its exporter, and sees it stop.
func TestLivePostgres(t *testing.T) {
	t.Parallel()
	initdb, postgres := program(t, "initdb", "/usr/lib/postgresql/*/bin/initdb"), program(t, "postgres", "/usr/lib/postgresql/*/bin/postgres")
	exporter := program(t, "prometheus-postgres-exporter", "")
	as := func(*exec.Cmd) {}
	dir, err := os.MkdirTemp("/tmp", "pg") // its socket's path may have 107 bytes only
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if os.Getuid() == 0 { // which PostgreSQL does not run as
		u, err := user.Lookup("postgres")
		if err != nil {
			t.Skipf("PostgreSQL does not run as root, and there is no other user: %v", err)
		}
		uid, _ := strconv.ParseUint(u.Uid, 10, 32) // of the system's own file
		gid, _ := strconv.ParseUint(u.Gid, 10, 32)
		if err := os.Chown(dir, int(uid), int(gid)); err != nil {
			t.Fatal(err)
		}
		as = func(c *exec.Cmd) {
			c.Dir = dir
			c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
		}
	}
	data := filepath.Join(dir, "data")
	init := exec.CommandContext(t.Context(), initdb, "-D", data, "-U", "postgres", "-A", "trust", "--no-sync")
	as(init)
	if out, err := init.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v: %s", err, out)
	}
	addr, exposed := free(t), free(t)
	_, port, _ := net.SplitHostPort(addr)
	server := runs(t, addr, as, postgres, "-D", data, "-h", "127.0.0.1", "-p", port, "-k", dir, "-F")
	runs(t, exposed, func(c *exec.Cmd) {
		c.Env = append(os.Environ(), fmt.Sprintf("DATA_SOURCE_NAME=postgresql://postgres@127.0.0.1:%s/postgres?sslmode=disable", port))
	}, exporter, "--web.listen-address="+exposed)
	e, got, b := scraped(t, exposed, 4*time.Second) // the exporter tries again for a second
	b.await("that PostgreSQL is up", func() bool { e, ok := b.entity(exposed); return ok && e.State == model.OK })
	if e.Kind != model.KindService || e.Name != "PostgreSQL "+exposed || e.Labels["version"] == "" {
		t.Errorf("entity %+v", e)
	}
	has(t, got, "pg_stat_database_numbackends", "pg_settings_max_connections", "pg_stat_database_xact_commit", "pg_stat_database_blks_hit", "pg_database_size_bytes")
	if err := server.Process.Signal(syscall.SIGINT); err != nil { // "fast": it does not wait for the exporter's connection
		t.Fatal(err)
	}
	b.await("that PostgreSQL is down", func() bool {
		e, ok := b.entity(exposed)
		return ok && e.State == model.Critical && e.Reason == "PostgreSQL does not answer its exporter"
	})
}
