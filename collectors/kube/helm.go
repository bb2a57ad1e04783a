package kube

import (
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/nocturne-noc/nocturne/store/model"
)

// helmSecrets is where Helm 3 and 4 keep their releases: in secrets of a type of their own.
var helmSecrets = schema.GroupVersionResource{Version: "v1", Resource: "secrets"}

const (
	helmSelector = "type=helm.sh/release.v1"
	helmReleases = "helmreleases" // what the collection is called here
)

var helmBehaviour = behaves((*interner).release, (*view).release, nil, (*sampler).release)

// Release is one revision of a Helm release: the metadata of the secret that Helm keeps it in. What is
// in the secret is never asked for.
type Release struct {
	meta
	Release  string // its name
	Revision int
	Status   string // deployed, failed, pending-upgrade, ...
}

func (in *interner) release(o *metav1.PartialObjectMetadata) *Release {
	r := &Release{meta: in.meta(&o.ObjectMeta), Release: in.str(clip(o.Labels["name"], 53)), Status: in.str(clip(o.Labels["status"], 40))}
	r.Revision, _ = strconv.Atoi(o.Labels["version"])
	if r.Release == "" || r.Revision == 0 { // sh.helm.release.v1.NAME.vREVISION
		if name, revision, ok := cutLast(strings.TrimPrefix(o.Name, "sh.helm.release.v1."), ".v"); ok {
			r.Release = in.str(clip(name, 53))
			r.Revision, _ = strconv.Atoi(revision)
		}
	}
	return r
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// JudgeRelease judges the newest revision of a Helm release.
func JudgeRelease(r *Release, now time.Time) Verdict {
	switch {
	case r.Status == "failed":
		return Verdict{model.Warning, "revision " + strconv.Itoa(r.Revision) + " failed " + clock(r.Created, now)}
	case strings.HasPrefix(r.Status, "pending-") || r.Status == "uninstalling":
		if now.Sub(r.Created) > progressFor {
			return Verdict{model.Warning, r.Status + " since " + clock(r.Created, now)}
		}
		return Verdict{model.OK, r.Status}
	case r.Status == "deployed":
		return Verdict{State: model.OK}
	case r.Status == "":
		return Verdict{model.Unknown, "its secret has no status label"}
	}
	return Verdict{model.OK, r.Status}
}

// newest reports whether no later revision of the release is known.
func (v *view) newest(r *Release) bool {
	return v.releases[r.Namespace+"/"+r.Release] == r.Revision
}

// indexReleases finds the newest revision of each release.
func (v *view) indexReleases() {
	v.releases = map[string]int{}
	for r := range each[*Release](v, helmReleases) {
		key := r.Namespace + "/" + r.Release
		v.releases[key] = max(v.releases[key], r.Revision)
	}
}

func (v *view) release(r *Release) (model.Entity, bool) {
	if !v.newest(r) {
		return model.Entity{}, false
	}
	verdict := v.verdict(helmReleases, JudgeRelease(r, v.now))
	labels := map[string]string{"namespace": r.Namespace, "revision": strconv.Itoa(r.Revision), "changed": r.Created.UTC().Format(time.RFC3339)}
	set(labels, "status", r.Status)
	return model.Entity{
		ID: model.ObjectID(v.cluster, r.Namespace, model.KindHelmRelease, r.Release), Kind: model.KindHelmRelease, Name: r.Release,
		Parent: model.NamespaceID(v.cluster, r.Namespace), State: verdict.State, Reason: verdict.Reason, Labels: labels,
	}, true
}

func (s *sampler) release(v *view, r *Release) {
	if v.newest(r) {
		s.add("nocturne_kube_helm_release_revision", float64(r.Revision), "namespace", r.Namespace, "helmrelease", r.Release, "status", r.Status)
	}
}

// releaseChanges tells what became of an upgrade. That a newer revision took its place is the newer one's news.
func releaseChanges(before, after *Release) []change {
	if before.Status == after.Status || after.Status == "superseded" {
		return nil
	}
	return []change{{What: "status", Of: "revision " + strconv.Itoa(after.Revision), Before: before.Status, After: after.Status}}
}

// additionOf is what an object that is new means: of a release, a new revision.
func additionOf(obj any) change {
	if r, ok := obj.(*Release); ok {
		return change{What: "revision", After: strings.TrimSpace(strconv.Itoa(r.Revision) + " " + r.Status)}
	}
	return change{What: "added"}
}
