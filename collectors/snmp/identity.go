package snmp

import (
	"context"
	"maps"
	"slices"
	"strings"
)

// Identity says what a device is.
type Identity struct {
	Vendor, OS, Version, Hardware, Serial string
}

// fields are those of an Identity by their names in a profile.
func (id *Identity) fields() map[string]*string {
	return map[string]*string{"vendor": &id.Vendor, "os": &id.OS, "version": &id.Version, "hardware": &id.Hardware, "serial": &id.Serial}
}

const (
	entDescr, entClass, entName                = 2, 5, 7
	entSoftwareRev, entSerialNum, entModelName = 10, 11, 13

	entClassChassis = 3 // PhysicalClass
	maxChassis      = 4 // the members of a stack that are asked for their name
)

// readIdentity finds the device's profile and follows its clues: what sysObjectID, sysDescr, the
// vendor's own objects and the top of the ENTITY-MIB's tree say.
func readIdentity(ctx context.Context, r reader, s System, h *hardware) (Identity, []string, error) {
	if err := h.choose(ctx, r, s); err != nil {
		return identify(s, h.chosen, nil, nil, nil), nil, err
	}
	clues := cluesOf(h)
	objects, warnings, err := readClues(ctx, r, clues)
	if err != nil {
		return identify(s, h.chosen, clues, objects, nil), warnings, err
	}
	chassis, more, err := readChassis(ctx, r)
	return identify(s, h.chosen, clues, objects, chassis), append(warnings, more...), err
}

// cluesOf are the clues of the device's own profile and of those that it uses.
func cluesOf(h *hardware) []clue {
	var list []clue
	for _, p := range h.profiles {
		list = append(list, p.Identity...)
	}
	return list
}

// readClues reads the objects of the clues. Those that are no instance are columns: of these the
// first filled cell is taken.
func readClues(ctx context.Context, r reader, clues []clue) (map[string]Value, []string, error) {
	var oids []OID
	for _, c := range clues {
		for _, o := range c.Get {
			oids = append(oids, o.OID)
		}
	}
	objects, err := getAll(ctx, r, oids)
	if err != nil {
		return objects, nil, err
	}
	var want []columns
	for _, oid := range oids {
		if last := len(oid) - 1; last > 0 && oid[last] != 0 && !objects[oid.String()].Exists() {
			want = append(want, columns{oid[:last], oid[last:]})
		}
	}
	tables, warnings, err := r.tables(ctx, want...)
	for i := range min(len(tables), len(want)) {
		for _, row := range tables[i].Rows() {
			if v := row.At(want[i].cols[0]); operandOf(v).text() != "" {
				objects[want[i].entry.Append(want[i].cols...).String()] = v
				break
			}
		}
	}
	return objects, warnings, err
}

// readChassis reads the top of the ENTITY-MIB's tree. Large devices have thousands of physical
// entities, of which only the first few levels are of use here: the top is asked for by its index.
func readChassis(ctx context.Context, r reader) ([]Row, []string, error) {
	t, warnings, err := r.tables(ctx, columns{oidEntPhysicalEntry, []uint32{entClass}})
	if err != nil {
		return nil, warnings, err
	}
	var tops []OID
	for _, row := range t[0].Rows() {
		if class, _ := row.At(entClass).Int(); class == entClassChassis && len(row.Index) == 1 && len(tops) < maxChassis {
			tops = append(tops, row.Index)
		}
	}
	if len(tops) == 0 {
		tops = []OID{{1}} // nearly all agents that leave the class out number from the top
	}
	var chassis []Row
	for _, top := range tops {
		var oids []OID
		cols := []uint32{entDescr, entName, entSoftwareRev, entSerialNum, entModelName}
		for _, c := range cols {
			oids = append(oids, oidEntPhysicalEntry.Append(c).Append(top...))
		}
		v, err := r.get(ctx, oids...)
		if err != nil {
			return chassis, warnings, err
		}
		cells := map[uint32]Value{}
		for i, c := range cols {
			cells[c] = v[i]
		}
		chassis = append(chassis, Row{Index: top, cells: cells})
	}
	return chassis, warnings, nil
}

