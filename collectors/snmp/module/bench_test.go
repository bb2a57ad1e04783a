package module

import (
	"testing"

	"github.com/gosnmp/gosnmp"
)

// BenchmarkSamples converts the columns of if_mib_extra of 500 ports, each with three looked-up labels.
func BenchmarkSamples(b *testing.B) {
	s, err := ours()
	if err != nil {
		b.Fatal(err)
	}
	m := s.lib["if_mib_extra"]
	var objects []Object
	for _, root := range m.walk {
		for i := range 500 {
			o := Object{OID: append(append(OID{}, root...), uint32(i+1)), Type: gosnmp.Counter64, Value: uint64(i)}
			objects = append(objects, o)
		}
	}
	b.ReportAllocs()
	b.ReportMetric(float64(len(objects)), "objects/op")
	for b.Loop() {
		m.Samples(objects)
	}
}
