package kube

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

const (
	changeKind    = "change" // of events
	recentChanges = 4        // remembered of one object
	newFor        = 5 * time.Minute
)

// change is a difference between two versions of an object that an operator would call a change: what
// somebody wrote, not what became of it.
type change struct {
	What          string // "image", "replicas", "resources", "config", "template", "restart", "labels", "taints", "cordon", "version", "selector", "ports", "type", "added", "removed"
	Of            string // a part of the object, "" for the whole
	Before, After string
}

// String is the change in a few words: "image of app: shop/api:1.4 -> shop/api:1.5".
func (c change) String() string {
	switch what := c.subject(); {
	case c.Before == "" && c.After == "":
		return what
	case c.Before == "":
		return what + ": " + c.After
	default:
		return what + ": " + c.Before + " -> " + cmp.Or(c.After, "none")
	}
}

func (c change) subject() string {
	if c.Of == "" {
		return c.What
	}
	return c.What + " of " + c.Of
}

// object names an object of the API by its kind.
type object struct{ kind, namespace, name string }

// changesOf is what changed from one version of an object to the next. Objects of other kinds than
// workloads, nodes and services have no changes to tell.
func changesOf(before, after any) []change {
	switch a := after.(type) {
	case *Workload:
		if b, ok := before.(*Workload); ok && b.UID == a.UID {
			return workloadChanges(b, a)
		}
	case *Release:
		if b, ok := before.(*Release); ok && b.UID == a.UID {
			return releaseChanges(b, a)
		}
	case *Node:
		if b, ok := before.(*Node); ok && b.UID == a.UID {
			return nodeChanges(b, a)
		}
	case *Service:
		if b, ok := before.(*Service); ok && b.UID == a.UID {
			return serviceChanges(b, a)
		}
	}
	return nil
}

func workloadChanges(b, a *Workload) []change {
	var list []change
	// How many daemons are wanted is for the nodes to say, and nobody's change.
	if a.Kind != model.KindDaemonSet && a.Desired != b.Desired {
		list = append(list, change{What: "replicas", Before: number(b.Desired), After: number(a.Desired)})
	}
	if a.Paused != b.Paused {
		list = append(list, change{What: map[bool]string{true: "rollout paused", false: "rollout resumed"}[a.Paused]})
	}
	return append(list, templateChanges(&b.Template, &a.Template)...)
}

func templateChanges(b, a *Template) []change {
	if a.Hash == b.Hash {
		return nil
	}
	var list []change
	differ := func(what, of, before, after string) {
		if before != after {
			list = append(list, change{what, of, cmp.Or(before, "none"), cmp.Or(after, "none")})
		}
	}
	for _, c := range a.Containers {
		i := slices.IndexFunc(b.Containers, func(was TemplateContainer) bool { return was.Name == c.Name })
		if i < 0 {
			list = append(list, change{What: "container added", After: c.Name + " " + c.Image})
			continue
		}
		was := b.Containers[i]
		differ("image", c.Name, was.Image, c.Image)
		differ("requests", c.Name, was.Requests, c.Requests)
		differ("limits", c.Name, was.Limits, c.Limits)
	}
	for _, was := range b.Containers {
		if !slices.ContainsFunc(a.Containers, func(c TemplateContainer) bool { return c.Name == was.Name }) {
			list = append(list, change{What: "container removed", After: was.Name})
		}
	}
	differ("config", "", b.References, a.References)
	if a.Restarted != b.Restarted && a.Restarted != "" {
		list = append(list, change{What: "restart"})
	}
	if len(list) == 0 { // an environment variable, a probe, an annotation with a checksum: not kept
		list = append(list, change{What: "template"})
	}
	return list
}

func nodeChanges(b, a *Node) []change {
	var list []change
	if a.Cordoned != b.Cordoned {
		list = append(list, change{What: map[bool]string{true: "cordoned", false: "uncordoned"}[a.Cordoned]})
	}
	if a.Version != b.Version {
		list = append(list, change{What: "version", Before: b.Version, After: a.Version})
	}
	if text := difference(b.Taints, a.Taints); text != "" {
		list = append(list, change{What: "taints", After: text})
	}
	if text := difference(b.Labels, a.Labels); text != "" {
		list = append(list, change{What: "labels", After: text})
	}
	return list
}

