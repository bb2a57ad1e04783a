package kube

import (
	corev1 "k8s.io/api/core/v1"

	"fmt"
	"strings"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

var claimBehaviour = behaves((*interner).claim, (*view).claim, (*view).claimLinks, (*sampler).claim)

const (
	unboundAfter = 15 * time.Second // how long a claim may look for its volume
	// Shares of a volume that are used.
	volumeHigh = 0.85
	volumeFull = 0.95
)

// Claim is a persistent volume claim.
type Claim struct {
	meta
	Phase, Volume   string
	Class           string
	Classless       bool    // it says that it wants no class
	Modes           string  // access modes
	Requested, Size float64 // bytes; Size is 0 while there is no volume
	Node            string  // that the scheduler chose for its first pod, "" for none yet
	Going           bool    // it is being deleted
	Stuck           *Condition
}

func (in *interner) claim(o *corev1.PersistentVolumeClaim) *Claim {
	c := &Claim{
		meta: in.meta(&o.ObjectMeta), Phase: in.str(clip(string(o.Status.Phase), 40)), Volume: clip(o.Spec.VolumeName, 253),
		Class: o.Annotations[corev1.BetaStorageClassAnnotation], Requested: o.Spec.Resources.Requests.Storage().AsApproximateFloat64(),
		Size: o.Status.Capacity.Storage().AsApproximateFloat64(), Node: in.str(clip(o.Annotations["volume.kubernetes.io/selected-node"], 253)),
		Going: o.DeletionTimestamp != nil,
	}
	if o.Spec.StorageClassName != nil && c.Class == "" {
		c.Class, c.Classless = *o.Spec.StorageClassName, *o.Spec.StorageClassName == ""
	}
	c.Class = in.str(clip(c.Class, 253))
	modes := make([]string, len(o.Spec.AccessModes))
	for i, m := range o.Spec.AccessModes {
		modes[i] = string(m)
	}
	c.Modes = in.str(clip(strings.Join(modes, ","), 100))
	for _, k := range o.Status.Conditions {
		switch k.Type {
		case corev1.PersistentVolumeClaimControllerResizeError, corev1.PersistentVolumeClaimNodeResizeError, corev1.PersistentVolumeClaimVolumeModifyVolumeError:
			if k.Status == corev1.ConditionTrue {
				stuck := in.condition(string(k.Type), string(k.Status), k.Reason, k.Message, k.LastTransitionTime, false)
				c.Stuck = &stuck
			}
		}
	}
	return c
}

// Provision is what is known of how a claim gets its volume.
type Provision struct {
	ClassesKnown bool          // whether the storage classes can be read
	Class        *StorageClass // nil when there is no such class, or no default
	Pod          string        // one that waits for it, "" for none
	Warning      string        // what its provisioner complains of, "" for nothing
	Used         float64       // share of its volume, as its kubelet says; 0 for not said
}

// JudgeClaim judges a volume claim. One that waits for its first pod is well.
func JudgeClaim(c *Claim, p Provision, now time.Time) Verdict {
	switch {
	case c.Phase == string(corev1.ClaimLost):
		return Verdict{model.Critical, "lost: its volume " + c.Volume + " is gone"}
	case c.Phase == string(corev1.ClaimBound) && p.Used > volumeHigh:
		state := model.Warning
		if p.Used > volumeFull {
			state = model.Critical
		}
		return Verdict{state, fmt.Sprintf("%.0f %% full", p.Used*100)}
	case c.Phase == string(corev1.ClaimBound) && c.Stuck != nil:
		return Verdict{model.Warning, words(c.Stuck.Type, c.Stuck.Message)}
	case c.Phase == string(corev1.ClaimBound) && c.Going:
		return Verdict{model.OK, "being deleted"}
	case c.Phase == string(corev1.ClaimBound):
		return Verdict{State: model.OK}
	case c.Phase != "" && c.Phase != string(corev1.ClaimPending):
		return Verdict{model.Unknown, "phase " + c.Phase}
	}
	return judgePending(c, p, now)
}

func judgePending(c *Claim, p Provision, now time.Time) Verdict {
	waited := now.Sub(c.Created)
	pending := func(why string) Verdict { return Verdict{model.Warning, "pending, " + why} }
	class := p.Class
	switch {
	case waited < unboundAfter && (!p.ClassesKnown || c.Volume != "" || class == nil && c.Class == ""):
		return Verdict{model.OK, "pending"}
	case c.Volume != "":
		return pending("it wants volume " + c.Volume + ", which is not there or not free")
	case !p.ClassesKnown:
		return pending(joinComma("class "+c.Class, p.Warning))
	case c.Classless:
		return pending("it wants no storage class, and no free volume fits")
	case class == nil && c.Class == "":
		return pending("it names no storage class, the cluster has no default, and no free volume fits")
	case class == nil:
		return pending("storage class " + c.Class + " does not exist")
	case class.waits() && c.Node == "" && p.Pod != "":
		return Verdict{model.OK, "waits until pod " + p.Pod + " is scheduled, class " + class.Name}
	case class.waits() && c.Node == "":
		return Verdict{model.OK, "waits for its first pod, class " + class.Name}
	case p.Warning != "":
		return pending("class " + class.Name + ", " + p.Warning)
	case class.Provisioner == manualProvisioner && waited >= unboundAfter:
		return pending("class " + class.Name + " makes no volumes, and no free one fits")
	case waited >= unboundAfter:
		return pending("class " + class.Name + ", provisioner " + class.Provisioner + " has made no volume")
	}
	return Verdict{model.OK, "pending, class " + class.Name}
}

// provision is what is known of how a claim gets its volume.
func (v *view) provision(c *Claim) Provision {
	p := Provision{ClassesKnown: v.readable("storageclasses"), Used: v.filled(c)}
	if c.Phase == string(corev1.ClaimBound) {
		return p
	}
	if !c.Classless {
		p.Class = v.storageClass(c.Class)
	}
	for _, pod := range v.podsMounting(c.Namespace, c.Name) {
		if p.Pod == "" || pod.Name < p.Pod {
			p.Pod = pod.Name
		}
	}
	if h := v.warningOf(apiKinds[model.KindVolumeClaim], c.Namespace, c.Name); h != nil && !h.Last.Before(c.Created) {
		p.Warning = words(h.Reason, h.Message)
	}
	return p
}

// filled is the share of a claim's volume that is used, 0 where no kubelet says.
func (v *view) filled(c *Claim) float64 {
	if v.lookup.filled == nil {
		v.lookup.filled = map[objectKey]float64{}
		for _, node := range v.usage.summaries {
			for _, p := range node.Pods {
				for _, vol := range p.Volumes {
					if vol.Claim != nil && vol.Available != nil && vol.Capacity != nil && *vol.Capacity > 0 {
						v.lookup.filled[objectKey{vol.Claim.Namespace, vol.Claim.Name}] = 1 - *vol.Available / *vol.Capacity
					}
				}
			}
		}
	}
	return v.lookup.filled[objectKey{c.Namespace, c.Name}]
}

func (v *view) claim(c *Claim) (e model.Entity, ok bool) {
	if !v.known["storageclasses"] && v.trouble["storageclasses"] == nil {
		return e, false
	}
	labels := map[string]string{"phase": c.Phase, "requested": bytesText(c.Requested)}
	set(labels, "storageclass", c.Class)
	set(labels, "volume", c.Volume)
	set(labels, "access_modes", c.Modes)
	if c.Size > 0 {
		labels["size"] = bytesText(c.Size)
	}
	return v.object("persistentvolumeclaims", model.KindVolumeClaim, &c.meta, JudgeClaim(c, v.provision(c), v.now), labels), true
}

func (v *view) claimLinks(c *Claim, id string, links []model.Link) []model.Link {
	if _, ok := find[*Volume](v, "persistentvolumes", "", c.Volume); ok {
		links = append(links, link("bound", id, model.ClusterObjectID(v.cluster, model.KindVolume, c.Volume), "binding", id))
	}
	return links
}

var claimPhases = []corev1.PersistentVolumeClaimPhase{corev1.ClaimLost, corev1.ClaimBound, corev1.ClaimPending}

func (s *sampler) claim(_ *view, c *Claim) {
	ids := []string{"namespace", c.Namespace, "persistentvolumeclaim", c.Name}
	add := func(name string, value float64, pairs ...string) {
		s.add("kube_persistentvolumeclaim_"+name, value, append(ids[:len(ids):len(ids)], pairs...)...)
	}
	add("info", 1, "storageclass", c.Class, "volumename", c.Volume)
	for _, phase := range claimPhases {
		add("status_phase", flag(c.Phase == string(phase)), "phase", string(phase))
	}
	add("resource_requests_storage_bytes", c.Requested)
	add("created", unix(c.Created))
}
