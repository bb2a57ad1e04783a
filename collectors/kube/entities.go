package kube

import (
	"fmt"
	"strconv"

	"github.com/nocturne-noc/nocturne/store/model"
)

// Links are drawn for all pods of a cluster up to maxLinkedPods, beyond that only for those in
// trouble: the rest hang on their parents anyway. A service names at most maxServicePods.
const (
	maxLinkedPods  = 5000
	maxServicePods = 50
)

func (v *view) clusterEntity(all tally) model.Entity {
	labels := map[string]string{"context": v.context, "server": v.host}
	set(labels, "version", v.version)
	ready := 0
	for _, n := range v.nodes {
		if n.ready() {
			ready++
		}
	}
	verdict := v.verdict("nodes", Verdict{State: model.OK})
	if v.known["nodes"] && v.trouble["nodes"] == nil {
		labels["nodes"], labels["nodes_ready"] = number(len(v.nodes)), number(ready)
		switch bad := len(v.nodes) - ready; {
		case len(v.nodes) == 0:
			verdict = Verdict{model.Warning, "it has no node"}
		case ready == 0:
			verdict = Verdict{model.Critical, "no node is ready"}
		case bad > 0:
			verdict = Verdict{model.Warning, fmt.Sprintf("%d of %d nodes not ready", bad, len(v.nodes))}
		}
	}
	if v.known["pods"] && v.trouble["pods"] == nil {
		labels["pods"], labels["pods_ready"] = number(all.pods), number(all.ready)
	}
	for _, r := range collections {
		if err := v.trouble[r.name]; isForbidden(err) {
			labels["no_permission"] = joinText(labels["no_permission"], r.name)
		}
	}
	set(labels, "usage", v.usage.remark)
	return model.Entity{ID: model.ClusterID(v.cluster), Kind: model.KindCluster, Name: v.cluster, State: verdict.State, Reason: verdict.Reason, Labels: labels}
}

func (v *view) namespace(ns string, t tally) model.Entity {
	e := model.Entity{
		ID: model.NamespaceID(v.cluster, ns), Kind: model.KindNamespace, Name: ns, Parent: model.ClusterID(v.cluster), State: model.OK,
		Labels: map[string]string{"pods": number(t.pods), "pods_ready": number(t.ready), "problems": number(t.problems)},
	}
	if t.problems > 0 { // a namespace is never green over a problem, and its tile is not the problem itself
		e.State, e.Reason = model.Warning, plural(t.problems, "problem")
		if t.critical > 0 {
			e.Reason += fmt.Sprintf(", %d critical", t.critical)
		}
	}
	return e
}

func (v *view) node(n *Node) model.Entity {
	verdict := v.verdict("nodes", JudgeNode(n, v.now))
	labels := map[string]string{
		"cpu_allocatable":    strconv.FormatFloat(n.Allocatable.CPU, 'g', -1, 64),
		"memory_allocatable": strconv.FormatFloat(n.Allocatable.Memory, 'f', 0, 64),
	}
	set(labels, "roles", n.Roles)
	set(labels, "version", n.Version)
	set(labels, "zone", n.Zone)
	set(labels, "address", n.Address)
	if n.Cordoned {
		labels["cordoned"] = "true"
	}
	return model.Entity{ID: model.NodeID(v.cluster, n.Name), Kind: model.KindNode, Name: n.Name, Parent: model.ClusterID(v.cluster), State: verdict.State, Reason: verdict.Reason, Labels: labels}
}

// collectionFor is the inverse of workloadKinds.
func collectionFor(kind model.Kind) string { return string(kind) + "s" }

func (v *view) load(kind model.Kind, w *Workload) model.Entity {
	verdict := v.verdict(collectionFor(kind), JudgeWorkload(w, v.lostNodes, v.now))
	return model.Entity{
		ID: model.ObjectID(v.cluster, w.Namespace, kind, w.Name), Kind: kind, Name: w.Name,
		Parent: model.NamespaceID(v.cluster, w.Namespace), State: verdict.State, Reason: verdict.Reason,
		Labels: map[string]string{"namespace": w.Namespace, "desired": number(w.Desired), "ready": number(w.Ready), "available": number(w.Available), "updated": number(w.Updated)},
	}
}

// service draws a service; ok is false while its endpoints are not known yet.
func (v *view) service(s *Service) (e model.Entity, ok bool) {
	if !v.known["endpointslices"] && v.trouble["endpointslices"] == nil {
		return e, false
	}
	ends := v.endpoints[s.Namespace+"/"+s.Name]
	if ends == nil {
		ends = &endpoints{}
	}
	labels := map[string]string{"namespace": s.Namespace, "type": s.Type}
	set(labels, "selector", s.Selector)
	set(labels, "clusterIP", s.ClusterIP)
	verdict := v.verdict("endpointslices", JudgeService(s, ends.ready, ends.total, v.now))
	if v.trouble["endpointslices"] == nil {
		labels["endpoints_ready"], labels["endpoints"] = number(ends.ready), number(ends.total)
	}
	verdict = v.verdict("services", verdict)
	return model.Entity{
		ID: model.ObjectID(v.cluster, s.Namespace, model.KindService, s.Name), Kind: model.KindService, Name: s.Name,
		Parent: model.NamespaceID(v.cluster, s.Namespace), State: verdict.State, Reason: verdict.Reason, Labels: labels,
	}, true
}

func (v *view) pod(p *Pod) model.Entity {
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
	}
}

// podLinks adds where a pod runs and whose it is.
func (v *view) podLinks(links []model.Link, p *Pod, id string) []model.Link {
	if p.Node != "" && v.nodeByName[p.Node] != nil {
		links = append(links, link("runs-on", id, model.NodeID(v.cluster, p.Node), "binding", id))
	}
	if owner, _ := v.workload(p); owner != "" {
		links = append(links, link("owns", owner, id, "owner", id))
	}
	return links
}

// serviceLinks adds which pods a service sends to.
func (v *view) serviceLinks(links []model.Link) []model.Link {
	for _, s := range v.services {
		ends := v.endpoints[s.Namespace+"/"+s.Name]
		if ends == nil {
			continue
		}
		from := model.ObjectID(v.cluster, s.Namespace, model.KindService, s.Name)
		told := map[string]bool{}
		for _, name := range ends.pods {
			if told[name] || len(told) == maxServicePods {
				continue // one pod has an endpoint for each IP family
			}
			told[name] = true
			links = append(links, link("selects", from, model.ObjectID(v.cluster, s.Namespace, model.KindPod, name), "endpoints", from))
		}
	}
	return links
}

func link(kind, from, to, evidence, observer string) model.Link {
	return model.Link{Kind: kind, A: from, B: to, State: model.OK, Confidence: 1, Evidence: []model.Evidence{{Source: evidence, Observer: observer}}}
}
