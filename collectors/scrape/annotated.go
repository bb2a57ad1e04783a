package scrape

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	prom "github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/util/strutil"

	"github.com/nocturne-noc/nocturne/store/model"
)

// The annotations by which a pod or service asks to be scraped. They are labels of its entity.
const (
	scrapeAnnotation = "prometheus.io/scrape"
	portAnnotation   = "prometheus.io/port"
	pathAnnotation   = "prometheus.io/path"
	schemeAnnotation = "prometheus.io/scheme"
)

// objectLabel is the ID of the entity that a target was found by.
const objectLabel = prom.MetaLabelPrefix + "nocturne_object"

// maxPath bounds what an annotation may have as a path, in bytes.
const maxPath = 1000

// Kubernetes says which pods and services of watched clusters are scraped, among those that ask for it. What is
// empty means all.
type Kubernetes struct {
	Clusters   []string     `yaml:"clusters"`
	Roles      []model.Kind `yaml:"roles"` // pod, service
	Namespaces []string     `yaml:"namespaces"`
	MaxTargets int          `yaml:"max_targets"`
}

// defaultMaxTargets is how many pods and services one source scrapes unless the configuration says otherwise.
const defaultMaxTargets = 2000

func (k *Kubernetes) check() error {
	for _, r := range k.Roles {
		if r != model.KindPod && r != model.KindService {
			return fmt.Errorf("kubernetes: role %.40q: want pod or service", r)
		}
	}
	if k.MaxTargets < 0 {
		return fmt.Errorf("kubernetes: max_targets is %d: want more than 0", k.MaxTargets)
	}
	return nil
}

// roles are the kinds to look at.
func (k *Kubernetes) roles() []model.Kind {
	if len(k.Roles) == 0 {
		return []model.Kind{model.KindPod, model.KindService}
	}
	return k.Roles
}

// finding is what was found in the entities.
type finding struct {
	Targets []prom.LabelSet
	Left    []string // what asks to be scraped and cannot be: which, and why
	Beyond  int      // that are over the limit
}

// find picks what asks to be scraped, in the order of the entities.
func (k *Kubernetes) find(entities []model.Entity) (out finding) {
	limit := cmp.Or(k.MaxTargets, defaultMaxTargets)
	for i := range entities {
		e := &entities[i]
		if e.Labels[scrapeAnnotation] != "true" {
			continue
		}
		kind, _, place, ok := model.ParseID(e.ID)
		if !ok || kind != e.Kind || place["namespace"] == "" || !wants(k.Clusters, place["cluster"]) || !wants(k.Namespaces, place["namespace"]) {
			continue
		}
		target, err := targetOf(e, place)
		switch {
		case err != nil:
			out.Left = append(out.Left, calledObject(e.ID)+": "+err.Error())
		case len(out.Targets) == limit:
			out.Beyond++
		default:
			out.Targets = append(out.Targets, target)
		}
	}
	return out
}

func wants(list []string, one string) bool { return len(list) == 0 || slices.Contains(list, one) }

// calledObject is what people call a pod or service: "pod shop/cart-0 of prod".
func calledObject(id string) string {
	kind, name, place, _ := model.ParseID(id)
	return fmt.Sprintf("%s %s/%s of %s", kind, place["namespace"], clip(name, maxLabel), place["cluster"])
}

// targetOf makes the target of a pod or service, with meta labels as Prometheus' discovery names them. place is
// where it is: labels cluster, namespace, and pod or service.
//
// Annotations are anybody's who may create a pod: they choose a port and path of that pod's own address,
// and nothing else.
func targetOf(e *model.Entity, place map[string]string) (prom.LabelSet, error) {
	ip := e.Labels["ip"]
	if e.Kind == model.KindService {
		ip = e.Labels["clusterIP"]
	}
	addr, err := netip.ParseAddr(ip)
	switch {
	case ip == "None":
		return nil, errors.New("it has no address of its own (headless): annotate its pods")
	case err != nil || addr.Zone() != "" || addr.IsUnspecified() || addr.IsMulticast():
		return nil, fmt.Errorf("%q is no address to scrape", clip(ip, maxLabel))
	}
	port, err := portOf(e)
	if err != nil {
		return nil, err
	}
	t := prom.LabelSet{
		prom.AddressLabel: prom.LabelValue(net.JoinHostPort(addr.Unmap().String(), port)),
		objectLabel:       prom.LabelValue(e.ID),
	}
	for name, value := range place {
		t[prom.LabelName(name)] = prom.LabelValue(value)
	}
	put := func(name, value string) {
		if value != "" {
			t[prom.LabelName(name)] = prom.LabelValue(value)
		}
	}
	put("node", e.Labels["node"])
	switch scheme := strings.ToLower(e.Labels[schemeAnnotation]); scheme {
	case "", "http", "https":
		put(prom.SchemeLabel, scheme)
	default:
		return nil, fmt.Errorf("%s is %q: want http or https", schemeAnnotation, clip(scheme, maxLabel))
	}
	path := e.Labels[pathAnnotation]
	if path != "" && (path[0] != '/' || len(path) > maxPath || strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r > '~' || r == '?' || r == '#' })) {
		return nil, fmt.Errorf("%s is %q: want a path that begins with /, without ? and #", pathAnnotation, clip(path, maxLabel))
	}
	put(prom.MetricsPathLabel, path)
	meta(e, place, put)
	return t, nil
}

// portOf is the port that an annotation has. A service of one port need not say it.
func portOf(e *model.Entity) (string, error) {
	text := e.Labels[portAnnotation]
	if ports := e.Labels["ports"]; text == "" && e.Kind == model.KindService && !strings.Contains(ports, ",") {
		text, _, _ = strings.Cut(ports, "/") // "80/TCP to http"
	}
	if text == "" {
		return "", fmt.Errorf("it does not say %s", portAnnotation)
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || port == 0 {
		return "", fmt.Errorf("%s is %q: want a number from 1 to 65535", portAnnotation, clip(text, maxLabel))
	}
	return strconv.FormatUint(port, 10), nil
}

// meta puts what Prometheus' discovery of Kubernetes calls __meta_kubernetes_..., as far as it is known here.
func meta(e *model.Entity, place map[string]string, put func(name, value string)) {
	const all = prom.MetaLabelPrefix + "kubernetes_"
	own := all + string(e.Kind) + "_"
	put(all+"namespace", place["namespace"])
	put(own+"name", e.Name)
	switch e.Kind {
	case model.KindService:
		put(own+"cluster_ip", e.Labels["clusterIP"])
		put(own+"type", e.Labels["type"])
	default:
		put(own+"ip", e.Labels["ip"])
		put(own+"node_name", e.Labels["node"])
		put(own+"phase", "Running") // others do not ask
	}
	pair := func(what, name, value string) {
		name = strutil.SanitizeLabelName(name)
		put(own+what+"_"+name, value)
		put(own+what+"present_"+name, "true")
	}
	for _, a := range []string{scrapeAnnotation, portAnnotation, pathAnnotation, schemeAnnotation} {
		if value := e.Labels[a]; value != "" {
			pair("annotation", a, value)
		}
	}
	for text := range strings.SplitSeq(e.Labels["labels"], ",") {
		if name, value, ok := strings.Cut(text, "="); ok {
			pair("label", name, value)
		}
	}
}
