package snmp

import (
	"bytes"
	"strconv"
	"unicode"
	"unicode/utf8"
)

// The chassis and port ID subtypes of LLDP (IEEE 802.1AB, LldpChassisIdSubtype, LldpPortIdSubtype).
// They number the same kinds differently.
const (
	chassisComponent, chassisAlias, chassisPort, chassisMAC, chassisNetwork, chassisName, chassisLocal = 1, 2, 3, 4, 5, 6, 7

	portAlias, portComponent, portMAC, portNetwork, portName, portCircuit, portLocal = 1, 2, 3, 4, 5, 6, 7
)

// PortID is how a port names itself in a neighbour protocol.
type PortID struct {
	Subtype int    // 0 for CDP, whose port IDs are interface names
	ID      string // decoded; see decodePortID
	Descr   string
}

// Local is how a device names itself to its neighbours.
type Local struct {
	Chassis string   // decoded chassis ID, "" where it has none
	Names   []string // what neighbours may call it: sysName, lldpLocSysName, CDP device ID
	Is2009  bool     // it has LLDP-V2-MIB and not LLDP-MIB
}

// Neighbour is one sighting: what one of a device's ports hears from its other end.
type Neighbour struct {
	Protocol  string // "LLDP" or "CDP"
	LocalPort string // Interface.Port; "" where it could not be told
	Name      string // sysName, CDP device ID
	Chassis   string // decoded chassis ID; "" for CDP and for junk
	Port      PortID
	Platform  string   // sysDescr, CDP platform
	Addresses []string // management addresses
}

// Columns of lldpLocPortTable, lldpRemTable and their successors of 2009.
const (
	locPortSubtype, locPortID, locPortDesc = 2, 3, 4

	remChassisType, remChassisID, remPortType, remPortID, remPortDesc, remSysName, remSysDesc = 4, 5, 6, 7, 8, 9, 10
	remManIfType                                                                              = 3 // the first readable column of lldpRemManAddrTable
)

// lldpIndex tells the two generations of the tables apart: lldpRemTable is indexed by time mark,
// local port and running number, lldpV2RemTable has the destination address before the last.
type lldpIndex struct {
	portAt, length int
	shift          uint32 // of the columns of the remote table
}

// The two generations of the tables.
var (
	lldp2005 = lldpIndex{portAt: 1, length: 3}
	lldp2009 = lldpIndex{portAt: 1, length: 4, shift: 1}
)

// neighbours decodes the rows; local finds the interface behind a local port number.
func (x lldpIndex) neighbours(rem, man *Table, local func(num uint32) string) []Neighbour {
	addresses := map[string][]string{}
	for _, row := range man.Rows() {
		if len(row.Index) > x.length {
			key := row.Index[:x.length].String()
			if addr := manAddress(row.Index[x.length:]); addr != "" {
				addresses[key] = append(addresses[key], addr)
			}
		}
	}
	var list []Neighbour
	for _, row := range rem.Rows() {
		if len(row.Index) != x.length {
			continue
		}
		at := func(column uint32) Value { return row.At(column + x.shift) }
		list = append(list, Neighbour{
			Protocol:  "LLDP",
			LocalPort: local(row.Index[x.portAt]),
			Name:      at(remSysName).Line(),
			Chassis:   chassisOf(at(remChassisType), at(remChassisID)),
			Port: PortID{
				Subtype: subtype(at(remPortType)),
				ID:      decodePortID(subtype(at(remPortType)), at(remPortID).Bytes()),
				Descr:   at(remPortDesc).Line(),
			},
			Platform:  at(remSysDesc).Text(),
			Addresses: addresses[row.Index.String()],
		})
	}
	return list
}

// locPort finds the interface behind a local port number by the port's own ID and description.
func locPort(row Row, ports []Interface) (string, bool) {
	id := PortID{Subtype: subtype(row.At(locPortSubtype)), Descr: row.At(locPortDesc).Line()}
	id.ID = decodePortID(id.Subtype, row.At(locPortID).Bytes())
	return findPort(ports, id)
}

func portByIndex(ports []Interface, index uint32) (string, bool) {
	for i := range ports {
		if ports[i].Index == index {
			return ports[i].Port, true
		}
	}
	return "", false
}

