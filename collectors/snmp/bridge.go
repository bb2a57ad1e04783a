package snmp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"

	"github.com/gosnmp/gosnmp"
)

var (
	// BRIDGE-MIB (RFC 4188)
	oidBridgeAddress = mustOID("1.3.6.1.2.1.17.1.1.0")
	oidStpPortEntry  = mustOID("1.3.6.1.2.1.17.2.15.1")
	oidFdbPort       = mustOID("1.3.6.1.2.1.17.4.3.1.2")
	// Q-BRIDGE-MIB (RFC 4363)
	oidQFdbPort      = mustOID("1.3.6.1.2.1.17.7.1.2.2.1.2")
	oidPortVlanEntry = mustOID("1.3.6.1.2.1.17.7.1.4.5.1")
	// CISCO-VTP-MIB and CISCO-VLAN-MEMBERSHIP-MIB
	oidVtpVlanEntry = mustOID("1.3.6.1.4.1.9.9.46.1.3.1.1")
	oidVMEntry      = mustOID("1.3.6.1.4.1.9.9.68.1.2.2.1")
)

const (
	maxForwarding = 50_000 // rows of one device
	maxAccess     = 32     // stations on a port, beyond which it leads to other switches
	vlansAtOnce   = 64     // contexts that one reading asks for

	dot1qPvid, vtpVlanState, vmVlan                  = 1, 2, 2
	stpState, stpDesignatedBridge, stpDesignatedPort = 3, 8, 9

	vlanOperational                   = 1
	maxVLAN                           = 4094
	firstLegacyVLAN, legacyVLANsAfter = 1002, 1006 // of FDDI and Token Ring, on each Cisco switch
)

// Bridge is what a switch tells of its forwarding.
type Bridge struct {
	Address  string              // its bridge address, "" for what is no bridge
	Ports    map[uint32]string   // port name of each dot1dBasePort
	Stations map[string][]string // MACs learned on each port; a port with more than maxAccess has none here
	Counts   map[string]int      // how many each port has
	States   map[string]string   // of the spanning tree, by port
	VLANs    map[string]string   // the untagged VLAN of each port
	Spanning []Designated
}

// Designated is the bridge and port that a port's spanning tree hears as the way to the root.
type Designated struct {
	Port       string // our own
	Bridge     string // MAC of the other bridge
	BridgePort uint32 // its dot1dBasePort
}

var stpStates = [...]string{"", "disabled", "blocking", "listening", "learning", "forwarding", "broken"}

// readBridge reads a switch's tables.
func (d *device) readBridge(ctx context.Context, snap *Snapshot) (Bridge, []string, error) {
	s := d.session
	head, err := s.get(ctx, oidBridgeAddress)
	if err != nil {
		return Bridge{}, nil, err
	}
	b := Bridge{Address: head[0].MAC()}
	t, warnings, err := s.tables(ctx,
		columns{oidBasePortEntry, []uint32{basePortIfIndex}},
		columns{oidStpPortEntry, []uint32{stpState, stpDesignatedBridge, stpDesignatedPort}},
		columns{oidPortVlanEntry, []uint32{dot1qPvid}})
	if err != nil {
		return b, warnings, err
	}
	if len(t[0].Rows()) == 0 && b.Address == "" {
		return Bridge{}, warnings, nil // it does not switch
	}
	b.Ports = basePorts(&t[0], snap.Interfaces)
	b.spanningTree(&t[1], snap.Interfaces)
	b.vlans(&t[2])

	fdb := forwarding{}
	more, err := fdb.read(ctx, s, oidQFdbPort, "dot1qTpFdbTable", b.Ports, snap.Interfaces)
	warnings = append(warnings, more...)
	if err == nil && fdb.rows == 0 {
		more, err = fdb.read(ctx, s, oidFdbPort, "dot1dTpFdbTable", b.Ports, snap.Interfaces)
		warnings = append(warnings, more...)
	}
	if err == nil && snap.System.ObjectID.Under(oidCisco) && fdb.dot1q == 0 {
		more, err = d.readVLANs(ctx, &fdb, &b, snap)
		warnings = append(warnings, more...)
	}
	b.Stations, b.Counts = fdb.ports()
	return b, warnings, err
}

