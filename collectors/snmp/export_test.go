package snmp

import (
	"context"
	"testing"

	"github.com/nocturne-noc/nocturne/collectors/snmp/module"
)

// Scrape reads one module of one agent, for tests that compare it with others.
func Scrape(ctx context.Context, opt Options, target Target, m *module.Module) ([]module.Object, []string, error) {
	s := newSession(target, opt.Credentials, opt.timing())
	defer s.close()
	return m.Read(ctx, moduleAgent{s})
}

// RealAgent starts a net-snmp agent with further configuration, or skips the test.
func RealAgent(t testing.TB, config string) Target {
	a := newRealAgent(t)
	a.start(t, config)
	return a.target
}
