package app

import (
	"context"
	"fmt"
	"time"

	"github.com/nocturne-noc/nocturne/app/config"
)

// reloadEvery is how often the files are looked at. Polling also sees what file notification
// does not: network folders, editors that rename, mounted ConfigMaps.
const reloadEvery = 2 * time.Second

// watchConfig reloads the configuration and the rule files when they are not as seen any more.
func (c *Core) watchConfig(ctx context.Context, seen string) {
	tick := time.NewTicker(reloadEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		c.serve(ctx)
		if now := c.Config().Fingerprint(c.opts.ConfigPath); now != seen {
			c.reload(ctx)
			seen = c.Config().Fingerprint(c.opts.ConfigPath)
		}
	}
}

// reload takes a changed configuration over as a whole, or not at all.
func (c *Core) reload(ctx context.Context) {
	cfg, err := config.Load(c.opts.ConfigPath)
	if err != nil {
		c.problem("config", fmt.Errorf("the changed configuration is not used, the one of before goes on: %w", err))
		return
	}
	c.problem("config", nil)
	c.configure(ctx, cfg)
	select { // the newest replaces one that nobody has taken yet
	case <-c.changes:
	default:
	}
	c.changes <- cfg
}
