package kube

import (
	corev1 "k8s.io/api/core/v1"

	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/nocturne-noc/nocturne/store/model"
)

var podBehaviour = behaves((*interner).pod, (*view).pod, (*view).podLinks, (*sampler).pod)

// Termination is how a container ended.
type Termination struct {
	Reason   string
	Message  string // that the container left, "" for none
	ExitCode int32
	At       time.Time
}

// Container is a container of a pod, with its state. A sidecar is an init container that goes on; an
// ephemeral one was added by hand to look into the pod.
type Container struct {
	Name, Image              string
	Init, Sidecar, Ephemeral bool
	Ready, Started           bool
	Running                  bool
	Restarts                 int32
	Waiting                  string // reason
	Message                  string // of waiting
	Since                    time.Time
	Ended, Last              *Termination
	Request, Limits          Resources
}

// Pod is a pod with the state of its containers: init containers first, ephemeral ones last.
type Pod struct {
	meta
	Node, IP, Phase, Reason, Message, QoS string
	OwnerKind, Owner                      string // the controller
	Labels                                string // see labelText
	Finalizers                            string // that hold back its deletion, while it is being deleted
	GoneBy                                time.Time
	Ready, Scheduled                      *Condition
	Claims                                []string // names of the volume claims it mounts
	Containers                            []Container
	project                               *member  // of the landscape, where no workload speaks for the pod
	exposed                               *exposed // nil when it does not ask to be scraped
}

func (in *interner) pod(o *corev1.Pod) *Pod {
	p := &Pod{
		meta: in.meta(&o.ObjectMeta), Node: in.str(o.Spec.NodeName), IP: o.Status.PodIP, Phase: in.str(string(o.Status.Phase)),
		Reason: in.str(clip(o.Status.Reason, 80)), Message: clip(o.Status.Message, 300), QoS: in.str(string(o.Status.QOSClass)),
		Labels: in.labelText(o.Labels),
	}
	p.OwnerKind, p.Owner = in.owner(o.OwnerReferences)
	p.project = in.podProject(o, p.OwnerKind)
	p.exposed = in.exposed(&o.ObjectMeta)
	if o.DeletionTimestamp != nil {
		p.GoneBy, p.Finalizers = o.DeletionTimestamp.Time, in.str(clip(strings.Join(o.Finalizers, ", "), 200))
	}
	for _, c := range o.Status.Conditions {
		switch c.Type {
		case corev1.PodReady:
			ready := in.condition(string(c.Type), string(c.Status), c.Reason, c.Message, c.LastTransitionTime, c.Status == corev1.ConditionTrue)
			p.Ready = &ready
		case corev1.PodScheduled:
			if c.Status != corev1.ConditionTrue {
				scheduled := in.condition(string(c.Type), string(c.Status), c.Reason, c.Message, c.LastTransitionTime, false)
				p.Scheduled = &scheduled
			}
		}
	}
	for _, v := range o.Spec.Volumes {
		switch {
		case v.PersistentVolumeClaim != nil:
			p.Claims = append(p.Claims, in.str(v.PersistentVolumeClaim.ClaimName))
		case v.Ephemeral != nil: // its claim is made under this name: see the API's EphemeralVolumeSource
			p.Claims = append(p.Claims, o.Name+"-"+v.Name)
		}
	}
	p.Containers = make([]Container, 0, len(o.Spec.InitContainers)+len(o.Spec.Containers)+len(o.Spec.EphemeralContainers))
	for _, c := range o.Spec.InitContainers {
		k := in.container(c, o.Status.InitContainerStatuses)
		k.Init = true
		k.Sidecar = c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
		p.Containers = append(p.Containers, k)
	}
	for _, c := range o.Spec.Containers {
		p.Containers = append(p.Containers, in.container(c, o.Status.ContainerStatuses))
	}
	for _, c := range o.Spec.EphemeralContainers {
		k := in.container(corev1.Container(c.EphemeralContainerCommon), o.Status.EphemeralContainerStatuses)
		k.Ephemeral = true
		p.Containers = append(p.Containers, k)
	}
	return p
}

func (in *interner) container(spec corev1.Container, statuses []corev1.ContainerStatus) Container {
	c := Container{
		Name: in.str(spec.Name), Image: in.str(clip(spec.Image, 200)),
		Request: amounts(spec.Resources.Requests), Limits: amounts(spec.Resources.Limits),
	}
	for _, s := range statuses {
		if s.Name != spec.Name {
			continue
		}
		c.Ready, c.Restarts = s.Ready, s.RestartCount
		c.Started = s.Started != nil && *s.Started
		if r := s.State.Running; r != nil {
			c.Running, c.Since = true, r.StartedAt.Time
		}
		if w := s.State.Waiting; w != nil {
			c.Waiting, c.Message = in.str(clip(w.Reason, 80)), in.str(clip(w.Message, 300))
		}
		c.Ended, c.Last = in.termination(s.State.Terminated), in.termination(s.LastTerminationState.Terminated)
	}
	return c
}

