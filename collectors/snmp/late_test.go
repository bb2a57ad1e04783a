package snmp

import (
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"
)

// TestLateAnswer holds that an agent that has become slow is understood: its answer to the first try counts while a
// later one is waited for, and nothing is called lost.
func TestLateAnswer(t *testing.T) {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- answerFirstOf(conn, 3) }()
	defer func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	}()
	s := newSession(Target{Host: "127.0.0.1", Port: uint16(conn.LocalAddr().(*net.UDPAddr).Port)},
		Credentials{Version: "2c"}, Timing{Timeout: 2 * time.Second, Retries: 2})
	defer s.close()
	s.slowest = time.Millisecond // it was quick until now
	v, err := s.get(t.Context(), mustOID("1.3.6.1.2.1.1.5.0"))
	if err != nil || v[0].Line() != "late" {
		t.Fatalf("%v, %v", v, err)
	}
	if s.requests != 3 || s.lost != 0 || s.slowest < 2*firstWait {
		t.Errorf("%d requests, %d lost, the slowest took %v", s.requests, s.lost, s.slowest)
	}
}

// answerFirstOf answers the first of so many requests once all are there.
func answerFirstOf(conn *net.UDPConn, tries int) error {
	if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return err
	}
	var first []byte
	var from netip.AddrPort
	buf := make([]byte, maxDatagram)
	for range tries {
		n, client, err := conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return err
		}
		if from = client; first == nil {
			first = slices.Clone(buf[:n])
		}
	}
	codec := gosnmp.GoSNMP{Version: gosnmp.Version2c}
	packet, err := codec.SnmpDecodePacket(first)
	if err != nil {
		return err
	}
	packet.PDUType = gosnmp.GetResponse
	packet.Variables = []gosnmp.SnmpPDU{{Name: packet.Variables[0].Name, Type: gosnmp.OctetString, Value: "late"}}
	answer, err := packet.MarshalMsg()
	if err != nil {
		return err
	}
	_, err = conn.WriteToUDPAddrPort(answer, from)
	return err
}
