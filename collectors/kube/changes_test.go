package kube

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	quantity "k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/nocturne-noc/nocturne/store/model"
)

// apiDeployment is a deployment as the API returns it.
func apiDeployment() *appsv1.Deployment {
	three := int32(3)
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "api", UID: "u-api", ResourceVersion: "7", CreationTimestamp: metav1.NewTime(ago(time.Hour))},
		Spec: appsv1.DeploymentSpec{Replicas: &three, Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "api"}},
			Spec: corev1.PodSpec{
				InitContainers: []corev1.Container{{Name: "migrate", Image: "shop/migrate:1"}},
				Containers: []corev1.Container{{
					Name: "app", Image: "shop/api:1.4",
					Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{"cpu": quantity.MustParse("100m"), "memory": quantity.MustParse("128Mi")}},
					EnvFrom:   []corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "api-config"}}}},
					Env: []corev1.EnvVar{{Name: "PASSWORD", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
						LocalObjectReference: corev1.LocalObjectReference{Name: "db"}, Key: "password"}}}},
				}},
				Volumes: []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "files"}}}}},
			},
		}},
		Status: appsv1.DeploymentStatus{AvailableReplicas: 3, UpdatedReplicas: 3},
	}
}

func told(list []change) string {
	var out []string
	for _, c := range list {
		out = append(out, c.String())
	}
	return strings.Join(out, "; ")
}

