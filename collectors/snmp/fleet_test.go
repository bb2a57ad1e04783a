package snmp_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nocturne-noc/nocturne/collectors"
	"github.com/nocturne-noc/nocturne/collectors/snmp"
	"github.com/nocturne-noc/nocturne/collectors/snmp/snmptest"
	"github.com/nocturne-noc/nocturne/store/model"
)

const (
	fleetVariable = "NOCTURNE_TEST_FLEET" // of the process of devices: their delay and ports
	deadShare     = 20                    // one of so many devices is dead
)

// deadDevice says which devices of a fleet do not answer.
func deadDevice(addr net.IP) bool {
	b := addr.To4()
	return (int(b[1]-1)<<16|int(b[2])<<8|int(b[3]))%deadShare == 0
}

// fleetProcess plays a fleet until its input ends. It prints its port, and at the end what it served.
func fleetProcess(spec string) int {
	var delay time.Duration
	var ports int
	rec := new(snmptest.Recording)
	_, err := fmt.Sscan(spec, (*int64)(&delay), &ports)
	if err == nil {
		rec, err = snmptest.Parse(strings.NewReader(madeText("sw", ports)))
	}
	if err == nil {
		var f *snmptest.Fleet
		if f, err = snmptest.ServeFleet(context.Background(), 0, rec, delay, deadDevice); err == nil {
			fmt.Println(f.Port())
			_, err = io.Copy(io.Discard, os.Stdin)
			_ = f.Close()
			requests, objects := f.Served()
			fmt.Println(requests, objects)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// startFleet runs the devices in a process of their own, so that what is measured here is who asks.
func startFleet(tb testing.TB, delay time.Duration, ports int) (port int, stop func() (requests, objects int64)) {
	tb.Helper()
	cmd := exec.CommandContext(tb.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d %d", fleetVariable, delay, ports))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	lines := bufio.NewReader(out)
	if _, err := fmt.Fscanln(lines, &port); err != nil {
		tb.Fatalf("the devices do not start: %v", err)
	}
	return port, func() (requests, objects int64) {
		if err := in.Close(); err != nil {
			tb.Error(err)
		}
		if _, err := fmt.Fscanln(lines, &requests, &objects); err != nil {
			tb.Errorf("what the devices served: %v", err)
		}
		if err := cmd.Wait(); err != nil {
			tb.Error(err)
		}
		return requests, objects
	}
}

// watched notes when its rounds begin.
type watched struct {
	collectors.Collector
	target string
	log    *fleetLog
}

func (w watched) Collect(ctx context.Context, emit collectors.Emit) error {
	w.log.begin(w.target)
	return w.Collector.Collect(ctx, emit)
}

// fleetLog is what a wall would see of a fleet.
type fleetLog struct {
	every  time.Duration
	memory uint64 // bytes that are live near the end

	mu      sync.Mutex
	began   map[string]time.Time
	last    map[string]time.Time // instant of the last round that was told
	rounds  int
	samples int
	skipped int            // instants that were left out by a device that answers
	late    lateness       // how long after its instant each round began
	told    map[string]int // rounds of each device that were told
	served  int            // devices with enough of them
	want    int            // devices that make an end when each was served, 0 for none
	end     func()
}

// lateness counts delays by milliseconds, the longest ones together: a list of half a million would count as memory of
// who is measured.
type lateness struct {
	n      int
	counts [60_001]int32
}

func (l *lateness) add(d time.Duration) {
	l.n++
	l.counts[min(max(d.Milliseconds(), 0), int64(len(l.counts)-1))]++
}

// within is the delay that a share of the rounds kept to.
func (l *lateness) within(share float64) time.Duration {
	left := int(share * float64(l.n))
	for ms, n := range l.counts {
		if left -= int(n); left <= 0 {
			return time.Duration(ms) * time.Millisecond
		}
	}
	return time.Minute
}

// beyond counts the rounds that were later.
func (l *lateness) beyond(d time.Duration) (n int) {
	for _, c := range l.counts[min(d.Milliseconds()+1, int64(len(l.counts))):] {
		n += int(c)
	}
	return n
}

// enoughRounds is when a device counts as served.
const enoughRounds = 3

func (l *fleetLog) begin(target string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.began[target] = time.Now()
}

func (l *fleetLog) sink(b model.Batch) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if target, ok := strings.CutPrefix(b.Scope, "collector/"); ok {
		if l.told[target] > 1 { // a first round is not one of the grid, and a dead device has none
			l.late.add(l.began[target].Sub(b.Time))
		}
		return nil
	}
	if _, isDevice := l.began[b.Scope]; !isDevice {
		return nil
	}
	l.rounds++
	l.samples += len(b.Samples)
	if l.told[b.Scope]++; l.told[b.Scope] == enoughRounds {
		if l.served++; l.served == l.want {
			l.end()
		}
	}
	before, again := l.last[b.Scope]
	l.last[b.Scope] = b.Time
	if !again {
		return nil
	}
	if apart := b.Time.Sub(before); apart > 2*l.every-l.every/4 {
		l.skipped += int(apart/l.every) - 1
	}
	return nil
}

// runFleet polls devices for a while, or until so many of them are served.
func runFleet(tb testing.TB, devices, port, served int, every, forTime time.Duration) *fleetLog {
	tb.Helper()
	l := &fleetLog{every: every, began: map[string]time.Time{}, last: map[string]time.Time{}, told: map[string]int{}, want: served}
	c := snmp.Config{Timeout: min(2*time.Second, every/4)}
	for i := range devices {
		c.Targets = append(c.Targets, snmptest.FleetTarget(i+1, port).String())
	}
	source := collectors.Source{Name: "fleet", Kind: "snmp", Open: func() ([]collectors.Job, error) {
		jobs, err := snmp.Kind().Open(collectors.Env{
			Name: "fleet", Every: every, Now: time.Now,
			Decode: func(into any) error { *into.(*snmp.Config) = c; return nil },
			Secret: func(ref string) (string, error) { return ref, nil },
			Links:  func(string) []model.Link { return nil },
		})
		for i := range jobs {
			if jobs[i].Poll != nil {
				jobs[i].Poll = watched{jobs[i].Poll, jobs[i].Target, l}
			}
		}
		return jobs, err
	}}
	r := collectors.NewRunner(l.sink, func([]model.SourceStatus) {}, collectors.Options{Log: slog.New(slog.DiscardHandler)})
	if err := r.Set([]collectors.Source{source}); err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(tb.Context(), forTime)
	defer cancel()
	l.end = cancel
	measured := make(chan struct{})
	timer := time.AfterFunc(forTime*9/10, func() {
		defer close(measured)
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		l.memory = m.HeapAlloc + m.StackInuse
	})
	r.Run(ctx)
	if !timer.Stop() {
		<-measured
	}
	return l
}

// TestFleet is SnmpFleet in small: all devices that answer are polled again and again, and the dead
// ones hold nobody up.
func TestFleet(t *testing.T) {
	const devices, alive = 400, 400 - 400/deadShare
	port, stop := startFleet(t, 10*time.Millisecond, 2)
	l := runFleet(t, devices, port, alive, 2*time.Second, time.Minute)
	requests, objects := stop()
	if l.served != alive || len(l.told) != alive {
		t.Errorf("%d devices were polled, %d often enough; want those %d of %d that are not dead", len(l.told), l.served, alive, devices)
	}
	if requests == 0 || objects == 0 || l.samples == 0 {
		t.Errorf("%d requests, %d objects, %d samples", requests, objects, l.samples)
	}
	t.Logf("%d rounds, %d left out", l.rounds, l.skipped)
}

// cpuTime is the user and system time of this process, and memory its largest resident set in bytes.
func cpuTime(b *testing.B) (cpu time.Duration, memory int64) {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), u.Maxrss << 10
}
