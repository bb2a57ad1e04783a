package main

import (
	"fmt"
	"slices"
	"strings"
)

// A clusterPlan describes a control plane and the nodes and workloads that it simulates.
type clusterPlan struct {
	Name      string // context and source on the wallboard
	Region    string
	Version   string // of Kubernetes
	Suffix    string // of the programs' file names
	Offset    int    // in hundreds, from the ports of the first cluster
	Nodes     int
	Loopback  int    // the nodes' kubelets listen on 127.0.LOOPBACK.NODE
	Outside   string // first three octets of the addresses that the API server thinks the nodes have; see kube_egress.go
	Workloads []workload
	Rich      bool // with a metrics server, volumes, certificates and all else that can break
}

// clusterPlans are the clusters of the lab. The second is small and one minor version behind.
func clusterPlans() []clusterPlan {
	return []clusterPlan{
		{Name: "lab-seoul", Region: "seoul", Version: kubernetesVersion, Nodes: 10, Loopback: 66, Outside: "192.0.2", Workloads: seoulWorkloads, Rich: true},
		{Name: "lab-busan", Region: "busan", Version: olderVersion, Suffix: "-" + olderVersion, Offset: 1, Nodes: 4, Loopback: 67, Outside: "198.51.100", Workloads: busanWorkloads},
	}
}

func findClusterPlan(name string) (clusterPlan, bool) {
	plans := clusterPlans()
	i := slices.IndexFunc(plans, func(p clusterPlan) bool { return p.Name == name })
	if i < 0 {
		return clusterPlan{}, false
	}
	return plans[i], true
}

// The addresses at which the programs of a cluster listen. All are on the loopback network.
func (p clusterPlan) etcd() string      { return p.address(23790) }
func (p clusterPlan) etcdPeer() string  { return p.address(23800) }
func (p clusterPlan) kwok() string      { return p.address(10247) }
func (p clusterPlan) apiServer() string { return p.address(16443) }

func (p clusterPlan) address(port int) string { return "127.0.0.1:" + p.port(port) }
func (p clusterPlan) port(first int) string   { return fmt.Sprint(first + 100*p.Offset) }

// nodeAddress is what a node says its address is; its kubelet listens there.
func (p clusterPlan) nodeAddress(n int) string { return fmt.Sprintf("127.0.%d.%d", p.Loopback, n) }

// podCount is the number of pods that the workloads have together.
func (p clusterPlan) podCount() int {
	n := 0
	for _, w := range p.Workloads {
		if w.Kind == "DaemonSet" {
			n += p.Nodes
		}
		n += w.Replicas
	}
	return n
}

// program is the name of a process of this cluster in the lab.
func (p clusterPlan) program(name string) string { return p.Name + "." + name }

// outsideNode is the number of the node that the API server knows under an address; ok is false for none.
func (p clusterPlan) outsideNode(address string) (n int, ok bool) {
	last, found := strings.CutPrefix(address, p.Outside+".")
	if !found {
		return 0, false
	}
	for n := 1; n <= p.Nodes; n++ {
		if last == fmt.Sprint(n) {
			return n, true
		}
	}
	return 0, false
}
