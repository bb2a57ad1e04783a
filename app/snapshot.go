package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"log/slog"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/nocturne-noc/nocturne/app/board"
	"github.com/nocturne-noc/nocturne/app/config"
	"github.com/nocturne-noc/nocturne/app/control"
	"github.com/nocturne-noc/nocturne/store"
	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/panels"
)

// SnapshotRequest says which board is to be rendered, and how. The zero value is the first board of
// now at 1920x1080 in the wall's own language and theme.
type SnapshotRequest struct {
	Board string
	Page  string // ID of the entity whose page is wanted instead of a board
	Sheet string // of the page, by name; "" = its first
	Size  string // "WxH" in pixels
	Lang  string
	Theme string
	At    time.Time // zero = now; in a recording, its height
}

// Limits of a snapshot's size: the largest is an 16K video wall.
const (
	minSnapshotW, minSnapshotH = 320, 180
	maxSnapshotW, maxSnapshotH = 16384, 16384
)

// Check validates a request before anything is opened for it.
func (r SnapshotRequest) Check() error {
	if _, _, err := r.size(); err != nil {
		return err
	}
	if r.Lang != "" && r.Lang != "en" && r.Lang != "ko" {
		return fmt.Errorf("language %q: want en or ko", r.Lang)
	}
	if r.Sheet != "" && r.Page == "" {
		return fmt.Errorf("sheet %q: only a page has sheets: say which page", r.Sheet)
	}
	if r.Theme != "" && r.Theme != "dark" && r.Theme != "light" {
		return fmt.Errorf("theme %q: want dark or light", r.Theme)
	}
	return nil
}

func (r SnapshotRequest) size() (w, h int, err error) {
	if r.Size == "" {
		return 1920, 1080, nil
	}
	var rest string
	if n, _ := fmt.Sscanf(r.Size, "%dx%d%s", &w, &h, &rest); n != 2 {
		return 0, 0, fmt.Errorf("size %q: want WIDTHxHEIGHT in pixels, for example 1920x1080", r.Size)
	}
	if w < minSnapshotW || h < minSnapshotH || w > maxSnapshotW || h > maxSnapshotH {
		return 0, 0, fmt.Errorf("size %s: want %dx%d to %dx%d", r.Size, minSnapshotW, minSnapshotH, maxSnapshotW, maxSnapshotH)
	}
	return w, h, nil
}

// values carries a request to a running wallboard.
func (r SnapshotRequest) values() url.Values {
	v := url.Values{"board": {r.Board}, "page": {r.Page}, "sheet": {r.Sheet}, "size": {r.Size}, "lang": {r.Lang}, "theme": {r.Theme}}
	if !r.At.IsZero() {
		v.Set("at", strconv.FormatFloat(float64(r.At.UnixMilli())/1000, 'f', 3, 64))
	}
	return v
}

// Renderer renders boards to PNG.
type Renderer interface {
	// Boards are the names of the boards in their order.
	Boards(ctx context.Context) ([]string, error)
	Render(ctx context.Context, req SnapshotRequest, png io.Writer) error
	Close() error
}

// snapshot renders a board of src: the same pictures that the window shows.
func snapshot(ctx context.Context, src model.Source, boards []board.Spec, pages Pages, req SnapshotRequest, look Look, banner *board.Banner, keep panels.Keeper, live model.Inspector) (*image.RGBA, error) {
	w, h, err := req.size()
	if err != nil {
		return nil, err
	}
	i := 0
	if req.Board != "" {
		if i = board.Find(boards, req.Board); i < 0 {
			return nil, fmt.Errorf("no board is named %q: want one of %s", req.Board, board.Names(boards))
		}
	}
	if i >= len(boards) {
		return nil, errors.New("there is no board to render")
	}
	env, err := look.Env()
	if err != nil {
		return nil, err
	}
	env.Keep, env.Fixed, env.Live = keep, true, live
	spec := boards[i]
	o := board.Options{
		W: w, H: h, TextScale: look.TextScale, Env: env, Board: i, Boards: len(boards), Banner: banner,
		LoadTimeout: 20 * time.Second, // nobody stands before it
	}
	if req.Page != "" {
		page, err := pages.Open(src, req.Page)
		if err != nil {
			return nil, err
		}
		o.Trail = append([]string{spec.In(look.Lang)}, page.Trail...)
		o.Tabs = page.Tabs(look.Lang)
		if req.Sheet != "" {
			if o.Tab = page.Sheet(req.Sheet); o.Tab < 0 {
				return nil, fmt.Errorf("page of %s: no sheet is named %q: want one of %s", req.Page, req.Sheet, page.sheetNames())
			}
		}
		spec = page.Sheets[o.Tab].Spec
	}
	s := board.NewScreen(spec, o)
	s.Update(ctx, src, 0)
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("board %s: %w", spec.Name, err)
	}
	return s.Compose(), nil
}

func encode(out io.Writer, img image.Image) error {
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(out, img); err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	return nil
}

func names(boards []board.Spec) []string {
	out := make([]string, len(boards))
	for i, b := range boards {
		out[i] = b.Name
	}
	return out
}

