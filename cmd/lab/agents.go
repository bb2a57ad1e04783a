package main

import (
	"fmt"
	"path/filepath"
	"strings"
)

const (
	readCommunity  = "public"
	otherCommunity = "changed" // what the agent takes while the fault wrong-community is in force

	// tuneCommunity may write one thing: how long the agent keeps its tables before it reads them from the kernel anew.
	tuneCommunity = "lab-tune"
	cacheTimeouts = ".1.3.6.1.4.1.8072.1.5.3.1.2" // NET-SNMP-AGENT-MIB nsCacheTimeout, indexed by the table's OID
	ifTable       = ".1.3.6.1.2.1.2.2"
	ifXTable      = ".1.3.6.1.2.1.31.1.1"
	lldpRemTable  = ".1.0.8802.1.1.2.1.4.1.1.9" // LLDP-MIB lldpRemSysName
)

// agentFiles are the paths of one device's agents.
type agentFiles struct {
	SNMPConfig, AgentX, Persistent, LLDPConfig, LLDPSocket, LLDPPID string
}

// socketFolder holds the sockets and the files that lldpd's unprivileged half must reach, which the folder of the lab,
// below someone's home or checkout, may not allow. Like the namespaces it exists once per machine.
const socketFolder = "/run/nocturne-lab"

func agentFilesIn(dir string, d device) agentFiles {
	kept := func(name string) string { return filepath.Join(dir, "net", d.Name, name) }
	shared := func(name string) string { return filepath.Join(socketFolder, d.Name+"."+name) }
	return agentFiles{kept("snmpd.conf"), shared("agentx"), kept("persistent"), shared("lldpd.conf"), shared("lldpd.sock"), kept("lldpd.pid")}
}

// snmpConfig is the snmpd.conf(5) of a device. The interface lines override the speed that the kernel reports for a
// veth interface (10 Gbit/s), so that little traffic makes a visible utilisation.
func snmpConfig(d device, near []neighbour, files agentFiles, community string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `agentaddress udp:127.0.0.1:161
rocommunity %s 127.0.0.1
rwcommunity %s 127.0.0.1 %s
sysName %s
sysDescr Nocturne lab %s %s
sysLocation Seoul lab
sysContact noc@lab.example
master agentx
agentXSocket %s
dontLogTCPWrappersConnects yes
`, community, tuneCommunity, cacheTimeouts, d.Name, d.Role, d.Name, files.AgentX)
	for _, n := range near {
		fmt.Fprintf(&b, "interface %s 6 %d\n", n.port, n.mbps*1_000_000)
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
// address that the neighbours learn.
func lldpSpec(d device, near []neighbour, files agentFiles) spec {
	var ports []string
	for _, n := range near {
		ports = append(ports, n.port)
	}
	return spec{
		Name: "lldpd-" + d.Name,
		Args: []string{"ip", "netns", "exec", namespace(d.Name), "lldpd", "-d", "-u", files.LLDPSocket, "-p", files.LLDPPID,
			"-X", files.AgentX, "-O", files.LLDPConfig, "-I", strings.Join(ports, ","), "-m", agentAddress(d),
			"-S", fmt.Sprintf("Nocturne lab %s %s", d.Role, d.Name), "-H", "2"},
	}
}
