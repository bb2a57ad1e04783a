package snmp

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Snapshot is what one round learnt of a device.
type Snapshot struct {
	Time       time.Time
	System     System
	Identity   Identity
	Interfaces []Interface
	Local      Local
	Neighbours []Neighbour
	Readings   Readings
	Around     *Surroundings // nil before they were read
	Warnings   []string      // what is only a part, in words for people

	Credentials string // name of those that the agent answered to, "" where there are no others

	HasInterfaces bool // the interfaces were read to their end
	HasNeighbours bool // the neighbours were read to their end
}

// poll makes one round. The system group comes first: whoever does not answer it is silent, and
// that is the only error without a snapshot. When an agent falls silent later, the snapshot holds
// what it said until then and the error comes with it. A known identity is not read again.
func poll(ctx context.Context, r reader, known *Identity, hw *hardware, now func() time.Time) (*Snapshot, error) {
	s := &Snapshot{Time: now()}
	if known != nil {
		s.Identity = *known
	}
	var err error
	if s.System, s.Local, err = readSystem(ctx, r); err != nil {
		return nil, err
	}
	var warnings []string
	if s.Interfaces, warnings, err = readInterfaces(ctx, r, now); err != nil {
		return s.cut(warnings, err)
	}
	s.HasInterfaces = len(warnings) == 0
	s.Warnings = append(s.Warnings, warnings...)

	if s.Neighbours, warnings, err = readNeighbours(ctx, r, s.Local, s.Interfaces); err != nil {
		return s.cut(warnings, err)
	}
	s.HasNeighbours = len(warnings) == 0
	s.Warnings = append(s.Warnings, warnings...)

	if known == nil {
		if s.Identity, warnings, err = readIdentity(ctx, r, s.System, hw); err != nil {
			return s.cut(warnings, err)
		}
		s.Warnings = append(s.Warnings, warnings...)
	}
	if s.Readings, warnings, err = hw.within(ctx, r, now(), s.portName); err != nil {
		return s.cut(warnings, err)
	}
	s.Warnings = append(s.Warnings, warnings...)
	return s, nil
}

// withoutCounters is what of a snapshot is worth keeping until the next one.
func (s *Snapshot) withoutCounters() *Snapshot {
	kept := *s
	kept.Interfaces = slices.Clone(s.Interfaces)
	for i := range kept.Interfaces {
		kept.Interfaces[i].Counters = nil
	}
	return &kept
}

// portName is the name of the interface with an ifIndex, "" without one.
func (s *Snapshot) portName(index uint32) string {
	port, _ := portByIndex(s.Interfaces, index)
	return port
}

// cut ends a round that the agent, or the clock, broke off.
func (s *Snapshot) cut(warnings []string, err error) (*Snapshot, error) {
	s.Warnings = append(s.Warnings, warnings...)
	if errors.Is(err, context.DeadlineExceeded) {
		s.Warnings = append(s.Warnings, "the agent is too slow for one round")
	} else {
		s.Warnings = append(s.Warnings, "the agent stopped answering in the middle of a round")
	}
	return s, err
}
