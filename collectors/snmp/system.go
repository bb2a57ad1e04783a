package snmp

import (
	"context"
	"slices"
	"time"
)

// System is the system group of SNMPv2-MIB.
type System struct {
	Name     string // sysName
	Descr    string // sysDescr
	ObjectID OID    // sysObjectID
	Contact  string
	Location string
	UpTime   time.Duration // sysUpTime, which wraps at 497 days
	HasTime  bool          // UpTime was answered
	Engine   time.Duration // snmpEngineTime, 0 where the agent has none
}

// scalars are the objects that one GET asks for at the begin of each round.
var scalars = []OID{
	oidSysDescr, oidSysObjectID, oidSysUpTime, oidSysContact, oidSysName, oidSysLocation, oidEngineTime,
	oidLocChassisType, oidLocChassisID, oidLocSysName, oidLocChassisType2, oidLocChassisID2, oidCDPGlobalDevID,
}

// readSystem asks for the system group and for what a device calls itself to its neighbours. It
// is the first question of each round: an agent that does not answer it is silent.
func readSystem(ctx context.Context, r reader) (System, Local, error) {
	v, err := r.get(ctx, scalars...)
	if err != nil {
		return System{}, Local{}, err
	}
	s := System{Descr: v[0].Text(), ObjectID: v[1].OID(), Contact: v[3].Line(), Name: v[4].Line(), Location: v[5].Line()}
	if ticks, ok := v[2].Uint(); ok {
		s.UpTime, s.HasTime = time.Duration(ticks)*10*time.Millisecond, true
	}
	if seconds, ok := v[6].Uint(); ok && seconds < 1<<31 {
		s.Engine = time.Duration(seconds) * time.Second
	}
	local := Local{Chassis: chassisOf(v[7], v[8]), Is2009: v[11].Exists() && !v[8].Exists()}
	if local.Is2009 {
		local.Chassis = chassisOf(v[10], v[11])
	}
	for _, name := range []string{s.Name, v[9].Line(), v[12].Line()} {
		if name != "" && !slices.Contains(local.Names, name) {
			local.Names = append(local.Names, name)
		}
	}
	return s, local, nil
}

// upTimeWrap is where the 32 bits of sysUpTime's hundredths of a second begin anew.
const upTimeWrap = (1 << 32) * 10 * time.Millisecond

// rebooted reports whether the device, or its agent, started anew between two rounds that lie
// elapsed apart. sysUpTime that only wrapped is no reboot; snmpEngineTime says so where it exists.
func rebooted(before, now System, elapsed time.Duration) bool {
	if !before.HasTime || !now.HasTime || now.UpTime >= before.UpTime {
		return false
	}
	if before.Engine > 0 && now.Engine > 0 {
		return now.Engine < before.Engine
	}
	const slack = time.Minute // for clocks that do not run alike
	expected := before.UpTime + elapsed
	return expected+slack < upTimeWrap
}
