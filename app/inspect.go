package app

import (
	"context"
	"net/url"

	"github.com/nocturne-noc/nocturne/app/control"
	"github.com/nocturne-noc/nocturne/store/model"
)

// Inspector asks the sources that run for documents and logs.
func (c *Core) Inspector() model.Inspector { return c.runner.Inspector() }

// ownBackend is what the control socket serves to whoever runs this wallboard: its snapshots have documents
// and logs, which those for other programs do not.
func (c *Core) ownBackend() control.Backend {
	b := c.backend()
	b.Snapshot = c.snapshots(c.Inspector())
	return b
}

func (c *Core) snapshots(live model.Inspector) func(context.Context, url.Values) ([]byte, error) {
	return func(ctx context.Context, v url.Values) ([]byte, error) { return c.snapshotPNG(ctx, v, live) }
}
