package main

import (
	"encoding/binary"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"
	"golang.org/x/sys/unix"
)

// TestLinkWatch holds which changes of a link are told by which trap.
func TestLinkWatch(t *testing.T) {
	sink := udpSocket(t)
	traps, err := net.DialUDP("udp4", nil, sink.LocalAddr().(*net.UDPAddr))
	if err != nil {
		t.Fatal(err)
	}
	defer traps.Close()
	w := &linkWatch{device: "sw1", traps: traps, began: time.Now(), up: map[int32]bool{3: true}}
	const up, down = unix.IFF_UP | unix.IFF_RUNNING, unix.IFF_UP
	for _, change := range []struct{ index, flags uint32 }{
		{3, up}, {3, down}, {3, down}, {4, down}, {4, up}, {3, 0}, {3, up}, // told of: the second, the fifth, the last
	} {
		data := make([]byte, unix.SizeofIfInfomsg)
		binary.NativeEndian.PutUint32(data[4:], change.index)
		binary.NativeEndian.PutUint32(data[8:], change.flags)
		w.message(syscall.NetlinkMessage{Header: syscall.NlMsghdr{Type: unix.RTM_NEWLINK}, Data: data})
	}
	w.message(syscall.NetlinkMessage{Header: syscall.NlMsghdr{Type: unix.RTM_NEWLINK}, Data: []byte{0, 0}}) // too short
	type told struct {
		trap         string
		index, admin any
	}
	for _, want := range []told{{oidLinkDown, 3, 1}, {oidLinkUp, 4, 1}, {oidLinkUp, 3, 1}} {
		if err := sink.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
			t.Fatal(err)
		}
		buffer := make([]byte, maxDatagram)
		n, err := sink.Read(buffer)
		if err != nil {
			t.Fatal(err)
		}
		codec := gosnmp.GoSNMP{Version: gosnmp.Version2c}
		p, err := codec.SnmpDecodePacket(buffer[:n])
		if err != nil || p.Community != readCommunity || p.PDUType != gosnmp.SNMPv2Trap || len(p.Variables) != 5 {
			t.Fatalf("%+v, %v", p, err)
		}
		if got := (told{p.Variables[1].Value.(string), p.Variables[2].Value, p.Variables[3].Value}); got != want {
			t.Errorf("told %+v, want %+v", got, want)
		}
	}
}
