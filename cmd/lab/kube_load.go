package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

const (
	loadWorkers   = 32
	loadSpaces    = 20 // namespaces of the pods
	podsOfOneSet  = 50 // replicas that share an owner, an application and most of their text
	loadLabel     = "lab/load"
	loadSpaceName = "load-%02d"
)

// A fleet is how many objects to fill the first cluster with, or how many of them to change.
type fleet struct {
	nodes, pods int
	clear       bool
	rate        int
	lasts       time.Duration
}

// flags adds those of the verbs pods and churn.
func (l *fleet) flags(verb string, flags *flag.FlagSet) {
	switch verb {
	case "pods":
		flags.IntVar(&l.nodes, "nodes", 1000, "")
		flags.IntVar(&l.pods, "pods", 20_000, "")
		flags.BoolVar(&l.clear, "clear", false, "")
	case "churn":
		flags.IntVar(&l.rate, "rate", 50, "")
		flags.DurationVar(&l.lasts, "for", time.Minute, "")
	}
}

// check refuses what cannot be meant.
func (l *fleet) check() error {
	if l.nodes < 0 || l.pods < 0 || l.rate < 0 || l.lasts < 0 || l.pods > 0 && l.nodes == 0 {
		return fmt.Errorf("%w: %d nodes, %d pods, %d changes a second for %v", errUsage, l.nodes, l.pods, l.rate, l.lasts)
	}
	return nil
}

