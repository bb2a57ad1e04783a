package host

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nocturne-noc/nocturne/collectors"
	"github.com/nocturne-noc/nocturne/store/model"
)

// recordedLog is a /dev/kmsg that ends.
type recordedLog struct {
	records []string
	errs    []error // before the records
}

func (r *recordedLog) Read(b []byte) (int, error) {
	if len(r.errs) > 0 {
		err := r.errs[0]
		r.errs = r.errs[1:]
		return 0, err
	}
	if len(r.records) == 0 {
		return 0, io.EOF
	}
	n := copy(b, r.records[0])
	r.records = r.records[1:]
	return n, nil
}

func (r *recordedLog) SetReadDeadline(time.Time) error { return nil }

func TestKernelLinesBecomeEvents(t *testing.T) {
	var k kernelLog
	var got []model.Event
	f := &recordedLog{
		errs:    []error{syscall.EPIPE},
		records: []string{"3,1,0,-;I/O error, dev sda, sector 5", "6,2,1,-;nothing of interest"},
	}
	now := func() time.Time { return epoch }
	err := k.lines(t.Context(), f, &kernelDesk{boot: "b"}, now, func(b model.Batch) { got = append(got, b.Events...) })
	if !errors.Is(err, io.EOF) {
		t.Errorf("%v, want the end", err)
	}
	up := uptime()
	if up > kernelPast {
		if len(got) != 0 {
			t.Errorf("%q of long ago are told", summary(got))
		}
		return
	}
	if len(got) != 1 || got[0].Time.After(epoch.Add(-up+time.Minute)) {
		t.Errorf("%+v, want one event at the start of this system", got)
	}
}

func TestKernelLogThatIsNotPermitted(t *testing.T) {
	var k kernelLog
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		done <- k.lines(ctx, &recordedLog{errs: []error{syscall.EPERM}}, &kernelDesk{}, time.Now, nil)
	}()
	for k.remark() == nil {
		select {
		case err := <-done:
			t.Fatalf("ended: %v", err)
		default:
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	var remark collectors.Remark
	if err := k.remark(); !errors.As(err, &remark) || remark.State != model.OK || !strings.Contains(remark.Text, "not permitted") {
		t.Errorf("%v, want a remark", err)
	}
}

// The real one is followed until the source goes, and by no goroutine after that: TestMain looks.
func TestFollowThisKernel(t *testing.T) {
	f, err := os.Open("/dev/kmsg")
	if err != nil {
		t.Skipf("messages of the kernel cannot be read here: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	k := kernelLog{path: "/dev/kmsg"}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := k.follow(ctx, &kernelDesk{boot: "b"}, time.Now, func(b model.Batch) { t.Logf("%q", summary(b.Events)) }); err != nil {
		t.Error(err)
	}
	if err := k.remark(); err != nil {
		t.Error(err)
	}
}
