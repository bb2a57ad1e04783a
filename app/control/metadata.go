package control

import (
	"maps"
	"net/http"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	prom "github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/metadata"
)

// metadataSpan is how far back a metric may have been heard of last to be listed.
const metadataSpan = 24 * time.Hour

// MetadataOf is what is known of a metric: type "unknown" and no help when it is not one that a
// collector of this program, or the program itself, measures.
func MetadataOf(name string) metadata.Metadata {
	for _, known := range []map[string]metadata.Metadata{knownMetrics, knownHostMetrics} {
		if m, ok := known[name]; ok {
			return m
		}
	}
	if field, ok := strings.CutPrefix(name, "node_memory_"); ok && strings.HasSuffix(field, "_bytes") {
		return metadata.Metadata{Type: prom.MetricTypeGauge, Unit: "bytes", Help: "Memory information field " + field + "."}
	}
	// Of init containers the same is measured as of the others.
	if rest, ok := strings.CutPrefix(name, "kube_pod_init_container_"); ok {
		if m, ok := knownMetrics["kube_pod_container_"+rest]; ok {
			m.Help = strings.Replace(m.Help, "container", "init container", 1)
			return m
		}
	}
	return metadata.Metadata{Type: prom.MetricTypeUnknown}
}

// metadata tells of the metrics in the store, or of the one in the parameter metric, what they are.
func (a *api) metadata(r *http.Request) (any, error) {
	limit := -1
	for _, name := range []string{"limit", "limit_per_metric"} {
		s := r.FormValue(name)
		if s == "" {
			continue
		}
		n, err := strconv.Atoi(s)
		if err != nil {
			return nil, badData("%s must be a number", name)
		}
		if name == "limit" { // each metric has one entry here, and Prometheus shows it with any limit_per_metric
			limit = n
		}
	}
	now := a.Source.Now()
	q, err := a.Queryable.Querier(now.Add(-metadataSpan).UnixMilli(), now.UnixMilli())
	if err != nil {
		return nil, err
	}
	defer func() { _ = q.Close() }() // only read
	names, warnings, err := q.LabelValues(r.Context(), prom.MetricNameLabel, nil)
	if err != nil {
		return nil, err
	}
	if only := r.FormValue("metric"); only != "" {
		names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name != only })
	}
	found := map[string][]metadata.Metadata{}
	for _, name := range names {
		if limit >= 0 && len(found) >= limit {
			break
		}
		found[name] = []metadata.Metadata{MetadataOf(name)}
	}
	return remarked{data: found, warnings: warnings}, nil
}

// buildInfo says what program answers.
func (a *api) buildInfo(*http.Request) (any, error) {
	info := map[string]string{
		"version": "", "revision": "", "branch": "", "buildUser": "", "buildDate": "",
		"goVersion": runtime.Version(), "application": "nocturne",
	}
	if a.Health != nil {
		info["version"] = a.Health().Version
	}
	if build, ok := debug.ReadBuildInfo(); ok {
		maps.Copy(info, revision(build.Settings))
	}
	return info, nil
}

// revision is what the compiler noted of the source tree.
func revision(settings []debug.BuildSetting) map[string]string {
	out := map[string]string{}
	for _, s := range settings {
		switch s.Key {
		case "vcs.revision":
			out["revision"] = s.Value
		case "vcs.time":
			out["buildDate"] = s.Value
		}
	}
	return out
}
