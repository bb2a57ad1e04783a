package snmp

import "context"

// readNeighbours reads what LLDP and CDP hear on the device's ports.
func readNeighbours(ctx context.Context, r reader, local Local, ports []Interface) ([]Neighbour, []string, error) {
	generation, remEntry, locEntry, manEntry := lldp2005, oidRemEntry, oidLocPortEntry, oidRemManEntry
	if local.Is2009 {
		generation, remEntry, locEntry, manEntry = lldp2009, oidRemEntry2, oidLocPortEntry2, oidRemManEntry2
	}
	rem := []uint32{remChassisType, remChassisID, remPortType, remPortID, remPortDesc, remSysName, remSysDesc}
	for i := range rem {
		rem[i] += generation.shift
	}
	t, warnings, err := r.tables(ctx,
		columns{remEntry, rem},
		columns{manEntry, []uint32{remManIfType + generation.shift}},
		columns{oidCDPCacheEntry, []uint32{cdpAddressType, cdpAddress, cdpDeviceID, cdpDevicePort, cdpPlatform}})
	if err != nil {
		return nil, warnings, err
	}
	var loc, basePorts, cdpPorts Table
	if len(t[0].Rows()) > 0 {
		more, partial, err := r.tables(ctx, columns{locEntry, []uint32{locPortSubtype, locPortID, locPortDesc}})
		warnings = append(warnings, partial...)
		if err != nil {
			return nil, warnings, err
		}
		loc = more[0]
		if !allFound(&t[0], &loc, ports) {
			if more, partial, err = r.tables(ctx, columns{oidBasePortEntry, []uint32{basePortIfIndex}}); err != nil {
				return nil, append(warnings, partial...), err
			}
			warnings = append(warnings, partial...)
			basePorts = more[0]
		}
	}
	if len(t[2].Rows()) > 0 {
		more, partial, err := r.tables(ctx, columns{oidCDPInterface, []uint32{cdpInterfaceName}})
		warnings = append(warnings, partial...)
		if err != nil {
			return nil, warnings, err
		}
		cdpPorts = more[0]
	}
	list := generation.neighbours(&t[0], &t[1], func(num uint32) string { return localPort(num, &loc, &basePorts, ports) })
	return append(list, cdpNeighbours(&t[2], &cdpPorts, ports)...), warnings, nil
}

const (
	basePortIfIndex  = 2
	cdpInterfaceName = 6
)

// allFound reports whether each neighbour's local port is known by its own ID alone.
func allFound(rem, loc *Table, ports []Interface) bool {
	for _, row := range rem.Rows() {
		if len(row.Index) < 2 {
			continue
		}
		if _, ok := locPort(loc.Get(row.Index[1]), ports); !ok {
			return false
		}
	}
	return true
}

// localPort finds the interface behind lldpRemLocalPortNum. The MIB leaves open what the number
// is: the port's own ID and description decide, then dot1dBasePort, then ifIndex.
func localPort(num uint32, loc, basePorts *Table, ports []Interface) string {
	if port, ok := locPort(loc.Get(num), ports); ok {
		return port
	}
	if index, ok := basePorts.Get(num).At(basePortIfIndex).Uint(); ok {
		if port, ok := portByIndex(ports, uint32(index)); ok {
			return port
		}
	}
	port, _ := portByIndex(ports, num)
	return port
}
