package kube

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// meta is what an informer needs to know of an object. It is a metav1.Object for those four methods
// only: the embedded interface is nil, which costs two words in place of an ObjectMeta of 250 bytes.
type meta struct {
	metav1.Object
	Name, Namespace, UID, Version string
	Created                       time.Time
}

func (m *meta) GetName() string            { return m.Name }
func (m *meta) GetNamespace() string       { return m.Namespace }
func (m *meta) GetUID() types.UID          { return types.UID(m.UID) }
func (m *meta) GetResourceVersion() string { return m.Version }

// Condition is one condition of an object's status.
type Condition struct {
	Type    string
	Status  string // "True", "False", "Unknown"
	Reason  string
	Message string // only where it is bad news
	Since   time.Time
}

// Resources are amounts; 0 is "not said".
type Resources struct {
	CPU    float64 // cores
	Memory float64 // bytes
	Pods   float64
}

// Node is a machine of the cluster.
type Node struct {
	meta
	Roles, Version, Zone, Address string
	OSImage, Kernel, Runtime      string
	Cordoned                      bool
	Capacity, Allocatable         Resources
	Conditions                    []Condition
}

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

// Workload is a deployment, stateful set or daemon set.
type Workload struct {
	meta
	Desired, Ready, Available, Updated, Misplaced int32
	Conditions                                    []Condition
}

// ReplicaSet only leads from a pod to its deployment.
type ReplicaSet struct {
	meta
	OwnerKind, Owner string
}

// Service is a service of a cluster.
type Service struct {
	meta
	Type, ClusterIP, Selector string // selector as a=b,c=d; "" for none
}

// Slice is a part of a service's endpoints.
type Slice struct {
	meta
	Service      string
	Ready, Total int
	Pods         []string
}

// Happening is a Kubernetes event.
type Happening struct {
	meta
	Kind, ObjectNamespace, ObjectName string // what it is about
	Type, Reason, Message, From       string
	Count                             int
	Last                              time.Time
}
