package kube

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

const (
	maxNamespaces = 100              // looked at, of a cluster whose role is narrow
	accessLimit   = 5 * time.Second  // deadline of one question
	accessBudget  = 20 * time.Second // and of all of them, before the first picture
	reviewEvery   = 30 * time.Second // how often the role is looked at again
	reviewRate    = 10               // questions a second at most: the other requests of a cluster wait for these
)

// reach finds the namespaces that can be watched: those that are configured, else all, and where the
// role does not allow that, those in which it lets pods be listed. A role that shows nothing anywhere
// leaves the watches as they are: they say what is forbidden, and heal by themselves.
func (s *session) reach(ctx context.Context) {
	s.namespaces = s.c.namespaces
	if len(s.namespaces) > 0 {
		return
	}
	limited, cancel := context.WithTimeout(ctx, accessBudget)
	defer cancel()
	if !s.mayListAll(limited) {
		s.only = s.c.readableNamespaces(limited)
		s.namespaces = s.only
	}
	s.wg.Go(func() { s.followReach(ctx) })
}

// followReach waits until the role allows the whole cluster where it did not, or one or more namespaces
// where it did allow all.
func (s *session) followReach(ctx context.Context) {
	tick := time.NewTicker(s.c.reviewEvery)
	defer tick.Stop()
	for all := len(s.only) == 0; ; {
		if all {
			s.c.learnNamespaces(ctx) // while that may be asked
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-s.refused:
		}
		all = s.c.canListPods(ctx, metav1.NamespaceAll)
		if all && len(s.only) > 0 || !all && len(s.only) == 0 && len(s.c.readableNamespaces(ctx)) > 0 {
			close(s.moved)
			return
		}
	}
}

// readableNamespaces are those in which the role lets pods be listed.
func (c *Cluster) readableNamespaces(ctx context.Context) []string {
	var names []string
	for _, ns := range c.knownNamespaces(ctx) {
		if c.canListPods(ctx, ns) {
			names = append(names, ns)
		}
	}
	return names
}

// withdrawn is why a collection may not be read any more though its watch is open still: the API server
// asks for the permission only when a watch begins.
type withdrawn struct{ error }

// Unwrap returns the refusal.
func (w withdrawn) Unwrap() error { return w.error }

// review asks now and then whether a collection may still be watched, and says so where it may not.
func (s *session) review(ctx context.Context, r *resource, key, namespace string) {
	tick := time.NewTicker(s.c.reviewEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if s.reviews.Wait(ctx) != nil {
			return // it only fails when ctx ends
		}
		was := s.c.health.get(key)
		if _, ours := errors.AsType[withdrawn](was); was != nil && !ours {
			continue // its watch knows better
		}
		err := s.c.mayWatch(ctx, r, namespace)
		if isForbidden(err) && was == nil && sleep(ctx, believeAfter) {
			err = s.c.mayWatch(ctx, r, namespace)
		}
		switch {
		case isForbidden(err) && ctx.Err() == nil:
			s.c.health.set(key, withdrawn{err})
		case err == nil && was != nil:
			s.c.health.set(key, nil)
		}
	}
}

// mayWatch asks whether a collection may be watched. Where the review says no, or nothing, a list of one
// tells: its error is returned.
func (c *Cluster) mayWatch(ctx context.Context, r *resource, namespace string) error {
	ctx, cancel := context.WithTimeout(ctx, accessLimit)
	defer cancel()
	if c.allowed(ctx, "watch", r.gvr.GroupResource(), namespace) {
		return nil
	}
	_, err := c.metadata.Resource(r.gvr).Namespace(namespace).List(ctx, metav1.ListOptions{Limit: 1})
	return err
}

// allowed asks the API server for a review of one permission.
func (c *Cluster) allowed(ctx context.Context, verb string, of schema.GroupResource, namespace string) bool {
	review, err := c.api.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, &authorizationv1.SelfSubjectAccessReview{
		Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: namespace, Verb: verb, Group: of.Group, Resource: of.Resource,
		}},
	}, metav1.CreateOptions{})
	return err == nil && review.Status.Allowed
}

// canListPods asks the API server for a review, and takes a list of one for the answer where it says
// nothing, or no: some authorizers cannot tell in advance. What fails otherwise is no refusal: then the
// watches will say what is wrong.
func (c *Cluster) canListPods(ctx context.Context, namespace string) bool {
	ctx, cancel := context.WithTimeout(ctx, accessLimit)
	defer cancel()
	if c.allowed(ctx, "list", schema.GroupResource{Resource: "pods"}, namespace) {
		return true
	}
	_, err := c.api.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{Limit: 1})
	return err == nil || namespace == metav1.NamespaceAll && !isForbidden(err)
}

// knownNamespaces are those that a narrow role may be for: that of the context, and all whose names it may
// list, or could when they were listed last.
func (c *Cluster) knownNamespaces(ctx context.Context) []string {
	c.learnNamespaces(ctx)
	var names []string
	for _, name := range slices.Concat([]string{c.home, metav1.NamespaceDefault}, c.spaces) {
		if name != "" && !slices.Contains(names, name) && len(names) < maxNamespaces {
			names = append(names, name)
		}
	}
	return names
}

// learnNamespaces remembers the names of the namespaces, as far as the role may list them.
func (c *Cluster) learnNamespaces(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, accessLimit)
	defer cancel()
	list, err := c.api.CoreV1().Namespaces().List(ctx, metav1.ListOptions{Limit: maxNamespaces})
	if err != nil {
		return
	}
	c.spaces = nil
	for _, ns := range list.Items {
		c.spaces = append(c.spaces, ns.Name)
	}
}

// onlyReadable is what is said of a narrow role.
func onlyReadable(namespaces []string) string {
	if len(namespaces) == 1 {
		return "only namespace " + namespaces[0] + " is readable"
	}
	return clip("only namespaces "+strings.Join(namespaces, ", ")+" are readable", 300)
}
