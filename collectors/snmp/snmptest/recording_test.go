package snmptest

import (
	"strings"
	"testing"

	"github.com/gosnmp/gosnmp"

	"github.com/nocturne-noc/nocturne/collectors/snmp"
)

func TestParse(t *testing.T) {
	rec, err := Parse(strings.NewReader(strings.Join([]string{
		"1.3.6.1.2.1.1.5.0|4|a|b", // the value has a bar
		"1.3.6.1.2.1.1.1.0|4x|68690a",
		"1.3.6.1.2.1.1.1.0|4|twice",
		"1.3.6.1.2.1.1.10.0|2|-5",
		"1.3.6.1.2.1.1.9.0|64x|0a000001",
		"1.3.6.1.2.1.1.8.0|4e|tab\\t",
		"broken",
		"1.3.6.1.2.1.1.7.0|99|x",
		"# comment",
	}, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	if rec.Len() != 5 || rec.Skipped != 2 {
		t.Errorf("%d objects, %d skipped; want 5 and 2", rec.Len(), rec.Skipped)
	}
	root, err := snmp.ParseOID("1.3.6.1.2.1.1")
	if err != nil {
		t.Fatal(err)
	}
	if o, _ := rec.next(root); string(o.value.([]byte)) != "hi\n" {
		t.Errorf("first object %v: want the first of equals", o)
	}
	if o, _ := rec.get(root.Append(8, 0)); string(o.value.([]byte)) != "tab\t" {
		t.Errorf("escapes: %v", o)
	}
	if o, _ := rec.get(root.Append(5, 0)); string(o.value.([]byte)) != "a|b" {
		t.Errorf("bar: %v", o)
	}
}

func TestAddWraps(t *testing.T) {
	rec, err := Parse(strings.NewReader("1.3.1|65|4294967295\n1.3.2|70|1\n1.3.3|4|x"))
	if err != nil {
		t.Fatal(err)
	}
	if err := rec.Add("1.3.1", 6); err != nil || rec.objects[0].value != uint32(5) {
		t.Errorf("Counter32 %v %v, want 5", rec.objects[0].value, err)
	}
	if err := rec.Add("1.3.3", 1); err == nil {
		t.Error("text was counted up")
	}
}

func FuzzParse(f *testing.F) {
	f.Add("1.3.6.1.2.1.1.5.0|4|name\n1.3.6.1.2.1.1.3.0|67|1")
	f.Add("1.3.6|4e|\\x41\n|||\n1.3|6|1.3.6.1")
	f.Fuzz(func(t *testing.T, text string) {
		rec, err := Parse(strings.NewReader(text))
		if err != nil {
			return
		}
		for i := 1; i < len(rec.objects); i++ {
			if rec.objects[i-1].oid.Compare(rec.objects[i].oid) >= 0 {
				t.Errorf("%s is not before %s", rec.objects[i-1].name, rec.objects[i].name)
			}
		}
		for _, o := range rec.objects { // whatever was read can be sent
			packet := gosnmp.SnmpPacket{Version: gosnmp.Version2c, PDUType: gosnmp.GetResponse,
				Variables: []gosnmp.SnmpPDU{{Name: o.name, Type: o.kind, Value: o.value}}}
			if _, err := packet.MarshalMsg(); err != nil {
				t.Errorf("%s: %v", o.name, err)
			}
		}
	})
}
