package kube

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"strings"
)

// The annotations by which a pod or service asks to be scraped, as Prometheus' users have agreed on them. What
// is kept of an object is told in labels of the same names.
const (
	scrapeAnnotation = "prometheus.io/scrape" // "true", or the others do not count
	portAnnotation   = "prometheus.io/port"
	pathAnnotation   = "prometheus.io/path"
	schemeAnnotation = "prometheus.io/scheme"
)

// exposed is what a pod or service that asks to be scraped says of its metrics, as it says it.
type exposed struct {
	Port, Path, Scheme string
	Labels             string // of the object: see labelText
}

// exposed is nil for what does not ask to be scraped.
func (in *interner) exposed(m *metav1.ObjectMeta) *exposed {
	if m.Annotations[scrapeAnnotation] != "true" {
		return nil
	}
	said := func(annotation string, limit int) string { return in.str(clip(m.Annotations[annotation], limit)) }
	return &exposed{said(portAnnotation, 20), said(pathAnnotation, 1000), said(schemeAnnotation, 20), in.labelText(m.Labels)}
}

// tell adds it to the labels of an entity.
func (x *exposed) tell(labels map[string]string) {
	labels[scrapeAnnotation] = "true"
	set(labels, portAnnotation, x.Port)
	set(labels, pathAnnotation, x.Path)
	set(labels, schemeAnnotation, x.Scheme)
	set(labels, "labels", clip(strings.Trim(x.Labels, ","), 1000))
}
