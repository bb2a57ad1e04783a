//go:build lab

package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nocturne-noc/nocturne/app/control"
	"github.com/nocturne-noc/nocturne/store/model"
)

// The clusters of the lab. Faults are for the first; the second is beside it, and must not change.
const (
	seoul = "lab-seoul"
	busan = "lab-busan"

	clears  = 5 * time.Second  // from the API server telling that a fault is healed to the wall showing it
	metered = 60 * time.Second // likewise, for what is asked for and not told
)

// A kubeFault is a fault with what the wall must say, as it is in the list of faults.
type kubeFault struct {
	name   string
	number int
	within time.Duration
	seen   []claim // all must hold, within the time
	never  []claim // none may hold, as long as the fault is in force
	clear  time.Duration
	gone   []claim // all must hold after the fault was healed; by default none of seen
}

// A claim is about what the wall shows.
type claim struct {
	what string
	ok   func(*wallView) bool
}

// wallView is what a wallboard shows at one instant.
type wallView struct {
	from     time.Time // when the fault came into force, or was healed
	entities map[string]model.Entity
	sources  []model.SourceStatus
	events   []model.Event
	alerts   []model.Alert
}

// view asks the wallboard. On an error it holds what was answered.
func (l *lab) view(from time.Time) (*wallView, error) {
	v := &wallView{from: from, entities: map[string]model.Entity{}}
	client, runs := control.Dial(l.t.Context(), l.data)
	if !runs {
		return v, fmt.Errorf("no wallboard answers on %s", l.data)
	}
	var list []model.Entity
	err := errors.Join(
		client.Get(l.t.Context(), "/api/nocturne/entities", nil, &list),
		client.Get(l.t.Context(), "/api/nocturne/sources", nil, &v.sources),
		client.Get(l.t.Context(), "/api/nocturne/events", map[string][]string{"limit": {"1000"}}, &v.events),
		client.Get(l.t.Context(), "/api/nocturne/alerts", nil, &v.alerts),
	)
	for _, e := range list {
		v.entities[e.ID] = e
	}
	return v, err
}

func containsAll(text string, parts []string) bool {
	return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(text, part) })
}

// of makes the ID of an object of the first cluster.
func of(ns string, kind model.Kind, name string) string { return model.ObjectID(seoul, ns, kind, name) }

// is checks one entity's state and what is in its reason.
func is(id string, state model.State, reason ...string) claim {
	return claim{fmt.Sprintf("%s is %v %q", id, state, reason), func(v *wallView) bool {
		e, ok := v.entities[id]
		return ok && e.State == state && containsAll(e.Reason, reason)
	}}
}

// some checks that an entity below an ID, of a kind, is in a state for a reason.
func some(under string, kind model.Kind, state model.State, reason ...string) claim {
	return claim{fmt.Sprintf("some %s below %s is %v %q", kind, under, state, reason), func(v *wallView) bool {
		for id, e := range v.entities {
			if strings.HasPrefix(id, under) && e.Kind == kind && e.State == state && containsAll(e.Reason, reason) {
				return true
			}
		}
		return false
	}}
}

// none checks that no entity below an ID is in a state.
func none(under string, state model.State) claim {
	return claim{fmt.Sprintf("nothing below %s is %v", under, state), func(v *wallView) bool {
		for id, e := range v.entities {
			if strings.HasPrefix(id, under) && e.State == state {
				return false
			}
		}
		return true
	}}
}

// asBefore checks that nothing below an ID is worse than a warning that was not so before.
func asBefore(under string, before *wallView) claim {
	return claim{"nothing below " + under + " is critical, stale or unknown that was not before", func(v *wallView) bool {
		for id, e := range v.entities {
			if bad := e.State == model.Critical || e.State == model.Stale || e.State == model.Unknown; bad && strings.HasPrefix(id, under) && before.entities[id].State != e.State {
				return false
			}
		}
		return true
	}}
}

// every checks that all entities of a kind below an ID are in a state.
func every(under string, kind model.Kind, state model.State) claim {
	return claim{fmt.Sprintf("each %s below %s is %v", kind, under, state), func(v *wallView) bool {
		n := 0
		for id, e := range v.entities {
			if strings.HasPrefix(id, under) && e.Kind == kind {
				if n++; e.State != state {
					return false
				}
			}
		}
		return n > 0
	}}
}

// replaced checks that each deployment has as many pods that are ok as it wants: none is missed because its node is lost.
func replaced(under string) claim {
	return claim{"each deployment has all its pods", func(v *wallView) bool {
		serving, deployments := map[string]int{}, 0
		for _, e := range v.entities {
			if e.Kind == model.KindPod && e.State == model.OK && e.Reason == "" {
				serving[e.Labels["namespace"]+" "+e.Labels["workload"]]++
			}
		}
		for id, e := range v.entities {
			if !strings.HasPrefix(id, under) || e.Kind != model.KindDeployment {
				continue
			}
			deployments++
			want, err := strconv.Atoi(e.Labels["desired"])
			if err != nil || serving[e.Labels["namespace"]+" deployment/"+e.Name] < want {
				return false
			}
		}
		return deployments > 0
	}}
}

