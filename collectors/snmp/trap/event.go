package trap

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

// Device is the polled device that a notification speaks of. It is safe for concurrent use.
type Device interface {
	Name() string
	// Port returns what the last round knew of a port, false if it knew none of that index. It may wait
	// while the map is told.
	Port(ifIndex uint32) (Port, bool)
	// Heard says that the device sent something: if it was silent, it is worth asking again.
	Heard()
	// Refused says that it let somebody's request go unanswered for its credentials.
	Refused(at time.Time)
	// Recheck has the port polled at once. It does not block.
	Recheck(ifIndex uint32)
}

// Port is what the last round knew of a port.
type Port struct {
	Name     string
	Switched bool // on: ifAdminStatus is not down
	Linked   bool // something is known to hang on it
}

// The traps and objects that a link trap is told by.
const (
	oidLinkDown      = oidTraps + ".3"
	oidLinkUp        = oidTraps + ".4"
	oidAuthFailure   = oidTraps + ".5"
	oidIfEntry       = "1.3.6.1.2.1.2.2.1."
	oidIfIndex       = oidIfEntry + "1."
	oidIfAdminStatus = oidIfEntry + "7."
	oidIfXEntry      = "1.3.6.1.2.1.31.1.1.1."

	adminDown = 2
)

// IsLink reports whether it says that a port went up or down.
func (n *Notification) IsLink() bool { return n.OID == oidLinkDown || n.OID == oidLinkUp }

// Port returns the ifIndex of the port that it speaks of: the value of ifIndex, else the index of any
// object of the interfaces' tables. 0 for none.
func (n *Notification) Port() uint32 {
	var index uint32
	for i := range n.VarBinds {
		v := &n.VarBinds[i]
		if strings.HasPrefix(v.OID, oidIfIndex) && v.Kind == ValueInt && v.Int > 0 && v.Int < 1<<31 {
			return uint32(v.Int)
		}
		if index == 0 && (strings.HasPrefix(v.OID, oidIfEntry) || strings.HasPrefix(v.OID, oidIfXEntry)) {
			last := v.OID[strings.LastIndexByte(v.OID, '.')+1:]
			if number, err := strconv.ParseUint(last, 10, 31); err == nil {
				index = uint32(number)
			}
		}
	}
	return index
}

// maxEventText bounds the text of one event, in bytes.
const maxEventText = 600

// event tells of a notification; dev is nil for a sender that nobody polls.
func event(n *Notification, names *Names, dev Device) model.Event {
	e := model.Event{
		Time: n.At, Kind: "trap", Title: n.Sender().String(), Severity: names.Severity(n.OID),
		Labels: map[string]string{"trap": names.Name(n.OID), "oid": n.OID, "sender": n.From.String(), "version": n.Version},
	}
	index := n.Port()
	var port Port
	portKnown := false
	if dev != nil {
		e.Title, e.Entity = dev.Name(), model.DeviceID(dev.Name())
		if port, portKnown = dev.Port(index); portKnown {
			e.Title += " " + port.Name
			e.Entity = model.PortID(dev.Name(), port.Name)
		}
	}
	if index != 0 {
		e.Labels["ifIndex"] = strconv.FormatUint(uint64(index), 10)
	}
	if n.OID == oidLinkDown {
		e.Severity = linkDownSeverity(n, port, portKnown)
	}
	e.Text = text(n, names, index, portKnown)
	if dev != nil && n.Origin.IsValid() && n.Origin != n.From {
		e.Text += " (" + n.Origin.String() + " by way of " + n.From.String() + ")"
	}
	return e
}

// Sender is who made the notification, as far as it says so.
func (n *Notification) Sender() netip.Addr {
	if n.Origin.IsValid() {
		return n.Origin
	}
	return n.From
}

// linkDownSeverity: a port that somebody switched off is a warning, any other is critical; each one
// step calmer where nothing is known to hang on the port, as on most ports of most switches.
func linkDownSeverity(n *Notification, port Port, known bool) model.State {
	off := known && !port.Switched
	for i := range n.VarBinds {
		if v := &n.VarBinds[i]; strings.HasPrefix(v.OID, oidIfAdminStatus) && v.Kind == ValueInt {
			off = v.Int == adminDown
		}
	}
	idle := known && !port.Linked
	switch {
	case off && idle:
		return model.OK
	case off || idle:
		return model.Warning
	}
	return model.Critical
}

// text is the notification's name and what it tells. The port's index is left out where its name is in
// the title.
func text(n *Notification, names *Names, index uint32, portKnown bool) string {
	var s strings.Builder
	s.WriteString(names.Name(n.OID))
	separator := ": "
	for i := range n.VarBinds {
		v := &n.VarBinds[i]
		if v.OID == oidTrapAddress || v.OID == oidTrapEnterprise || v.Kind == ValueNone {
			continue
		}
		name := names.Name(v.OID)
		if portKnown {
			if strings.HasPrefix(v.OID, oidIfIndex) {
				continue
			}
			name = strings.TrimSuffix(name, "."+strconv.FormatUint(uint64(index), 10))
		}
		part := separator + name + " " + names.Value(v)
		if s.Len()+len(part) > maxEventText {
			s.WriteString(", ...")
			break
		}
		s.WriteString(part)
		separator = ", "
	}
	return s.String()
}
