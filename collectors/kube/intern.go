package kube

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"k8s.io/apimachinery/pkg/types"
)

// interner keeps one copy of strings that many objects share: namespaces, nodes, images, reasons.
type interner struct {
	mu sync.Mutex
	m  map[string]string

	landscape *landscape // that workloads are recognised by; nil recognises nothing
}

// maxInterned bounds the interner in a cluster whose images or nodes change for months.
const maxInterned = 100_000

func (in *interner) str(s string) string {
	if s == "" {
		return ""
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if known, ok := in.m[s]; ok {
		return known
	}
	if in.m == nil || len(in.m) >= maxInterned {
		in.m = map[string]string{}
	}
	s = strings.Clone(s)
	in.m[s] = s
	return s
}

func (in *interner) meta(m *metav1.ObjectMeta) meta {
	return meta{Name: m.Name, Namespace: in.str(m.Namespace), UID: string(m.UID), Version: m.ResourceVersion, Created: m.CreationTimestamp.Time}
}

func (in *interner) owner(refs []metav1.OwnerReference) (kind, name string) {
	for _, r := range refs {
		if r.Controller != nil && *r.Controller {
			return in.str(r.Kind), in.str(r.Name)
		}
	}
	return "", ""
}

func (in *interner) condition(kind, status, reason, message string, since metav1.Time, good bool) Condition {
	c := Condition{Type: in.str(kind), Status: in.str(status), Reason: in.str(clip(reason, 80)), Since: since.Time}
	if !good {
		c.Message = in.str(clip(message, 300))
	}
	return c
}

// meta is what an informer needs to know of an object. It is a metav1.Object for those four methods
// only: the embedded interface is nil, which costs two words in place of an ObjectMeta of 250 bytes.
type meta struct {
	metav1.Object
	Name, Namespace, UID, Version string
	Created                       time.Time
}

func (m *meta) GetName() string { return m.Name }

func (m *meta) GetNamespace() string { return m.Namespace }

func (m *meta) GetUID() types.UID { return types.UID(m.UID) }

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

func amounts(l corev1.ResourceList) Resources {
	return Resources{CPU: l.Cpu().AsApproximateFloat64(), Memory: l.Memory().AsApproximateFloat64(), Pods: l.Pods().AsApproximateFloat64()}
}

func latest(times ...time.Time) time.Time {
	return slices.MaxFunc(times, time.Time.Compare)
}

// clip makes foreign text fit for a wall: one line, printable, at most n runes.
func clip(s string, n int) string {
	var b strings.Builder
	space, count := false, 0
	for _, r := range s {
		if unicode.IsSpace(r) || !unicode.IsPrint(r) {
			space = count > 0
			continue
		}
		if space {
			b.WriteByte(' ')
			count++
			space = false
		}
		if count >= n {
			b.WriteString("…")
			break
		}
		b.WriteRune(r)
		count++
	}
	return b.String()
}