// event checks that an event of now, on something below an ID, says all of that.
func event(under string, parts ...string) claim {
	return claim{fmt.Sprintf("an event below %s says %q", under, parts), func(v *wallView) bool {
		return slices.ContainsFunc(v.events, func(e model.Event) bool {
			return strings.HasPrefix(e.Entity, under) && e.Time.After(v.from.Add(-10*time.Second)) && containsAll(e.Text, parts)
		})
	}}
}

// labelled checks what a label of an entity says.
func labelled(id, label string, parts ...string) claim {
	return claim{fmt.Sprintf("label %s of %s says %q", label, id, parts), func(v *wallView) bool {
		return v.entities[id].Labels[label] != "" && containsAll(v.entities[id].Labels[label], parts)
	}}
}

// source checks that the row of a source says all of that.
func source(name string, state model.State, parts ...string) claim {
	return claim{fmt.Sprintf("source %s is %v %q", name, state, parts), func(v *wallView) bool {
		return slices.ContainsFunc(v.sources, func(s model.SourceStatus) bool {
			return s.Name == name && s.State == state && containsAll(s.Error, parts)
		})
	}}
}

// fresh checks that what is shown was confirmed well after the fault came into force.
func fresh(id string) claim {
	return claim{id + " was confirmed since", func(v *wallView) bool { return v.entities[id].Seen.Sub(v.from) > 2*poll }}
}

// not is the opposite of a claim.
func not(c claim) claim {
	return claim{"not: " + c.what, func(v *wallView) bool { return !c.ok(v) }}
}

var (
	cluster   = model.ClusterID(seoul)
	below     = cluster + "/"
	neighbour = is(model.ClusterID(busan), model.OK) // the other cluster lives on, whatever happens to the first
	// stays may not be for a moment. That it is late on a busy machine is no fault's doing: due wants it well in the end.
	stays = []claim{is(model.ClusterID(busan), model.Critical), is(model.ClusterID(busan), model.Unknown), is(model.ClusterID(busan), model.Warning)}
)

