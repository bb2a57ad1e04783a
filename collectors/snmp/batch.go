package snmp

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	prom "github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/nocturne-noc/nocturne/store/model"
)

// round is all that a device's batch is made of. Making it is pure.
type round struct {
	source  string
	target  string
	device  string // its name
	address string
	every   time.Duration
	began   time.Time // of the round
	snap    *Snapshot
	linked  map[string]bool   // ports that have, or had, a known neighbour
	index   map[string]uint32 // ifIndex label of each port
	health  health
	events  []model.Event
	slow    bool // the batch is dated by its end
}

// health is how the agent answers.
type health struct {
	requests, lost uint64 // since the start
	rtt            time.Duration
	lossRatio      float64 // of the last rounds
}

// lossWarning is the share of unanswered requests that is worth a warning.
const lossWarning = 0.05

// batch tells the store of one device: itself, its interfaces, and what was measured.
func (r *round) batch() model.Batch {
	s := r.snap
	b := model.Batch{
		Scope: r.target, Every: r.every, // Time is the Runner's
		Replace: s.HasInterfaces, // else a part is missing
		Events:  r.events,
	}
	b.Entities = append(b.Entities, r.deviceEntity())
	for i := range s.Interfaces {
		b.Entities = append(b.Entities, r.interfaceEntity(&s.Interfaces[i]))
	}
	b.Samples = append(r.samples(), s.Readings.samples(r.source, r.device)...)
	return b
}

func (r *round) deviceEntity() model.Entity {
	s := r.snap
	e := model.Entity{ID: model.DeviceID(r.device), Kind: model.KindDevice, Name: r.device, State: model.OK}
	e.Labels = s.labels(r.address)
	switch {
	case len(s.Warnings) > 0:
		e.State, e.Reason = model.Warning, "answers only in part: "+s.Warnings[0]
		if more := len(s.Warnings) - 1; more > 0 {
			e.Reason += fmt.Sprintf(" (and %d more)", more)
		}
	case r.health.lossRatio > lossWarning:
		e.State, e.Reason = model.Warning, fmt.Sprintf("about %.0f %% of requests get no answer", 5*math.Round(20*r.health.lossRatio))
	}
	if state, reason := s.Readings.state(); state == model.Critical || state == model.Warning && e.State == model.OK {
		e.State, e.Reason = state, reason
	}
	return e
}

// maxOwnAddresses bounds how many of a device's addresses its entity bears: what a router says in its log comes from
// any of them, and a core router has thousands.
const maxOwnAddresses = 32

// ownAddresses are the addresses by which others may know the device, in the order of its table.
func (s *Snapshot) ownAddresses() string {
	if s.Around == nil {
		return ""
	}
	var list []string
	for _, a := range s.Around.Addresses {
		addr := a.Prefix.Addr().String()
		if usable(addr) && !slices.Contains(list, addr) && len(list) < maxOwnAddresses {
			list = append(list, addr)
		}
	}
	return strings.Join(list, " ")
}

// labels are those of the device's entity; address is the one that it is polled at.
func (s *Snapshot) labels(address string) map[string]string {
	return filled(map[string]string{
		"sysName": s.System.Name, "sysDescr": s.System.Descr, "sysObjectID": s.System.ObjectID.String(),
		"sysLocation": s.System.Location, "sysContact": s.System.Contact,
		"vendor": s.Identity.Vendor, "os": s.Identity.OS, "version": s.Identity.Version,
		"hardware": s.Identity.Hardware, "serial": s.Identity.Serial,
		"address": address, "addresses": s.ownAddresses(), "chassis": s.Local.Chassis, "credentials": s.Credentials,
	})
}

func (r *round) interfaceEntity(i *Interface) model.Entity {
	e := model.Entity{
		ID: model.PortID(r.device, i.Port), Kind: model.KindInterface, Name: i.Port, Parent: model.DeviceID(r.device),
	}
	if e.State, e.Reason = interfaceState(i, r.linked[i.Port]); i.unread {
		e.State, e.Reason = model.Stale, "not read since "+i.CountersAt.Format(time.TimeOnly)
	}
	e.Labels = map[string]string{
		"ifIndex": strconv.FormatUint(uint64(i.Index), 10), "ifName": i.Name, "ifDescr": i.Descr, "ifAlias": i.Alias,
		"ifType": ifTypeName(i.Type), "admin": i.Admin.String(), "oper": i.Oper.String(), "mac": i.MAC,
	}
	i.surroundingLabels(e.Labels)
	filled(e.Labels)
	if i.SpeedBPS > 0 {
		e.Labels["speed_bps"] = strconv.FormatFloat(i.SpeedBPS, 'f', -1, 64)
	}
	return e
}