func serviceChanges(b, a *Service) []change {
	var list []change
	for _, d := range []change{
		{"selector", "", b.Selector, a.Selector}, {"ports", "", b.Ports, a.Ports}, {"type", "", b.Type, a.Type},
	} {
		if d.Before != d.After {
			d.Before, d.After = cmp.Or(clip(d.Before, 200), "none"), cmp.Or(clip(d.After, 200), "none")
			list = append(list, d)
		}
	}
	return list
}

// difference is what one sorted list has beyond the other, as "+new -old", at most six of them.
func difference(before, after []string) string {
	var parts []string
	for _, s := range after {
		if _, had := slices.BinarySearch(before, s); !had {
			parts = append(parts, "+"+s)
		}
	}
	for _, s := range before {
		if _, has := slices.BinarySearch(after, s); !has {
			parts = append(parts, "-"+s)
		}
	}
	const most = 6
	if extra := len(parts) - most; extra > 0 {
		parts = append(parts[:most], "and "+number(extra)+" more")
	}
	return strings.Join(parts, " ")
}

// subject is how an object's changes are filed, ok is false for one whose changes are not told.
func subject(obj any) (o object, m *meta, ok bool) {
	switch x := obj.(type) {
	case *Workload:
		return object{apiKinds[x.Kind], x.Namespace, x.Name}, &x.meta, true
	case *Node:
		return object{"Node", "", x.Name}, &x.meta, true
	case *Release:
		return object{"HelmRelease", x.Namespace, x.Release}, &x.meta, true
	case *Service:
		return object{"Service", x.Namespace, x.Name}, &x.meta, true
	}
	return object{}, nil, false
}

// changed takes in what changed between two versions of an object.
func (b *newsBox) changed(before, after any, now time.Time) {
	list := changesOf(before, after)
	if len(list) == 0 {
		return
	}
	of, m, _ := subject(after)
	for _, c := range list {
		b.change(of, c, m, now)
	}
}

// added takes in an object that is new, as its age says: an informer also adds what it hears of for the
// first time.
func (b *newsBox) added(obj any, now time.Time) {
	if of, m, ok := subject(obj); ok && now.Sub(m.Created) < newFor {
		b.change(of, additionOf(obj), m, now)
	}
}

// removed takes in an object that was deleted.
func (b *newsBox) removed(obj any, now time.Time) {
	if of, m, ok := subject(obj); ok {
		b.change(of, change{What: "removed"}, m, now)
	}
}

// change files a change for the events, folded with what is still to be told of the same part, and
// remembers it as a possible cause.
func (b *newsBox) change(of object, c change, m *meta, now time.Time) {
	i := item{
		newsKey: newsKey{of.kind, of.namespace, of.name, c.subject()}, event: changeKind,
		uid: m.UID + "/" + c.subject() + "@" + m.Version, text: c.String(), count: 1, last: now, change: c,
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if was, ok := b.pending[i.newsKey]; ok {
		i.count += was.count
		i.change.Before = was.change.Before
		i.text = i.change.String()
	}
	b.hold(i)
	b.remember(of, dated{c, now})
}

// dated is a change with when it was seen.
type dated struct {
	change
	At time.Time
}

func (b *newsBox) remember(of object, c dated) {
	if len(b.recent) >= maxKeys {
		clear(b.recent)
	}
	list := slices.DeleteFunc(slices.Clone(b.recent[of]), func(d dated) bool { return d.subject() == c.subject() })
	if len(list) >= recentChanges {
		list = list[1:]
	}
	b.recent[of] = append(list, c)
}

// lastChange is the latest change of an object that was seen; what restricts it to some, none to all.
func (b *newsBox) lastChange(of object, what ...string) (dated, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := b.recent[of]
	for i := len(list) - 1; i >= 0; i-- {
		if len(what) == 0 || slices.Contains(what, list[i].What) {
			return list[i], true
		}
	}
	return dated{}, false
}
