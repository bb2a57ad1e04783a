package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"strconv"
	"time"

	"github.com/nocturne-noc/nocturne/app/control"
)

// Record writes what the data folder knows of a span of time into one file. A wallboard that runs on
// the folder does it itself.
func Record(ctx context.Context, dataDir, out string, since, until time.Time, log *slog.Logger) (err error) {
	dir, err := DataDir(dataDir)
	if err != nil {
		return err
	}
	if out, err = filepath.Abs(out); err != nil {
		return fmt.Errorf("recording %s: %w", out, err)
	}
	if client, runs := control.Dial(ctx, dir); runs {
		return client.Post(ctx, control.RecordPath, url.Values{
			"out": {out}, "since": {unixSeconds(since)}, "until": {unixSeconds(until)},
		}, nil)
	}
	s, err := OpenReadOnly(dir, log)
	if err != nil {
		return err
	}
	return errors.Join(s.Record(ctx, out, since, until), s.Close())
}

func unixSeconds(t time.Time) string {
	return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64)
}
