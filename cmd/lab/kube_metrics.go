package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// measured waits until the metrics server has figures of every simulated node.
func (c *cluster) measured(ctx context.Context) error {
	return until(ctx, time.Second, func() error {
		names, err := c.kubectl(ctx, nil, "get", "nodes.metrics.k8s.io", "-o", "jsonpath={.items[*].metadata.name}", "--request-timeout=3s")
		if err != nil {
			return err
		}
		if n := len(strings.Fields(names)); n < c.plan.Nodes {
			return fmt.Errorf("the metrics server measures %d of %d nodes", n, c.plan.Nodes)
		}
		return nil
	})
}
