package kube

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/nocturne-noc/nocturne/store/model"
)

var volumeBehaviour = behaves((*interner).volume, (*view).volume, nil, (*sampler).volume)

// Volume is a persistent volume.
type Volume struct {
	meta
	Phase, Class, Reclaim, Reason, Message string
	Driver                                 string  // of CSI, "" for others
	ClaimNamespace, Claim                  string  // whose it is or was
	Size                                   float64 // bytes
}

func (in *interner) volume(o *corev1.PersistentVolume) *Volume {
	p := &Volume{
		meta: in.meta(&o.ObjectMeta), Phase: in.str(clip(string(o.Status.Phase), 40)), Class: in.str(clip(o.Spec.StorageClassName, 253)),
		Reclaim: in.str(clip(string(o.Spec.PersistentVolumeReclaimPolicy), 40)), Reason: in.str(clip(o.Status.Reason, 80)),
		Message: clip(o.Status.Message, 300), Size: o.Spec.Capacity.Storage().AsApproximateFloat64(),
	}
	if o.Spec.CSI != nil {
		p.Driver = in.str(clip(o.Spec.CSI.Driver, 100))
	}
	if o.Spec.ClaimRef != nil {
		p.ClaimNamespace, p.Claim = in.str(clip(o.Spec.ClaimRef.Namespace, 253)), clip(o.Spec.ClaimRef.Name, 253)
	}
	return p
}

// JudgeVolume judges a volume. One that failed could not be reclaimed: it holds its storage until
// somebody looks.
func JudgeVolume(p *Volume) Verdict {
	switch corev1.PersistentVolumePhase(p.Phase) {
	case corev1.VolumeFailed:
		what := "failed, its storage was not reclaimed"
		if p.Reason != "" {
			what += ", " + p.Reason
		}
		return Verdict{model.Warning, words(what, p.Message)}
	case corev1.VolumeReleased:
		return Verdict{model.OK, "released by " + p.ClaimNamespace + "/" + p.Claim}
	case corev1.VolumeAvailable:
		return Verdict{model.OK, "available"}
	case corev1.VolumeBound:
		return Verdict{State: model.OK}
	case corev1.VolumePending, "":
		return Verdict{model.OK, "pending"}
	}
	return Verdict{model.Unknown, "phase " + p.Phase}
}

func (v *view) volume(p *Volume) (model.Entity, bool) {
	labels := map[string]string{"phase": p.Phase, "size": bytesText(p.Size)}
	set(labels, "storageclass", p.Class)
	set(labels, "reclaim_policy", p.Reclaim)
	set(labels, "driver", p.Driver)
	if p.Claim != "" {
		labels["claim"] = p.ClaimNamespace + "/" + p.Claim
	}
	return v.clusterObject("persistentvolumes", model.KindVolume, &p.meta, JudgeVolume(p), labels), true
}

var volumePhases = []corev1.PersistentVolumePhase{corev1.VolumePending, corev1.VolumeAvailable, corev1.VolumeBound, corev1.VolumeReleased, corev1.VolumeFailed}

func (s *sampler) volume(_ *view, p *Volume) {
	s.add("kube_persistentvolume_info", 1, "persistentvolume", p.Name, "storageclass", p.Class, "csi_driver", p.Driver)
	s.add("kube_persistentvolume_capacity_bytes", p.Size, "persistentvolume", p.Name)
	for _, phase := range volumePhases {
		s.add("kube_persistentvolume_status_phase", flag(p.Phase == string(phase)), "persistentvolume", p.Name, "phase", string(phase))
	}
	if p.Claim != "" {
		s.add("kube_persistentvolume_claim_ref", 1, "persistentvolume", p.Name, "claim_namespace", p.ClaimNamespace, "name", p.Claim)
	}
}