// kubeFaults are the faults of Kubernetes with what the wall must say.
var kubeFaults = []kubeFault{
	{name: "node-notready", number: 12, within: 100 * time.Second, clear: metered,
		seen: []claim{is(model.NodeID(seoul, "node-07"), model.Critical, "lost", "silent since"), some(below, model.KindPod, model.Warning, "on lost node node-07"),
			replaced(below)},
		gone: []claim{is(model.NodeID(seoul, "node-07"), model.OK), none(below, model.Critical), not(some(below, model.KindPod, model.Warning, "lost node"))}},
	{name: "pod-crash", number: 13, within: 10 * time.Second,
		seen: []claim{some(model.NamespaceID(seoul, "shop")+"/", model.KindPod, model.Critical, "CrashLoopBackOff", "restart", "exit code 1 (Error)"),
			is(of("shop", model.KindDeployment, "checkout"), model.Warning, "5 of 6 available")}},
	{name: "oom-once", number: 14, within: 10 * time.Second,
		seen:  []claim{event(model.NamespaceID(seoul, "shop")+"/pod/api-", "OOMKilled")},
		never: []claim{some(below, model.KindPod, model.Critical), some(below, model.KindPod, model.Warning)},
		gone:  []claim{every(below, model.KindPod, model.OK)}},
	{name: "image-pull", number: 15, within: 15 * time.Second,
		seen: []claim{some(model.NamespaceID(seoul, "shop")+"/", model.KindPod, model.Critical, "registry.lab/shop/search:2.1.0", "manifest unknown"),
			event(of("shop", model.KindDeployment, "search"), "2.0.7", "2.1.0")}, // the change behind it
		gone: []claim{not(some(below, model.KindPod, model.Critical)), is(of("shop", model.KindDeployment, "search"), model.OK)}},
	{name: "unschedulable", number: 16, within: 25 * time.Second,
		seen: []claim{some(model.NamespaceID(seoul, "batch")+"/pod/ml-train-", model.KindPod, model.Warning, "unschedulable", "0/10 nodes", "Insufficient")}},
	{name: "rbac-withdrawn", number: 18, within: metered, clear: metered,
		seen: []claim{every(below, model.KindService, model.Unknown), some(below, model.KindService, model.Unknown, "no permission"),
			labelled(cluster, "no_permission", "services"), every(below, model.KindNode, model.OK), every(below, model.KindDeployment, model.OK)},
		gone: []claim{every(below, model.KindService, model.OK)}},
	{name: "rbac-namespace", number: 18, within: metered, clear: metered,
		seen: []claim{labelled(cluster, "no_permission", "nodes"), every(model.NamespaceID(seoul, "shop")+"/", model.KindPod, model.OK),
			not(some(model.NamespaceID(seoul, "data")+"/", model.KindPod, model.OK))},
		gone: []claim{every(below, model.KindPod, model.OK), every(below, model.KindNode, model.OK)}},
	// The kubelets of this cluster are asked too, and stand in; of the neighbour, which has neither, requests are shown.
	{name: "metrics-gone", number: 19, within: metered, clear: metered,
		seen: []claim{labelled(cluster, "usage", "no metrics", "kubelets"),
			is(model.ClusterObjectID(seoul, model.KindAPIService, "v1beta1.metrics.k8s.io"), model.Critical, "not available")},
		gone: []claim{not(labelled(cluster, "usage", "no metrics"))}},
	{name: "service-empty", number: 20, within: 10 * time.Second,
		seen: []claim{is(of("shop", model.KindService, "cart"), model.Critical, "app.kubernetes.io/name=cart-v2", "no running pod")}},
	{name: "rollout-stuck", number: 21, within: 5 * time.Second,
		seen:  []claim{is(of("shop", model.KindDeployment, "payment"), model.Warning, "ProgressDeadlineExceeded")},
		never: []claim{is(of("shop", model.KindDeployment, "payment"), model.Critical)}},
	{name: "pvc-pending", number: 22, within: 20 * time.Second,
		seen: []claim{some(of("data", model.KindVolumeClaim, "archive"), model.KindVolumeClaim, model.Warning, "fast-ssd", "csi.lab.example")}},
	{name: "volume-full", number: 22, within: 2 * metered, clear: 2 * metered,
		seen: []claim{some(of("data", model.KindVolumeClaim, "data-postgres-0"), model.KindVolumeClaim, model.Warning, "95")}},
	{name: "cert-near-end", number: 23, within: metered, clear: metered,
		seen: []claim{is(of("shop", model.KindCertificate, "web"), model.Warning), is(of("shop", model.KindCertificate, "web-tls"), model.Warning)}},
	{name: "cert-last-days", number: 23, within: metered, clear: metered,
		seen: []claim{is(of("shop", model.KindCertificate, "web"), model.Critical), is(of("shop", model.KindCertificate, "web-tls"), model.Critical)}},
	{name: "pod-terminating", number: 34, within: metered,
		seen: []claim{some(model.NamespaceID(seoul, "batch")+"/pod/worker-", model.KindPod, model.Warning, "terminating", "should be gone since")}},
	{name: "hpa-at-max", number: 35, within: 10 * time.Second,
		seen: []claim{{"the autoscaler of shop/cart says that it is at its maximum of 10", func(v *wallView) bool {
			e, ok := v.entities[of("shop", model.KindAutoscaler, "cart")] // a warning only after 15 minutes
			return ok && strings.Contains(e.Reason, "maximum") && strings.Contains(e.Reason, "10")
		}}}},
	{name: "custom-not-ready", number: 36, within: 10 * time.Second,
		seen: []claim{{"data/orders says that it lags", func(v *wallView) bool {
			e, ok := v.entities[of("data", model.KindCustom, "databases.lab.example/orders")]
			return ok && e.State.Problem() && containsAll(e.Reason, []string{"ReplicaLag", "640 s behind"})
		}}}},
	{name: "job-failed", number: 37, within: 5 * time.Second,
		seen: []claim{is(of("batch", model.KindJob, "import"), model.Critical, "BackoffLimitExceeded"),
			some(model.NamespaceID(seoul, "batch")+"/pod/import-", model.KindPod, model.Critical, "exit code 3")}},
	// Last, because they begin the watches anew: what comes before finds some that are open for a while.
	{name: "apiserver-hang", number: 17, within: 30 * time.Second, clear: 30 * time.Second,
		seen: []claim{is(cluster, model.Stale), none(below, model.OK)}, gone: []claim{is(cluster, model.OK), none(below, model.Stale)}},
	{name: "apiserver-down", number: 17, within: 30 * time.Second, clear: 30 * time.Second,
		seen: []claim{is(cluster, model.Stale), none(below, model.OK)}, gone: []claim{is(cluster, model.OK), none(below, model.Stale)}},
	{name: "apiserver-cert-foreign", number: 17, within: 30 * time.Second, clear: 30 * time.Second,
		seen: []claim{is(cluster, model.Stale), none(below, model.OK), source(seoul, model.Critical, "certificate")}, gone: []claim{is(cluster, model.OK), none(below, model.Stale)}},
	{name: "apiserver-cert-renewed", number: 17, within: 30 * time.Second,
		seen: []claim{fresh(cluster), is(cluster, model.OK), source(seoul, model.OK)}, gone: []claim{is(cluster, model.OK)}},
	{name: "watch-expired", number: 17, within: 30 * time.Second,
		seen: []claim{fresh(cluster), is(cluster, model.OK), source(seoul, model.OK), every(below, model.KindPod, model.OK)}, gone: []claim{is(cluster, model.OK)}},
}

