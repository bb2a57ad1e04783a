package kube

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"

	"github.com/nocturne-noc/nocturne/store/model"
)

const (
	fastClass  = `{"metadata":{"name":"fast","creationTimestamp":"2026-01-01T00:00:00Z"},"provisioner":"csi.example","reclaimPolicy":"Delete","volumeBindingMode":"Immediate"}`
	localClass = `{"metadata":{"name":"local","creationTimestamp":"2026-01-01T00:00:00Z","annotations":{"storageclass.kubernetes.io/is-default-class":"true"}},
		"provisioner":"rancher.io/local-path","volumeBindingMode":"WaitForFirstConsumer"}`
	manualClass = `{"metadata":{"name":"manual"},"provisioner":"kubernetes.io/no-provisioner"}`
)

// storage is a view of a namespace with storage classes, of which local is the default.
func storage(t *testing.T, classes ...string) *view {
	t.Helper()
	v := shop()
	for _, c := range classes {
		v.add("storageclasses", keptOf[storagev1.StorageClass, *StorageClass](t, "storageclasses", c))
	}
	return v
}

func TestJudgeClaim(t *testing.T) {
	pending := func(spec, annotations string) string {
		return `{"metadata":{"name":"data","namespace":"shop","creationTimestamp":"2026-03-01T11:00:00Z","annotations":{` + annotations + `}},
			"spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"10Gi"}}` + spec + `},"status":{"phase":"Pending"}}`
	}
	const fast, local, node = `,"storageClassName":"fast"`, `,"storageClassName":"local"`, `"volume.kubernetes.io/selected-node":"n1"`
	classes := []string{fastClass, localClass, manualClass}
	pod := &Pod{meta: meta{Name: "db-0", Namespace: "shop"}, Phase: "Pending", Claims: []string{"data"}}
	complaint := &Happening{meta: meta{Name: "e1"}, Kind: "PersistentVolumeClaim", ObjectNamespace: "shop", ObjectName: "data", Type: "Warning", Reason: "ProvisioningFailed", Message: "quota exceeded", Last: ago(time.Minute)}
	old := *complaint
	old.Last = ago(2 * time.Hour)
	for _, c := range []struct {
		name, object string
		classes      []string
		pod          *Pod
		event        *Happening
		now          time.Time
		state        model.State
		reason       string
	}{
		{"bound", `{"metadata":{"name":"data","namespace":"shop"},"spec":{"storageClassName":"fast","volumeName":"pv1"},"status":{"phase":"Bound","capacity":{"storage":"10Gi"}}}`, nil, nil, nil, noon, model.OK, ""},
		{"lost", `{"metadata":{"name":"data","namespace":"shop"},"spec":{"volumeName":"pv1"},"status":{"phase":"Lost"}}`, classes, nil, nil, noon, model.Critical, "lost: its volume pv1 is gone"},
		{"cannot grow", `{"metadata":{"name":"data","namespace":"shop"},"spec":{"volumeName":"pv1"},"status":{"phase":"Bound","conditions":[{"type":"ControllerResizeError","status":"True","message":"no space"}]}}`,
			classes, nil, nil, noon, model.Warning, "ControllerResizeError: no space"},
		{"just made", pending(fast, ""), classes, nil, nil, ago(time.Hour - 14*time.Second), model.OK, "pending, class fast"},
		{"nobody provides it", pending(fast, ""), classes, nil, nil, noon, model.Warning, "pending, class fast, provisioner csi.example has made no volume"},
		{"its provisioner complains", pending(fast, ""), classes, nil, complaint, noon, model.Warning, "pending, class fast, ProvisioningFailed: quota exceeded"},
		{"the complaint was about an earlier one", pending(fast, ""), classes, nil, &old, ago(time.Hour - time.Second), model.OK, "pending, class fast"},
		{"no such class", pending(`,"storageClassName":"gold"`, ""), classes, nil, nil, ago(time.Hour), model.Warning, "pending, storage class gold does not exist"},
		{"class of old", pending("", `"volume.beta.kubernetes.io/storage-class":"gold"`), classes, nil, nil, noon, model.Warning, "pending, storage class gold does not exist"},
		{"no class at all", pending("", ""), []string{fastClass}, nil, nil, noon, model.Warning, "pending, it names no storage class, the cluster has no default, and no free volume fits"},
		{"wants no class", pending(`,"storageClassName":""`, ""), classes, nil, nil, noon, model.Warning, "pending, it wants no storage class, and no free volume fits"},
		{"made by hand", pending(`,"storageClassName":"manual"`, ""), classes, nil, nil, noon, model.Warning, "pending, class manual makes no volumes, and no free one fits"},
		{"of a volume", pending(fast+`,"volumeName":"pv9"`, ""), classes, nil, nil, noon, model.Warning, "pending, it wants volume pv9, which is not there or not free"},
		{"no pod yet", pending(local, ""), classes, nil, nil, noon, model.OK, "waits for its first pod, class local"},
		{"default class", pending("", ""), classes, nil, nil, noon, model.OK, "waits for its first pod, class local"},
		{"its pod has no node", pending(local, ""), classes, pod, nil, noon, model.OK, "waits until pod db-0 is scheduled, class local"},
		{"its pod waits on it", pending(local, node), classes, pod, nil, noon, model.Warning, "pending, class local, provisioner rancher.io/local-path has made no volume"},
		{"unheard of", `{"metadata":{"name":"data","namespace":"shop"},"spec":{},"status":{"phase":"Dreaming"}}`, classes, nil, nil, noon, model.Unknown, "phase Dreaming"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := storage(t, c.classes...)
			v.now = c.now
			if c.pod != nil {
				v.add("pods", c.pod)
			}
			if c.event != nil {
				v.add("events", c.event)
			}
			v.index()
			claim := keptOf[corev1.PersistentVolumeClaim, *Claim](t, "persistentvolumeclaims", c.object)
			judged(t, JudgeClaim(claim, v.provision(claim), v.now), c.state, c.reason)
		})
	}
	t.Run("classes cannot be read", func(t *testing.T) {
		v := storage(t)
		v.trouble["storageclasses"] = forbidden("storageclasses")
		claim := keptOf[corev1.PersistentVolumeClaim, *Claim](t, "persistentvolumeclaims", pending(fast, ""))
		judged(t, JudgeClaim(claim, v.provision(claim), noon), model.Warning, "pending, class fast")
	})
}

