package probe

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/nocturne-noc/nocturne/store/model"
)

// asExposed are samples as an exporter would expose them, without the labels that the server adds.
func asExposed(samples []model.Sample) map[string]float64 {
	out := map[string]float64{}
	for _, s := range samples {
		var pairs []string
		s.Labels.Range(func(l labels.Label) {
			if !slices.Contains([]string{"__name__", "source", "job", "probe", "prober", "instance"}, l.Name) {
				pairs = append(pairs, fmt.Sprintf("%s=%q", l.Name, l.Value))
			}
		})
		name := s.Labels.Get("__name__")
		if len(pairs) > 0 {
			name += "{" + strings.Join(pairs, ",") + "}"
		}
		out[name] = s.V
	}
	return out
}

// noise is how far two probes of a service on this machine may lie apart, in seconds: an idle machine needs a
// hundredth of it, one that also runs other tests at times nearly all.
const noise = 0.5

// compare reports what two lists of samples differ in. What only we tell is of a certificate that is not accepted, of
// loss and of jitter.
func compare(t *testing.T, theirs, ours map[string]float64, reason string) {
	t.Helper()
	for name, want := range theirs {
		got, ok := ours[name]
		tolerance := 0.0
		if strings.Contains(name, "_seconds") && !strings.Contains(name, "timestamp") {
			tolerance = noise
			if strings.HasPrefix(name, "probe_duration_seconds") && ours["nocturne_probe_jitter_seconds"] != 0 {
				tolerance += 0.4 // a burst, where they send one request
			}
		}
		switch {
		case !ok && want == 0: // of what was not come to
		case !ok:
			t.Errorf("%s is missing, theirs is %v (%s)", name, want, reason)
		case math.Abs(got-want) > tolerance:
			t.Errorf("%s is %v, theirs is %v (%s)", name, got, want, reason)
		}
	}
	for name := range ours {
		_, theirsToo := theirs[name]
		own := strings.HasPrefix(name, "nocturne_probe_")
		if unaccepted := ours["probe_success"] == 0 && (strings.HasPrefix(name, "probe_ssl_") || strings.HasPrefix(name, "probe_tls_")); !theirsToo && !own && !unaccepted {
			t.Errorf("%s is not theirs", name)
		}
	}
	t.Logf("success %v and %v, %.2f ms and %.2f ms %s", theirs["probe_success"], ours["probe_success"], 1000*theirs["probe_duration_seconds"], 1000*ours["probe_duration_seconds"], reason)
}
