package control

import (
	jsoniter "github.com/json-iterator/go"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/util/jsonutil"
	"github.com/prometheus/prometheus/util/stats"
)

// queryData is the answer to a query.
type queryData struct {
	value parser.Value
	stats stats.QueryStats // nil when nobody asked
}

// writeData writes what stands under "data". The shapes are those of
// https://prometheus.io/docs/prometheus/latest/querying/api/#expression-query-result-formats.
func writeData(s *jsoniter.Stream, data any) error {
	switch data := data.(type) {
	case queryData:
		return data.write(s)
	case []labels.Labels:
		s.WriteArrayStart()
		for i, ls := range data {
			if i > 0 {
				s.WriteMore()
			}
			writeLabels(s, ls)
			if err := tooLong(s); err != nil {
				return err
			}
		}
		s.WriteArrayEnd()
	default:
		s.WriteVal(data)
	}
	return tooLong(s)
}

func (d queryData) write(s *jsoniter.Stream) error {
	s.WriteObjectStart()
	s.WriteObjectField("resultType")
	s.WriteString(string(d.value.Type()))
	s.WriteMore()
	s.WriteObjectField("result")
	if err := writeValue(s, d.value); err != nil {
		return err
	}
	if d.stats != nil {
		s.WriteMore()
		s.WriteObjectField("stats")
		s.WriteVal(d.stats)
	}
	s.WriteObjectEnd()
	return tooLong(s)
}

func writeValue(s *jsoniter.Stream, v parser.Value) error {
	switch v := v.(type) {
	case promql.Vector:
		s.WriteArrayStart()
		for i, sample := range v {
			if i > 0 {
				s.WriteMore()
			}
			writeSample(s, sample)
			if err := tooLong(s); err != nil {
				return err
			}
		}
		s.WriteArrayEnd()
	case promql.Matrix:
		s.WriteArrayStart()
		for i, series := range v {
			if i > 0 {
				s.WriteMore()
			}
			writeSeries(s, series)
			if err := tooLong(s); err != nil {
				return err
			}
		}
		s.WriteArrayEnd()
	default: // a Scalar and a String write themselves
		s.WriteVal(v)
	}
	return nil
}

func writeSample(s *jsoniter.Stream, sample promql.Sample) {
	s.WriteObjectStart()
	s.WriteObjectField("metric")
	writeLabels(s, sample.Metric)
	s.WriteMore()
	if sample.H == nil {
		s.WriteObjectField("value")
	} else {
		s.WriteObjectField("histogram")
	}
	writePoint(s, sample.T, sample.F, sample.H)
	s.WriteObjectEnd()
}

func writeSeries(s *jsoniter.Stream, series promql.Series) {
	s.WriteObjectStart()
	s.WriteObjectField("metric")
	writeLabels(s, series.Metric)
	for i, p := range series.Floats {
		s.WriteMore()
		if i == 0 {
			s.WriteObjectField("values")
			s.WriteArrayStart()
		}
		writePoint(s, p.T, p.F, nil)
	}
	if len(series.Floats) > 0 {
		s.WriteArrayEnd()
	}
	for i, p := range series.Histograms {
		s.WriteMore()
		if i == 0 {
			s.WriteObjectField("histograms")
			s.WriteArrayStart()
		}
		writePoint(s, p.T, 0, p.H)
	}
	if len(series.Histograms) > 0 {
		s.WriteArrayEnd()
	}
	s.WriteObjectEnd()
}

// writePoint writes a pair of Unix seconds and a number as text: JSON has no NaN and no infinity.
func writePoint(s *jsoniter.Stream, t int64, v float64, h *histogram.FloatHistogram) {
	s.WriteArrayStart()
	jsonutil.MarshalTimestamp(t, s)
	s.WriteMore()
	if h == nil {
		jsonutil.MarshalFloat(v, s)
	} else {
		jsonutil.MarshalHistogram(h, s)
	}
	s.WriteArrayEnd()
}

func writeLabels(s *jsoniter.Stream, ls labels.Labels) {
	s.WriteObjectStart()
	first := true
	ls.Range(func(l labels.Label) {
		if !first {
			s.WriteMore()
		}
		first = false
		s.WriteObjectField(l.Name)
		s.WriteString(l.Value)
	})
	s.WriteObjectEnd()
}
