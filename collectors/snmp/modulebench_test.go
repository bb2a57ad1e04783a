package snmp_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/nocturne-noc/nocturne/collectors/snmp"
	"github.com/nocturne-noc/nocturne/collectors/snmp/snmptest"
)

// agentEnv names the recording that a process of its own serves for a benchmark.
const agentEnv = "NOCTURNE_TEST_SNMP_AGENT"

// TestAgentProcess is that process: it serves until its standard input ends.
func TestAgentProcess(t *testing.T) {
	path := os.Getenv(agentEnv)
	if path == "" {
		t.Skip("runs only as the agent of BenchmarkModule")
	}
	agent := serve(t, load(t, path), snmptest.Behaviour{})
	fmt.Println(agent.Target())
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		t.Error(err)
	}
}

// agentProcess starts an agent whose CPU time is not ours.
func agentProcess(b *testing.B, path string) snmp.Target {
	b.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(b.Context()), os.Args[0], "-test.run=^TestAgentProcess$")
	cmd.Env = append(os.Environ(), agentEnv+"="+path)
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := in.Close(); err != nil {
			b.Error(err)
		}
		_, _ = io.Copy(io.Discard, out) // what testing prints at its end
		if err := cmd.Wait(); err != nil {
			b.Error(err)
		}
	})
	target, _, err := snmp.ParseTarget(line, 0)
	if err != nil {
		b.Fatal(err)
	}
	return target
}

// BenchmarkModule reads and converts the published if_mib of one switch, as snmp_exporter's collector
// does it, without the making of the text that it serves, and as we do. The agent is a process of its
// own. user-ms/op is this process' user time; "walk" is ours without the conversion.
func BenchmarkModule(b *testing.B) {
	theirs, ours := published(b)
	target := agentProcess(b, filepath.Join(recordings(b, "devices"), "arista_eos.snmprec"))
	b.Run("exporter", func(b *testing.B) {
		n := 0
		measure(b, func() {
			exporterCollects(b.Context(), target.String(), "if_mib", theirs.Modules["if_mib"], func(prometheus.Metric) { n++ })
		})
		b.ReportMetric(float64(n)/float64(b.N), "samples/op")
	})
	m := ours["if_mib"]
	b.Run("ours", func(b *testing.B) {
		n := 0
		measure(b, func() {
			objects, _, err := snmp.Scrape(b.Context(), options(), target, m)
			if err != nil {
				b.Fatal(err)
			}
			samples, _ := m.Samples(objects)
			n += len(samples)
		})
		b.ReportMetric(float64(n)/float64(b.N), "samples/op")
	})
	b.Run("walk", func(b *testing.B) {
		measure(b, func() {
			if _, _, err := snmp.Scrape(b.Context(), options(), target, m); err != nil {
				b.Fatal(err)
			}
		})
	})
}

// measure runs f b.N times and reports the user time of the process.
func measure(b *testing.B, f func()) {
	b.Helper()
	b.ReportAllocs()
	start := userTime(b)
	for b.Loop() {
		f()
	}
	b.ReportMetric(float64((userTime(b)-start).Microseconds())/1000/float64(b.N), "user-ms/op")
}

func userTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano())
}
