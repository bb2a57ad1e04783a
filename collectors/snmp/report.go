package snmp

import "strings"

// Report is what `discover snmp` prints of one device, one JSON object.
type Report struct {
	Target string `json:"target"`
	// Credentials is the name, or the number from 1, of those that the device accepts; "" where there was
	// no choice. It is never a secret.
	Credentials string `json:"credentials,omitempty"`

	Device     ReportDevice      `json:"device"`
	Interfaces []ReportInterface `json:"interfaces"`
	Processors []Processor       `json:"processors"`
	Memory     []Volume          `json:"memory"`
	Storage    []Volume          `json:"storage"`
	Sensors    []Sensor          `json:"sensors"`
	Neighbours []ReportNeighbour `json:"neighbours"`
	Warnings   []string          `json:"warnings"`
}

// ReportDevice is the device's identity.
type ReportDevice struct {
	SysName     string `json:"sysName"`
	SysObjectID string `json:"sysObjectID"`
	SysDescr    string `json:"sysDescr"`
	Vendor      string `json:"vendor"`
	OS          string `json:"os"`
	Version     string `json:"version"`
	Hardware    string `json:"hardware"`
	Serial      string `json:"serial"`
}

// ReportInterface is one interface; SpeedBPS is bit/s, 0 for unknown.
type ReportInterface struct {
	Index    uint32  `json:"ifIndex"`
	Name     string  `json:"ifName"`
	Descr    string  `json:"ifDescr"`
	Alias    string  `json:"ifAlias"`
	Type     string  `json:"ifType"`
	Admin    string  `json:"admin"`
	Oper     string  `json:"oper"`
	SpeedBPS float64 `json:"speed_bps"`
	MAC      string  `json:"mac"`
}

// ReportNeighbour is one neighbour as a protocol told of it.
type ReportNeighbour struct {
	Protocol  string `json:"protocol"`
	LocalPort string `json:"local_port"`
	Name      string `json:"remote_name"`
	Port      string `json:"remote_port"`
	Chassis   string `json:"remote_chassis"`
	Platform  string `json:"remote_platform"`
	Address   string `json:"remote_address"`
}

// report puts a snapshot into the words of the command. All lists are there, if empty.
func report(target string, s *Snapshot) *Report {
	r := &Report{
		Target: target,
		Device: ReportDevice{
			SysName: s.System.Name, SysObjectID: s.System.ObjectID.String(), SysDescr: s.System.Descr,
			Vendor: s.Identity.Vendor, OS: s.Identity.OS, Version: s.Identity.Version,
			Hardware: s.Identity.Hardware, Serial: s.Identity.Serial,
		},
		Interfaces: []ReportInterface{},
		Processors: append([]Processor{}, s.Readings.Processors...),
		Memory:     append([]Volume{}, s.Readings.Memory...),
		Storage:    append([]Volume{}, s.Readings.Storage...),
		Sensors:    append([]Sensor{}, s.Readings.Sensors...),
		Neighbours: []ReportNeighbour{},
		Warnings:   append([]string{}, s.Warnings...),
	}
	for i := range s.Interfaces {
		p := &s.Interfaces[i]
		out := ReportInterface{
			Index: p.Index, Name: p.Name, Descr: p.Descr, Alias: p.Alias, Type: ifTypeName(p.Type),
			Admin: p.Admin.String(), Oper: p.Oper.String(), SpeedBPS: p.SpeedBPS, MAC: p.MAC,
		}
		if out.Name == "" {
			out.Name = p.Port
		}
		r.Interfaces = append(r.Interfaces, out)
	}
	for i := range s.Neighbours {
		n := &s.Neighbours[i]
		out := ReportNeighbour{
			Protocol: strings.ToLower(n.Protocol), LocalPort: n.LocalPort, Name: n.Name, Port: n.portText(),
			Chassis: n.Chassis, Platform: n.Platform,
		}
		if len(n.Addresses) > 0 {
			out.Address = n.Addresses[0]
		}
		r.Neighbours = append(r.Neighbours, out)
	}
	return r
}
