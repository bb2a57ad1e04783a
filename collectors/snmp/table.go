package snmp

import (
	"context"
	"fmt"
	"slices"
)

// Row is one conceptual row of a table: values by column number.
type Row struct {
	Index OID // the instance, what follows the column in the OID
	cells map[uint32]Value
}

// At returns a cell, a Value that does not exist where the agent left it out.
func (r Row) At(column uint32) Value { return r.cells[column] }

// Table is a conceptual table (RFC 2578, section 7.1.12) in the agent's order of rows.
type Table struct {
	rows  map[string]Row
	order []Row
}

// Rows returns the rows sorted by index.
func (t *Table) Rows() []Row { return t.order }

// Get returns the row with an index; its cells do not exist when there is none.
func (t *Table) Get(index ...uint32) Row { return t.rows[OID(index).String()] }

func (t *Table) add(column uint32, index OID, v Value) {
	key := index.String()
	row, ok := t.rows[key]
	if !ok {
		if t.rows == nil {
			t.rows = map[string]Row{}
		}
		row = Row{Index: index, cells: map[uint32]Value{}}
		t.rows[key] = row
	}
	row.cells[column] = v
}

func (t *Table) sort() {
	t.order = make([]Row, 0, len(t.rows))
	for _, row := range t.rows {
		t.order = append(t.order, row)
	}
	slices.SortFunc(t.order, func(a, b Row) int { return a.Index.Compare(b.Index) })
}

// columns names some columns of one table: entry is the OID of its conceptual row.
type columns struct {
	entry OID
	cols  []uint32
}

// reader reads objects and tables of one agent and collects what was not complete.
type reader interface {
	// get asks for single objects; the answer is in the order asked.
	get(ctx context.Context, oids ...OID) ([]Value, error)
	// tables reads columns of several tables with as few requests as the agent bears.
	tables(ctx context.Context, want ...columns) ([]Table, []string, error)
}

// objectNames are the tables as people call them, for warnings.
var objectNames = []struct {
	root OID
	name string
}{
	{oidSystem, "system"},
	{oidIfEntry, "ifTable"},
	{oidIfXEntry, "ifXTable"},
	{oidLLDP, "LLDP-MIB"},
	{oidLLDPv2, "LLDP-V2-MIB"},
	{oidCDP, "CISCO-CDP-MIB"},
	{oidEntPhysicalEntry, "entPhysicalTable"},
	{oidEntSensorEntry, "entPhySensorTable"},
	{oidHrStorageEntry, "hrStorageTable"},
	{oidHrDeviceEntry, "hrDeviceTable"},
	{oidHrProcessorEntry, "hrProcessorTable"},
	{oidUCD, "UCD-SNMP-MIB"},
	{oidBasePortEntry, "dot1dBasePortTable"},
	{oidStpPortEntry, "dot1dStpPortTable"},
	{oidFdbPort, "dot1dTpFdbTable"},
	{oidQFdbPort, "dot1qTpFdbTable"},
	{oidPortVlanEntry, "dot1qPortVlanTable"},
	{oidVtpVlanEntry, "vtpVlanTable"},
	{oidVMEntry, "vmMembershipTable"},
	{oidAggPortEntry, "dot3adAggPortTable"},
	{oidPAgPEntry, "pagpEtherChannelTable"},
	{oidIfStackEntry, "ifStackTable"},
	{oidIPAddrEntry, "ipAddrTable"},
	{oidIPAddressEntry, "ipAddressTable"},
	{oidNetToPhysical, "ipNetToPhysicalTable"},
	{oidNetToMedia, "ipNetToMediaTable"},
	{oidOspfNbrEntry, "ospfNbrTable"},
	{oidBgpPeerEntry, "bgpPeerTable"},
}

// objectName names the table that an OID belongs to.
func objectName(oid OID) string {
	for _, o := range objectNames {
		if slices.Equal(oid, o.root) || oid.Under(o.root) {
			if rest := oid[len(o.root):]; len(rest) > 0 {
				return fmt.Sprintf("%s%s", o.name, rest)
			}
			return o.name
		}
	}
	return oid.String()
}
