package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/go-text/typesetting/fontscan"

	"github.com/nocturne-noc/nocturne/app/config"
	"github.com/nocturne-noc/nocturne/app/control"
	"github.com/nocturne-noc/nocturne/store/model"
)

// Finding is one thing that the doctor looked at.
type Finding struct {
	What string `json:"what"`
	OK   bool   `json:"ok"`
	Text string `json:"text"` // when not OK: what is wrong and what to do
}

// Doctor looks at all that the wallboard needs. lang "" is the configuration's, else the locale's.
func Doctor(ctx context.Context, opts Options, lang string) []Finding {
	cfg, cfgErr := config.Load(opts.ConfigPath)
	if lang == "" {
		lang = cfg.Wall.Language
	}
	list := []Finding{
		finding("display", func() error { return display(ctx) }, os.Getenv("DISPLAY")+os.Getenv("WAYLAND_DISPLAY")),
		finding("OpenGL", openGL, "found"),
		finding("fonts", func() error { return fonts(lang) }, "letters of "+orDefault(lang, "English and Korean")),
		finding("configuration", func() error { return errors.Join(CheckConfig(opts.ConfigPath)...) }, orDefault(cfg.Path, "built-in: no file")),
	}
	dir, err := DataDir(opts.DataDir)
	if err != nil {
		return append(list, Finding{"data folder", false, err.Error()})
	}
	client, runs := control.Dial(ctx, dir)
	list = append(list, finding("data folder", func() error { return dataFolder(ctx, dir, client) }, dir))
	if cfgErr != nil {
		return append(list, Finding{"sources", false, "not looked at before the configuration is right"})
	}
	var rows []model.SourceStatus
	if runs {
		err = client.Get(ctx, "/api/nocturne/sources", url.Values{}, &rows)
	} else {
		var round *Round
		if round, err = CollectOnce(ctx, cfg, opts.Now, opts.Log); err == nil {
			rows = round.Sources
		}
	}
	if err != nil {
		return append(list, Finding{"sources", false, err.Error()})
	}
	for _, row := range rows {
		f := Finding{What: strings.TrimSpace("source " + row.Name + " " + row.Target), OK: row.State == model.OK || row.State == model.Warning}
		f.Text = fmt.Sprintf("%d samples in %v", row.Samples, row.Duration.Round(time.Millisecond))
		if row.Error != "" || !f.OK {
			f.Text = orDefault(row.Error, "no answer in time")
		}
		list = append(list, f)
	}
	return list
}

func finding(what string, check func() error, good string) Finding {
	if err := check(); err != nil {
		return Finding{what, false, err.Error()}
	}
	return Finding{what, true, good}
}

func orDefault(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// display looks for a screen to open a window on.
func display(ctx context.Context) error {
	if runtime.GOOS != "linux" && runtime.GOOS != "freebsd" {
		return nil // windows are part of the system there
	}
	if w := os.Getenv("WAYLAND_DISPLAY"); w != "" {
		path := w
		if !filepath.IsAbs(path) {
			path = filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), w)
		}
		return dial(ctx, "unix", path, "WAYLAND_DISPLAY="+w)
	}
	d := os.Getenv("DISPLAY")
	if d == "" {
		return errors.New("neither DISPLAY nor WAYLAND_DISPLAY is set: start it in a desktop session, or render with nocturne snapshot")
	}
	host, number, _ := strings.Cut(d, ":")
	number, _, _ = strings.Cut(number, ".")
	if host == "" || host == "unix" {
		return dial(ctx, "unix", "/tmp/.X11-unix/X"+number, "DISPLAY="+d)
	}
	return nil // a display on another machine is that machine's matter
}

func dial(ctx context.Context, network, address, name string) error {
	dialer := net.Dialer{Timeout: 2 * time.Second}
	conn, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		return fmt.Errorf("%s: no display answers: %w", name, err)
	}
	return conn.Close()
}

// openGL looks for the library that the window draws with.
func openGL() error {
	if runtime.GOOS != "linux" {
		return nil // part of the system elsewhere
	}
	dirs := append(filepath.SplitList(os.Getenv("LD_LIBRARY_PATH")), "/usr/lib", "/usr/lib64", "/usr/lib/*-linux-*", "/usr/local/lib", "/lib64", "/run/opengl-driver/lib")
	for _, dir := range dirs {
		if found, err := filepath.Glob(filepath.Join(dir, "libGL.so*")); err == nil && len(found) > 0 {
			return nil
		}
	}
	return errors.New("libGL is not installed: on Debian and Ubuntu, apt install libgl1 libgl1-mesa-dri")
}

// fonts looks for the letters that the wall writes.
func fonts(lang string) error {
	if lang == "en" {
		return nil // the typeface that the program carries has them
	}
	fonts := fontscan.NewFontMap(log.New(io.Discard, "", 0))
	if err := fonts.UseSystemFonts(""); err != nil {
		return fmt.Errorf("the system's fonts cannot be read: %w", err)
	}
	fonts.SetQuery(fontscan.Query{Families: []string{fontscan.SansSerif}})
	const letter = '한'
	if face := fonts.ResolveFace(letter); face != nil {
		if _, has := face.NominalGlyph(letter); has {
			return nil
		}
	}
	return errors.New("no font has Korean letters: on Debian and Ubuntu, apt install fonts-noto-cjk or fonts-nanum")
}

// dataFolder looks whether history can be kept.
func dataFolder(ctx context.Context, dir string, wall *control.Client) error {
	if wall != nil {
		var h control.Health
		if err := wall.Get(ctx, "/api/nocturne/health", url.Values{}, &h); err != nil {
			return err
		}
		for _, p := range h.Problems {
			if strings.HasPrefix(p, "data:") {
				return errors.New(p)
			}
		}
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("%w: name a folder that can be written with --data", err)
	}
	f, err := os.CreateTemp(dir, ".doctor-*")
	if err != nil {
		return fmt.Errorf("%w: make it writable, or name another with --data", err)
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}
