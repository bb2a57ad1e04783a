package app

import (
	"context"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"

	"github.com/nocturne-noc/nocturne/app/board"
	"github.com/nocturne-noc/nocturne/store/model"
)

// Snapshot renders board i of boards at w x h pixels, with no display and no GL: the same pictures
// that the window shows.
func Snapshot(ctx context.Context, src model.Source, boards []board.Spec, i int, look Look, w, h int, banner *board.Banner) (*image.RGBA, error) {
	if i < 0 || i >= len(boards) {
		return nil, fmt.Errorf("there is no board %d: there are %d", i+1, len(boards))
	}
	if w < 320 || h < 180 || w > 16384 || h > 16384 {
		return nil, fmt.Errorf("size %dx%d: want 320x180 to 16384x16384", w, h)
	}
	env, err := look.Env()
	if err != nil {
		return nil, err
	}
	s := board.NewScreen(boards[i], board.Options{
		W: w, H: h, TextScale: look.TextScale, Env: env, Board: i, Boards: len(boards), Banner: banner,
	})
	s.Update(ctx, src, 0)
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("board %s: %w", boards[i].Name, err)
	}
	return s.Compose(), nil
}

// WritePNG writes img to path, whole or not at all.
func WritePNG(path string, img image.Image) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".nocturne-*.png")
	if err != nil {
		return fmt.Errorf("snapshot %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name()) // the error that matters is already there
		}
	}()
	enc := png.Encoder{CompressionLevel: png.BestCompression}
	if err := enc.Encode(f, img); err != nil {
		_ = f.Close()
		return fmt.Errorf("snapshot %s: %w", path, err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("snapshot %s: %w", path, err)
	}
	if err := os.Chmod(f.Name(), 0o644); err != nil {
		return fmt.Errorf("snapshot %s: %w", path, err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("snapshot %s: %w", path, err)
	}
	return nil
}