// basePorts names the ports by their number in the bridge.
func basePorts(t *Table, ports []Interface) map[uint32]string {
	names, out := portsByIndex(ports), map[uint32]string{}
	for _, row := range t.Rows() {
		n, ok := row.At(basePortIfIndex).Uint()
		if ok && len(row.Index) == 1 && n < wrap32 && names[uint32(n)] != "" {
			out[row.Index[0]] = names[uint32(n)]
		}
	}
	return out
}

// spanningTree takes the states of the ports, and the bridge at the other end of those that are not
// designated themselves. What a port that is down heard last says nothing.
func (b *Bridge) spanningTree(t *Table, ports []Interface) {
	up := map[string]bool{}
	for i := range ports {
		up[ports[i].Port] = ports[i].Oper == StatusUp
	}
	b.States = map[string]string{}
	for _, row := range t.Rows() {
		if len(row.Index) != 1 {
			continue
		}
		port := b.Ports[row.Index[0]]
		if port == "" || !up[port] {
			continue
		}
		if n, ok := row.At(stpState).Uint(); ok && n < uint64(len(stpStates)) && n > 1 {
			b.States[port] = stpStates[n]
		}
		id, number := row.At(stpDesignatedBridge).Bytes(), row.At(stpDesignatedPort).Bytes()
		if len(id) != 8 || len(number) != 2 {
			continue
		}
		if mac := macText(id[2:]); mac != "" && mac != b.Address {
			// Twelve bits are the number, four the priority (IEEE 802.1D-2004, 9.2.7).
			b.Spanning = append(b.Spanning, Designated{port, mac, uint32(number[0]&0x0f)<<8 | uint32(number[1])})
		}
	}
}

func (b *Bridge) vlans(pvid *Table) {
	b.VLANs = map[string]string{}
	for _, row := range pvid.Rows() {
		if n, ok := row.At(dot1qPvid).Uint(); ok && len(row.Index) == 1 && n > 0 && n <= maxVLAN && b.Ports[row.Index[0]] != "" {
			b.VLANs[b.Ports[row.Index[0]]] = strconv.FormatUint(n, 10)
		}
	}
}

// forwarding collects the stations of each port. It keeps few of each: only what hangs on access ports
// is ever looked at.
type forwarding struct {
	rows, dot1q int
	stations    map[string][][6]byte
	counts      map[string]int
}

// read reads one table of forwarding; its index ends with the MAC.
func (f *forwarding) read(ctx context.Context, s *session, column OID, name string, base map[uint32]string, ports []Interface) ([]string, error) {
	byIndex := portsByIndex(ports)
	return rowsOf(ctx, s, column, maxForwarding-f.rows, name, func(index OID, v Value) {
		number, ok := v.Uint()
		if !ok || number == 0 || number >= wrap32 || len(index) < 6 {
			return
		}
		f.rows++
		if slices.Equal(column, oidQFdbPort) {
			f.dot1q++
		}
		port := base[uint32(number)]
		if port == "" && len(base) == 0 {
			port = byIndex[uint32(number)] // agents exist that count by ifIndex and have no dot1dBasePortTable
		}
		if port != "" {
			f.learn(port, index[len(index)-6:])
		}
	})
}

// learn takes in that a port has a station. What repeats, in another VLAN, counts once.
func (f *forwarding) learn(port string, index OID) {
	var mac [6]byte
	for i, n := range index {
		if n > 255 {
			return
		}
		mac[i] = byte(n)
	}
	if mac == [6]byte{} || mac[0]&1 == 1 || slices.Contains(f.stations[port], mac) {
		return
	}
	if f.stations == nil {
		f.stations, f.counts = map[string][][6]byte{}, map[string]int{}
	}
	f.counts[port]++
	if len(f.stations[port]) <= maxAccess {
		f.stations[port] = append(f.stations[port], mac)
	}
}

