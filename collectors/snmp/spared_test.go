package snmp_test

import (
	"strings"
	"testing"
	"time"

	"github.com/nocturne-noc/nocturne/collectors/snmp"
	"github.com/nocturne-noc/nocturne/collectors/snmp/snmptest"
)

// TestSpared holds that an agent that is silent for long is asked in few rounds only, that its row says so in each,
// and that it is asked at once when it was heard.
func TestSpared(t *testing.T) {
	agent := serve(t, made(t, "sw1", 1), snmptest.Behaviour{})
	b := newBench(t, snmp.Config{Targets: []string{agent.Target().String()}, Timeout: 60 * time.Millisecond}, nil)
	b.well()
	agent.Behave(snmptest.Behaviour{Silent: true})
	const rounds = 120 // ten minutes
	asked := 0
	for range rounds {
		before := agent.Requests()
		err := b.round()[0]
		if err == nil || !strings.Contains(err.Error(), "no answer from sw1 ("+agent.Target().String()+")") {
			t.Fatalf("error %v", err)
		}
		switch said := strings.Contains(err.Error(), "; silent since 03:04:10, asked again at 03:"); {
		case agent.Requests() > before:
			asked++
		case !said:
			t.Fatalf("not asked, and the row does not say so: %v", err)
		}
	}
	if asked < 5 || asked > rounds/5 {
		t.Errorf("asked in %d of %d rounds", asked, rounds)
	}
	agent.Behave(snmptest.Behaviour{})
	if err := b.round()[0]; err == nil {
		t.Fatal("it was asked although its pause is not over: the next check says nothing")
	}
	b.jobs[0].Poll.(interface{ Heard() }).Heard() // as a trap does
	b.well()
}
