package main

import (
	"bufio"
	"cmp"
	"slices"
	"strconv"
	"strings"

	prom "github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/nocturne-noc/nocturne/app/control"
	"github.com/nocturne-noc/nocturne/store/model"
)

// writeOpenMetrics writes the newest sample of each series as OpenMetrics text 1.0
// (https://prometheus.io/docs/specs/om/open_metrics_spec/), with what control.MetadataOf knows of them.
func writeOpenMetrics(w *bufio.Writer, batches []model.Batch) error {
	newest := map[uint64]model.Sample{}
	for _, b := range batches {
		for _, s := range b.Samples {
			if old, ok := newest[s.Labels.Hash()]; !ok || s.T >= old.T {
				newest[s.Labels.Hash()] = s
			}
		}
	}
	list := make([]model.Sample, 0, len(newest))
	for _, s := range newest {
		list = append(list, s)
	}
	name := func(s model.Sample) string { return s.Labels.Get(prom.MetricNameLabel) }
	slices.SortFunc(list, func(a, b model.Sample) int {
		return cmp.Or(strings.Compare(name(a), name(b)), labels.Compare(a.Labels, b.Labels))
	})
	// Errors stick in w and come out of its Flush.
	for i, s := range list {
		if i == 0 || name(list[i-1]) != name(s) {
			writeFamily(w, name(s))
		}
		_, _ = w.WriteString(name(s) + labelText(s.Labels) + " " + number(s.V) + " " +
			strconv.FormatFloat(float64(s.T)/1000, 'f', -1, 64) + "\n")
	}
	_, err := w.WriteString("# EOF\n")
	return err
}

// writeFamily writes the head of a metric. OpenMetrics wants counters to end in _total, and the name of
// a family to end in its unit: what the established name does not keep is left out.
func writeFamily(w *bufio.Writer, name string) {
	m := control.MetadataOf(name)
	family, total := strings.CutSuffix(name, "_total")
	if m.Type == prom.MetricTypeUnknown && total {
		m.Type = prom.MetricTypeCounter // by its name
	}
	if (m.Type == prom.MetricTypeCounter) != total {
		m.Type, family = prom.MetricTypeUnknown, name
	}
	_, _ = w.WriteString("# TYPE " + family + " " + string(m.Type) + "\n")
	if m.Unit != "" && strings.HasSuffix(family, "_"+m.Unit) {
		_, _ = w.WriteString("# UNIT " + family + " " + m.Unit + "\n")
	}
	if m.Help != "" {
		_, _ = w.WriteString("# HELP " + family + " " + escape.Replace(m.Help) + "\n")
	}
}

var escape = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

func labelText(ls labels.Labels) string {
	var parts []string
	ls.Range(func(l labels.Label) {
		if l.Name != prom.MetricNameLabel {
			parts = append(parts, l.Name+`="`+escape.Replace(l.Value)+`"`)
		}
	})
	if len(parts) == 0 {
		return ""
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
