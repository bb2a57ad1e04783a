package snmp_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"runtime/debug"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/snmp_exporter/collector"
	"github.com/prometheus/snmp_exporter/config"

	"github.com/nocturne-noc/nocturne/collectors/snmp"
	"github.com/nocturne-noc/nocturne/collectors/snmp/snmptest"
)

const fleetPorts = 2 // of a device: a million objects in five minutes are not even one port each

// fleetTime reads a duration from the environment.
func fleetTime(b *testing.B, name string, usual time.Duration) time.Duration {
	b.Helper()
	text := os.Getenv(name)
	if text == "" {
		return usual
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		b.Fatal(err)
	}
	return d
}

// BenchmarkSnmpFleet polls 10,000 devices that answer after 50 ms, one of twenty dead, and counts polls that were late or left
// out. It runs the begin of an hour's schedule at twice its pace; NOCTURNE_FLEET_EVERY=60s and
// NOCTURNE_FLEET_FOR=1h run all of it as it is.
func BenchmarkSnmpFleet(b *testing.B) {
	const devices = 10_000
	defer debug.SetGCPercent(debug.SetGCPercent(35)) // as the program does
	every, forTime := fleetTime(b, "NOCTURNE_FLEET_EVERY", 30*time.Second), fleetTime(b, "NOCTURNE_FLEET_FOR", 100*time.Second)
	port, stop := startFleet(b, 50*time.Millisecond, fleetPorts)
	cpu, _ := cpuTime(b)
	l := runFleet(b, devices, port, 0, every, forTime)
	after, memory := cpuTime(b)
	_, objects := stop()
	b.ReportMetric(float64(l.rounds), "polls")
	b.ReportMetric(float64(l.skipped), "left-out")
	b.ReportMetric(float64(l.late.beyond(every/4)), "late")
	b.ReportMetric(l.late.within(0.99).Seconds(), "s-late-p99")
	b.ReportMetric(l.late.within(1).Seconds(), "s-late-max")
	b.ReportMetric(float64(l.memory>>20), "MB-live")
	b.ReportMetric(float64(memory>>20), "MB-resident")
	b.ReportMetric(float64(objects), "objects")
	b.ReportMetric(float64(after-cpu)/float64(objects), "cpu-ns/object")
	b.ReportMetric(100*(after-cpu).Seconds()/forTime.Seconds(), "%-of-a-core")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkSnmpPoll polls one device as the wall does, down to the batch for the store, and as snmp_exporter does with its own
// module for interfaces, down to the text for Prometheus. It prints CPU per object read.
func BenchmarkSnmpPoll(b *testing.B) {
	const ports = 48
	var own float64
	b.Run("own", func(b *testing.B) {
		port, stop := startFleet(b, 0, ports)
		w := newBench(b, snmp.Config{Targets: []string{snmptest.FleetTarget(1, port).String()}, Timeout: 2 * time.Second}, nil)
		b.ReportAllocs()
		before, _ := cpuTime(b)
		for b.Loop() {
			w.well()
		}
		after, _ := cpuTime(b)
		_, objects := stop()
		own = float64(after-before) / float64(objects)
		b.ReportMetric(own, "cpu-ns/object")
		b.ReportMetric(float64(objects)/float64(b.N), "objects")
	})
	b.Run("snmp_exporter", func(b *testing.B) {
		published, _ := published(b)
		port, stop := startFleet(b, 0, ports)
		target := snmptest.FleetTarget(1, port).String()
		b.ReportAllocs()
		before, _ := cpuTime(b)
		for b.Loop() {
			if scrape(b, target, published.Modules["if_mib"]) == 0 {
				b.Fatal("nothing was scraped")
			}
		}
		after, _ := cpuTime(b)
		_, objects := stop()
		peer := float64(after-before) / float64(objects)
		b.ReportMetric(peer, "cpu-ns/object")
		b.ReportMetric(float64(objects)/float64(b.N), "objects")
		b.ReportMetric(own/peer, "own/peer")
	})
}

// scrape is one scrape of snmp_exporter, as its handler makes it; it returns the bytes of the answer.
func scrape(b *testing.B, target string, m *config.Module) int {
	b.Helper()
	auth := config.DefaultAuth
	c := collector.New(context.Background(), target, "public_v2", "", "", &auth,
		[]*collector.NamedModule{collector.NewNamedModule("if_mib", m)}, slog.New(slog.DiscardHandler), exporterMetrics(), 1, false)
	registry := prometheus.NewRegistry()
	registry.MustRegister(c)
	families, err := registry.Gather()
	if err != nil {
		b.Fatal(err)
	}
	var text bytes.Buffer
	encoder := expfmt.NewEncoder(&text, expfmt.NewFormat(expfmt.TypeTextPlain))
	for _, f := range families {
		if err := encoder.Encode(f); err != nil {
			b.Fatal(err)
		}
	}
	return text.Len()
}
