package scrape

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if spec := os.Getenv(childVariable); spec != "" { // the process that a benchmark has started
		os.Exit(benchChild(spec))
	}
	goleak.VerifyTestMain(m)
}
