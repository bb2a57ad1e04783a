package trap

import (
	"bytes"
	"testing"

	"github.com/gosnmp/gosnmp"
)

// BenchmarkDecode is the price of one trap up to its event: a storm of 5,000 a second must be cheap.
func BenchmarkDecode(b *testing.B) {
	client := v3client(b, "noc", gosnmp.SHA256, gosnmp.AES)
	trap := linkTrap(oidLinkDown, ifVar("1", "3", 3), ifVar("7", "3", 1), ifVar("8", "3", 2))
	known := names(b)
	for _, bc := range []struct {
		name string
		d    *Decoder
		sent []byte
	}{
		{"v2c", decoder(b, nil), datagram(b, gosnmp.Version2c, "public", trap)},
		{"v3", decoder(b, nil, client), v3trap(b, client, theirEngine, trap)},
	} {
		b.Run(bc.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				n, _, err := bc.d.Decode(bytes.Clone(bc.sent), from, now)
				if err != nil {
					b.Fatal(err)
				}
				_ = event(n, known, nil)
			}
		})
	}
}