// identify is the pure part of readIdentity. Of several clues to a field the first counts.
func identify(s System, chosen candidate, clues []clue, objects map[string]Value, chassis []Row) Identity {
	var id Identity
	if chosen.profile != nil {
		id.Vendor, id.OS = chosen.profile.Vendor, chosen.profile.OS
		if chosen.matcher.Vendor != "" {
			id.Vendor = chosen.matcher.Vendor
		}
		if chosen.matcher.OS != "" {
			id.OS = chosen.matcher.OS
		}
	}
	asked := false
	for i := range clues {
		if clues[i].Entity {
			id.fromChassis(chassis)
			asked = true
			continue
		}
		id.follow(&clues[i], s, objects)
	}
	if !asked {
		id.fromChassis(chassis)
	}
	if len(s.ObjectID) > len(oidEnterprises) && s.ObjectID.Under(oidEnterprises) {
		v := vendors[s.ObjectID[len(oidEnterprises)]]
		fill(&id.Vendor, v.name)
		fill(&id.OS, v.os)
	}
	return id
}

func fill(field *string, value string) {
	if *field == "" {
		*field = value
	}
}

// follow fills in what a clue tells.
func (id *Identity) follow(c *clue, s System, objects map[string]Value) {
	said := map[string]string{"sysDescr": strings.Join(strings.Fields(s.Descr), " "), "sysObjectID": s.ObjectID.String(), "sysName": s.Name}
	for name, oid := range c.Get {
		said[name] = operandOf(objects[oid.String()]).text()
	}
	resolve := func(name string) operand {
		if v, ok := said[name]; ok {
			return operand{kind: text, s: v}
		}
		return operand{}
	}
	if c.Match.Regexp != nil {
		groups := c.Match.FindStringSubmatch(c.From.render(resolve))
		if groups == nil {
			return
		}
		for i, name := range c.Match.SubexpNames() {
			if i > 0 && name != "" {
				said[name] = groups[i]
			}
		}
	}
	templates, fields := c.fields(), id.fields()
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if t := templates[name]; t.source != "" {
			fill(fields[name], t.render(resolve))
		} else {
			fill(fields[name], oneLine.Replace(said[name]))
		}
	}
}

// fromChassis fills in what ENTITY-MIB says of the chassis, the first of a stack that has a serial
// number.
func (id *Identity) fromChassis(chassis []Row) {
	var hardware, version, serial string
	for _, row := range chassis {
		fill(&hardware, row.At(entModelName).Line())
		fill(&version, row.At(entSoftwareRev).Line())
		fill(&serial, row.At(entSerialNum).Line())
		if serial != "" {
			break
		}
	}
	for _, row := range chassis {
		fill(&hardware, row.At(entDescr).Line())
	}
	fill(&id.Hardware, hardware)
	fill(&id.Version, version)
	fill(&id.Serial, serial)
}

// vendors are enterprise numbers (IANA) with the operating system that goes with most of their devices.
var vendors = map[uint32]struct{ name, os string }{
	9: {"Cisco", "ios"}, 11: {"HPE", ""}, 43: {"3Com", ""}, 171: {"D-Link", "dlink"}, 207: {"Allied Telesis", "awplus"},
	232: {"HPE", ""}, 311: {"Microsoft", "windows"}, 318: {"APC", "apc"}, 674: {"Dell", "dell"}, 789: {"NetApp", "ontap"},
	890: {"Zyxel", "zynos"}, 1588: {"Brocade", "fabos"}, 1916: {"Extreme Networks", "exos"}, 1991: {"Brocade", "ironware"},
	2011: {"Huawei", "vrp"}, 2272: {"Extreme Networks", "voss"}, 2636: {"Juniper", "junos"}, 3375: {"F5", "tmos"},
	3902: {"ZTE", "zxr10"}, 4413: {"Ubiquiti", "edgeswitch"}, 4526: {"Netgear", ""}, 4881: {"Ruijie", "rgos"},
	5624: {"Enterasys", ""}, 6027: {"Dell", "ftos"}, 6486: {"Alcatel-Lucent Enterprise", "aos"}, 6527: {"Nokia", "timos"},
	6574: {"Synology", "dsm"}, 6876: {"VMware", "vmware-esxi"}, 8072: {"Net-SNMP", "linux"}, 8691: {"Moxa", ""},
	11863: {"TP-Link", "jetstream"}, 12325: {"FreeBSD", "freebsd"}, 12356: {"Fortinet", "fortigate"}, 14179: {"Cisco", "airespace"},
	14823: {"Aruba", "arubaos"}, 14988: {"MikroTik", "routeros"}, 25461: {"Palo Alto Networks", "panos"}, 25506: {"H3C", "comware"},
	30065: {"Arista", "arista_eos"}, 35265: {"Eltex", "eltex"}, 41112: {"Ubiquiti", "airos"}, 47196: {"HPE Aruba", "arubaos-cx"},
}
