package kube

import (
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
)

// storageClassBehaviour draws nothing: a class matters to the claims that name it.
var storageClassBehaviour = behaves[storagev1.StorageClass, StorageClass]((*interner).storageClass, nil, nil, (*sampler).storageClass)

// manualProvisioner is that of classes whose volumes are made by hand.
const manualProvisioner = "kubernetes.io/no-provisioner"

// StorageClass is how volumes are made.
type StorageClass struct {
	meta
	Provisioner, Reclaim, Binding string
	Default                       bool
}

func (in *interner) storageClass(o *storagev1.StorageClass) *StorageClass {
	c := &StorageClass{
		meta: in.meta(&o.ObjectMeta), Provisioner: in.str(clip(o.Provisioner, 253)), Reclaim: string(corev1.PersistentVolumeReclaimDelete),
		Binding: string(storagev1.VolumeBindingImmediate),
		Default: o.Annotations["storageclass.kubernetes.io/is-default-class"] == "true" || o.Annotations["storageclass.beta.kubernetes.io/is-default-class"] == "true",
	}
	if o.ReclaimPolicy != nil {
		c.Reclaim = in.str(clip(string(*o.ReclaimPolicy), 40))
	}
	if o.VolumeBindingMode != nil {
		c.Binding = in.str(clip(string(*o.VolumeBindingMode), 40))
	}
	return c
}

// waits reports whether a volume is only made when a pod wants it.
func (c *StorageClass) waits() bool {
	return c.Binding == string(storagev1.VolumeBindingWaitForFirstConsumer)
}

// storageClass is the class of a name, or the default one for ""; nil when there is none.
func (v *view) storageClass(name string) *StorageClass {
	if name != "" {
		c, _ := find[*StorageClass](v, "storageclasses", "", name)
		return c
	}
	var newest *StorageClass // of several defaults the newest counts, then the name, as the API server chooses
	for c := range each[*StorageClass](v, "storageclasses") {
		if c.Default && (newest == nil || c.Created.After(newest.Created) || c.Created.Equal(newest.Created) && c.Name < newest.Name) {
			newest = c
		}
	}
	return newest
}

func (s *sampler) storageClass(_ *view, c *StorageClass) {
	s.add("kube_storageclass_info", 1, "storageclass", c.Name, "provisioner", c.Provisioner, "reclaim_policy", c.Reclaim, "volume_binding_mode", c.Binding)
}
