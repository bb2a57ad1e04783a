package snmp

import (
	"context"
	"regexp"
	"strings"
)

// Identity says what a device is.
type Identity struct {
	Vendor, OS, Version, Hardware, Serial string
}

const (
	entDescr, entClass, entName                = 2, 5, 7
	entSoftwareRev, entSerialNum, entModelName = 10, 11, 13

	entClassChassis = 3 // PhysicalClass
	maxChassis      = 4 // the members of a stack that are asked for their name
)

// readIdentity reads the top of the ENTITY-MIB's tree and joins it with what sysObjectID and
// sysDescr say. Large devices have thousands of physical entities, of which only the first few
// levels are of use here: the top is asked for by its index.
func readIdentity(ctx context.Context, r reader, s System) (Identity, []string, error) {
	t, warnings, err := r.tables(ctx, columns{oidEntPhysicalEntry, []uint32{entClass}})
	if err != nil {
		return identify(s, nil), warnings, err
	}
	var chassis []Row
	for _, row := range t[0].Rows() {
		if class, _ := row.At(entClass).Int(); class != entClassChassis || len(row.Index) != 1 {
			continue
		}
		n := row.Index[0]
		var oids []OID
		cols := []uint32{entDescr, entName, entSoftwareRev, entSerialNum, entModelName}
		for _, c := range cols {
			oids = append(oids, oidEntPhysicalEntry.Append(c, n))
		}
		v, err := r.get(ctx, oids...)
		if err != nil {
			return identify(s, chassis), warnings, err
		}
		cells := map[uint32]Value{}
		for i, c := range cols {
			cells[c] = v[i]
		}
		chassis = append(chassis, Row{Index: row.Index, cells: cells})
		if len(chassis) == maxChassis {
			break
		}
	}
	return identify(s, chassis), warnings, nil
}

// identify is the pure part of readIdentity.
func identify(s System, chassis []Row) Identity {
	var id Identity
	if len(s.ObjectID) > len(oidEnterprises) && s.ObjectID.Under(oidEnterprises) {
		v := vendors[s.ObjectID[len(oidEnterprises)]]
		id.Vendor, id.OS = v.name, v.os
	}
	for _, f := range families {
		if s.ObjectID.Under(f.root) {
			id.OS = f.os
		}
	}
	for _, p := range descrPatterns {
		m := p.match.FindStringSubmatch(s.Descr)
		if m == nil {
			continue
		}
		id.OS = p.os
		if i := p.match.SubexpIndex("version"); i > 0 {
			id.Version = strings.TrimRight(m[i], ",.;")
		}
		if i := p.match.SubexpIndex("hardware"); i > 0 {
			id.Hardware = m[i]
		}
		break
	}
	for _, row := range chassis {
		take := func(field *string, column uint32) {
			if v := row.At(column).Line(); *field == "" && v != "" {
				*field = v
			}
		}
		if model := row.At(entModelName).Line(); model != "" {
			id.Hardware = model
		} else {
			take(&id.Hardware, entDescr)
		}
		take(&id.Version, entSoftwareRev)
		take(&id.Serial, entSerialNum)
		if id.Serial != "" {
			break
		}
	}
	return id
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

// families are vendors' branches that have an operating system of their own.
var families = []struct {
	root OID
	os   string
}{
	{mustOID("1.3.6.1.4.1.11.2.3.7"), "procurve"},
	{mustOID("1.3.6.1.4.1.11.2.3.9"), "jetdirect"},
}

// descrPatterns read operating system, version and model from sysDescr, as the vendors word it.
// The first that fits counts.
var descrPatterns = []struct {
	os    string
	match *regexp.Regexp
}{
	{"nxos", regexp.MustCompile(`^"?Cisco NX-OS\(tm\) [\s\S]*?Version (?P<version>[^,\s]+)`)},
	{"iosxr", regexp.MustCompile(`^"?Cisco IOS XR Software[\s\S]*?Version (?P<version>[^\s\[]+)`)},
	{"iosxe", regexp.MustCompile(`^"?Cisco IOS Software[\s\S]*?(?:IOS-XE|\[\w+\])[\s\S]*?Version (?P<version>[^,\s]+)`)},
	{"ios", regexp.MustCompile(`^"?Cisco (?:IOS|Internetwork)[\s\S]*?Version (?P<version>[^,\s]+)`)},
	{"asa", regexp.MustCompile(`^"?Cisco Adaptive Security Appliance Version (?P<version>\S+)`)},
	{"junos", regexp.MustCompile(`Juniper Networks, Inc\. (?P<hardware>\S+) [\s\S]*?JUNOS (?P<version>[^,\s]+)`)},
	{"arista_eos", regexp.MustCompile(`^Arista Networks EOS version (?P<version>\S+) running on an Arista Networks (?P<hardware>\S+)`)},
	{"routeros", regexp.MustCompile(`^RouterOS (?P<hardware>.+)`)},
	{"vrp", regexp.MustCompile(`VRP \(R\) [Ss]oftware,\s*Version (?P<version>\S+)`)},
	{"comware", regexp.MustCompile(`Comware (?:Platform )?Software,[\s\S]*?Version (?P<version>[^,\s]+)`)},
	{"procurve", regexp.MustCompile(`^"?(?:ProCurve|HPE?)\s.*?(?P<hardware>J\d{4}[A-Z])\D.*?revision (?P<version>[^,\s]+)`)},
	{"vmware-esxi", regexp.MustCompile(`^VMware ESXi? (?P<version>\S+)`)},
	{"windows", regexp.MustCompile(`Software: Windows.*?Version (?P<version>\S+)`)},
	{"linux", regexp.MustCompile(`^Linux \S+ (?P<version>\S+)`)},
	{"freebsd", regexp.MustCompile(`^(?:.*)FreeBSD (?P<version>\S+)`)},
	{"zxr10", regexp.MustCompile(`ZXR10[\s\S]*?Version ZXR10 (?P<hardware>\S+) (?P<version>V\S+)`)},
}
