package kube

import (
	corev1 "k8s.io/api/core/v1"

	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

var podBehaviour = behaves((*interner).pod, (*view).pod, (*view).podLinks, (*sampler).pod)

// Termination is how a container ended.
type Termination struct {
	Reason   string
	ExitCode int32
	At       time.Time
}

// Container is a container of a pod, with its state.
type Container struct {
	Name, Image     string
	Init            bool
	Ready, Started  bool
	Running         bool
	Restarts        int32
	Waiting         string // reason
	Message         string // of waiting
	Ended, Last     *Termination
	Request, Limits Resources
}

// Pod is a pod with the state of its containers; init containers first.
type Pod struct {
	meta
	Node, IP, Phase, Reason, Message, QoS string
	OwnerKind, Owner                      string // the controller
	GoneBy                                time.Time
	Ready, Scheduled                      *Condition
	Containers                            []Container
}

func (in *interner) pod(o *corev1.Pod) *Pod {
	p := &Pod{
		meta: in.meta(&o.ObjectMeta), Node: in.str(o.Spec.NodeName), IP: o.Status.PodIP, Phase: in.str(string(o.Status.Phase)),
		Reason: in.str(clip(o.Status.Reason, 80)), Message: clip(o.Status.Message, 300), QoS: in.str(string(o.Status.QOSClass)),
	}
	p.OwnerKind, p.Owner = in.owner(o.OwnerReferences)
	if o.DeletionTimestamp != nil {
		p.GoneBy = o.DeletionTimestamp.Time
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
	p.Containers = make([]Container, 0, len(o.Spec.InitContainers)+len(o.Spec.Containers))
	for _, c := range o.Spec.InitContainers {
		p.Containers = append(p.Containers, in.container(c, o.Status.InitContainerStatuses, true))
	}
	for _, c := range o.Spec.Containers {
		p.Containers = append(p.Containers, in.container(c, o.Status.ContainerStatuses, false))
	}
	return p
}

func (in *interner) container(spec corev1.Container, statuses []corev1.ContainerStatus, init bool) Container {
	c := Container{
		Name: in.str(spec.Name), Image: in.str(clip(spec.Image, 200)), Init: init,
		Request: amounts(spec.Resources.Requests), Limits: amounts(spec.Resources.Limits),
	}
	for _, s := range statuses {
		if s.Name != spec.Name {
			continue
		}
		c.Ready, c.Restarts, c.Running = s.Ready, s.RestartCount, s.State.Running != nil
		c.Started = s.Started != nil && *s.Started
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
	return &Termination{Reason: in.str(clip(t.Reason, 80)), ExitCode: t.ExitCode, At: t.FinishedAt.Time}
}

// ready reports whether the pod serves.
func (p *Pod) ready() bool { return p.Ready != nil && p.Ready.Status == "True" }

// restarts is the sum over the containers.
func (p *Pod) restarts() int {
	n := 0
	for _, c := range p.Containers {
		n += int(c.Restarts)
	}
	return n
}

func (v *view) pod(p *Pod) (model.Entity, bool) {
	verdict := v.verdict("pods", JudgePod(p, v.isLost(p.Node), v.now))
	parent, workload := v.workload(p)
	if parent == "" {
		parent = model.NamespaceID(v.cluster, p.Namespace)
	}
	labels := map[string]string{"namespace": p.Namespace, "restarts": number(p.restarts())}
	set(labels, "node", p.Node)
	set(labels, "workload", workload)
	set(labels, "ip", p.IP)
	set(labels, "qos", p.QoS)
	for _, c := range p.Containers {
		if !c.Init {
			set(labels, "image", c.Image)
			break
		}
	}
	return model.Entity{
		ID: model.ObjectID(v.cluster, p.Namespace, model.KindPod, p.Name), Kind: model.KindPod, Name: p.Name,
		Parent: parent, State: verdict.State, Reason: verdict.Reason, Labels: labels,
	}, true
}

// podLinks adds where a pod runs and whose it is.
func (v *view) podLinks(p *Pod, id string, links []model.Link) []model.Link {
	if p.Node != "" && v.nodeByName[p.Node] != nil {
		links = append(links, link("runs-on", id, model.NodeID(v.cluster, p.Node), "binding", id))
	}
	if owner, _ := v.workload(p); owner != "" {
		links = append(links, link("owns", owner, id, "owner", id))
	}
	return links
}
