package snmp

import "strconv"

// ifTypes are the common values of IANAifType-MIB by name.
var ifTypes = map[int]string{
	1: "other", 6: "ethernetCsmacd", 22: "propPointToPointSerial", 23: "ppp", 24: "softwareLoopback", 32: "frameRelay",
	37: "atm", 39: "sonet", 49: "aal5", 53: "propVirtual", 54: "propMultiplexor", 62: "fastEther", 71: "ieee80211", 77: "lapd",
	81: "ds0", 94: "adsl", 97: "vdsl", 108: "pppMultilinkBundle", 117: "gigabitEthernet", 131: "tunnel", 134: "atmSubInterface",
	135: "l2vlan", 136: "l3ipvlan", 142: "ipForward", 150: "mplsTunnel", 161: "ieee8023adLag", 166: "mpls", 169: "shdsl",
	194: "atmVciEndPt", 209: "bridge", 244: "wwanPP2", 251: "vdsl2", 56: "fibreChannel", 195: "opticalChannel", 196: "opticalTransport",
	18: "ds1", 30: "ds3", 63: "isdn", 75: "isdns", 76: "isdnu", 20: "basicISDN", 21: "primaryISDN", 9: "iso88025TokenRing",
	15: "fddi", 28: "slip", 33: "rs232", 238: "adsl2plus", 250: "gpon",
}

// ifTypeName returns the name, or the number where it is not a common one; "" for none.
func ifTypeName(n int) string {
	if name, ok := ifTypes[n]; ok {
		return name
	}
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}