// interfaceState judges a port. One that is down is a problem only if something hangs on it: most
// ports of most switches are down for want of a cable.
func interfaceState(i *Interface, linked bool) (model.State, string) {
	switch {
	case i.Admin == StatusDown:
		return model.OK, "admin down"
	case i.Oper.Down() && linked && i.carried:
		return model.Warning, i.Oper.String() + ", " + i.Lag + " carries on"
	case i.Oper.Down() && linked:
		return model.Critical, i.Oper.String()
	case i.Oper.Down():
		return model.OK, i.Oper.String() + ", no neighbour known"
	case i.Oper == StatusUp:
		return model.OK, ""
	case linked || i.Oper == StatusNone:
		return model.Unknown, "oper status " + i.Oper.String()
	}
	return model.OK, "oper status " + i.Oper.String()
}

// filled drops the empty labels.
func filled(m map[string]string) map[string]string {
	for k, v := range m {
		if v == "" {
			delete(m, k)
		}
	}
	return m
}

// samples names everything as snmp_exporter's if_mib module does, with our source and device
// labels. A port's series is held together by ifName, which is unique on the device; ifIndex is
// the number under which the port was first seen, so that a renumbering does not break a series.
func (r *round) samples() []model.Sample {
	s := r.snap
	var out []model.Sample
	add := func(at time.Time, v float64, pairs ...string) {
		sample := model.Sample{Labels: labels.FromStrings(pairs...), V: v}
		// What is read at once is dated by the Runner, in step with all rounds. What lost packets
		// or a slow agent delayed has its own time, or rates would be wrong.
		if r.slow || at.Sub(r.began) > r.every/100 {
			sample.T = at.UnixMilli()
		}
		out = append(out, sample)
	}
	device := func(name string, v float64) {
		add(s.Time, v, prom.MetricNameLabel, name, "source", r.source, "device", r.device)
	}
	if s.System.HasTime {
		device("sysUpTime", float64(s.System.UpTime/(10*time.Millisecond)))
	}
	device("nocturne_snmp_requests_total", float64(r.health.requests))
	device("nocturne_snmp_requests_lost_total", float64(r.health.lost))
	device("nocturne_snmp_round_trip_seconds", r.health.rtt.Seconds())
	for n := range s.Interfaces {
		i := &s.Interfaces[n]
		if i.unread {
			continue
		}
		index := strconv.FormatUint(uint64(r.index[i.Port]), 10)
		port := func(at time.Time, name string, v float64) {
			add(at, v, r.portLabels(name, index, i)...)
		}
		if i.Admin != StatusNone {
			port(s.Time, "ifAdminStatus", float64(i.Admin))
		}
		if i.Oper != StatusNone {
			port(s.Time, "ifOperStatus", float64(i.Oper))
		}
		if i.HighSpeed != nil {
			port(s.Time, "ifHighSpeed", *i.HighSpeed)
		}
		if i.Speed != nil {
			port(s.Time, "ifSpeed", *i.Speed)
		}
		if i.SpeedBPS > 0 {
			port(s.Time, "nocturne_interface_speed_bps", i.SpeedBPS)
		}
		for _, c := range i.Counters {
			port(i.CountersAt, c.Name, float64(c.Value))
		}
	}
	return out
}

// portLabels are names and values of a port's series.
func (r *round) portLabels(name, index string, i *Interface) []string {
	return []string{
		prom.MetricNameLabel, name, "source", r.source, "device", r.device,
		"ifIndex", index, "ifName", i.Port, "ifDescr", i.Descr, "ifAlias", i.Alias,
	}
}

// statusSamples are those of a port that was looked at between two rounds.
func (r *round) statusSamples(i *Interface) []model.Sample {
	index := strconv.FormatUint(uint64(r.index[i.Port]), 10)
	sample := func(name string, s Status) model.Sample {
		return model.Sample{Labels: labels.FromStrings(r.portLabels(name, index, i)...), V: float64(s)}
	}
	return []model.Sample{sample("ifAdminStatus", i.Admin), sample("ifOperStatus", i.Oper)}
}
