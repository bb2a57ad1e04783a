package snmp

// Index is the instance, within its table, that a sensor was read from.
func (s Sensor) Index() string { return s.index }
