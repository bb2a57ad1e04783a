package module

import (
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/gosnmp/gosnmp"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/nocturne-noc/nocturne/store/model"
)

func parse(t testing.TB, text string) *Module {
	t.Helper()
	lib, _, err := Parse("t.yml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return lib["t"]
}

// lines writes samples as people read them.
func lines(samples []model.Sample) []string {
	out := []string{}
	for _, s := range samples {
		out = append(out, s.Labels.String()+" "+time.Duration(s.V).String())
	}
	return out
}

// The rules of the format are compared with snmp_exporter's own in package snmp; here is what it does
// not have, or does worse.
const beyond = `modules:
  t:
    walk: [1.3.1]
    metrics:
    - {name: heat, oid: 1.3.1.1, type: gauge, help: h, indexes: [{labelname: source, type: gauge}], lookups: [{labels: [source], labelname: scale, oid: 1.3.1.2, type: EnumAsInfo, enum_values: {1: milli, 2: kilo}}]}
    - {name: words, oid: 1.3.1.3, type: DisplayString, help: h}
    - {name: name, oid: 1.3.1.4, type: gauge, help: h, indexes: [{labelname: i, type: DisplayString}]}
    - {name: ntp, oid: 1.3.1.5, type: NTPTimeStamp, help: h}
    - {name: real, oid: 1.3.1.6, type: Float, help: h}
    - {name: same, oid: 1.3.1.7, type: gauge, help: h}
`

func TestSamples(t *testing.T) {
	m := parse(t, beyond)
	for _, tt := range []struct {
		name    string
		objects []Object
		want    []string
	}{
		{"names of a looked-up enumeration", []Object{
			{OID{1, 3, 1, 1, 7}, gosnmp.Gauge32, uint(5)}, {OID{1, 3, 1, 2, 7}, gosnmp.Integer, 2},
			{OID{1, 3, 1, 1, 8}, gosnmp.Gauge32, uint(6)}, {OID{1, 3, 1, 2, 8}, gosnmp.Integer, 9},
		}, []string{
			`{__name__="heat", exported_source="7", scale="kilo", source="s"} 5ns`, `{__name__="heat", exported_source="8", scale="9", source="s"} 6ns`,
		}},
		{"control characters", []Object{{OID{1, 3, 1, 3, 0}, gosnmp.OctetString, []byte("\x1b[2Ja\x00b\r\nc\rd\u202ee\xff")}},
			[]string{`{__name__="words", source="s", words="[2Jab\r\ncde` + "\ufffd" + `"} 1ns`}},
		{"an index that claims 4 GB", []Object{{OID{1, 3, 1, 4, math.MaxUint32, 97}, gosnmp.Gauge32, uint(1)}},
			[]string{`{__name__="name", i="a", source="s"} 1ns`}},
		{"short time", []Object{{OID{1, 3, 1, 5, 0}, gosnmp.OctetString, []byte{1, 2}}, {OID{1, 3, 1, 5, 1}, gosnmp.Null, nil}}, []string{}},
		{"no number", []Object{{OID{1, 3, 1, 6, 0}, gosnmp.OpaqueFloat, float32(math.NaN())}}, []string{}},
		{"a float that is none", []Object{{OID{1, 3, 1, 6, 0}, gosnmp.OpaqueFloat, "x"}}, []string{`{__name__="real", source="s"} 0s`}},
		{"an object twice, then a series twice", []Object{
			{OID{1, 3, 1, 7, 2}, gosnmp.Gauge32, uint(3)}, {OID{1, 3, 1, 7, 1}, gosnmp.Gauge32, uint(1)}, {OID{1, 3, 1, 7, 1}, gosnmp.Gauge32, uint(2)},
		}, []string{`{__name__="same", source="s"} 2ns`}},
		{"what nobody asked for", []Object{{OID{1, 3}, gosnmp.Gauge32, uint(1)}, {OID{1, 3, 9}, gosnmp.Gauge32, uint(1)}, {OID{}, gosnmp.Gauge32, uint(1)}}, []string{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			samples, truncated := m.Samples(tt.objects, labels.Label{Name: "source", Value: "s"})
			if diff := cmp.Diff(tt.want, lines(samples)); diff != "" || truncated {
				t.Errorf("truncated %v (-want +got):\n%s", truncated, diff)
			}
		})
	}
}

// TestLongText holds that a string of 64 KB becomes a label of bounded length.
func TestLongText(t *testing.T) {
	m := parse(t, beyond)
	for _, text := range []string{strings.Repeat("x", 1<<16), strings.Repeat("ä", 1<<15)} {
		samples, _ := m.Samples([]Object{{OID{1, 3, 1, 3, 0}, gosnmp.OctetString, []byte(text)}})
		if n := len(samples[0].Labels.Get("words")); n > maxText || n < maxText-1 {
			t.Errorf("a label of %d bytes", n)
		}
	}
}

// TestTruncated holds that an endless table has an end.
func TestTruncated(t *testing.T) {
	m := parse(t, `modules:
  t:
    walk: [1.3.1]
    metrics: [{name: row, oid: 1.3.1, type: gauge, help: h, indexes: [{labelname: i, type: gauge}]}]
`)
	objects := make([]Object, maxSamples+1)
	for i := range objects {
		objects[i] = Object{OID{1, 3, 1, uint32(i)}, gosnmp.Gauge32, uint(i)}
	}
	if samples, truncated := m.Samples(objects); len(samples) != maxSamples || !truncated {
		t.Errorf("%d samples, truncated %v", len(samples), truncated)
	}
}

// FuzzSamples holds that no answer brings the conversion down, and that what comes out can be kept and
// shown. The module has every type and rule of the format.
func FuzzSamples(f *testing.F) {
	lib, _, err := Load(filepath.Join("..", "testdata", "modules.yml"))
	if err != nil {
		f.Fatal(err)
	}
	var modules []*Module
	for _, name := range sortedKeys(lib) {
		modules = append(modules, lib[name])
	}
	f.Add(byte(0), byte(3), []byte{1, 2, 3}, []byte("text"), uint64(5))
	f.Add(byte(1), byte(9), []byte{255, 255, 0, 7}, []byte{0, 0xff, 0x1b}, uint64(math.MaxUint64))
	f.Fuzz(func(t *testing.T, which, kind byte, index, text []byte, n uint64) {
		m := modules[int(which)%len(modules)]
		var objects []Object
		for i := range m.metrics {
			one := &m.metrics[i]
			oid := append(OID{}, one.oid...)
			for _, b := range index {
				oid = append(oid, uint32(b)*uint32(n|1))
			}
			for _, o := range []OID{oid, one.oid, one.previous} {
				objects = append(objects, foreign(o, kind+byte(i), text, n))
			}
			for _, l := range one.rows.lookups {
				objects = append(objects, foreign(append(append(OID{}, l.oid...), oid[len(one.oid):]...), kind, text, n))
			}
		}
		samples, _ := m.Samples(objects, labels.Label{Name: "device", Value: "d"})
		for _, s := range samples {
			if math.IsNaN(s.V) || math.IsInf(s.V, 0) || s.Labels.Get("device") != "d" {
				t.Fatalf("%s %v", s.Labels, s.V)
			}
			s.Labels.Range(func(l labels.Label) {
				if !utf8.ValidString(l.Value) || len(l.Value) > 2*maxText+2 || strings.ContainsAny(l.Value, "\x00\x1b\u202e") || l.Value == "" {
					t.Fatalf("label %s=%.80q of %d bytes", l.Name, l.Value, len(l.Value))
				}
			})
		}
	})
}

// foreign is an object of any type that gosnmp knows.
func foreign(oid OID, kind byte, text []byte, n uint64) Object {
	values := []Object{
		{oid, gosnmp.Integer, int(int32(n))}, {oid, gosnmp.Gauge32, uint(uint32(n))}, {oid, gosnmp.TimeTicks, uint32(n)}, {oid, gosnmp.Counter64, n},
		{oid, gosnmp.OctetString, text}, {oid, gosnmp.ObjectIdentifier, "." + string(text)}, {oid, gosnmp.ObjectIdentifier, ""},
		{oid, gosnmp.IPAddress, "192.0.2.1"}, {oid, gosnmp.Null, nil}, {oid, gosnmp.OpaqueFloat, float32(n)}, {oid, gosnmp.OpaqueDouble, math.Float64frombits(n)},
		{oid, gosnmp.Opaque, text}, {oid, gosnmp.OpaqueFloat, nil}, {oid, gosnmp.IPAddress, nil},
	}
	return values[int(kind)%len(values)]
}