// findPort finds the interface that a port ID means, among those of the device that sent it. What
// would fit several ports fits none.
func findPort(ports []Interface, id PortID) (string, bool) {
	name := func(text string) []func(*Interface) bool {
		if text == "" {
			return nil
		}
		return []func(*Interface) bool{
			func(i *Interface) bool { return i.Name == text },
			func(i *Interface) bool { return i.Descr == text },
			func(i *Interface) bool { return shortPort(i.Name) == shortPort(text) && i.Name != "" },
			func(i *Interface) bool { return shortPort(i.Descr) == shortPort(text) && i.Descr != "" },
			func(i *Interface) bool { return i.Alias == text },
		}
	}
	var tries []func(*Interface) bool
	switch id.Subtype {
	case portMAC:
		tries = append(tries, func(i *Interface) bool { return i.MAC == id.ID && id.ID != "" })
	case portAlias:
		tries = append(tries, func(i *Interface) bool { return i.Alias == id.ID && id.ID != "" })
		tries = append(tries, name(id.ID)...)
	case portLocal: // anything that the vendor likes: a name, an index, a MAC
		tries = append(tries, name(id.ID)...)
		tries = append(tries, func(i *Interface) bool { return i.MAC != "" && i.MAC == id.ID })
		if n, err := strconv.ParseUint(id.ID, 10, 32); err == nil {
			tries = append(tries, name(id.Descr)...) // says more than a bare number
			tries = append(tries, func(i *Interface) bool { return uint64(i.Index) == n })
		}
	case portNetwork, portCircuit:
	default:
		tries = append(tries, name(id.ID)...)
	}
	tries = append(tries, name(id.Descr)...)
	for _, fits := range tries {
		if port, ok := onlyOne(ports, fits); ok {
			return port, true
		}
	}
	return "", false
}

func onlyOne(ports []Interface, fits func(*Interface) bool) (string, bool) {
	found := ""
	for i := range ports {
		if fits(&ports[i]) {
			if found != "" {
				return "", false
			}
			found = ports[i].Port
		}
	}
	return found, found != ""
}

func subtype(v Value) int {
	n, _ := v.Int()
	return int(n)
}

func chassisOf(kind, id Value) string { return decodeChassisID(subtype(kind), id.Bytes()) }

// decodeChassisID returns a chassis ID as text that is equal for equal IDs: a MAC or a network
// address in its usual form, else the text itself. Junk gives "".
func decodeChassisID(subtype int, id []byte) string {
	var text string
	switch subtype {
	case chassisMAC:
		text = macText(id)
	case chassisNetwork:
		text = networkText(id)
	case chassisComponent, chassisAlias, chassisPort, chassisName, chassisLocal:
		text = idText(id)
	}
	if junkChassis[text] {
		return ""
	}
	return text
}

// junkChassis are well-known IDs that many devices share, which therefore link nothing.
var junkChassis = map[string]bool{
	"00:00:00:00:00:00": true, "01:02:03:04:05:06": true, "ff:ff:ff:ff:ff:ff": true,
	"00:11:22:33:44:55": true, "12:34:56:78:9a:bc": true, "02:00:00:00:00:00": true,
	"127.0.0.1": true, "0.0.0.0": true, "localhost": true, "localhost.localdomain": true,
	"(none)": true, "0": true, "default": true, "unknown": true, "none": true,
}

// decodePortID returns a port ID as text: a MAC or a network address in its usual form, else the
// text itself.
func decodePortID(subtype int, id []byte) string {
	switch subtype {
	case portMAC:
		if mac := macText(id); mac != "" {
			return mac
		}
	case portNetwork:
		return networkText(id)
	}
	return idText(id)
}

// idText shows an ID of any bytes: text as text, six bytes that are none as a MAC, others in hex.
func idText(id []byte) string {
	id = bytes.TrimRight(id, "\x00")
	isText := utf8.Valid(id) && !bytes.ContainsFunc(id, unicode.IsControl)
	switch mac := macText(id); {
	case isText:
		return cleanText(id)
	case mac != "":
		return mac
	}
	return hexText(id)
}

func hexText(b []byte) string {
	const digits = "0123456789abcdef"
	if len(b) > maxText/2 {
		b = b[:maxText/2]
	}
	out := make([]byte, 0, 2*len(b))
	for _, c := range b {
		out = append(out, digits[c>>4], digits[c&15])
	}
	return string(out)
}

// networkText decodes an address with the IANA family number before it: 1 IPv4, 2 IPv6.
func networkText(id []byte) string {
	if len(id) == 5 && id[0] == 1 || len(id) == 17 && id[0] == 2 {
		return addrText(id[1:])
	}
	return addrText(id)
}

// manAddress decodes the end of lldpRemManAddrTable's index: family, length, bytes. Agents exist
// that leave the length out.
func manAddress(index OID) string {
	if len(index) < 2 {
		return ""
	}
	b := make([]byte, 0, len(index))
	for _, n := range index[1:] {
		if n > 255 {
			return ""
		}
		b = append(b, byte(n))
	}
	if int(b[0]) == len(b)-1 {
		b = b[1:]
	}
	return addrText(b)
}
