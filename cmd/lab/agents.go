package main

import (
	_ "embed"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// tablesScript serves what Net-SNMP's agent does not know of; see there.
//
//go:embed agents.pl
var tablesScript string

const (
	readCommunity  = "public"
	otherCommunity = "changed" // what the agent takes while the fault wrong-community is in force

	// tuneCommunity may write one thing: how long the agent keeps its tables before it reads them from the kernel anew.
	tuneCommunity = "lab-tune"
	cacheTimeouts = ".1.3.6.1.4.1.8072.1.5.3.1.2" // NET-SNMP-AGENT-MIB nsCacheTimeout, indexed by the table's OID
	ifTable       = ".1.3.6.1.2.1.2.2"
	ifXTable      = ".1.3.6.1.2.1.31.1.1"
	lldpRemTable  = ".1.0.8802.1.1.2.1.4.1.1.9" // LLDP-MIB lldpRemSysName

	attachedTable = ".1.2.840.10006.300.43.1.2.1.1.13" // IEEE8023-LAG-MIB dot3adAggPortAttachedAggID
	bridgeTables  = ".1.3.6.1.2.1.17"                  // BRIDGE-MIB

	ifInOctets, ifOutOctets = ".1.3.6.1.2.1.2.2.1.10", ".1.3.6.1.2.1.2.2.1.16"

	// The user of the devices that speak SNMPv3; one password makes both keys.
	usmUser       = "noc"
	usmPassword   = "wall-and-board"
	otherPassword = "changed-meanwhile" // while the fault wrong-password is in force
)

// highCounters are the columns of ifXTable that old agents do not have.
var highCounters = []string{ifXTable + ".1.6", ifXTable + ".1.7", ifXTable + ".1.8", ifXTable + ".1.9",
	ifXTable + ".1.10", ifXTable + ".1.11", ifXTable + ".1.12", ifXTable + ".1.13"}

// agentFiles are the paths of one device's agents.
type agentFiles struct {
	SNMPConfig, Tables, AgentX, Persistent, LLDPConfig, LLDPSocket, LLDPPID string
}

// socketFolder holds the sockets and the files that lldpd's unprivileged half must reach, which the folder of the lab,
// below someone's home or checkout, may not allow. Like the namespaces it exists once per machine.
const socketFolder = "/run/nocturne-lab"

func agentFilesIn(dir string, d device) agentFiles {
	kept := func(name string) string { return filepath.Join(dir, "net", d.Name, name) }
	shared := func(name string) string { return filepath.Join(socketFolder, d.Name+"."+name) }
	return agentFiles{
		SNMPConfig: kept("snmpd.conf"), Tables: kept("agents.pl"), AgentX: shared("agentx"), Persistent: kept("persistent"),
		LLDPConfig: shared("lldpd.conf"), LLDPSocket: shared("lldpd.sock"), LLDPPID: kept("lldpd.pid"),
	}
}

// agentSettings are what faults change of an SNMP agent.
type agentSettings struct {
	Community string   // of version 2c; "" for a device that speaks version 3
	Password  string   // of version 3
	Hidden    []string // subtrees that it does not have
	Served    []served // by the script, beside those that the device always has
}

// served is a subtree that the script serves.
type served struct{ OID, Arguments string }

// snmpConfig is the snmpd.conf(5) of a device. The interface lines override the speed that the kernel reports for a
// veth interface (10 Gbit/s), so that little traffic makes a visible utilisation, and the type of a bridge that is a LAG.
func snmpConfig(p plan, d device, files agentFiles, set agentSettings) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("agentaddress udp:127.0.0.1:161")
	if d.V3 {
		line("createUser %s SHA-256 %[2]q AES %[2]q", usmUser, set.Password)
		line("rouser %s authpriv", usmUser)
	} else {
		line("view all included .1")
		for _, oid := range set.Hidden {
			line("view all excluded %s", oid)
		}
		line("rocommunity %s 127.0.0.1 -V all", set.Community)
	}
	line("rwcommunity %s 127.0.0.1 %s", tuneCommunity, cacheTimeouts)
	line("trap2sink 127.0.0.1:%d %s", trapPort, readCommunity)
	line("authtrapenable 1")
	line("sysName %s", d.Name)
	line("sysDescr Nocturne lab %s %s", d.Role, d.Name)
	line("sysLocation Seoul lab")
	line("sysContact noc@lab.example")
	line("master agentx")
	line("agentXSocket %s", files.AgentX)
	line("dontLogTCPWrappersConnects yes")
	members := map[string]int{} // Mbit/s of each bridge's
	for _, n := range p.neighbours(d.Name) {
		line("interface %s 6 %d", n.port, n.mbps*1_000_000)
		members[n.master] += n.mbps
	}
	tables := slices.Clone(set.Served)
	for _, bridge := range p.bridges(d.Name) {
		kind, table := 209, served{bridgeTables, "bridge " + bridge.Name} // IANAifType bridge
		if bridge.LAG {
			kind, table = 161, served{attachedTable, "lag " + bridge.Name} // ieee8023adLag
		}
		line("interface %s %d %d", bridge.Name, kind, members[bridge.Name]*1_000_000)
		tables = append(tables, table)
	}
	for _, t := range tables {
		line("pass_persist %s /usr/bin/perl %s %s", t.OID, files.Tables, t.Arguments)
	}
	return b.String()
}

// lldpConfig is the lldpd configuration of a device, in the commands of lldpcli(8).
func lldpConfig(d device) string {
	return fmt.Sprintf("configure system hostname %s\nconfigure lldp tx-interval 2\n", d.Name)
}

// snmpSpec starts the SNMP agent of a device. MIB files are not needed to answer, only to warn that they are missing.
func snmpSpec(d device, files agentFiles) spec {
	return spec{
		Name: "snmpd-" + d.Name,
		Args: []string{"ip", "netns", "exec", namespace(d.Name), "snmpd", "-f", "-Lo", "-C", "-c", files.SNMPConfig},
		Env:  []string{"MIBS=", "SNMP_PERSISTENT_DIR=" + files.Persistent},
	}
}

// lldpSpec starts the LLDP agent of a device on its cabled ports only, with the relay's address as the management
// address that the neighbours learn. With another address there is no SNMP agent to join.
func lldpSpec(d device, near []neighbour, files agentFiles, address string) spec {
	var ports []string
	for _, n := range near {
		ports = append(ports, n.port)
	}
	args := []string{"ip", "netns", "exec", namespace(d.Name), "lldpd", "-d", "-u", files.LLDPSocket, "-p", files.LLDPPID,
		"-O", files.LLDPConfig, "-I", strings.Join(ports, ","), "-S", fmt.Sprintf("Nocturne lab %s %s", d.Role, d.Name), "-H", "2"}
	if address != "" {
		args = append(args, "-m", address)
	} else {
		args = append(args, "-m", agentAddress(d), "-X", files.AgentX)
	}
	return spec{Name: "lldpd-" + d.Name, Args: args}
}
