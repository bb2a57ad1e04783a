//go:build !linux

package host

import (
	"context"
	"time"

	"github.com/nocturne-noc/nocturne/collectors"
)

// kernelLog is empty: other systems keep no list of what the kernel says that can be read like a file.
type kernelLog struct{ path string }

func (k *kernelLog) remark() error { return nil }

func (k *kernelLog) follow(ctx context.Context, _ *kernelDesk, _ func() time.Time, _ collectors.Emit) error {
	<-ctx.Done()
	return nil
}
