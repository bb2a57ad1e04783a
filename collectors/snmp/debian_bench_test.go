package snmp_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"go.yaml.in/yaml/v2"

	"github.com/nocturne-noc/nocturne/collectors/snmp/snmptest"
)

// debianExporter starts the prometheus-snmp-exporter of this machine with the published module for
// interfaces and returns its address and its process.
func debianExporter(b *testing.B) (url string, process *os.Process) {
	b.Helper()
	path, err := exec.LookPath("prometheus-snmp-exporter")
	if err != nil {
		b.Skip("no prometheus-snmp-exporter here: the comparison is with the library alone")
	}
	text, err := os.ReadFile(recordings(b, "snmp_exporter.yml"))
	if err != nil {
		b.Fatal(err)
	}
	var file struct {
		Modules map[string]map[string]any `yaml:"modules"`
	}
	if err := yaml.Unmarshal(known(b, text), &file); err != nil {
		b.Fatal(err)
	}
	// Debian's version keeps what it needs to log in within the module, and modules at the top.
	module := file.Modules["if_mib"]
	module["version"], module["auth"] = 2, map[string]string{"community": "public"}
	old, err := yaml.Marshal(map[string]any{"if_mib": module})
	if err != nil {
		b.Fatal(err)
	}
	conf := filepath.Join(b.TempDir(), "snmp.yml")
	if err := os.WriteFile(conf, old, 0o600); err != nil {
		b.Fatal(err)
	}
	free, err := new(net.ListenConfig).Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	addr := free.Addr().String()
	if err := free.Close(); err != nil {
		b.Fatal(err)
	}
	cmd := exec.CommandContext(b.Context(), path, "--config.file="+conf, "--web.listen-address="+addr, "--log.level=error")
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	start, cancel := context.WithTimeout(b.Context(), 10*time.Second)
	defer cancel()
	for {
		conn, err := new(net.Dialer).DialContext(start, "tcp", addr)
		if err == nil {
			_ = conn.Close() // it was only to see that somebody listens
			return "http://" + addr, cmd.Process
		}
		if start.Err() != nil {
			b.Fatalf("prometheus-snmp-exporter does not listen: %v", err)
		}
	}
}

// processTime is the user and system time of a process so far (proc(5), fields 14 and 15 of stat, in
// hundredths of a second).
func processTime(b *testing.B, p *os.Process) time.Duration {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.Pid))
	if err != nil {
		b.Fatal(err)
	}
	var user, system int64
	after := string(text[bytes.LastIndexByte(text, ')')+2:])
	var skip string
	if _, err := fmt.Sscan(after, &skip, &skip, &skip, &skip, &skip, &skip, &skip, &skip, &skip, &skip, &skip, &user, &system); err != nil {
		b.Fatalf("%s: %v", text, err)
	}
	return time.Duration(user+system) * (time.Second / 100)
}

// BenchmarkSnmpDebian has Debian's prometheus-snmp-exporter read the device of BenchmarkSnmpPoll: CPU of
// the whole process per object read.
func BenchmarkSnmpDebian(b *testing.B) {
	const ports = 48
	url, process := debianExporter(b)
	port, stop := startFleet(b, 0, ports)
	ask := url + "/snmp?module=if_mib&target=" + snmptest.FleetTarget(1, port).String()
	before := processTime(b, process)
	for b.Loop() {
		req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, ask, nil)
		if err != nil {
			b.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			b.Fatal(err)
		}
		body, err := io.ReadAll(io.LimitReader(resp.Body, 8<<20))
		if err != nil || resp.StatusCode != http.StatusOK || len(body) < 10_000 {
			b.Fatalf("%s: %v, %d bytes %.300s", resp.Status, err, len(body), body)
		}
		if err := resp.Body.Close(); err != nil {
			b.Fatal(err)
		}
	}
	spent := processTime(b, process) - before
	_, objects := stop()
	b.ReportMetric(float64(spent)/float64(objects), "cpu-ns/object")
	b.ReportMetric(float64(objects)/float64(b.N), "objects")
}
