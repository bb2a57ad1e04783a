//go:build lab

package main

import (
	"testing"
	"time"
)

// TestLabSyslogFlood floods the wallboard for a minute: 1,200,000 lines, and no frame over 100 ms. It is for a machine
// that does nothing else meanwhile.
func TestLabSyslogFlood(t *testing.T) { flood(t, time.Minute, 100*time.Millisecond) }