func (in *interner) termination(t *corev1.ContainerStateTerminated) *Termination {
	if t == nil {
		return nil
	}
	return &Termination{Reason: in.str(clip(t.Reason, 80)), Message: in.str(clip(t.Message, 200)), ExitCode: t.ExitCode, At: t.FinishedAt.Time}
}

// Labels whose value is another for each pod of a stateful set. They are left out, so that all its
// pods share one text, and made up for when a selector asks for them.
const (
	podNameLabel  = "statefulset.kubernetes.io/pod-name"
	podIndexLabel = "apps.kubernetes.io/pod-index"
)

// labelText is the labels of a pod as ",a=b,c=d,": neither keys nor values hold a comma, so that a
// selector's pair is a substring.
func (in *interner) labelText(all map[string]string) string {
	shared := make(labels.Set, len(all))
	for k, v := range all {
		if k != podNameLabel && k != podIndexLabel {
			shared[k] = v
		}
	}
	if len(shared) == 0 {
		return ""
	}
	return in.str("," + shared.String() + ",")
}

// ready reports whether the pod serves.
func (p *Pod) ready() bool { return p.Ready != nil && p.Ready.Status == "True" }

// ended reports whether it has come to an end of its own and runs no more.
func (p *Pod) ended() bool { return p.Phase == "Succeeded" || p.Phase == "Failed" }

// restarts is the sum over the containers.
func (p *Pod) restarts() int {
	n := 0
	for _, c := range p.Containers {
		n += int(c.Restarts)
	}
	return n
}

// asks is what a pod asks for and what it is limited to, as the scheduler counts: its containers and
// sidecars together, or its largest init container where that is more.
func (p *Pod) asks() (requests, limits Resources) {
	var peak Resources
	for _, c := range p.Containers {
		switch {
		case c.Ephemeral:
		case c.Init && !c.Sidecar:
			peak = peak.max(c.Request)
		default:
			requests, limits = requests.plus(c.Request), limits.plus(c.Limits)
		}
	}
	return requests.max(peak), limits
}

// main is the first container that is no helper.
func (p *Pod) main() *Container {
	i := slices.IndexFunc(p.Containers, func(c Container) bool { return !c.Init && !c.Ephemeral })
	if i < 0 {
		return nil
	}
	return &p.Containers[i]
}

func (v *view) pod(p *Pod) (model.Entity, bool) {
	verdict := v.verdict("pods", v.judgePod(p))
	parent, workload := v.workload(p)
	if parent == "" {
		parent = model.NamespaceID(v.cluster, p.Namespace)
	}
	restarts := p.restarts()
	labels := map[string]string{"namespace": p.Namespace, "restarts": number(restarts)}
	set(labels, "node", p.Node)
	set(labels, "workload", workload)
	set(labels, "ip", p.IP)
	set(labels, "qos", p.QoS)
	if c := p.main(); c != nil {
		set(labels, "image", c.Image)
	}
	if verdict.State.Problem() || restarts > 0 {
		p.tellMore(labels)
	}
	if p.exposed != nil && p.Phase == "Running" { // others have nothing to scrape
		p.exposed.tell(labels)
	}
	e := model.Entity{
		ID: model.ObjectID(v.cluster, p.Namespace, model.KindPod, p.Name), Kind: model.KindPod, Name: p.Name,
		Parent: parent, State: verdict.State, Reason: verdict.Reason, Labels: labels,
	}
	if verdict.State.Problem() && v.trouble["pods"] == nil {
		set(labels, "why", v.whyPod(p).text())
		e.Since = p.since(v.now)
	}
	return e, true
}

// judgePod judges a pod with what the rest of the cluster knows of it.
func (v *view) judgePod(p *Pod) Verdict {
	verdict := JudgePod(p, v.isLost(p.Node), v.now)
	if p.Phase != "Failed" {
		return verdict
	}
	if job := v.jobOf(p); job != nil {
		switch {
		case v.judgeJob(job).State == model.OK && (job.Complete || job.Broken != nil):
			return Verdict{model.OK, verdict.Reason + ", a later run succeeded"}
		case job.Broken == nil:
			return Verdict{model.Warning, verdict.Reason + ", its job tries again"}
		}
		return verdict
	}
	if verdict.State == model.Critical && v.replaced(p) {
		return Verdict{model.Warning, verdict.Reason + ", replaced"}
	}
	return verdict
}

// podLinks adds where a pod runs, whose it is and what it mounts.
func (v *view) podLinks(p *Pod, id string, links []model.Link) []model.Link {
	if p.Node != "" && v.nodeByName[p.Node] != nil {
		links = append(links, link("runs-on", id, model.NodeID(v.cluster, p.Node), "binding", id))
	}
	if owner, _ := v.workload(p); owner != "" {
		links = append(links, link("owns", owner, id, "owner", id))
	}
	for _, name := range p.Claims {
		if _, ok := find[*Claim](v, "persistentvolumeclaims", p.Namespace, name); ok {
			links = append(links, link("mounts", id, model.ObjectID(v.cluster, p.Namespace, model.KindVolumeClaim, name), "reference", id))
		}
	}
	return links
}