// What a kubelet says of a volume is judged with its claim.
func TestClaimFills(t *testing.T) {
	for _, c := range []struct {
		free   float64
		state  model.State
		reason string
	}{{30, model.OK, ""}, {15, model.OK, ""}, {14, model.Warning, "86 % full"}, {5, model.Warning, "95 % full"}, {4, model.Critical, "96 % full"}} {
		v := shop()
		size := 100.0
		v.usage.summaries = []nodeSummary{{Pods: []podSummary{{}}}}
		vol := &v.usage.summaries[0].Pods[0].Volumes
		*vol = append(*vol, struct {
			Claim *objectRef `json:"pvcRef"`
			fsStats
		}{&objectRef{Name: "data", Namespace: "shop"}, fsStats{Available: &c.free, Capacity: &size}})
		claim := &Claim{meta: meta{Name: "data", Namespace: "shop"}, Phase: "Bound"}
		judged(t, JudgeClaim(claim, v.provision(claim), noon), c.state, c.reason)
	}
}

func TestStorageInThePicture(t *testing.T) {
	v := storage(t, fastClass)
	v.add("persistentvolumeclaims", keptOf[corev1.PersistentVolumeClaim, *Claim](t, "persistentvolumeclaims",
		`{"metadata":{"name":"data","namespace":"shop","creationTimestamp":"2026-03-01T11:00:00Z"},"spec":{"storageClassName":"fast","volumeName":"pv1","accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"10Gi"}}},"status":{"phase":"Bound","capacity":{"storage":"12Gi"}}}`))
	v.add("persistentvolumes", keptOf[corev1.PersistentVolume, *Volume](t, "persistentvolumes",
		`{"metadata":{"name":"pv1"},"spec":{"capacity":{"storage":"12Gi"},"storageClassName":"fast","persistentVolumeReclaimPolicy":"Delete","csi":{"driver":"csi.example","volumeHandle":"h"},"claimRef":{"namespace":"shop","name":"data"}},"status":{"phase":"Bound"}}`))
	v.add("pods", &Pod{meta: meta{Name: "db-0", Namespace: "shop"}, Phase: "Running", Ready: &Condition{Type: "Ready", Status: "True"}, Claims: []string{"data", "absent"}})
	v.index()
	pic := v.picture()
	got := byID(pic)
	claim, volume := got["kube/c/ns/shop/persistentvolumeclaim/data"], got["kube/c/persistentvolume/pv1"]
	if claim.State != model.OK || claim.Parent != "kube/c/ns/shop" || claim.Labels["requested"] != "10Gi" || claim.Labels["size"] != "12Gi" || claim.Labels["storageclass"] != "fast" || claim.Labels["access_modes"] != "ReadWriteOnce" {
		t.Errorf("claim is %+v", claim)
	}
	if volume.State != model.OK || volume.Parent != "kube/c" || volume.Labels["claim"] != "shop/data" || volume.Labels["driver"] != "csi.example" {
		t.Errorf("volume is %+v", volume)
	}
	wantLinks(t, pic, "bound|"+claim.ID+"||"+volume.ID+"|", "mounts|kube/c/ns/shop/pod/db-0||"+claim.ID+"|")
	wantSamples(t, v, map[string]float64{
		`{__name__="kube_persistentvolumeclaim_status_phase", cluster="c", namespace="shop", persistentvolumeclaim="data", phase="Bound"}`:                           1,
		`{__name__="kube_persistentvolumeclaim_status_phase", cluster="c", namespace="shop", persistentvolumeclaim="data", phase="Pending"}`:                         0,
		`{__name__="kube_persistentvolumeclaim_resource_requests_storage_bytes", cluster="c", namespace="shop", persistentvolumeclaim="data"}`:                       10 << 30,
		`{__name__="kube_persistentvolume_status_phase", cluster="c", persistentvolume="pv1", phase="Bound"}`:                                                        1,
		`{__name__="kube_persistentvolume_capacity_bytes", cluster="c", persistentvolume="pv1"}`:                                                                     12 << 30,
		`{__name__="kube_storageclass_info", cluster="c", provisioner="csi.example", reclaim_policy="Delete", storageclass="fast", volume_binding_mode="Immediate"}`: 1,
	})
}

