package scrape

import (
	"crypto/tls"
	"encoding/pem"
	"io"
	"log"
	"os"
	"testing"
)

// quietLog keeps servers from writing what is meant to go wrong.
var quietLog = log.New(io.Discard, "", 0)

func writePEM(t *testing.T, path string, c tls.Certificate) {
	t.Helper()
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]})
	if err := os.WriteFile(path, block, 0o600); err != nil {
		t.Fatal(err)
	}
}
