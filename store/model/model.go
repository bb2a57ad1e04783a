// Package model is the vocabulary of the whole house: what is watched (Entity), how it hangs
// together (Link), what happened (Event), what was measured (Sample), how collectors tell it
// (Batch), and how panels, rules and commands read it (Source).
//
// Values are base SI units and times are wall-clock instants. Everything here is a plain value;
// a Batch, once handed over, is never changed.
package model

import (
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

// Kind says what an Entity is.
type Kind string

// The kinds that the built-in collectors emit.
const (
	KindCluster     Kind = "cluster"
	KindNamespace   Kind = "namespace"
	KindNode        Kind = "node"
	KindPod         Kind = "pod"
	KindDeployment  Kind = "deployment"
	KindStatefulSet Kind = "statefulset"
	KindDaemonSet   Kind = "daemonset"
	KindService     Kind = "service"
	KindServer      Kind = "server"
	KindDevice      Kind = "device"
	KindInterface   Kind = "interface"
	KindStub        Kind = "stub" // a neighbour that is only known by what others say of it
	KindSource      Kind = "source"
	KindProbe       Kind = "probe" // a service as it is seen from outside

	// More of Kubernetes. What has a singular name in its API is called so.
	KindContainer       Kind = "container" // never an entity of the store: a place within its pod
	KindJob             Kind = "job"
	KindCronJob         Kind = "cronjob"
	KindVolumeClaim     Kind = "persistentvolumeclaim"
	KindVolume          Kind = "persistentvolume"
	KindAutoscaler      Kind = "horizontalpodautoscaler"
	KindBudget          Kind = "poddisruptionbudget"
	KindIngress         Kind = "ingress"
	KindQuota           Kind = "resourcequota"
	KindAPIService      Kind = "apiservice"
	KindCertificate     Kind = "certificate" // of cert-manager, or a TLS secret
	KindHelmRelease     Kind = "helmrelease"
	KindCustom          Kind = "customresource"
	KindCustomResources Kind = "customresourcedefinition"
	KindProject         Kind = "project" // one of the CNCF landscape that runs in a cluster
)

// Entity is a thing that an operator points at.
type Entity struct {
	ID     string            `json:"id"`   // stable across restarts; see ID helpers
	Kind   Kind              `json:"kind"` //
	Name   string            `json:"name"` // what people call it
	Parent string            `json:"parent,omitempty"`
	State  State             `json:"state"`
	Reason string            `json:"reason,omitempty"` // why it is in State, in a few words
	Since  time.Time         `json:"since"`            // when it entered State; set by the store when zero
	Labels map[string]string `json:"labels,omitempty"`

	// Set by the store, ignored in a Batch.
	Source string    `json:"source,omitempty"`
	Seen   time.Time `json:"seen"` // last time its source confirmed it
}

// Evidence is one reason to believe in a Link.
type Evidence struct {
	Source   string `json:"source"`   // "LLDP", "CDP", "FDB", "ARP", "STP", "OSPF", "BGP", "owner", "endpoints", "drawn"
	Observer string `json:"observer"` // ID of the entity that says so
}

// Link joins two entities. A and B are entity IDs with A < B in the physical network, and
// from-to in directed relations.
type Link struct {
	A          string     `json:"a"`
	APort      string     `json:"a_port"`
	B          string     `json:"b"`
	BPort      string     `json:"b_port"`
	Kind       string     `json:"kind"` // "ethernet", "lag", "ospf", "bgp", "owns", "runs-on", "selects"
	State      State      `json:"state"`
	Reason     string     `json:"reason,omitempty"`
	Since      time.Time  `json:"since"` // set by the store when zero
	Evidence   []Evidence `json:"evidence"`
	Confidence float64    `json:"confidence"` // 0..1; 1 when both ends agree
	SpeedBPS   float64    `json:"speed_bps"`  // bit/s; 0 is unknown, which is not "down"

	Source string    `json:"source,omitempty"`
	Seen   time.Time `json:"seen"`
}

// Key identifies a link among all links.
func (l Link) Key() string { return l.Kind + "|" + l.A + "|" + l.APort + "|" + l.B + "|" + l.BPort }

// LabelUID is the label of an Event that its source may tell again, after a restart for example: the
// store keeps one of each source, UID and Count.
const LabelUID = "uid"

// Event is something that happened at an instant.
type Event struct {
	ID       uint64            `json:"id"` // set by the store, rising
	Time     time.Time         `json:"time"`
	Severity State             `json:"severity"`
	Kind     string            `json:"kind"`             // "state", "alert", "kubernetes", "trap", "syslog", "source", "store"
	Entity   string            `json:"entity,omitempty"` // entity ID
	Title    string            `json:"title"`            // the object, as people call it
	Text     string            `json:"text"`
	Count    int               `json:"count,omitempty"` // how often, when the source folded repeats
	Labels   map[string]string `json:"labels,omitempty"`

	Source string `json:"source,omitempty"` // set by the store
}

// Alert is one firing or pending alert as the wall shows it.
type Alert struct {
	ID          string            `json:"id"` // fingerprint of its labels
	Name        string            `json:"name"`
	Severity    State             `json:"severity"` // Warning, Critical; Stale and Unknown for silent sources
	Title       string            `json:"title"`    // the object and what is wrong with it, in a few words
	Text        string            `json:"text,omitempty"`
	Entity      string            `json:"entity,omitempty"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations,omitempty"`
	Pending     bool              `json:"pending,omitempty"`
	Since       time.Time         `json:"since"`           // when it became active
	Fired       time.Time         `json:"fired,omitzero"`  // when its "for" had passed
	Cause       string            `json:"cause,omitempty"` // ID of the alert that explains this one; "" for a root
	AckBy       string            `json:"ack_by,omitempty"`
	AckAt       time.Time         `json:"ack_at,omitzero"`
	AckNote     string            `json:"ack_note,omitempty"`
	Value       float64           `json:"value"`
}

// Sample is one measured value.
type Sample struct {
	Labels labels.Labels
	T      int64 // Unix milliseconds
	V      float64
}

// Batch is what a collector tells in one go. It is immutable once emitted.
//
// Entities and links live under (Source, Scope). A batch confirms its scope as seen at Time:
// what the scope holds and is not confirmed again within 1.5 * Every turns stale by itself.
type Batch struct {
	Source string        // name of the configured source; set by the Runner
	Scope  string        // the part of the source that this batch speaks for: a device, a cluster
	Time   time.Time     // when it was observed
	Every  time.Duration // when the next one is due; 0 = never stale

	// Replace says that Entities and Links are all there is in the scope: what the store knows of
	// it beyond them is gone. Otherwise they are added or updated, and Gone and GoneLinks removed.
	Replace   bool
	Samples   []Sample
	Entities  []Entity
	Links     []Link
	Gone      []string // entity IDs
	GoneLinks []string // link keys
	Events    []Event

	// Alerts, when not nil, is the complete list of active alerts (source "alerts" only).
	Alerts []Alert
}

// SourceStatus is how one configured source fares: a broken collector is a visible red source.
type SourceStatus struct {
	Name     string        `json:"name"`
	Kind     string        `json:"kind"`
	Target   string        `json:"target,omitempty"` // one row per target: device address, cluster context
	State    State         `json:"state"`
	Error    string        `json:"error,omitempty"` // with what to do about it
	Since    time.Time     `json:"since"`           // in State since
	LastOK   time.Time     `json:"last_ok,omitzero"`
	Every    time.Duration `json:"every"`
	Duration time.Duration `json:"duration"` // of the last round
	Samples  int           `json:"samples"`  // of the last round
}

// In returns an annotation in a language ("summary_ko" before "summary"), "" for none.
func (a Alert) In(lang, annotation string) string {
	if s, ok := a.Annotations[annotation+"_"+lang]; ok {
		return s
	}
	return a.Annotations[annotation]
}
