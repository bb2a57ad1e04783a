package snmp

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"
)

// Status is ifAdminStatus or ifOperStatus.
type Status int

// The values of ifOperStatus (RFC 2863); ifAdminStatus has the first three.
const (
	StatusNone Status = iota
	StatusUp
	StatusDown
	StatusTesting
	StatusUnknown
	StatusDormant
	StatusNotPresent
	StatusLowerLayerDown
)

var statusNames = [...]string{"", "up", "down", "testing", "unknown", "dormant", "notPresent", "lowerLayerDown"}

// String returns the name that IF-MIB gives the value, "" where the agent said nothing.
func (s Status) String() string {
	if s >= 0 && int(s) < len(statusNames) {
		return statusNames[s]
	}
	return fmt.Sprintf("status(%d)", int(s))
}

// Down reports whether no packet passes for a reason that nobody chose.
func (s Status) Down() bool {
	return s == StatusDown || s == StatusNotPresent || s == StatusLowerLayerDown
}

// Interface is one row of ifTable and ifXTable.
type Interface struct {
	Index      uint32
	Port       string // unique on its device and stable over renumbering: ifName, or what stands in for it
	Name       string // ifName
	Descr      string // ifDescr
	Alias      string // ifAlias
	Type       int    // ifType, IANAifType-MIB
	MAC        string
	Admin      Status
	Oper       Status
	SpeedBPS   float64  // bit/s; 0 is unknown
	HighSpeed  *float64 // ifHighSpeed as it came, Mbit/s
	Speed      *float64 // ifSpeed as it came, bit/s
	Counters   []Counter
	CountersAt time.Time
	restarts   uint64 // ifCounterDiscontinuityTime, read beside counters of 32 bits only

	Lag      string // Port of the aggregate that it is a member of
	VLAN     string // the untagged one
	STP      string // state in the spanning tree
	Stations int    // MACs learned on it, where no neighbour is known
	carried  bool   // its aggregate is up, with it or without it
	unread   bool   // what is here is from a round before
}

const (
	ifDescr, ifType, ifSpeed, ifPhysAddress, ifAdminStatus, ifOperStatus = 2, 3, 5, 6, 7, 8
	ifInDiscards, ifInErrors, ifOutDiscards, ifOutErrors                 = 13, 14, 19, 20
	ifInOctets, ifInUcastPkts, ifOutOctets, ifOutUcastPkts               = 10, 11, 16, 17

	ifXName, ifXHighSpeed, ifXAlias, ifXDiscontinuity                      = 1, 15, 18, 19
	ifHCInOctets, ifHCInUcastPkts, ifHCOutOctets, ifHCOutUcastPkts         = 6, 7, 10, 11
	unknownSpeed                                                   float64 = math.MaxUint32 // ifSpeed of what is faster than 4.3 Gbit/s
)

// counterColumns pairs the 64-bit counters with those of 32 bits that stand in for them where an
// agent has no ifXTable, and lists those that only exist in 32 bits.
var counterColumns = []struct {
	hcName string
	hc     uint32 // column of ifXTable, 0 for none
	name   string
	col    uint32 // column of ifTable
	size   int    // Counter.Size
}{
	{"ifHCInOctets", ifHCInOctets, "ifInOctets", ifInOctets, octetBits},
	{"ifHCOutOctets", ifHCOutOctets, "ifOutOctets", ifOutOctets, octetBits},
	{"ifHCInUcastPkts", ifHCInUcastPkts, "ifInUcastPkts", ifInUcastPkts, frameBits},
	{"ifHCOutUcastPkts", ifHCOutUcastPkts, "ifOutUcastPkts", ifOutUcastPkts, frameBits},
	{"", 0, "ifInErrors", ifInErrors, 0},
	{"", 0, "ifOutErrors", ifOutErrors, 0},
	{"", 0, "ifInDiscards", ifInDiscards, 0},
	{"", 0, "ifOutDiscards", ifOutDiscards, 0},
}

// readInterfaces reads the interfaces. Counters are as they come: a 64-bit counter where the agent has
// one, else the 32-bit one under its own name. See odometer for what is told of them.
func readInterfaces(ctx context.Context, r reader, now func() time.Time) ([]Interface, []string, error) {
	names, warnings, err := r.tables(ctx,
		columns{oidIfEntry, []uint32{ifDescr, ifType, ifSpeed, ifPhysAddress, ifAdminStatus, ifOperStatus}},
		columns{oidIfXEntry, []uint32{ifXName, ifXHighSpeed, ifXAlias}})
	list := interfaces(&names[0], &names[1])
	if err != nil {
		return list, warnings, err
	}
	at := now()
	counters, more, err := r.tables(ctx,
		columns{oidIfXEntry, []uint32{ifHCInOctets, ifHCOutOctets, ifHCInUcastPkts, ifHCOutUcastPkts}},
		columns{oidIfEntry, []uint32{ifInErrors, ifOutErrors, ifInDiscards, ifOutDiscards}})
	warnings = append(warnings, more...)
	low := make([]Table, 2)
	if err == nil && lacksHighCounters(list, &counters[0]) {
		low, more, err = r.tables(ctx,
			columns{oidIfEntry, []uint32{ifInOctets, ifOutOctets, ifInUcastPkts, ifOutUcastPkts}},
			columns{oidIfXEntry, []uint32{ifXDiscontinuity}})
		warnings = append(warnings, more...)
	}
	for i := range list {
		row := list[i].Index
		list[i].CountersAt = at
		list[i].Counters = interfaceCounters(counters[0].Get(row), counters[1].Get(row), low[0].Get(row))
		list[i].restarts, _ = low[1].Get(row).At(ifXDiscontinuity).Uint()
	}
	return list, warnings, err
}

