package host

import (
	"context"
	"fmt"
	"strings"

	"github.com/coreos/go-systemd/v22/dbus"
	"github.com/coreos/go-systemd/v22/util"
)

// services asks systemd over the system's D-Bus. Where systemd does not run it says nothing at all.
type services struct {
	types  map[string]string // of services by name; they do not change while a unit is loaded
	failed []string          // units, at the last round
}

func (s *services) read(ctx context.Context) ([]metric, error) {
	s.failed = nil
	if !util.IsRunningSystemd() {
		return nil, nil
	}
	// The connection lives for one round: nobody has to close it when the source goes, and a bus that was
	// restarted needs no care.
	conn, err := dbus.NewSystemConnectionContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("systemd over D-Bus: %w: is dbus.service running?", err)
	}
	defer conn.Close()
	list, err := conn.ListUnitsContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("list of systemd units: %w", err)
	}
	types := map[string]string{}
	var units []unit
	for i := range list {
		if list[i].LoadState != "loaded" {
			continue // only spoken of by others
		}
		u := unit{name: printable(list[i].Name, 2*maxName), state: list[i].ActiveState}
		if strings.HasSuffix(u.name, ".service") {
			u.kind = s.typeOf(ctx, conn, list[i].Name)
			types[list[i].Name] = u.kind
		}
		units = append(units, u)
	}
	s.types, s.failed = types, failedUnits(units)
	return unitMetrics(units), nil
}

// typeOf asks once for the type of a service: each question is a message to systemd and one back.
func (s *services) typeOf(ctx context.Context, conn *dbus.Conn, name string) string {
	if t, ok := s.types[name]; ok {
		return t
	}
	p, err := conn.GetUnitTypePropertyContext(ctx, name, "Service", "Type")
	if err != nil {
		return "" // it went meanwhile
	}
	t, _ := p.Value.Value().(string)
	return printable(t, maxName)
}

// reason is what is wrong with them, "" for nothing.
func (s *services) reason() string { return failedReason(s.failed) }
