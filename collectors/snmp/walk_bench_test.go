package snmp

import (
	"context"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// cpuTime is the user and system time of this process.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkSnmpWalk walks all of a real agent's mib-2 and prints CPU per object beside that of Debian's
// snmpbulkwalk on the same agent, with the same size of requests; what starting that program costs is
// not counted.
func BenchmarkSnmpWalk(b *testing.B) {
	a := newRealAgent(b)
	a.start(b, "view all included .1\nrocommunity public default -V all\n")
	root := mustOID("1.3.6.1.2.1")
	objects := 0
	var own time.Duration
	b.Run("own", func(b *testing.B) {
		s := newSession(a.target, Credentials{}, Timing{Timeout: 2 * time.Second, Retries: 2})
		defer s.close()
		b.ReportAllocs()
		objects = 0
		before := cpuTime(b)
		for b.Loop() {
			warnings, err := walk(b.Context(), s, s.pace, []OID{root}, func(int, VarBind) { objects++ })
			if err != nil || len(warnings) > 0 {
				b.Fatal(err, warnings)
			}
		}
		own = (cpuTime(b) - before) / time.Duration(objects)
		b.ReportMetric(float64(own), "cpu-ns/object")
		objects /= b.N
		b.ReportMetric(float64(objects), "objects")
	})
	b.Run("snmpbulkwalk", func(b *testing.B) {
		if _, err := exec.LookPath("snmpbulkwalk"); err != nil {
			b.Skip("snmpbulkwalk is not installed: it is the peer")
		}
		var walked, started time.Duration
		for b.Loop() {
			walked += bulkwalk(b.Context(), b, a.target, "1.3.6.1.2.1")
			started += bulkwalk(b.Context(), b, a.target, "1.3.6.1.2.1.1.5")
		}
		peer := float64(walked-started) / float64(b.N) / float64(objects)
		b.ReportMetric(peer, "cpu-ns/object")
		b.ReportMetric(float64(own)/peer, "own/peer")
	})
}

// bulkwalk runs snmpbulkwalk and returns its CPU time.
func bulkwalk(ctx context.Context, b *testing.B, target Target, root string) time.Duration {
	b.Helper()
	cmd := exec.CommandContext(ctx, "snmpbulkwalk", "-v2c", "-c", "public", "-Cr25", "-On", target.String(), root)
	cmd.Env = append(os.Environ(), "MIBS=")
	if err := cmd.Run(); err != nil {
		b.Fatal(err)
	}
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
}
