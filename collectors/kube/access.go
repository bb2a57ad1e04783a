package kube

import (
	"context"
	"strings"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	maxNamespaces = 100              // looked at, of a cluster whose role is narrow
	accessLimit   = 5 * time.Second  // deadline of one question
	accessBudget  = 20 * time.Second // and of all of them, before the first picture
	widenEvery    = 30 * time.Second // how often a narrow role is looked at again
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
	if s.c.canListPods(limited, metav1.NamespaceAll) {
		return
	}
	for _, ns := range s.c.knownNamespaces(limited) {
		if s.c.canListPods(limited, ns) {
			s.only = append(s.only, ns)
		}
	}
	if len(s.only) == 0 {
		return
	}
	s.namespaces = s.only
	s.wg.Go(func() { s.widen(ctx) })
}

// widen waits until the role allows the whole cluster.
func (s *session) widen(ctx context.Context) {
	tick := time.NewTicker(s.c.widenEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if s.c.canListPods(ctx, metav1.NamespaceAll) {
			close(s.widened)
			return
		}
	}
}

// canListPods asks the API server for a review, and takes a list of one for the answer where it says
// nothing, or no: some authorizers cannot tell in advance. What fails otherwise is no refusal: then the
// watches will say what is wrong.
func (c *Cluster) canListPods(ctx context.Context, namespace string) bool {
	ctx, cancel := context.WithTimeout(ctx, accessLimit)
	defer cancel()
	review, err := c.api.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, &authorizationv1.SelfSubjectAccessReview{
		Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: namespace, Verb: "list", Resource: "pods",
		}},
	}, metav1.CreateOptions{})
	if err == nil && review.Status.Allowed {
		return true
	}
	_, err = c.api.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{Limit: 1})
	return err == nil || namespace == metav1.NamespaceAll && !isForbidden(err)
}

// knownNamespaces are those that a narrow role may be for: that of the context, and all that it may
// know the names of.
func (c *Cluster) knownNamespaces(ctx context.Context) []string {
	var names []string
	seen := map[string]bool{}
	add := func(name string) {
		if name != "" && !seen[name] && len(names) < maxNamespaces {
			seen[name] = true
			names = append(names, name)
		}
	}
	add(c.home)
	add(metav1.NamespaceDefault)
	ctx, cancel := context.WithTimeout(ctx, accessLimit)
	defer cancel()
	list, err := c.api.CoreV1().Namespaces().List(ctx, metav1.ListOptions{Limit: maxNamespaces})
	if err == nil {
		for _, ns := range list.Items {
			add(ns.Name)
		}
	}
	return names
}

// onlyReadable is what is said of a narrow role.
func onlyReadable(namespaces []string) string {
	if len(namespaces) == 1 {
		return "only namespace " + namespaces[0] + " is readable"
	}
	return clip("only namespaces "+strings.Join(namespaces, ", ")+" are readable", 300)
}
