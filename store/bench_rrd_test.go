package store

import (
	"bufio"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// BenchmarkRRDTool is how the classic of round-robin files does on a hundred series of the same
// day: its size is what it sets aside for the same tiers, whatever is in them.
func BenchmarkRRDTool(b *testing.B) {
	if _, err := exec.LookPath("rrdtool"); err != nil {
		b.Skip("rrdtool is not installed:", err)
	}
	const series, rounds = 100, int(benchSpan / benchEvery)
	for b.Loop() {
		dir := b.TempDir()
		p := startRRD(b, dir)
		l := newFleet()
		start := newClock().now.Truncate(24 * time.Hour).Unix()
		for i := range series {
			kind := "GAUGE"
			if i%3 < 2 {
				kind = "COUNTER"
			}
			p.do(b, fmt.Sprintf("create %d.rrd --start %d --step 10 DS:v:%s:20:0:U RRA:LAST:0.5:1:%d RRA:AVERAGE:0.5:30:288 RRA:MIN:0.5:30:288 RRA:MAX:0.5:30:288 RRA:AVERAGE:0.5:360:24 RRA:MIN:0.5:360:24 RRA:MAX:0.5:360:24",
				i, start-10, kind, rounds))
		}
		lines := make([]strings.Builder, series)
		for round := range rounds {
			batch := l.batch(time.Unix(start+int64(10*round), 0))
			for i := range lines {
				if lines[i].Len() == 0 {
					fmt.Fprintf(&lines[i], "update %d.rrd", i)
				}
				fmt.Fprintf(&lines[i], " %d:%.0f", batch.Samples[i].T/1000, batch.Samples[i].V)
				if round%360 == 359 {
					p.do(b, lines[i].String())
					lines[i].Reset()
				}
			}
		}
		kept := folderSize(dir, "")
		var times []time.Duration
		for range 20 {
			from := time.Now()
			for i := range 10 {
				if n := p.do(b, fmt.Sprintf("fetch %d.rrd LAST --start %d --end %d", 3*i, start, start+24*3600-10)); n < rounds-2 {
					b.Fatalf("%d lines of %d", n, rounds)
				}
			}
			times = append(times, time.Since(from))
		}
		p.end(b)
		slices.Sort(times)
		n := float64(series * rounds)
		b.ReportMetric(float64(p.cmd.ProcessState.UserTime()+p.cmd.ProcessState.SystemTime())/n, "cpu-ns/sample")
		b.ReportMetric(float64(kept)/n, "kept-B/sample")
		b.ReportMetric(float64(times[len(times)/2])/1e6, "read-ms")
	}
}

// rrd is rrdtool in its mode that reads commands.
type rrd struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func startRRD(b *testing.B, dir string) *rrd {
	b.Helper()
	p := &rrd{cmd: exec.CommandContext(b.Context(), "rrdtool", "-")}
	p.cmd.Dir = filepath.Clean(dir)
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		b.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	p.out = bufio.NewReader(out)
	return p
}

// do runs a command and returns how many lines it answered before its OK.
func (p *rrd) do(b *testing.B, command string) (lines int) {
	b.Helper()
	if _, err := io.WriteString(p.in, command+"\n"); err != nil {
		b.Fatal(err)
	}
	for {
		line, err := p.out.ReadString('\n')
		switch {
		case err != nil:
			b.Fatal(err)
		case strings.HasPrefix(line, "OK"):
			return lines
		case strings.HasPrefix(line, "ERROR"):
			b.Fatalf("%.60s: %s", command, line)
		}
		lines++
	}
}

func (p *rrd) end(b *testing.B) {
	b.Helper()
	if err := p.in.Close(); err != nil {
		b.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		b.Fatal(err)
	}
}
