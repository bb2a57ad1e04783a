package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"os"
	"os/exec"
	"runtime/pprof"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	fyneapp "fyne.io/fyne/v2/app"
	"fyne.io/fyne/v2/container"

	"github.com/nocturne-noc/nocturne/app"
	"github.com/nocturne-noc/nocturne/app/board"
	"github.com/nocturne-noc/nocturne/app/config"
	"github.com/nocturne-noc/nocturne/widgets"
)

// The benchmark WallFrame compares one frame of a wall of 40 panels at 1 Hz with one frame of a bare
// Fyne window that holds 40 static images. Each runs in a process of its own under Xvfb, because a
// Fyne app runs once a process and because the figure is the whole process's CPU.
const (
	benchEnv    = "NOCTURNE_BENCH_WALL"
	benchForEnv = "NOCTURNE_BENCH_FOR"
	benchWarm   = 4 * time.Second
	benchFor    = 15 * time.Second
	benchPanels = 40
)

func TestMain(m *testing.M) {
	switch os.Getenv(benchEnv) {
	case "static":
		benchChild(benchStatic)
	case "wall":
		benchChild(benchWall)
	case "program":
		main()
	default:
		os.Exit(m.Run())
	}
}

// frameCost is what a child measured.
type frameCost struct {
	Frames uint64
	CPU    time.Duration
}

func BenchmarkWallFrame(b *testing.B) {
	if _, err := exec.LookPath("xvfb-run"); err != nil {
		b.Skip("xvfb-run is not installed: run make deps-test")
	}
	// The machine's speed drifts: the two run in turn, and the middle of the ratios counts.
	const rounds = 3
	var static, wall, ratio []float64
	ms := func(c frameCost) float64 { return c.CPU.Seconds() * 1000 / float64(c.Frames) }
	for range b.N {
		for range rounds {
			s, w := ms(benchRun(b, "static", benchFor)), ms(benchRun(b, "wall", benchFor))
			static, wall, ratio = append(static, s), append(wall, w), append(ratio, w/s)
		}
	}
	middle := func(list []float64) float64 {
		slices.Sort(list)
		return list[len(list)/2]
	}
	b.ReportMetric(middle(static), "static-ms/frame")
	b.ReportMetric(middle(wall), "wall-ms/frame")
	b.ReportMetric(middle(ratio), "ratio")
	b.ReportMetric(0, "ns/op")
}

// TestWindow opens the real window under Xvfb and sees it take frames.
func TestWindow(t *testing.T) {
	if _, err := exec.LookPath("xvfb-run"); err != nil {
		t.Skip("xvfb-run is not installed: run make deps-test")
	}
	if c := benchRun(t, "wall", 3*time.Second); c.Frames < 2 {
		t.Errorf("the window took %d frames in 3 s, want one a second", c.Frames)
	}
}

// benchRun runs this program in another mode on a virtual display of its own.
func benchRun(t testing.TB, mode string, length time.Duration) frameCost {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "xvfb-run", "-a", "-s", "-screen 0 1920x1080x24", os.Args[0])
	cmd.Env = append(os.Environ(), benchEnv+"="+mode, benchForEnv+"="+length.String(), "LIBGL_ALWAYS_SOFTWARE=1")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v: %s", mode, err, stderr.String())
	}
	var c frameCost
	if err := json.Unmarshal(out, &c); err != nil || c.Frames == 0 {
		t.Fatalf("%s: %v: %s %s", mode, err, out, stderr.String())
	}
	return c
}

// benchChild opens a window, lets it settle, and prints what its frames cost.
func benchChild(run func(ctx context.Context, a fyne.App, w fyne.Window, frames *atomic.Uint64)) {
	a := fyneapp.NewWithID("io.github.nocturne_noc.bench")
	w := a.NewWindow("bench")
	w.SetPadded(false)
	w.SetFullScreen(true)
	var frames atomic.Uint64
	length, err := time.ParseDuration(os.Getenv(benchForEnv))
	if err != nil {
		length = benchFor
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		time.Sleep(benchWarm)
		if path := os.Getenv("NOCTURNE_BENCH_PROFILE"); path != "" {
			if f, err := os.Create(path); err == nil && pprof.StartCPUProfile(f) == nil {
				defer pprof.StopCPUProfile()
			}
		}
		before, cpu := frames.Load(), processCPU()
		time.Sleep(length)
		cost := frameCost{Frames: frames.Load() - before, CPU: processCPU() - cpu}
		_ = json.NewEncoder(os.Stdout).Encode(cost) // the parent sees what is missing
		cancel()
		fyne.Do(a.Quit)
	}()
	run(ctx, a, w, &frames)
	w.ShowAndRun()
	os.Exit(0)
}

func processCPU() time.Duration {
	var r syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r) // cannot fail with these arguments
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// benchStatic shows 40 images that never change and one pixel that does, once a second.
func benchStatic(ctx context.Context, _ fyne.App, w fyne.Window, frames *atomic.Uint64) {
	box := container.NewWithoutLayout()
	geometry := board.NewGeometry(1920, 1080, 8, 5, 1, false)
	for i := range benchPanels {
		at := geometry.Place([4]int{i % 8, i / 8, 1, 1}) // the same places that the wall's panels have
		p := widgets.NewPicture()
		img := image.NewRGBA(image.Rect(0, 0, at.Dx(), at.Dy()))
		for j := range img.Pix {
			img.Pix[j] = uint8(j*(i+1)) | 0x0f
		}
		p.SetImage(img)
		box.Add(p)
		p.Resize(fyne.NewSize(float32(at.Dx()), float32(at.Dy())))
		p.Move(fyne.NewPos(float32(at.Min.X), float32(at.Min.Y)))
	}
	dot := widgets.NewPicture()
	box.Add(dot)
	dot.Resize(fyne.NewSize(1, 1))
	w.SetContent(box)
	go func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				img := image.NewRGBA(image.Rect(0, 0, 1, 1))
				img.Set(0, 0, color.Gray{Y: uint8(i)})
				fyne.DoAndWait(func() { dot.SetImage(img) })
				frames.Add(1)
			}
		}
	}()
}

// benchWall shows the wall's own window with 40 panels on the demo recording, whose samples change
// each second.
func benchWall(_ context.Context, a fyne.App, w fyne.Window, frames *atomic.Uint64) {
	w.Close()
	player, err := app.OpenDemo(1, time.Now)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	text := "boards:\n  - name: bench\n    columns: 8\n    rows: 5\n    panels:\n"
	kinds := []string{
		`kind: timeseries, title: Uplinks, unit: bps, queries: [{expr: 'sum by (device) (rate(ifHCOutOctets[1m]))*8', legend: '{{device}}'}]`,
		`kind: stat, title: Load, expr: 'sum(rate(ifHCOutOctets[1m]))*8', unit: bps`,
		`kind: topn, title: CPU, expr: 'topk(5, rate(ifHCInOctets[1m]))*8', legend: '{{device}}', unit: bps`,
		`kind: clock, title: Clock`,
	}
	for i := range benchPanels {
		text += fmt.Sprintf("      - {at: [%d, %d, 1, 1], %s}\n", i%8, i/8, kinds[i%len(kinds)])
	}
	cfg, err := config.Parse("bench", []byte(text), ".")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	wall, err := app.NewWall(a, app.WallOptions{
		Source: player.Source(), Boards: app.Boards(cfg.Boards), Kiosk: true,
		Look: app.Look{Lang: "en", Loc: time.UTC, Text: fmt.Sprintf, TextScale: 1},
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	wall.CountFrames(frames)
	wall.Run(context.Background())
	os.Exit(0)
}
