package snmp

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"net/netip"
	"slices"
	"strconv"
	"time"
)

// Surroundings are what a device tells of the network around it beside its neighbours: tables that are
// large, or change rarely. They are read at a longer interval than the ports, and kept between. They are
// never changed once read. A nil pointer stands for a device that was not asked yet.
type Surroundings struct {
	Lags        map[string]string // aggregate of each member, both port names
	Bridge      Bridge
	ARP         []ARPEntry
	Addresses   []PortAddress // its own
	RouterID    netip.Addr    // of OSPF
	Adjacencies []Adjacency
}

func (s *Surroundings) lag(port string) string {
	if s == nil {
		return ""
	}
	return s.Lags[port]
}

func (s *Surroundings) bridge() *Bridge {
	if s == nil {
		return &Bridge{}
	}
	return &s.Bridge
}

const (
	surveyEvery = 5 * time.Minute
	surveyShare = 2 // of what is left of a round, the part that a survey may take
)

// survey reads the surroundings of one device when they are due.
type survey struct {
	due      time.Time
	around   *Surroundings
	warnings []string // of the last reading
}

// look reads what is due: the large tables every five minutes, the states of routing neighbours in each
// round of a device that has some. A part that the agent does not answer to the end stays as it was, and
// never breaks off the round.
func (v *survey) look(ctx context.Context, d *device, snap *Snapshot, began time.Time) {
	whole := !began.Before(v.due)
	if !whole && (v.around == nil || len(v.around.Adjacencies) == 0) {
		return
	}
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)/surveyShare)
		defer cancel()
	}
	next := Surroundings{}
	if v.around != nil {
		next = *v.around
	}
	if !whole {
		list, _, err := readAdjacencies(ctx, d.session, &next, snap.Interfaces)
		if err == nil && !slices.Equal(list, next.Adjacencies) {
			next.Adjacencies = list
			v.around = &next
		}
		return
	}
	v.warnings = nil
	for _, part := range []struct {
		name string
		read func() ([]string, error)
	}{
		{"aggregations", func() ([]string, error) {
			found, warnings, err := readLags(ctx, d.session, snap.System.ObjectID, snap.Interfaces)
			if err == nil {
				keepLags(found, next.Lags, snap.Interfaces)
				next.Lags = found
			}
			return warnings, err
		}},
		{"addresses", func() ([]string, error) {
			found, warnings, err := readAddresses(ctx, d.session, snap.Interfaces)
			if err == nil {
				next.Addresses = found
			}
			return warnings, err
		}},
		{"routing neighbours", func() ([]string, error) {
			found, warnings, err := readAdjacencies(ctx, d.session, &next, snap.Interfaces)
			if err == nil {
				next.Adjacencies = found
			}
			return warnings, err
		}},
		{"bridge", func() ([]string, error) {
			found, warnings, err := d.readBridge(ctx, snap)
			if err == nil {
				next.Bridge = found
			}
			return warnings, err
		}},
		{"ARP", func() ([]string, error) {
			found, warnings, err := readARP(ctx, d.session, snap.Interfaces)
			if err == nil {
				next.ARP = found
			}
			return warnings, err
		}},
	} {
		warnings, err := part.read()
		v.warnings = append(v.warnings, warnings...)
		if errors.Is(err, context.Canceled) {
			return
		}
		if err != nil {
			v.warnings = append(v.warnings, fmt.Sprintf("%s: not read to the end: what was known before stands", part.name))
			break // the agent is slow, or has had enough: the rest when it is due again
		}
	}
	wait := surveyEvery
	if v.around == nil { // devices that were all asked at once, at the start, are not so again
		hash := fnv.New32a()
		_, _ = hash.Write([]byte(d.target.String())) // a hash never fails
		wait = surveyEvery/2 + time.Duration(hash.Sum32()%1000)*surveyEvery/2000
	}
	v.around, v.due = &next, began.Add(wait-d.every/2) // the round nearest to it
}

// surveyOnce reads the surroundings of a device that is asked but once.
func surveyOnce(ctx context.Context, s *session, snap *Snapshot) {
	var v survey
	v.look(ctx, &device{poller: &poller{timing: s.timing}, target: s.target, session: s}, snap, snap.Time)
	v.apply(snap)
	snap.Warnings = append(snap.Warnings, v.warnings...)
}

// apply gives the ports of a round what is known of their surroundings.
func (v *survey) apply(s *Snapshot) {
	s.Around = v.around
	if v.around == nil {
		return
	}
	up := map[string]bool{}
	for i := range s.Interfaces {
		up[s.Interfaces[i].Port] = s.Interfaces[i].Oper == StatusUp
	}
	heard := coveredPorts(s.Neighbours, v.around)
	b := &v.around.Bridge
	for i := range s.Interfaces {
		p := &s.Interfaces[i]
		p.Lag = v.around.lag(p.Port)
		p.carried = p.Lag != "" && up[p.Lag]
		p.VLAN, p.STP = b.VLANs[p.Port], b.States[p.Port]
		if n := b.Counts[p.Port]; n > 0 && !heard[p.Port] {
			p.Stations = n
		}
	}
}

// coveredPorts are the ports of which LLDP or CDP tells what hangs on them, with their aggregates.
func coveredPorts(neighbours []Neighbour, around *Surroundings) map[string]bool {
	covered := map[string]bool{}
	for i := range neighbours {
		if port := neighbours[i].LocalPort; port != "" {
			covered[port] = true
			if lag := around.lag(port); lag != "" {
				covered[lag] = true
			}
		}
	}
	if around != nil {
		for member, aggregate := range around.Lags {
			if covered[aggregate] {
				covered[member] = true
			}
		}
	}
	return covered
}

// surroundingLabels are what a port's entity shows of its surroundings.
func (i *Interface) surroundingLabels(into map[string]string) {
	into["lag"], into["vlan"], into["stp"] = i.Lag, i.VLAN, i.STP
	if i.Stations > 0 {
		into["stations"] = strconv.Itoa(i.Stations)
	}
}

// rowsOf walks one column up to a number of rows, and says what of it is missing.
func rowsOf(ctx context.Context, s *session, column OID, limit int, name string, visit func(index OID, v Value)) ([]string, error) {
	walking, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	rows := 0
	warnings, err := walk(walking, s, s.pace, []OID{column}, func(_ int, vb VarBind) {
		if rows++; rows > limit {
			cancel(errTooManyRows)
			return
		}
		visit(vb.OID[len(column):], vb.Value)
	})
	if errors.Is(context.Cause(walking), errTooManyRows) && ctx.Err() == nil {
		return append(warnings, fmt.Sprintf("%s: more than %d rows; the rest is left out", name, limit)), nil
	}
	if err != nil {
		return warnings, s.explain(err)
	}
	return warnings, nil
}

var errTooManyRows = errors.New("the table has more rows than are read")
