package trap

import (
	"bytes"
	"errors"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gosnmp/gosnmp"
	"go.uber.org/goleak"

	"github.com/nocturne-noc/nocturne/store/model"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	began = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	now   = began.Add(time.Hour)
	from  = netip.MustParseAddr("192.0.2.7")
	ours  = Engine{ID: []byte("\x80\x00\x1f\x88\x05nocturne"), Began: began}
)

// names are those that the program carries with it.
func names(t testing.TB) *Names {
	t.Helper()
	text, err := os.ReadFile("../../../assets/snmp/oids/traps.txt")
	if err != nil {
		t.Fatal(err)
	}
	n, err := ParseNames(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// datagram is a trap as gosnmp writes it.
func datagram(t testing.TB, version gosnmp.SnmpVersion, community string, trap gosnmp.SnmpTrap) []byte {
	t.Helper()
	p := &gosnmp.SnmpPacket{
		Version: version, Community: community, PDUType: gosnmp.SNMPv2Trap, RequestID: 77, Variables: trap.Variables, SnmpTrap: trap,
	}
	if version == gosnmp.Version1 {
		p.PDUType = gosnmp.Trap
	}
	b, err := p.MarshalMsg()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func linkTrap(oid string, vars ...gosnmp.SnmpPDU) gosnmp.SnmpTrap {
	return gosnmp.SnmpTrap{Variables: append([]gosnmp.SnmpPDU{
		{Name: "." + oidSysUpTime, Type: gosnmp.TimeTicks, Value: uint32(4200)},
		{Name: "." + oidTrapOID, Type: gosnmp.ObjectIdentifier, Value: "." + oid},
	}, vars...)}
}

func ifVar(column, index string, value int) gosnmp.SnmpPDU {
	return gosnmp.SnmpPDU{Name: "." + oidIfEntry + column + "." + index, Type: gosnmp.Integer, Value: value}
}

func decoder(t testing.TB, communities []string, users ...*gosnmp.GoSNMP) *Decoder {
	t.Helper()
	d, err := NewDecoder(communities, users, ours)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestVersions holds that a trap tells the same whatever version it comes in.
func TestVersions(t *testing.T) {
	down := []gosnmp.SnmpPDU{ifVar("1", "3", 3), ifVar("7", "3", 1), ifVar("8", "3", 2)}
	vars := []VarBind{
		{OID: "1.3.6.1.2.1.2.2.1.1.3", Kind: ValueInt, Int: 3},
		{OID: "1.3.6.1.2.1.2.2.1.7.3", Kind: ValueInt, Int: 1},
		{OID: "1.3.6.1.2.1.2.2.1.8.3", Kind: ValueInt, Int: 2},
	}
	agent := netip.MustParseAddr("10.1.2.3")
	fromV1 := func(enterprise string) []VarBind {
		return []VarBind{
			{OID: oidTrapAddress, Kind: ValueText, Text: "10.1.2.3"},
			{OID: oidTrapEnterprise, Kind: ValueOID, Text: enterprise},
		}
	}
	v1 := func(generic, specific int, vars ...gosnmp.SnmpPDU) gosnmp.SnmpTrap {
		return gosnmp.SnmpTrap{
			Enterprise: ".1.3.6.1.4.1.318", AgentAddress: "10.1.2.3", GenericTrap: generic, SpecificTrap: specific,
			Timestamp: 4200, Variables: vars,
		}
	}
	for _, tc := range []struct {
		name    string
		version gosnmp.SnmpVersion
		trap    gosnmp.SnmpTrap
		want    Notification
	}{
		{"v2c", gosnmp.Version2c, linkTrap(oidLinkDown, down...), Notification{Version: "2c", OID: oidLinkDown, VarBinds: vars}},
		{"v1 generic", gosnmp.Version1, v1(2, 0, down...), Notification{
			Version: "1", OID: oidLinkDown, Origin: agent, VarBinds: append(vars, fromV1("1.3.6.1.4.1.318")...)}},
		{"v1 cold start", gosnmp.Version1, v1(0, 0), Notification{
			Version: "1", OID: oidTraps + ".1", Origin: agent, VarBinds: fromV1("1.3.6.1.4.1.318")}},
		{"v1 of an enterprise", gosnmp.Version1, v1(6, 5), Notification{
			Version: "1", OID: "1.3.6.1.4.1.318.0.5", Origin: agent, VarBinds: fromV1("1.3.6.1.4.1.318")}},
		{"v2c by way of a relay", gosnmp.Version2c, linkTrap(oidLinkUp,
			gosnmp.SnmpPDU{Name: "." + oidTrapAddress, Type: gosnmp.IPAddress, Value: "10.1.2.3"},
			gosnmp.SnmpPDU{Name: "." + oidTrapCommunity, Type: gosnmp.OctetString, Value: "secret"},
			gosnmp.SnmpPDU{Name: "." + oidTrapEnterprise, Type: gosnmp.ObjectIdentifier, Value: ".1.3.6.1.4.1.9"},
		), Notification{Version: "2c", OID: oidLinkUp, Origin: agent, VarBinds: fromV1("1.3.6.1.4.1.9")}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n, reply, err := decoder(t, nil).Decode(datagram(t, tc.version, "public", tc.trap), from, now)
			if err != nil || reply != nil {
				t.Fatalf("error %v, reply %x", err, reply)
			}
			tc.want.At, tc.want.From, tc.want.UpTime = now, from, 42*time.Second
			n.ID = 0
			if diff := cmp.Diff(tc.want, *n, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
				t.Errorf("want -, got +\n%s", diff)
			}
		})
	}
}

// TestNoTrap holds what is refused, and why.
func TestNoTrap(t *testing.T) {
	good := datagram(t, gosnmp.Version2c, "public", linkTrap(oidLinkUp))
	get := bytes.Clone(good)
	get[bytes.IndexByte(get, tagTrapV2)] = 0xa0
	nameless := linkTrap(oidLinkUp)
	nameless.Variables = nameless.Variables[:1]
	noUser := v3client(t, "nobody", gosnmp.NoAuth, gosnmp.NoPriv)
	for _, tc := range []struct {
		name     string
		datagram []byte
		reason   Reason
		says     string
	}{
		{"empty", nil, BadMessage, "cut short"},
		{"not SNMP", []byte("GET / HTTP/1.1\r\n\r\n"), BadMessage, "no SNMP message"},
		{"cut", good[:len(good)-4], BadMessage, "cut short"},
		{"hostile length", []byte{0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 2, 1, 1}, BadMessage, "cut short"},
		{"version 2", append([]byte{0x30, 3, 2, 1, 2}, good...), BadMessage, "version 2"},
		{"another community", datagram(t, gosnmp.Version2c, "private", linkTrap(oidLinkUp)), BadCommunity, "community is unknown"},
		{"a question", get, BadMessage, "no trap"},
		{"without snmpTrapOID", datagram(t, gosnmp.Version2c, "public", nameless), BadMessage, "snmpTrapOID.0 is missing"},
		{"generic-trap 7", datagram(t, gosnmp.Version1, "public", gosnmp.SnmpTrap{
			Enterprise: ".1.3.6.1.4.1.9", AgentAddress: "10.0.0.1", GenericTrap: 7}), BadMessage, "no trap of SNMPv1"},
		{"unknown user", v3trap(t, noUser, theirEngine, linkTrap(oidLinkUp)), BadUser, `user "nobody" is unknown`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n, _, err := decoder(t, []string{"public", "other"}).Decode(tc.datagram, from, now)
			var r *Refusal
			if n != nil || !errors.As(err, &r) || r.Reason != tc.reason || !strings.Contains(r.Text, tc.says) {
				t.Errorf("%+v, error %v; want %s: %s", n, err, tc.reason, tc.says)
			}
		})
	}
}

// TestCommunities holds who is let in: with neither communities nor users everybody.
func TestCommunities(t *testing.T) {
	user := v3client(t, "noc", gosnmp.SHA256, gosnmp.AES)
	for _, tc := range []struct {
		communities []string
		users       []*gosnmp.GoSNMP
		ok          bool
	}{
		{nil, nil, true}, {[]string{"a", "public"}, nil, true}, {[]string{"a"}, nil, false},
		{nil, []*gosnmp.GoSNMP{user}, false}, {[]string{"public"}, []*gosnmp.GoSNMP{user}, true},
	} {
		_, _, err := decoder(t, tc.communities, tc.users...).Decode(datagram(t, gosnmp.Version2c, "public", linkTrap(oidLinkUp)), from, now)
		if (err == nil) != tc.ok {
			t.Errorf("communities %q and %d users: error %v", tc.communities, len(tc.users), err)
		}
	}
}

// TestAcknowledge holds that the reply to an inform is the inform but for its type.
func TestAcknowledge(t *testing.T) {
	b := datagram(t, gosnmp.Version2c, "public", linkTrap(oidLinkUp, ifVar("1", "3", 3)))
	at := bytes.IndexByte(b, tagTrapV2)
	b[at] = tagInform
	n, reply, err := decoder(t, nil).Decode(bytes.Clone(b), from, now)
	if err != nil || !n.Inform {
		t.Fatalf("%+v, error %v", n, err)
	}
	b[at] = tagResponse
	if !bytes.Equal(reply, b) {
		t.Errorf("reply %x, want %x", reply, b)
	}
}

// TestHostileText holds that a trap's text is bounded and cannot steer a terminal.
func TestHostileText(t *testing.T) {
	text := func(s string) gosnmp.SnmpPDU {
		return gosnmp.SnmpPDU{Name: ".1.3.6.1.2.1.1.5.0", Type: gosnmp.OctetString, Value: s}
	}
	for _, tc := range []struct{ name, value, want string }{
		{"plain", "core 1", "linkUp: sysName core 1"},
		{"colours", "a line of text with \x1b[31mred\x1b[0m in it", "linkUp: sysName a line of text with [31mred[0m in it"},
		{"Latin-1", "K\xfcche im Keller", "linkUp: sysName Küche im Keller"},
		{"turned around", "abcdefgh\u202eijk", "linkUp: sysName abcdefghijk"},
		{"lines", "one\r\ntwo\x00", "linkUp: sysName one two"},
		{"a MAC address", "\x02\xaa\x00\x00\x00\x01", "linkUp: sysName 02:aa:00:00:00:01"},
		{"bytes", strings.Repeat("\x01\xff", 100), "linkUp: sysName " + strings.TrimSuffix(strings.Repeat("01:ff:", 16), ":") + "..."},
		{"empty", "", "linkUp: sysName "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n, _, err := decoder(t, nil).Decode(datagram(t, gosnmp.Version2c, "public", linkTrap(oidLinkUp, text(tc.value))), from, now)
			if err != nil {
				t.Fatal(err)
			}
			if e := event(n, names(t), nil); e.Text != tc.want {
				t.Errorf("text %q, want %q", e.Text, tc.want)
			}
		})
	}
	t.Run("64 KB in many", func(t *testing.T) {
		var vars []gosnmp.SnmpPDU
		for range 60 {
			vars = append(vars, text(strings.Repeat("endless ", 128)))
		}
		n, _, err := decoder(t, nil).Decode(datagram(t, gosnmp.Version2c, "public", linkTrap(oidLinkUp, vars...)), from, now)
		if err != nil {
			t.Fatal(err)
		}
		e := event(n, names(t), nil)
		if len(n.VarBinds) != maxVarBinds || len(n.VarBinds[0].Text) > maxText || len(e.Text) > maxEventText+10 {
			t.Errorf("%d variables, the first of %d bytes, a text of %d bytes", len(n.VarBinds), len(n.VarBinds[0].Text), len(e.Text))
		}
	})
}

// fixed is a device with one port.
type fixed struct {
	port      Port
	index     uint32
	rechecked []uint32
	heard     int
	refused   int
}

func (f *fixed) Name() string           { return "core1" }
func (f *fixed) Heard()                 { f.heard++ }
func (f *fixed) Refused(time.Time)      { f.refused++ }
func (f *fixed) Recheck(ifIndex uint32) { f.rechecked = append(f.rechecked, ifIndex) }
func (f *fixed) Port(ifIndex uint32) (Port, bool) {
	return f.port, f.index == ifIndex
}

// TestEvents holds what an event says and how grave it is.
func TestEvents(t *testing.T) {
	port := func(switched, linked bool) *fixed {
		return &fixed{index: 3, port: Port{Name: "Gi1/0/3", Switched: switched, Linked: linked}}
	}
	const portID, deviceID = "device/core1/port/Gi1%2F0%2F3", "device/core1"
	down := func(vars ...gosnmp.SnmpPDU) gosnmp.SnmpTrap {
		return linkTrap(oidLinkDown, append([]gosnmp.SnmpPDU{ifVar("1", "3", 3)}, vars...)...)
	}
	on, off := ifVar("7", "3", 1), ifVar("7", "3", 2)
	for _, tc := range []struct {
		name   string
		trap   gosnmp.SnmpTrap
		device Device
		want   model.Event
	}{
		{"a cable", down(on), port(true, true), model.Event{Severity: model.Critical, Entity: portID, Title: "core1 Gi1/0/3", Text: "linkDown: ifAdminStatus up"}},
		{"a socket in an office", down(on), port(true, false), model.Event{Severity: model.Warning, Entity: portID, Title: "core1 Gi1/0/3", Text: "linkDown: ifAdminStatus up"}},
		{"switched off, a cable", down(off), port(true, true), model.Event{Severity: model.Warning, Entity: portID, Title: "core1 Gi1/0/3", Text: "linkDown: ifAdminStatus down"}},
		{"switched off, nothing", down(off), port(true, false), model.Event{Severity: model.OK, Entity: portID, Title: "core1 Gi1/0/3", Text: "linkDown: ifAdminStatus down"}},
		{"switched off before", down(), port(false, true), model.Event{Severity: model.Warning, Entity: portID, Title: "core1 Gi1/0/3", Text: "linkDown"}},
		{"a port that nobody knows", down(on), &fixed{index: 4}, model.Event{Severity: model.Critical, Entity: deviceID, Title: "core1", Text: "linkDown: ifIndex.3 3, ifAdminStatus.3 up"}},
		{"a stranger", down(off), nil, model.Event{Severity: model.Warning, Title: "192.0.2.7", Text: "linkDown: ifIndex.3 3, ifAdminStatus.3 down"}},
		{"up", linkTrap(oidLinkUp, ifVar("8", "3", 1)), port(true, true), model.Event{Severity: model.OK, Entity: portID, Title: "core1 Gi1/0/3", Text: "linkUp: ifOperStatus up"}},
		{"authentication", linkTrap(oidTraps + ".5"), port(true, true), model.Event{Severity: model.Warning, Entity: deviceID, Title: "core1", Text: "authenticationFailure"}},
		{"unknown", linkTrap("1.3.6.1.4.1.99999.0.7", gosnmp.SnmpPDU{Name: ".1.3.6.1.4.1.99999.1.2.0", Type: gosnmp.Integer, Value: 5}), nil,
			model.Event{Severity: model.Warning, Title: "192.0.2.7", Text: "1.3.6.1.4.1.99999.0.7: 1.3.6.1.4.1.99999.1.2.0 5"}},
		{"BGP", linkTrap("1.3.6.1.2.1.15.0.2", gosnmp.SnmpPDU{Name: ".1.3.6.1.2.1.15.3.1.2.10.0.0.1", Type: gosnmp.Integer, Value: 1}), nil,
			model.Event{Severity: model.Critical, Title: "192.0.2.7", Text: "bgpBackwardTransNotification: bgpPeerState.10.0.0.1 idle"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n, _, err := decoder(t, nil).Decode(datagram(t, gosnmp.Version2c, "public", tc.trap), from, now)
			if err != nil {
				t.Fatal(err)
			}
			got := event(n, names(t), tc.device)
			if got.Labels["sender"] != "192.0.2.7" || got.Labels["oid"] != n.OID || got.Labels["version"] != "2c" {
				t.Errorf("labels %v", got.Labels)
			}
			got.Labels = nil
			tc.want.Kind, tc.want.Time = "trap", now
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("want -, got +\n%s", diff)
			}
		})
	}
}