// playerRenderer renders from a recording.
type playerRenderer struct {
	*Player
	boards []board.Spec
	pages  Pages
}

// PlayerRenderer renders from a recording, which it closes at the end. It takes the answer of
// OpenReplay or OpenDemo.
func PlayerRenderer(p *Player, err error) (Renderer, error) {
	if err != nil {
		return nil, err
	}
	p.Toggle() // a picture stands still
	boards, err := ReplayBoards(p)
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	pages, err := PagesOf(nil)
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return &playerRenderer{p, boards, pages}, nil
}

func (r *playerRenderer) Boards(context.Context) ([]string, error) { return names(r.boards), nil }

func (r *playerRenderer) Render(ctx context.Context, req SnapshotRequest, out io.Writer) error {
	at := req.At
	if at.IsZero() {
		if _, at = r.Incidents(); at.IsZero() {
			at = r.end
		}
	}
	r.Seek(at)
	look := LookOf(config.Wall{Distance: 5, Screen: 55}, req.Lang, req.Theme)
	img, err := snapshot(ctx, r.Source(), r.boards, r.pages, req, look, r.Banner(look), nil, nil)
	if err != nil {
		return err
	}
	return encode(out, img)
}

// storeRenderer renders from a store.
type storeRenderer struct {
	store *store.Store
	cfg   func() *config.Config
	keep  panels.Keeper
	live  model.Inspector // nil where no source runs
	close func() error
}

// LiveRenderer renders from the wallboard that runs on the data folder, or from the folder when none does.
func LiveRenderer(ctx context.Context, configPath, dataDir string, log *slog.Logger) (Renderer, error) {
	dir, err := DataDir(dataDir)
	if err != nil {
		return nil, err
	}
	if client, runs := control.Dial(ctx, dir); runs {
		return &remoteRenderer{client}, nil
	}
	cfg, err := config.Load(configPath)
	if err != nil {
		return nil, err
	}
	s, err := OpenReadOnly(dir, log)
	if err != nil {
		return nil, err
	}
	return &storeRenderer{s, func() *config.Config { return cfg }, keeperIn(dir), nil, s.Close}, nil
}

func (r *storeRenderer) Close() error { return r.close() }

func (r *storeRenderer) Boards(context.Context) ([]string, error) {
	boards, err := boardsOf(r.cfg())
	return names(boards), err
}

func (r *storeRenderer) Render(ctx context.Context, req SnapshotRequest, out io.Writer) error {
	cfg := r.cfg()
	boards, err := boardsOf(cfg)
	if err != nil {
		return err
	}
	pages, err := PagesOf(cfg)
	if err != nil {
		return err
	}
	look := LookOf(cfg.Wall, req.Lang, req.Theme)
	var src model.Source = r.store
	var banner *board.Banner
	live := r.live
	if !req.At.IsZero() {
		live = nil
		if src, err = r.store.At(func() time.Time { return req.At }); err != nil {
			return err
		}
		banner = &board.Banner{Replay: true, Head: look.Text("REPLAY"), Text: momentText(look, req.At)}
	}
	img, err := snapshot(ctx, src, boards, pages, req, look, banner, r.keep, live)
	if err != nil {
		return err
	}
	return encode(out, img)
}

// remoteRenderer asks the running wallboard.
type remoteRenderer struct{ client *control.Client }

func (r *remoteRenderer) Close() error { return nil }

func (r *remoteRenderer) Boards(ctx context.Context) ([]string, error) {
	var list []string
	err := r.client.Get(ctx, "/api/nocturne/boards", nil, &list)
	return list, err
}

func (r *remoteRenderer) Render(ctx context.Context, req SnapshotRequest, out io.Writer) error {
	var picture []byte
	if err := r.client.Get(ctx, "/api/nocturne/snapshot", req.values(), &picture); err != nil {
		return err
	}
	if _, err := out.Write(picture); err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	return nil
}

// snapshotPNG answers a remoteRenderer: it is what the control socket serves. live is what documents and
// logs are read from, nil for none.
func (c *Core) snapshotPNG(ctx context.Context, v url.Values, live model.Inspector) ([]byte, error) {
	req := SnapshotRequest{Board: v.Get("board"), Page: v.Get("page"), Sheet: v.Get("sheet"), Size: v.Get("size"), Lang: v.Get("lang"), Theme: v.Get("theme")}
	if at := v.Get("at"); at != "" {
		t, err := control.ParseTime(at, c.opts.Now())
		if err != nil {
			return nil, err
		}
		req.At = t
	}
	if err := req.Check(); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err := c.renderer(live).Render(ctx, req, &b)
	return b.Bytes(), err
}

// renderer renders this wallboard's own boards.
func (c *Core) renderer(live model.Inspector) Renderer {
	return &storeRenderer{c.store, c.Config, c.Keeper(), live, func() error { return nil }}
}

// WriteWhole writes a file that others may read, whole or not at all.
func WriteWhole(path string, content []byte) error {
	if err := writeFile(path, content); err != nil {
		return err
	}
	return os.Chmod(path, 0o644)
}
