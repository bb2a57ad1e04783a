package snmp

import "strings"

const (
	cdpAddressType, cdpAddress, cdpDeviceID, cdpDevicePort, cdpPlatform = 3, 4, 6, 7, 8
	cdpAddressIPv4                                                      = 1
)

// cdpNeighbours reads cdpCacheTable, whose index is ifIndex and a running number. Some devices
// count interfaces of their own in it, which cdpInterfaceName then names.
func cdpNeighbours(cache, own *Table, ports []Interface) []Neighbour {
	var list []Neighbour
	for _, row := range cache.Rows() {
		if len(row.Index) != 2 {
			continue
		}
		local, ok := portByIndex(ports, row.Index[0])
		if name := own.Get(row.Index[0]).At(cdpInterfaceName).Line(); !ok && name != "" {
			local, _ = findPort(ports, PortID{ID: name})
		}
		n := Neighbour{
			Protocol:  "CDP",
			LocalPort: local,
			Name:      cdpName(idText(row.At(cdpDeviceID).Bytes())),
			Port:      PortID{ID: row.At(cdpDevicePort).Line()},
			Platform:  row.At(cdpPlatform).Text(),
		}
		if kind, _ := row.At(cdpAddressType).Int(); kind == cdpAddressIPv4 {
			if addr := addrText(row.At(cdpAddress).Bytes()); addr != "" {
				n.Addresses = []string{addr}
			}
		}
		list = append(list, n)
	}
	return list
}

// cdpName takes the serial number off a device ID such as "switch1(FDO1234X567)" of NX-OS.
func cdpName(id string) string {
	if name, serial, ok := strings.Cut(id, "("); ok && strings.HasSuffix(serial, ")") && name != "" {
		return name
	}
	return id
}