// fill creates nodes and pods that nothing runs in the first cluster of the lab in dir, with the status that a kubelet
// would write; or it removes them. The controllers of the cluster stand still as long as they are there.
func (l *fleet) fill(ctx context.Context, dir string, out io.Writer) error {
	if err := l.check(); err != nil {
		return err
	}
	api, err := newAPIClient(dir, clusterPlans()[0])
	if err != nil {
		return err
	}
	if l.clear {
		if err := clearLoad(ctx, api, out); err != nil {
			return err
		}
		if err := order(ctx, dir, http.MethodPost, "controllers", "on", out); err != nil {
			return err
		}
		return clearSpaces(ctx, api)
	}
	if err := order(ctx, dir, http.MethodPost, "controllers", "off", out); err != nil {
		return err
	}
	began := time.Now()
	for n := range loadSpaces {
		if err := makeAnew(ctx, api, "/api/v1/namespaces", object{"metadata": object{"name": fmt.Sprintf(loadSpaceName, n), "labels": loadLabels()}}); err != nil {
			return err
		}
	}
	if err := inParallel(ctx, l.nodes, func(ctx context.Context, n int) error { return makeAnew(ctx, api, "/api/v1/nodes", loadNode(n, began)) }); err != nil {
		return err
	}
	fmt.Fprintf(out, "%d nodes after %.1f s\n", l.nodes, time.Since(began).Seconds())
	var done atomic.Int64
	err = inParallel(ctx, l.pods, func(ctx context.Context, n int) error {
		pod := loadPod(n, l.nodes, began)
		if err := makeAnew(ctx, api, podsPath(n), pod); err != nil {
			return err
		}
		if err := api.send(ctx, http.MethodPut, podPath(n)+"/status", asJSON, onlyStatus(pod), nil); err != nil {
			return err
		}
		if n := done.Add(1); n%5000 == 0 {
			fmt.Fprintf(out, "%d pods after %.1f s\n", n, time.Since(began).Seconds())
		}
		return nil
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d pods on %d nodes in %.1f s\n", l.pods, l.nodes, time.Since(began).Seconds())
	return nil
}

// makeAnew creates an object; one that is there already stays.
func makeAnew(ctx context.Context, api *apiClient, path string, o object) error {
	if err := api.send(ctx, http.MethodPost, path, asJSON, o, nil); !isStatus(err, http.StatusConflict) {
		return err
	}
	return nil
}

// inParallel calls f for 0 to n-1, some at a time, until all are done or one fails.
func inParallel(ctx context.Context, n int, f func(context.Context, int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var workers sync.WaitGroup
	for range loadWorkers {
		workers.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if err := f(ctx, i); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	workers.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// clearLoad removes the nodes and pods that fill made.
func clearLoad(ctx context.Context, api *apiClient, out io.Writer) error {
	began := time.Now()
	const now = "&gracePeriodSeconds=0&propagationPolicy=Background"
	err := inParallel(ctx, loadSpaces, func(ctx context.Context, n int) error {
		return deleteLoad(ctx, api, fmt.Sprintf("/api/v1/namespaces/"+loadSpaceName+"/pods", n)+"?labelSelector="+loadLabel+now)
	})
	if err != nil {
		return err
	}
	if err := deleteLoad(ctx, api, "/api/v1/nodes?labelSelector="+loadLabel+now); err != nil {
		return err
	}
	fmt.Fprintf(out, "cleared in %.1f s\n", time.Since(began).Seconds())
	return nil
}

// clearSpaces removes the namespaces of the load and waits until the namespace controller is done with them.
func clearSpaces(ctx context.Context, api *apiClient) error {
	return inParallel(ctx, loadSpaces, func(ctx context.Context, n int) error {
		ctx, cancel := context.WithTimeout(ctx, clusterReady)
		defer cancel()
		return until(ctx, time.Second, func() error {
			err := api.send(ctx, http.MethodDelete, fmt.Sprintf("/api/v1/namespaces/"+loadSpaceName, n), asJSON, nil, nil)
			switch {
			case isStatus(err, http.StatusNotFound):
				return nil
			case err == nil || isStatus(err, http.StatusConflict): // it is on its way
				return fmt.Errorf("namespace "+loadSpaceName+" is still there", n)
			}
			return err
		})
	})
}

// deleteLoad deletes a collection. A large one takes longer than one request may: it is asked again until it is empty.
func deleteLoad(ctx context.Context, api *apiClient, path string) error {
	for {
		err := api.send(ctx, http.MethodDelete, path, asJSON, nil, nil)
		if err == nil || ctx.Err() != nil {
			return err
		}
		var late interface{ Timeout() bool }
		if !isStatus(err, http.StatusGatewayTimeout) && (!errors.As(err, &late) || !late.Timeout()) {
			return err
		}
	}
}

// churn changes the status of some pods a second, evenly over the second, each time another pod: a restart is counted
// and its readiness turns.
func (l *fleet) churn(ctx context.Context, dir string, out io.Writer) error {
	if err := l.check(); err != nil {
		return err
	}
	api, err := newAPIClient(dir, clusterPlans()[0])
	if err != nil {
		return err
	}
	pods, err := countLoad(ctx, api)
	if err != nil {
		return err
	}
	began := time.Now()
	total := int(float64(l.rate) * l.lasts.Seconds())
	var late atomic.Int64
	random := rand.Perm(pods)
	err = inParallel(ctx, total, func(ctx context.Context, i int) error {
		due := began.Add(time.Duration(i) * time.Second / time.Duration(l.rate))
		timer := time.NewTimer(time.Until(due))
		defer timer.Stop()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		}
		if err := api.send(ctx, http.MethodPatch, podPath(random[i%pods])+"/status", asMergePatch, changedStatus(random[i%pods], i/pods+1, time.Now()), nil); err != nil {
			return err
		}
		if time.Since(due) > time.Second {
			late.Add(1)
		}
		return nil
	})
	if err != nil {
		return err
	}
	took := time.Since(began).Seconds()
	fmt.Fprintf(out, "%d changes in %.1f s, %.1f a second, %d of them more than 1 s late\n", total, took, float64(total)/took, late.Load())
	return nil
}

// countLoad is how many pods fill has made.
func countLoad(ctx context.Context, api *apiClient) (int, error) {
	n := 0
	for i := range loadSpaces {
		var page struct {
			Metadata struct{ RemainingItemCount int }
			Items    []struct{}
		}
		if err := api.send(ctx, http.MethodGet, fmt.Sprintf("/api/v1/namespaces/"+loadSpaceName+"/pods?limit=1", i), asJSON, nil, &page); err != nil {
			return 0, err
		}
		n += len(page.Items) + page.Metadata.RemainingItemCount
	}
	if n == 0 {
		return 0, errors.New("there are no pods to change: run 'lab pods' first")
	}
	return n, nil
}
