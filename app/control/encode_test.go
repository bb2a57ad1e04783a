package control

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/util/annotations"
)

func TestEncode(t *testing.T) {
	ls := labels.FromStrings("a", "<\"\\\n서울")
	h := &histogram.FloatHistogram{Count: 2, Sum: 3, ZeroCount: 2, ZeroThreshold: 1}
	warnings := annotations.New().Add(errors.New("careful"))
	for name, tt := range map[string]struct {
		in   remarked
		want string
	}{
		"nothing":    {remarked{}, `{"status":"success"}`},
		"any":        {remarked{data: []string{"x"}}, `{"status":"success","data":["x"]}`},
		"no samples": {remarked{data: queryData{value: promql.Vector{}}}, `{"status":"success","data":{"resultType":"vector","result":[]}}`},
		"samples": {remarked{data: queryData{value: promql.Vector{{T: -1500, F: 1e21, Metric: ls}, {T: 1, H: h}}}},
			`{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":"<\"\\\n서울"},"value":[-1.500,"1e+21"]},` +
				`{"metric":{},"histogram":[0.001,{"count":"2","sum":"3","buckets":[[3,"-1","1","2"]]}]}]}}`},
		"series": {remarked{data: queryData{value: promql.Matrix{{Metric: ls, Floats: []promql.FPoint{{T: 1000, F: 1}, {T: 2000, F: 2}}, Histograms: []promql.HPoint{{T: 3000, H: h}}}}}, warnings: warnings},
			`{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":"<\"\\\n서울"},"values":[[1,"1"],[2,"2"]],` +
				`"histograms":[[3,{"count":"2","sum":"3","buckets":[[3,"-1","1","2"]]}]]}]},"warnings":["careful"]}`},
	} {
		got, err := encode(tt.in)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(tt.want, string(got)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// An answer that is too long ends while it is written, not after.
func TestTooLong(t *testing.T) {
	long := promql.Series{Metric: labels.FromStrings("a", strings.Repeat("x", 1<<20))}
	for name, data := range map[string]any{
		"matrix": queryData{value: promql.Matrix(repeat(long, 100))},
		"vector": queryData{value: promql.Vector(repeat(promql.Sample{Metric: long.Metric}, 100))},
		"series": repeat(long.Metric, 100),
		"texts":  repeat(long.Metric.Get("a"), 100),
	} {
		_, err := encode(remarked{data: data})
		if err == nil || !strings.Contains(err.Error(), "longer than 64 MiB: ask for fewer series") || sortOf(err) != sortExecution {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func repeat[T any](v T, n int) []T {
	list := make([]T, n)
	for i := range list {
		list[i] = v
	}
	return list
}