func lacksHighCounters(list []Interface, high *Table) bool {
	for i := range list {
		if _, ok := high.Get(list[i].Index).At(ifHCInOctets).Uint(); !ok {
			return true
		}
	}
	return false
}

func interfaceCounters(high, errors, low Row) []Counter {
	var out []Counter
	for _, c := range counterColumns {
		if n, ok := high.At(c.hc).Uint(); ok && c.hc != 0 {
			out = append(out, Counter{Name: c.hcName, Value: n, Size: c.size})
			continue
		}
		row := low
		if c.hc == 0 {
			row = errors
		}
		if n, ok := row.At(c.col).Uint(); ok {
			out = append(out, Counter{Name: c.name, Value: n, Size: c.size, Wraps: c.hc != 0})
		}
	}
	return out
}

// interfaces joins ifTable and ifXTable; either may lack rows.
func interfaces(ifTable, ifXTable *Table) []Interface {
	var list []Interface
	seen := map[uint32]bool{}
	for _, table := range []*Table{ifTable, ifXTable} {
		for _, row := range table.Rows() {
			if len(row.Index) != 1 || seen[row.Index[0]] {
				continue
			}
			seen[row.Index[0]] = true
			list = append(list, oneInterface(ifTable.Get(row.Index[0]), ifXTable.Get(row.Index[0]), row.Index[0]))
		}
	}
	namePorts(list)
	return list
}

func oneInterface(row, x Row, index uint32) Interface {
	i := Interface{
		Index: index,
		Name:  x.At(ifXName).Line(),
		Descr: row.At(ifDescr).Line(),
		Alias: x.At(ifXAlias).Line(),
		MAC:   row.At(ifPhysAddress).MAC(),
	}
	number := func(v Value) int {
		n, _ := v.Int()
		return int(n)
	}
	i.Type = number(row.At(ifType))
	i.Admin, i.Oper = Status(number(row.At(ifAdminStatus))), Status(number(row.At(ifOperStatus)))
	gauge := func(v Value) *float64 {
		n, ok := v.Uint()
		if !ok {
			return nil
		}
		f := float64(n)
		return &f
	}
	i.Speed, i.HighSpeed = gauge(row.At(ifSpeed)), gauge(x.At(ifXHighSpeed))
	i.SpeedBPS = interfaceSpeed(i.Speed, i.HighSpeed)
	return i
}

// interfaceSpeed takes ifHighSpeed where it is not 0, else ifSpeed, else 0 for unknown.
func interfaceSpeed(speed, high *float64) float64 {
	switch {
	case speed != nil && *speed > 0 && *speed < 1e6: // ifHighSpeed rounds to Mbit/s
		return *speed
	case high != nil && *high > 0:
		return *high * 1e6
	case speed != nil && *speed < unknownSpeed:
		return *speed
	}
	return 0
}

// namePorts gives each interface a name that no other on the device has and that it keeps when a reboot
// renumbers the interfaces: ifName, else ifDescr, else the index; what repeats gets its ifDescr added,
// then its MAC, then its position among its equals.
func namePorts(list []Interface) {
	count := map[string]int{}
	name := func(i *Interface) string {
		switch {
		case i.Name != "":
			return i.Name
		case i.Descr != "":
			return i.Descr
		}
		return fmt.Sprintf("if%d", i.Index)
	}
	for i := range list {
		list[i].Port = name(&list[i])
		count[list[i].Port]++
	}
	longer := map[string]int{}
	macs := map[[2]string]int{}
	for i := range list {
		p := &list[i]
		if count[p.Port] > 1 && p.Descr != "" && p.Descr != p.Port {
			p.Port += " (" + p.Descr + ")"
		}
		longer[p.Port]++
		macs[[2]string{p.Port, p.MAC}]++
	}
	taken := map[string]bool{}
	position := map[string]int{}
	for i := range list {
		p := &list[i]
		base := p.Port
		if longer[base] == 1 {
			continue
		}
		if p.MAC != "" && macs[[2]string{base, p.MAC}] == 1 {
			p.Port += " (" + p.MAC + ")"
		}
		for longer[p.Port] > 0 || taken[p.Port] { // another may look like the name that was made
			position[base]++
			p.Port = fmt.Sprintf("%s #%d", base, position[base])
		}
		taken[p.Port] = true
	}
}

// shortPort folds the long and short spellings of an interface's name, so that
// "GigabitEthernet1/0/1" and "Gi1/0/1" are equal. It is for comparison only.
func shortPort(name string) string {
	s := strings.ToLower(strings.TrimSpace(name))
	end := strings.IndexAny(s, "0123456789")
	if end <= 0 {
		return s
	}
	word, rest := strings.TrimRight(s[:end], " -"), s[end:]
	for _, kind := range portKinds {
		for _, spelling := range kind[1:] {
			if word == spelling {
				return kind[0] + rest
			}
		}
	}
	return word + rest
}

// portKinds are the spellings of the common interface types, first the one compared by.
var portKinds = [][]string{
	{"hu", "hu", "hundredgige", "hundredgigabitethernet", "hundredgig"},
	{"fo", "fo", "fortygige", "fortygigabitethernet"},
	{"twe", "twe", "twentyfivegige", "twentyfivegigabitethernet"},
	{"te", "te", "ten", "tengige", "tengigabitethernet", "tengigabit", "xge", "xgigabitethernet"},
	{"gi", "gi", "gig", "ge", "gigabitethernet", "gigaethernet", "gigabit"},
	{"fa", "fa", "fas", "fastethernet"},
	{"et", "et", "eth", "ethernet"},
	{"se", "se", "serial"},
	{"po", "po", "port-channel", "portchannel"},
}