// holds is nil when all claims hold, and else names the first that does not.
func holds(v *wallView, claims ...claim) error {
	for _, c := range claims {
		if !c.ok(v) {
			return fmt.Errorf("not so: %s", c.what)
		}
	}
	return nil
}

// due waits until check is content with what the wall shows after an instant. Time is up by the wall's own clock: when d
// has passed, and the wall has confirmed since the cluster that nothing is wrong with. So a machine that is short of
// processors makes this test slow, and not wrong.
func (l *lab) due(from time.Time, d time.Duration, what string, check func(*wallView) error) *wallView {
	l.t.Helper()
	for {
		v, err := l.view(from)
		if err == nil {
			err = check(v)
		}
		took := time.Since(from)
		if err == nil {
			l.t.Logf("%s: %.1f s", what, took.Seconds())
			return v
		}
		if took > d && (v.entities[model.ClusterID(busan)].Seen.After(from.Add(d)) || took > 4*d+metered) {
			l.t.Fatalf("%s: not within %v, after %.1f s: %v", what, d, took.Seconds(), err)
		}
		select {
		case <-l.t.Context().Done():
			l.t.Fatal(l.t.Context().Err())
		case <-time.After(200 * time.Millisecond): // polling another process: there is no signal to wait for
		}
	}
}

// steady waits until two confirmations of the whole picture have brought nothing new: what a cluster has beside nodes
// and pods comes later than these.
func (l *lab) steady() *wallView {
	l.t.Helper()
	began := time.Now()
	var seen time.Time // the confirmation that brought something new
	var was map[string]model.State
	return l.due(began, metered, "the picture is complete", func(v *wallView) error {
		now := map[string]model.State{}
		for id, e := range v.entities {
			if strings.HasPrefix(id, below) {
				now[id] = e.State
			}
		}
		if at := v.entities[cluster].Seen; !maps.Equal(now, was) || at.Sub(seen) < 2*poll {
			if !maps.Equal(now, was) {
				was, seen = now, at
			}
			return errors.New("it still changes")
		}
		return nil
	})
}

// calm is when nothing is left of the faults before.
var calm = []claim{is(cluster, model.OK), neighbour, every(below, model.KindNode, model.OK), every(below, model.KindPod, model.OK),
	every(model.ClusterID(busan)+"/", model.KindPod, model.OK)}

// TestLabKube walks the list of the faults of Kubernetes with one board on both clusters: each shows what it must, the
// other cluster stays as it is, and all is well again when it is healed.
func TestLabKube(t *testing.T) {
	l := newLab(t)
	began := l.start()
	l.due(began, metered, "both clusters are well", func(v *wallView) error { return holds(v, calm...) })
	before := l.steady()
	t.Run("versions and usage", func(t *testing.T) {
		l.t = t
		l.due(time.Now(), metered, "they are told", func(v *wallView) error {
			return holds(v, labelled(cluster, "version", "v1.36."), labelled(model.ClusterID(busan), "version", "v1.35."),
				labelled(model.ClusterID(busan), "usage", "no metrics", "request"), not(labelled(cluster, "usage", "no metrics")))
		})
	})
	l.t = t
	for _, f := range kubeFaults {
		t.Run(fmt.Sprintf("fault %d: %s", f.number, f.name), func(sub *testing.T) {
			l.t = sub
			defer func() { l.t = t }()
			l.due(time.Now(), 2*metered, "nothing is left of the fault before", func(v *wallView) error { return holds(v, calm...) })
			defer l.heal(f.name)
			at := l.fault(f.name)
			l.due(at, f.within, "the wall says so", func(v *wallView) error {
				for _, c := range slices.Concat(stays, f.never) {
					if c.ok(v) {
						sub.Errorf("while the fault is in force: %s", c.what)
					}
				}
				return holds(v, slices.Concat(f.seen, []claim{neighbour})...)
			})
			gone := f.gone
			if gone == nil {
				for _, c := range f.seen {
					gone = append(gone, not(c))
				}
			}
			at = l.heal(f.name)
			l.due(at, max(f.clear, clears), "the wall is well again", func(v *wallView) error { return holds(v, gone...) })
		})
	}
	l.due(time.Now(), 2*metered, "nothing lasts of all this", func(v *wallView) error {
		return holds(v, append([]claim{asBefore(below, before)}, calm...)...)
	})
}