func TestChangesOfWorkload(t *testing.T) {
	app := func(d *appsv1.Deployment) *corev1.Container { return &d.Spec.Template.Spec.Containers[0] }
	for _, c := range []struct {
		name, want string
		edit       func(d *appsv1.Deployment)
	}{
		{"nothing", "", func(*appsv1.Deployment) {}},
		{"status only", "", func(d *appsv1.Deployment) { d.Status.AvailableReplicas = 1; d.ResourceVersion = "9" }},
		{"image", "image of app: shop/api:1.4 -> shop/api:1.5", func(d *appsv1.Deployment) { app(d).Image = "shop/api:1.5" }},
		{"image of the init container", "image of migrate: shop/migrate:1 -> shop/migrate:2", func(d *appsv1.Deployment) { d.Spec.Template.Spec.InitContainers[0].Image = "shop/migrate:2" }},
		{"replicas", "replicas: 3 -> 5", func(d *appsv1.Deployment) { *d.Spec.Replicas = 5 }},
		{"replicas left to the default", "replicas: 3 -> 1", func(d *appsv1.Deployment) { d.Spec.Replicas = nil }},
		{"requests", "requests of app: cpu 100m, memory 128Mi -> cpu 200m, memory 128Mi", func(d *appsv1.Deployment) {
			app(d).Resources.Requests = corev1.ResourceList{"cpu": quantity.MustParse("200m"), "memory": quantity.MustParse("128Mi")}
		}},
		{"first limit", "limits of app: none -> memory 256Mi", func(d *appsv1.Deployment) {
			app(d).Resources.Limits = corev1.ResourceList{"memory": quantity.MustParse("256Mi")}
		}},
		{"configuration", "config: configmap/api-config, configmap/files, secret/db -> configmap/api-config-v2, configmap/files, secret/db", func(d *appsv1.Deployment) {
			app(d).EnvFrom[0].ConfigMapRef.Name = "api-config-v2"
		}},
		{"no configuration any more", "config: configmap/api-config, configmap/files, secret/db -> none", func(d *appsv1.Deployment) {
			app(d).EnvFrom, app(d).Env, d.Spec.Template.Spec.Volumes = nil, nil, nil
		}},
		{"variable", "template", func(d *appsv1.Deployment) { app(d).Env = append(app(d).Env, corev1.EnvVar{Name: "A", Value: "hidden"}) }},
		{"restart", "restart", func(d *appsv1.Deployment) {
			d.Spec.Template.Annotations = map[string]string{restartedAt: "2026-03-01T11:00:00Z"}
		}},
		{"checksum of a chart", "template", func(d *appsv1.Deployment) {
			d.Spec.Template.Annotations = map[string]string{"checksum/config": "abc"}
		}},
		{"container added", "container added: proxy envoy:1", func(d *appsv1.Deployment) {
			d.Spec.Template.Spec.Containers = append(d.Spec.Template.Spec.Containers, corev1.Container{Name: "proxy", Image: "envoy:1"})
		}},
		{"container removed", "container removed: migrate", func(d *appsv1.Deployment) { d.Spec.Template.Spec.InitContainers = nil }},
		{"paused", "rollout paused", func(d *appsv1.Deployment) { d.Spec.Paused = true }},
		{"made anew", "", func(d *appsv1.Deployment) { d.UID = "other"; *d.Spec.Replicas = 9 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			var in interner
			after := apiDeployment()
			c.edit(after)
			if got := told(changesOf(in.deployment(apiDeployment()), in.deployment(after))); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// The number of a daemon set's pods follows the nodes.
func TestDaemonsAreNoChange(t *testing.T) {
	var in interner
	before, after := &appsv1.DaemonSet{}, &appsv1.DaemonSet{}
	after.Status.DesiredNumberScheduled = 12
	if got := changesOf(in.daemonSet(before), in.daemonSet(after)); len(got) != 0 {
		t.Errorf("a node more is told as %v", got)
	}
}

func TestChangesOfNode(t *testing.T) {
	node := func() *corev1.Node {
		n := testNode("n1", corev1.ConditionTrue)
		n.Labels = map[string]string{"zone": "a", "pool": "small"}
		n.Spec.Taints = []corev1.Taint{{Key: "dedicated", Value: "db", Effect: corev1.TaintEffectNoSchedule}}
		n.Status.NodeInfo.KubeletVersion = "v1.35.4"
		return n
	}
	for _, c := range []struct {
		name, want string
		edit       func(n *corev1.Node)
	}{
		{"nothing", "", func(*corev1.Node) {}},
		{"lost", "", func(n *corev1.Node) {
			n.Status.Conditions[0].Status = corev1.ConditionUnknown
			n.Spec.Taints = append(n.Spec.Taints, corev1.Taint{Key: corev1.TaintNodeUnreachable, Effect: corev1.TaintEffectNoExecute})
		}},
		{"cordoned", "cordoned", func(n *corev1.Node) { n.Spec.Unschedulable = true }},
		{"upgraded", "version: v1.35.4 -> v1.36.3", func(n *corev1.Node) { n.Status.NodeInfo.KubeletVersion = "v1.36.3" }},
		{"taints", "taints: +gpu=true:NoExecute -dedicated=db:NoSchedule", func(n *corev1.Node) {
			n.Spec.Taints = []corev1.Taint{{Key: "gpu", Value: "true", Effect: corev1.TaintEffectNoExecute}}
		}},
		{"labels", "labels: +pool=large -pool=small", func(n *corev1.Node) { n.Labels["pool"] = "large" }},
		{"many labels", "labels: +l0=x +l1=x +l2=x +l3=x +l4=x +l5=x and 4 more", func(n *corev1.Node) {
			for i := range 10 {
				n.Labels[fmt.Sprint("l", i)] = "x"
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var in interner
			after := node()
			c.edit(after)
			if got := told(changesOf(in.node(node()), in.node(after))); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestChangesOfService(t *testing.T) {
	svc := func() *corev1.Service {
		return &corev1.Service{Spec: corev1.ServiceSpec{
			Type: corev1.ServiceTypeClusterIP, Selector: map[string]string{"app": "cart"},
			Ports: []corev1.ServicePort{{Port: 80, TargetPort: intstr.FromString("http")}},
		}}
	}
	for _, c := range []struct {
		name, want string
		edit       func(s *corev1.Service)
	}{
		{"nothing", "", func(*corev1.Service) {}},
		{"address", "", func(s *corev1.Service) {
			s.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: "192.0.2.1"}}
		}},
		{"selector", "selector: app=cart -> app=cart-v2", func(s *corev1.Service) { s.Spec.Selector["app"] = "cart-v2" }},
		{"ports", "ports: 80/TCP to http -> 8080/UDP to 53", func(s *corev1.Service) {
			s.Spec.Ports = []corev1.ServicePort{{Port: 8080, Protocol: corev1.ProtocolUDP, TargetPort: intstr.FromInt32(53)}}
		}},
		{"type", "type: ClusterIP -> LoadBalancer", func(s *corev1.Service) { s.Spec.Type = corev1.ServiceTypeLoadBalancer }},
	} {
		t.Run(c.name, func(t *testing.T) {
			var in interner
			after := svc()
			c.edit(after)
			if got := told(changesOf(in.service(svc()), in.service(after))); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// versionsOf are versions of one deployment, each with another image or number of replicas.
func versionsOf(edits ...func(d *appsv1.Deployment)) []*Workload {
	var in interner
	d := apiDeployment()
	list := []*Workload{in.deployment(d)}
	for i, edit := range edits {
		edit(d)
		d.ResourceVersion = fmt.Sprint(100 + i)
		list = append(list, in.deployment(d))
	}
	return list
}

func scale(n int32) func(d *appsv1.Deployment) {
	return func(d *appsv1.Deployment) { *d.Spec.Replicas = n }
}

func TestChangeIsAnEvent(t *testing.T) {
	v, box := shop(), newNewsBox(ago(time.Hour))
	w := versionsOf(func(d *appsv1.Deployment) { d.Spec.Template.Spec.Containers[0].Image = "shop/api:1.5" })
	box.changed(w[0], w[1], ago(time.Second))
	got := box.take(v)
	if len(got) != 1 {
		t.Fatalf("told %+v, want one event", got)
	}
	e := got[0]
	if e.Kind != "change" || e.Severity != model.OK || e.Entity != "kube/c/ns/shop/deployment/api" || e.Title != "shop/api" ||
		e.Text != "image of app: shop/api:1.4 -> shop/api:1.5" || e.Labels["what"] != "image" || e.Count != 1 || !e.Time.Equal(ago(time.Second)) {
		t.Errorf("told %+v", e)
	}
	if e.Labels[model.LabelUID] == "" {
		t.Error("the store cannot tell it from a repeat")
	}
	if d, ok := box.lastChange(object{"Deployment", "shop", "api"}, "image"); !ok || d.After != "shop/api:1.5" || !d.At.Equal(ago(time.Second)) {
		t.Errorf("remembered %+v", d)
	}
	if _, ok := box.lastChange(object{"Deployment", "shop", "api"}, "replicas"); ok {
		t.Error("a change of replicas is remembered that was none")
	}
}

// An autoscaler that goes up and down is one line a minute.
func TestFlappingChangesAreFolded(t *testing.T) {
	v, box := shop(), newNewsBox(ago(time.Hour))
	w := versionsOf(scale(4), scale(5), scale(4), scale(6))
	box.changed(w[0], w[1], v.now)
	if got := box.take(v); len(got) != 1 || got[0].Text != "replicas: 3 -> 4" {
		t.Fatalf("told %+v, want the first change at once", got)
	}
	for i := 1; i < 4; i++ {
		v.now = v.now.Add(10 * time.Second)
		box.changed(w[i], w[i+1], v.now)
		if got := box.take(v); len(got) != 0 {
			t.Fatalf("told within a minute: %+v", got)
		}
	}
	v.now = noon.Add(time.Minute)
	if got := box.take(v); len(got) != 1 || got[0].Text != "replicas: 4 -> 6" || got[0].Count != 3 {
		t.Errorf("told %+v, want from 4 to 6 in three changes", got)
	}
}

func TestAddedAndRemoved(t *testing.T) {
	v, box := shop(), newNewsBox(ago(time.Hour))
	young := &Workload{meta: meta{Namespace: "shop", Name: "new", UID: "n", Created: ago(time.Second)}, Kind: model.KindDeployment}
	old := &Workload{meta: meta{Namespace: "shop", Name: "old", UID: "o", Created: ago(time.Hour)}, Kind: model.KindStatefulSet}
	box.added(young, v.now)
	box.added(old, v.now) // seen for the first time, but there for an hour
	box.removed(old, v.now)
	box.added(&Pod{}, v.now) // pods come and go
	var texts []string
	for _, e := range box.take(v) {
		texts = append(texts, e.Entity+" "+e.Text+" "+e.Labels["what"])
	}
	if want := []string{"kube/c/ns/shop/deployment/new added added", "kube/c/ns/shop/statefulset/old removed removed"}; !slices.Equal(texts, want) {
		t.Errorf("told %q, want %q", texts, want)
	}
}

func TestChangesAreBounded(t *testing.T) {
	v, box := shop(), newNewsBox(ago(time.Hour))
	for i := range maxKeys + 50 {
		w := versionsOf(scale(4))
		for _, one := range w {
			one.Name = fmt.Sprint("d-", i)
		}
		box.changed(w[0], w[1], v.now)
	}
	if len(box.recent) > maxKeys || len(box.pending) > maxKeys {
		t.Errorf("%d objects are remembered and %d changes wait, want at most %d", len(box.recent), len(box.pending), maxKeys)
	}
	if got := box.take(v); len(got) != maxNews+1 {
		t.Errorf("%d events, want %d and a count of the rest", len(got), maxNews)
	}
	of := object{"Deployment", "shop", "x"}
	for i := range 20 {
		box.remember(of, dated{change{What: fmt.Sprint(i)}, v.now})
	}
	if n := len(box.recent[of]); n != recentChanges {
		t.Errorf("%d changes of one object are remembered, want %d", n, recentChanges)
	}
}
