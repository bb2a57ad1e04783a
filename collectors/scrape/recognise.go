package scrape

import (
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	prom "github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/nocturne-noc/nocturne/store/model"
)

// maxValues bounds a label of an entity that has the values of many series.
const maxValues = 8

// sight is what a target exposes of the metrics that the table asks for, by name.
type sight map[string][]model.Sample

// picks remember where in an answer the metrics of the table stand: an exporter tells them in the same order
// each time.
type picks struct {
	size  int
	at    []int
	label []labels.Labels
}

func (p *picks) forget() { *p = picks{} }

// of finds the metrics that the table asks for.
func (p *picks) of(samples []model.Sample, table Exporters) sight {
	if !p.hold(samples) {
		p.forget()
		p.size = len(samples)
		for i := range samples {
			if table.wanted[samples[i].Labels.Get(prom.MetricNameLabel)] {
				p.at = append(p.at, i)
				p.label = append(p.label, samples[i].Labels)
			}
		}
	}
	out := sight{}
	for _, i := range p.at {
		name := samples[i].Labels.Get(prom.MetricNameLabel)
		out[name] = append(out[name], samples[i])
	}
	return out
}

// hold reports whether the places are still right.
func (p *picks) hold(samples []model.Sample) bool {
	if p.size == 0 || p.size != len(samples) {
		return false
	}
	for k, i := range p.at {
		if !labels.Equal(samples[i].Labels, p.label[k]) {
			return false
		}
	}
	return true
}

// recognise finds the entry of what exposes such metrics, nil for none.
func (x Exporters) recognise(seen sight) *Exporter {
	for i := range x.list {
		if slices.ContainsFunc(x.list[i].Any, func(m string) bool { return len(seen[m]) > 0 }) {
			return &x.list[i]
		}
	}
	return nil
}

// entity is what answers at an instance, under the name that people have for it. Its ID is that to which
// model.EntityOf leads from its samples, unless they speak of a pod or service.
func (x Exporters) entity(instance, called string, seen sight) model.Entity {
	out := model.Entity{
		ID: model.ServerID(instance), Kind: model.KindService, Name: called, State: model.OK, Labels: map[string]string{},
	}
	entry := x.recognise(seen)
	if entry == nil {
		return out
	}
	out.Kind = entry.Kind
	out.Labels["exporter"] = entry.Name
	for name, pick := range entry.Label {
		if v := pick.value(seen); v != "" {
			out.Labels[name] = v
		}
	}
	out.State, out.Reason = entry.judge(seen)
	switch entry.Kind {
	case model.KindServer:
		out.Name = serverName(instance, out.Labels["nodename"])
	default:
		out.Name = entry.Title + " " + called
	}
	return out
}

// serverName is what people call a server: the host of its instance, or its own name where that is an
// address.
func serverName(instance, nodename string) string {
	host := instance
	if h, _, err := net.SplitHostPort(instance); err == nil {
		host = h
	}
	if _, err := netip.ParseAddr(host); (err == nil || host == "localhost") && nodename != "" {
		return nodename
	}
	return host
}

// value is the text of a label, "" for none.
func (p Pick) value(seen sight) string {
	var values []string
	for _, s := range seen[p.Metric] {
		v := clip(s.Labels.Get(p.Label), maxLabel)
		if v == "" || p.All && (slices.Contains(values, v) || strings.Trim(v, "0:") == "") { // the MAC address of a loopback
			continue
		}
		if values = append(values, v); !p.All || len(values) == maxValues {
			break
		}
	}
	return strings.Join(values, " ")
}

// judge is the worst that the rules find, and the first reason for it.
func (x *Exporter) judge(seen sight) (model.State, string) {
	state, reason := model.OK, ""
	for i := range x.Health {
		r := &x.Health[i]
		if !r.state.Worse(state) {
			continue
		}
		for _, s := range seen[r.Metric] {
			if r.hits(s) {
				state, reason = r.state, r.words(s)
				break
			}
		}
	}
	return state, reason
}

func (r *Rule) hits(s model.Sample) bool {
	for name, value := range r.Match {
		if s.Labels.Get(name) != value {
			return false
		}
	}
	return r.Below != nil && s.V < *r.Below || r.Above != nil && s.V > *r.Above
}

var reference = regexp.MustCompile(`\{\{\s*([a-zA-Z_]\w*)\s*\}\}`)

// words are the reason with the labels of the series in it.
func (r *Rule) words(s model.Sample) string {
	return reference.ReplaceAllStringFunc(r.Reason, func(m string) string {
		return clip(s.Labels.Get(reference.FindStringSubmatch(m)[1]), maxLabel)
	})
}

// global reports whether others can reach an address: all machines have the loopback one.
func global(ip string) bool {
	addr, err := netip.ParseAddr(ip)
	return err == nil && addr.IsGlobalUnicast()
}
