package kube

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

const (
	newsKind   = "kubernetes" // of events
	eventsBack = time.Hour    // events older than this before the start are history
	foldFor    = time.Minute  // a repeated event is told once in this time, with its count
	maxNews    = 100          // told at once; what is beyond is counted
	maxKeys    = 10_000       // remembered for folding
)

// newsKey is what repeats are folded by.
type newsKey struct{ kind, namespace, name, reason string }

// item is an event that is due to be told.
type item struct {
	newsKey
	event      string // kind of the event: "kubernetes" or "change"
	uid        string // with count, the same after a restart
	text, from string
	count      int // so far, as the cluster counts
	last       time.Time
	change     change // of a "change"
}

// newsBox folds Kubernetes events and changes of objects between two batches. It is safe for concurrent use.
type newsBox struct {
	since time.Time

	mu      sync.Mutex
	pending map[newsKey]item
	told    map[newsKey]item // with last: when it was told
	recent  map[object][]dated
	dropped int
}

func newNewsBox(since time.Time) *newsBox {
	return &newsBox{since: since, pending: map[newsKey]item{}, told: map[newsKey]item{}, recent: map[object][]dated{}}
}

// add takes a Kubernetes event that came or was counted up. Normal ones are small talk.
func (b *newsBox) add(h *Happening) {
	if h.Type == "Normal" {
		return
	}
	b.put(item{
		newsKey: newsKey{h.Kind, h.ObjectNamespace, h.ObjectName, h.Reason}, event: newsKind,
		uid: h.UID, text: h.Message, from: h.From, count: h.Count, last: h.Last,
	})
}

// updated takes in a new version of an object that is known.
func (b *newsBox) updated(old, obj any, now time.Time) {
	if after, ok := obj.(*Pod); ok {
		if before, ok := old.(*Pod); ok {
			b.restarts(before, after)
		}
		return
	}
	b.changed(old, obj, now)
}

// restarts makes events of containers that died since before: Kubernetes itself makes none.
func (b *newsBox) restarts(before, after *Pod) {
	if before.UID != after.UID {
		return
	}
	for _, c := range after.Containers {
		if c.Last == nil || c.Last.ExitCode == 0 {
			continue
		}
		for _, was := range before.Containers {
			if was.Name == c.Name && c.Restarts > was.Restarts {
				reason := cmp.Or(c.Last.Reason, "Restarted")
				text := fmt.Sprintf("container %s ended with %s, %s", c.Name, c.Last, plural(int(c.Restarts), "restart"))
				b.put(item{
					newsKey: newsKey{"Pod", after.Namespace, after.Name, reason}, event: newsKind,
					uid: after.UID + "/" + c.Name, text: text, from: "kubelet", count: int(c.Restarts), last: c.Last.At,
				})
			}
		}
	}
}

func (b *newsBox) put(i item) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hold(i)
}

// hold keeps an item until it is due. The box is locked.
func (b *newsBox) hold(i item) {
	if i.last.Before(b.since) {
		return
	}
	if told, ok := b.told[i.newsKey]; ok && told.count >= i.count && !i.last.After(told.last) {
		return // an informer that started anew tells all events again
	}
	if was, ok := b.pending[i.newsKey]; ok && was.last.After(i.last) {
		return
	}
	if _, ok := b.pending[i.newsKey]; !ok && len(b.pending) >= maxKeys {
		b.dropped++
		return
	}
	b.pending[i.newsKey] = i
}

// take returns the events that are due, oldest first.
func (b *newsBox) take(v *view) []model.Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	var due []item
	for key, i := range b.pending {
		if told, ok := b.told[key]; !ok || v.now.Sub(told.last) >= foldFor || i.last.Sub(told.last) >= foldFor {
			due = append(due, i)
			delete(b.pending, key)
		}
	}
	slices.SortFunc(due, func(x, y item) int {
		return cmp.Or(x.last.Compare(y.last), cmp.Compare(x.namespace, y.namespace), cmp.Compare(x.name, y.name), cmp.Compare(x.reason, y.reason))
	})
	if len(b.told) > maxKeys {
		clear(b.told)
	}
	for _, i := range due {
		b.told[i.newsKey] = i
	}
	if extra := len(due) - maxNews; extra > 0 {
		b.dropped += extra
		due = due[extra:] // the newest matter most
	}
	events := make([]model.Event, 0, len(due)+1)
	for _, i := range due {
		events = append(events, v.event(i))
	}
	if b.dropped > 0 {
		events = append(events, model.Event{
			Time: v.now, Severity: model.Warning, Kind: newsKind, Entity: model.ClusterID(v.cluster), Title: v.cluster,
			Text: fmt.Sprintf("%d more Kubernetes events at once, not shown: see kubectl get events", b.dropped), Count: b.dropped,
		})
		b.dropped = 0
	}
	return events
}

// event is how the wall shows a Kubernetes event or a change. One from the future is dated now.
func (v *view) event(i item) model.Event {
	title := i.name
	if i.namespace != "" && i.kind != "Node" {
		title = i.namespace + "/" + i.name
	}
	t := i.last
	if t.After(v.now) {
		t = v.now
	}
	e := model.Event{
		Time: t, Severity: model.Warning, Kind: i.event, Entity: v.entityOf(i), Title: title,
		Text: words(i.reason, i.text), Count: i.count, Labels: map[string]string{"cluster": v.cluster, "kind": i.kind},
	}
	if i.event == changeKind {
		e.Severity, e.Text, e.Labels["what"] = model.OK, i.text, i.change.What
	} else {
		e.Labels["reason"] = i.reason
	}
	set(e.Labels, "namespace", i.namespace)
	set(e.Labels, "from", i.from)
	set(e.Labels, model.LabelUID, i.uid)
	return e
}

// apiKinds are the names that the API has for the kinds of namespaced objects.
var apiKinds = map[model.Kind]string{
	model.KindPod: "Pod", model.KindDeployment: "Deployment", model.KindStatefulSet: "StatefulSet", model.KindDaemonSet: "DaemonSet",
	model.KindService: "Service", model.KindJob: "Job", model.KindCronJob: "CronJob", model.KindVolumeClaim: "PersistentVolumeClaim",
	model.KindAutoscaler: "HorizontalPodAutoscaler", model.KindBudget: "PodDisruptionBudget", model.KindIngress: "Ingress",
	model.KindQuota: "ResourceQuota", model.KindCertificate: "Certificate", model.KindHelmRelease: "HelmRelease",
}

// entityOf is the entity that an event is about: the nearest that is on the wall.
func (v *view) entityOf(i item) string {
	switch i.kind {
	case "Node":
		return model.NodeID(v.cluster, i.name)
	case "Namespace":
		return model.NamespaceID(v.cluster, i.name)
	case "PersistentVolume":
		return model.ClusterObjectID(v.cluster, model.KindVolume, i.name)
	case "Endpoints":
		return model.ObjectID(v.cluster, i.namespace, model.KindService, i.name)
	case "ReplicaSet":
		if rs := v.owners[i.namespace+"/"+i.name]; rs != nil && rs.OwnerKind == "Deployment" {
			return model.ObjectID(v.cluster, i.namespace, model.KindDeployment, rs.Owner)
		}
	}
	for kind, name := range apiKinds {
		if i.kind == name && i.namespace != "" {
			return model.ObjectID(v.cluster, i.namespace, kind, i.name)
		}
	}
	if i.namespace != "" {
		return model.NamespaceID(v.cluster, i.namespace)
	}
	return model.ClusterID(v.cluster)
}
