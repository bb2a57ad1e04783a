package main

import (
	"context"
	"fmt"
	"slices"
)

// upCluster starts a cluster and writes down how to reach it.
func (s *supervisor) upCluster(ctx context.Context, p clusterPlan) error {
	c, err := startCluster(ctx, p, s.dir, s.bin, s.procs, s.now)
	if err != nil {
		return err
	}
	s.clusters = append(s.clusters, c)
	order := func(c *cluster) int {
		return slices.IndexFunc(clusterPlans(), func(p clusterPlan) bool { return p.Name == c.plan.Name })
	}
	slices.SortFunc(s.clusters, func(a, b *cluster) int { return order(a) - order(b) })
	return writeKubeconfigs(s.dir, s.clusters)
}

// cluster is the running cluster of that name, or nil.
func (s *supervisor) cluster(name string) *cluster {
	i := slices.IndexFunc(s.clusters, func(c *cluster) bool { return c.plan.Name == name })
	if i < 0 {
		return nil
	}
	return s.clusters[i]
}

// needCluster returns the cluster that faults are for.
func (s *supervisor) needCluster() (*cluster, error) {
	if c := s.cluster(clusterPlans()[0].Name); c != nil {
		return c, nil
	}
	return nil, fmt.Errorf("the cluster %w: run 'lab up --kube'", errNotUp)
}

// controllers turns the controller manager and kwok of the first cluster off and on. While they are off, nothing judges
// nodes that have no kubelet, and nothing deletes or completes pods.
func (s *supervisor) controllers(ctx context.Context, want string) (string, error) {
	c, err := s.needCluster()
	if err != nil {
		return "", err
	}
	programs := []string{"kube-controller-manager", "kube-scheduler", "kwok"}
	switch want {
	case "off":
		for _, name := range programs {
			if err := s.procs.stop(c.plan.program(name)); err != nil {
				return "", err
			}
		}
	case "on":
		for _, name := range programs {
			if s.procs.lookup(c.plan.program(name)) != nil {
				continue
			}
			if err := s.procs.start(c.spec(name)); err != nil {
				return "", err
			}
		}
		if err := c.settled(ctx); err != nil {
			return "", err
		}
	default:
		return "", fmt.Errorf("controllers can be on or off, not %q", want)
	}
	return "the controllers of " + c.plan.Name + " are " + want, nil
}