func (f *forwarding) ports() (map[string][]string, map[string]int) {
	out := map[string][]string{}
	for port, macs := range f.stations {
		if len(macs) > maxAccess {
			continue
		}
		for _, mac := range macs {
			out[port] = append(out[port], net.HardwareAddr(mac[:]).String())
		}
		slices.Sort(out[port])
	}
	return out, f.counts
}

// readVLANs reads the tables of each VLAN in its own context, as Cisco's switches have them:
// community@VLAN, in SNMPv3 the context vlan-VLAN.
func (d *device) readVLANs(ctx context.Context, fdb *forwarding, b *Bridge, snap *Snapshot) ([]string, error) {
	t, warnings, err := d.session.tables(ctx, columns{oidVtpVlanEntry, []uint32{vtpVlanState}},
		columns{oidVMEntry, []uint32{vmVlan}})
	if err != nil {
		return warnings, err
	}
	names := portsByIndex(snap.Interfaces)
	used := map[uint32]int{} // access ports of each VLAN
	for _, row := range t[1].Rows() {
		if n, ok := row.At(vmVlan).Uint(); ok && len(row.Index) == 1 && n > 0 && n <= maxVLAN && names[row.Index[0]] != "" {
			b.VLANs[names[row.Index[0]]] = strconv.FormatUint(n, 10)
			used[uint32(n)]++
		}
	}
	vlans := operationalVLANs(&t[0])
	slices.SortStableFunc(vlans, func(x, y uint32) int { return cmp.Compare(used[y], used[x]) })
	vlans = vlans[:min(len(vlans), vlansAtOnce)] // those with the most access ports: what hangs on trunks is not looked for
	cred := d.session.cred
	for _, vlan := range vlans {
		in := cred
		if in.Version == "3" {
			in.Context = fmt.Sprintf("vlan-%d", vlan)
		} else {
			in.Community = fmt.Sprintf("%s@%d", orPublic(cred.Community), vlan)
		}
		more, err := d.readVLAN(ctx, in, fdb, snap)
		warnings = append(warnings, more...)
		if errors.Is(err, errTimeout) && ctx.Err() == nil || errors.As(err, new(*statusError)) {
			return warnings, nil // it has no contexts, or they are closed to us: nothing is missing that it shows
		}
		if err != nil {
			return warnings, err
		}
	}
	return warnings, nil
}

// readVLAN reads one VLAN's forwarding in a session of its own.
func (d *device) readVLAN(ctx context.Context, in Credentials, fdb *forwarding, snap *Snapshot) ([]string, error) {
	s := newSession(d.target, in, Timing{Timeout: d.timing.Timeout}) // one full timeout: most of what is closed is met with silence
	defer s.close()
	if _, err := s.get(ctx, oidBridgeAddress); err != nil {
		return nil, err
	}
	t, warnings, err := s.tables(ctx, columns{oidBasePortEntry, []uint32{basePortIfIndex}})
	if err != nil {
		return warnings, err
	}
	base := basePorts(&t[0], snap.Interfaces)
	if len(base) == 0 {
		return warnings, nil
	}
	more, err := fdb.read(ctx, s, oidFdbPort, "dot1dTpFdbTable", base, snap.Interfaces)
	return append(warnings, more...), err
}

// operationalVLANs are the VLANs of vtpVlanTable, without those that carry no Ethernet.
func operationalVLANs(t *Table) []uint32 {
	var list []uint32
	for _, row := range t.Rows() {
		state, _ := row.At(vtpVlanState).Uint()
		if len(row.Index) != 2 || state != vlanOperational {
			continue
		}
		vlan := row.Index[1]
		if vlan > 0 && vlan <= maxVLAN && (vlan < firstLegacyVLAN || vlan >= legacyVLANsAfter) && !slices.Contains(list, vlan) {
			list = append(list, vlan)
		}
	}
	slices.Sort(list)
	return list
}

func orPublic(community string) string {
	if community == "" {
		return gosnmp.Default.Community
	}
	return community
}

// isGroupMAC reports whether a MAC stands for many receivers.
func isGroupMAC(mac string) bool {
	hw, err := net.ParseMAC(mac)
	return err == nil && len(hw) > 0 && hw[0]&1 == 1
}
