package kube

import (
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/nocturne-noc/nocturne/store/model"
)

// helmSecret is the metadata of the secret of a revision, as Helm writes it.
func helmSecret(name string, revision int, status string, created time.Time) *metav1.PartialObjectMetadata {
	return &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{
		Namespace: "shop", Name: fmt.Sprintf("sh.helm.release.v1.%s.v%d", name, revision), UID: "u", CreationTimestamp: metav1.NewTime(created),
		Labels: map[string]string{"owner": "helm", "name": name, "version": fmt.Sprint(revision), "status": status},
	}}
}

func TestReleases(t *testing.T) {
	var in interner
	v := &view{cluster: "c", now: noon, known: map[string]bool{helmReleases: true}}
	for _, o := range []*metav1.PartialObjectMetadata{
		helmSecret("web", 1, "superseded", noon.Add(-day)), helmSecret("web", 2, "superseded", noon.Add(-2*time.Hour)),
		helmSecret("web", 10, "failed", noon.Add(-time.Hour)), helmSecret("web", 9, "deployed", noon.Add(-time.Hour)),
		helmSecret("db", 4, "deployed", noon.Add(-day)), helmSecret("mail", 1, "pending-install", noon.Add(-time.Hour)),
	} {
		kept, _ := helmBehaviour.keep(&in, o)
		v.add(helmReleases, kept)
	}
	v.index()
	got := map[string]Verdict{}
	for r := range each[*Release](v, helmReleases) {
		if e, ok := v.release(r); ok {
			got[e.ID+" "+e.Labels["revision"]] = Verdict{e.State, e.Reason}
		}
	}
	id := func(name string) string { return model.ObjectID("c", "shop", model.KindHelmRelease, name) }
	want := map[string]Verdict{
		id("web") + " 10": {model.Warning, "revision 10 failed " + clock(noon.Add(-time.Hour), noon)},
		id("db") + " 4":   {State: model.OK},
		id("mail") + " 1": {model.Warning, "pending-install since " + clock(noon.Add(-time.Hour), noon)},
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestReleaseIsReadFromItsName(t *testing.T) {
	o := helmSecret("a.v2b", 7, "deployed", noon)
	o.Labels = nil
	var in interner
	r := in.release(o)
	if r.Release != "a.v2b" || r.Revision != 7 {
		t.Errorf("release %q, revision %d", r.Release, r.Revision)
	}
	if v := JudgeRelease(r, noon); v.State != model.Unknown {
		t.Errorf("without its label it is %v", v)
	}
}

func TestReleaseChanges(t *testing.T) {
	var in interner
	pending := in.release(helmSecret("web", 3, "pending-upgrade", noon))
	deployed := in.release(helmSecret("web", 3, "deployed", noon))
	old := in.release(helmSecret("web", 3, "superseded", noon))
	if got := additionOf(pending).String(); got != "revision: 3 pending-upgrade" {
		t.Errorf("a new revision is told as %q", got)
	}
	if list := changesOf(pending, deployed); len(list) != 1 || list[0].String() != "status of revision 3: pending-upgrade -> deployed" {
		t.Errorf("an upgrade's end is told as %v", list)
	}
	if list := changesOf(deployed, old); len(list) != 0 {
		t.Errorf("a superseded revision is told as %v", list)
	}
}
