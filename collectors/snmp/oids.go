package snmp

// The objects that are read, by the MIB that defines them.
var (
	// SNMPv2-MIB (RFC 3418)
	oidSystem      = mustOID("1.3.6.1.2.1.1")
	oidSysDescr    = oidSystem.Append(1, 0)
	oidSysObjectID = oidSystem.Append(2, 0)
	oidSysUpTime   = oidSystem.Append(3, 0)
	oidSysContact  = oidSystem.Append(4, 0)
	oidSysName     = oidSystem.Append(5, 0)
	oidSysLocation = oidSystem.Append(6, 0)

	// SNMP-FRAMEWORK-MIB (RFC 3411): seconds since the engine started, which does not wrap at 497 days
	oidEngineTime = mustOID("1.3.6.1.6.3.10.2.1.3.0")

	// IF-MIB (RFC 2863)
	oidIfEntry  = mustOID("1.3.6.1.2.1.2.2.1")
	oidIfXEntry = mustOID("1.3.6.1.2.1.31.1.1.1")

	// BRIDGE-MIB (RFC 4188)
	oidBasePortEntry = mustOID("1.3.6.1.2.1.17.1.4.1")

	// LLDP-MIB (IEEE 802.1AB-2005) and LLDP-V2-MIB (802.1AB-2009)
	oidLLDP            = mustOID("1.0.8802.1.1.2.1")
	oidLocChassisType  = oidLLDP.Append(3, 1, 0)
	oidLocChassisID    = oidLLDP.Append(3, 2, 0)
	oidLocSysName      = oidLLDP.Append(3, 3, 0)
	oidLocPortEntry    = oidLLDP.Append(3, 7, 1)
	oidRemEntry        = oidLLDP.Append(4, 1, 1)
	oidRemManEntry     = oidLLDP.Append(4, 2, 1)
	oidLLDPv2          = mustOID("1.3.111.2.802.1.1.13.1")
	oidLocChassisType2 = oidLLDPv2.Append(3, 1, 0)
	oidLocChassisID2   = oidLLDPv2.Append(3, 2, 0)
	oidLocPortEntry2   = oidLLDPv2.Append(3, 7, 1)
	oidRemEntry2       = oidLLDPv2.Append(4, 1, 1)
	oidRemManEntry2    = oidLLDPv2.Append(4, 2, 1)

	// CISCO-CDP-MIB
	oidCDP            = mustOID("1.3.6.1.4.1.9.9.23.1")
	oidCDPInterface   = oidCDP.Append(1, 1, 1)
	oidCDPCacheEntry  = oidCDP.Append(2, 1, 1)
	oidCDPGlobalDevID = oidCDP.Append(3, 4, 0)

	// ENTITY-MIB (RFC 6933) and ENTITY-SENSOR-MIB (RFC 3433)
	oidEntPhysicalEntry = mustOID("1.3.6.1.2.1.47.1.1.1.1")
	oidEntSensorEntry   = mustOID("1.3.6.1.2.1.99.1.1.1")

	// HOST-RESOURCES-MIB (RFC 2790)
	oidHrStorageEntry   = mustOID("1.3.6.1.2.1.25.2.3.1")
	oidHrDeviceEntry    = mustOID("1.3.6.1.2.1.25.3.2.1")
	oidHrProcessorEntry = mustOID("1.3.6.1.2.1.25.3.3.1")

	// UCD-SNMP-MIB
	oidUCD         = mustOID("1.3.6.1.4.1.2021")
	oidEnterprises = mustOID("1.3.6.1.4.1")
)