func TestNames(t *testing.T) {
	built := names(t)
	theirs, err := built.WithModules([]byte(`
auths: {public_v2: {community: public}}
modules:
  acme:
    walk: [1.3.6.1.4.1.99999]
    metrics:
    - {name: acmeDoor, oid: 1.3.6.1.4.1.99999.1.2, type: gauge, enum_values: {1: open, 5: shut}}
    - {name: noNumber, oid: nonsense}
`))
	if err != nil {
		t.Fatal(err)
	}
	door := &VarBind{OID: "1.3.6.1.4.1.99999.1.2.17", Kind: ValueInt, Int: 5}
	for got, want := range map[string]string{
		theirs.Name(door.OID): "acmeDoor.17", theirs.Value(door): "shut",
		built.Name(door.OID): door.OID, built.Value(door): "5",
		built.Name("1.3.6.1.2.1.1.5.0"):                        "sysName",
		built.Name("1.3.6.1.2.1.1.50"):                         "1.3.6.1.2.1.1.50",
		built.Value(&VarBind{Kind: ValueTicks, Int: 6000}):     "1m0s",
		built.Value(&VarBind{Kind: ValueOID, Text: oidLinkUp}): "linkUp",
		built.Severity("1.3.6.1.4.1.9.9.13.3.0.3").String():    "critical",
		built.Severity("1.3.6.1.2.1.47.2.0.1").String():        "ok",
		built.Severity("1.3.6.1.4.1.12345.0.1").String():       "warning",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for _, bad := range []string{"nonsense", "1.2.3", "1..2 x", "1.2.3 x grave", "1.2.3 x up=high", "1.2 a\n1.2 b"} {
		if _, err := ParseNames([]byte(bad)); err == nil || !strings.Contains(err.Error(), "line") {
			t.Errorf("%q: error %v, want one with the line", bad, err)
		}
	}
	if _, err := built.WithModules([]byte("modules: [")); err == nil {
		t.Error("no error of a file that is no YAML")
	}
}
