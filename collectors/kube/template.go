package kube

import (
	corev1 "k8s.io/api/core/v1"

	"hash/fnv"
	"slices"
	"strings"
)

// restartedAt is the annotation by which kubectl rollout restart changes a template.
const restartedAt = "kubectl.kubernetes.io/restartedAt"

// Template is what is kept of the template that a workload makes its pods of: enough to say what a
// rollout changed.
type Template struct {
	Labels     string // see labelText
	Inits      int    // so many of the containers, the first, are init containers
	Containers []TemplateContainer
	References string // config maps, secrets and claims by name: "configmap/app, secret/db"
	Restarted  string // when somebody restarted it on purpose, as kubectl writes it
	Hash       uint64 // of the whole
}

// TemplateContainer is a container of a template.
type TemplateContainer struct {
	Name, Image, Requests, Limits string // amounts as "cpu 100m, memory 128Mi"
}

// main is the first container that is no helper: init containers stand first.
func (t *Template) main() *TemplateContainer {
	return &t.Containers[min(t.Inits, len(t.Containers)-1)]
}

func (in *interner) template(o *corev1.PodTemplateSpec) Template {
	t := Template{Labels: in.labelText(o.Labels), Restarted: clip(o.Annotations[restartedAt], 40), Inits: len(o.Spec.InitContainers)}
	for _, list := range [][]corev1.Container{o.Spec.InitContainers, o.Spec.Containers} {
		for _, c := range list {
			t.Containers = append(t.Containers, TemplateContainer{
				Name: in.str(clip(c.Name, 63)), Image: in.str(clip(c.Image, 200)),
				Requests: in.str(amountList(c.Resources.Requests)), Limits: in.str(amountList(c.Resources.Limits)),
			})
		}
	}
	t.References = in.str(clip(strings.Join(references(&o.Spec), ", "), 500))
	// A status changes far more often than a template, and the rest of one is only ever compared.
	if text, err := o.Marshal(); err == nil {
		h := fnv.New64a()
		_, _ = h.Write(text) // it never fails
		t.Hash = h.Sum64()
	}
	return t
}

// amountList writes all amounts of a container: "cpu 100m, memory 128Mi, nvidia.com/gpu 1".
func amountList(l corev1.ResourceList) string {
	var out []string
	for name, q := range l {
		out = append(out, clip(string(name), 80)+" "+q.String())
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// references are the names of the objects that a pod reads its configuration from, and of its volume claims.
func references(spec *corev1.PodSpec) []string {
	var out []string
	refer := func(kind, name string) {
		if name != "" {
			out = append(out, kind+"/"+clip(name, 100))
		}
	}
	for _, v := range spec.Volumes {
		switch {
		case v.ConfigMap != nil:
			refer("configmap", v.ConfigMap.Name)
		case v.Secret != nil:
			refer("secret", v.Secret.SecretName)
		case v.PersistentVolumeClaim != nil:
			refer("claim", v.PersistentVolumeClaim.ClaimName)
		case v.Projected != nil:
			for _, s := range v.Projected.Sources {
				if s.ConfigMap != nil {
					refer("configmap", s.ConfigMap.Name)
				}
				if s.Secret != nil {
					refer("secret", s.Secret.Name)
				}
			}
		}
	}
	for _, list := range [][]corev1.Container{spec.InitContainers, spec.Containers} {
		for _, c := range list {
			for _, e := range c.EnvFrom {
				if e.ConfigMapRef != nil {
					refer("configmap", e.ConfigMapRef.Name)
				}
				if e.SecretRef != nil {
					refer("secret", e.SecretRef.Name)
				}
			}
			for _, e := range c.Env {
				if e.ValueFrom != nil && e.ValueFrom.ConfigMapKeyRef != nil {
					refer("configmap", e.ValueFrom.ConfigMapKeyRef.Name)
				}
				if e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil {
					refer("secret", e.ValueFrom.SecretKeyRef.Name)
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
