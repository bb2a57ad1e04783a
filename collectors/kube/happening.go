package kube

import (
	corev1 "k8s.io/api/core/v1"

	"cmp"
	"time"
)

var happeningBehaviour = behaves[corev1.Event, Happening]((*interner).happening, nil, nil, nil)

// Happening is a Kubernetes event.
type Happening struct {
	meta
	Kind, ObjectNamespace, ObjectName string // what it is about
	Type, Reason, Message, From       string
	Count                             int
	Last                              time.Time
}

func (in *interner) happening(o *corev1.Event) *Happening {
	h := &Happening{
		meta: in.meta(&o.ObjectMeta), Kind: in.str(o.InvolvedObject.Kind), ObjectNamespace: in.str(o.InvolvedObject.Namespace),
		ObjectName: in.str(o.InvolvedObject.Name), Type: in.str(o.Type), Reason: in.str(clip(o.Reason, 80)),
		Message: in.str(clip(o.Message, 500)), From: in.str(cmp.Or(o.ReportingController, o.Source.Component)), Count: int(max(o.Count, 1)),
	}
	if h.ObjectNamespace == "" && h.Kind == "Endpoints" { // its controller leaves the namespace out
		h.ObjectNamespace = in.str(o.Namespace)
	}
	h.Last = latest(o.LastTimestamp.Time, o.EventTime.Time, o.FirstTimestamp.Time)
	if o.Series != nil {
		h.Count = max(h.Count, int(o.Series.Count))
		h.Last = latest(h.Last, o.Series.LastObservedTime.Time)
	}
	if h.Last.IsZero() {
		h.Last = h.Created
	}
	return h
}
