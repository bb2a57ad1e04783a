package snmp_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if spec := os.Getenv(fleetVariable); spec != "" { // the process of devices that a test has started
		os.Exit(fleetProcess(spec))
	}
	goleak.VerifyTestMain(m)
}