func TestJudgeVolume(t *testing.T) {
	for _, c := range []struct {
		name, status string
		state        model.State
		reason       string
	}{
		{"bound", `{"phase":"Bound"}`, model.OK, ""},
		{"free", `{"phase":"Available"}`, model.OK, "available"},
		{"released", `{"phase":"Released"}`, model.OK, "released by shop/data"},
		{"new", `{}`, model.OK, "pending"},
		{"failed", `{"phase":"Failed","reason":"VolumeFailedDelete","message":"disk is attached"}`, model.Warning, "failed, its storage was not reclaimed, VolumeFailedDelete: disk is attached"},
		{"unheard of", `{"phase":"Dreaming"}`, model.Unknown, "phase Dreaming"},
	} {
		t.Run(c.name, func(t *testing.T) {
			volume := keptOf[corev1.PersistentVolume, *Volume](t, "persistentvolumes", `{"metadata":{"name":"pv1"},"spec":{"claimRef":{"namespace":"shop","name":"data"}},"status":`+c.status+`}`)
			judged(t, JudgeVolume(volume), c.state, c.reason)
		})
	}
}

// TestRecordedClaims judges claims of a real cluster.
func TestRecordedClaims(t *testing.T) {
	for _, o := range items[corev1.PersistentVolumeClaim](t, "pvcs-default.json") {
		var in interner
		c := in.claim(&o)
		verdict := JudgeClaim(c, Provision{}, noon)
		t.Logf("%s/%s: %v %q %+v", c.Namespace, c.Name, verdict.State, verdict.Reason, *c)
		if c.Requested <= 0 || c.Class == "" || c.Modes == "" || (c.Phase == "Bound") != (verdict.State == model.OK) {
			t.Errorf("%s is read in part: %+v, %v", c.Name, c, verdict)
		}
	}
}
