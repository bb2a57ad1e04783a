package collectors

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/nocturne-noc/nocturne/store/model"
)

// TestBeside holds that what runs beside the rounds tells at once, under its source and the time of the
// telling, is started again whether it ends or panics, and leaves the rounds and their row alone.
func TestBeside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		runs := 0
		job := poll(time.Hour, func(context.Context, Emit) error { return errors.New("silent") })
		job.Beside = func(ctx context.Context, emit Emit) error {
			if runs++; runs == 1 {
				panic("a bug")
			} else if runs == 2 {
				return errors.New("lost")
			}
			time.Sleep(time.Minute)
			emit(model.Batch{Scope: "beside", Samples: []model.Sample{{Labels: labels.FromStrings("__name__", "x")}}})
			<-ctx.Done()
			return ctx.Err()
		}
		_, w := start(t, source("s", job))
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		told := w.told("s")
		if runs != 3 || len(told) != 1 {
			t.Fatalf("%d runs, told %+v", runs, told)
		}
		at := told[0].Time.Sub(began)
		if want := time.Minute + 3*time.Second; at < want || at > want+time.Second || told[0].Every != time.Hour || told[0].Samples[0].T != told[0].Time.UnixMilli() {
			t.Errorf("told after %v: %+v", at, told[0])
		}
		if row := w.row(t, "s", "t"); row.State != model.Critical || row.Error != "silent" || row.Samples != 0 {
			t.Errorf("row %+v, want that of the rounds", row)
		}
	})
}
