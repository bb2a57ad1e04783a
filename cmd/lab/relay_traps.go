package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/gosnmp/gosnmp"
	"golang.org/x/sys/unix"
)

const (
	trapPort    = 162
	trapAddress = "127.0.77.1:1162" // where the wallboard listens in the root namespace

	oidSysUpTime     = ".1.3.6.1.2.1.1.3.0"
	oidTrap          = ".1.3.6.1.6.3.1.1.4.1.0" // SNMPv2-MIB snmpTrapOID
	oidLinkDown      = ".1.3.6.1.6.3.1.1.5.3"
	oidLinkUp        = ".1.3.6.1.6.3.1.1.5.4"
	oidIfIndex       = ".1.3.6.1.2.1.2.2.1.1"
	oidIfAdminStatus = ".1.3.6.1.2.1.2.2.1.7"
	oidIfOperStatus  = ".1.3.6.1.2.1.2.2.1.8"
)

// trapRelay carries the traps of a device, which it sends to its own address 127.0.0.1, to the wallboard. They leave from
// the address that the device is polled at.
func trapRelay(ctx context.Context, d device) (*relay, error) {
	listen, err := listenUDP(ctx, namespace(d.Name), fmt.Sprintf("127.0.0.1:%d", trapPort))
	if err != nil {
		return nil, err
	}
	return newRelay(d.Name+" traps", listen, relayIdle, func(ctx context.Context) (*net.UDPConn, error) {
		dialer := net.Dialer{LocalAddr: &net.UDPAddr{IP: net.ParseIP(agentAddress(d))}}
		conn, err := dialer.DialContext(ctx, "udp4", trapAddress)
		if err != nil {
			return nil, fmt.Errorf("traps of %s: %w", d.Name, err)
		}
		return conn.(*net.UDPConn), nil
	}), nil
}

// A linkWatch is what Net-SNMP's agent lacks beside its polling of its own tables: it sends linkDown and linkUp the moment
// that the kernel says so, out of the device's namespace.
type linkWatch struct {
	device string
	links  *os.File // netlink
	traps  *net.UDPConn
	began  time.Time
	up     map[int32]bool // by ifIndex
}

// watchLinks opens the sockets of a device's watch. The caller runs it.
func watchLinks(ctx context.Context, d device) (*linkWatch, error) {
	w := &linkWatch{device: d.Name, began: time.Now(), up: map[int32]bool{}}
	err := inNamespace(namespace(d.Name), func() error {
		fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
		if err != nil {
			return fmt.Errorf("netlink: %w", err)
		}
		w.links = os.NewFile(uintptr(fd), "netlink")
		if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: unix.RTMGRP_LINK}); err != nil {
			return fmt.Errorf("netlink: %w", err)
		}
		list, err := net.Interfaces()
		for _, i := range list {
			w.up[int32(i.Index)] = i.Flags&net.FlagRunning != 0
		}
		return err
	})
	if err == nil {
		w.traps, err = dialUDP(ctx, namespace(d.Name), "", fmt.Sprintf("127.0.0.1:%d", trapPort), 1)
	}
	if err != nil {
		if w.links != nil {
			w.links.Close()
		}
		return nil, fmt.Errorf("watch the links of %s: %w", d.Name, err)
	}
	return w, nil
}

// run sends traps until ctx ends, and closes the sockets.
func (w *linkWatch) run(ctx context.Context) {
	defer w.traps.Close()
	stop := context.AfterFunc(ctx, func() { w.links.Close() })
	defer stop()
	buffer := make([]byte, 1<<16)
	for {
		n, err := w.links.Read(buffer)
		if ctx.Err() != nil || errors.Is(err, os.ErrClosed) {
			return
		}
		if err != nil {
			log.Printf("links of %s: %v", w.device, err) // ENOBUFS: some changes were lost
			continue
		}
		messages, err := syscall.ParseNetlinkMessage(buffer[:n])
		if err != nil {
			log.Printf("links of %s: %v", w.device, err)
			continue
		}
		for _, m := range messages {
			w.message(m)
		}
	}
}

// message takes in an RTM_NEWLINK (rtnetlink(7)) and sends a trap where the link came or went.
func (w *linkWatch) message(m syscall.NetlinkMessage) {
	if m.Header.Type != unix.RTM_NEWLINK || len(m.Data) < unix.SizeofIfInfomsg || m.Data[0] != unix.AF_UNSPEC {
		return
	}
	index := int32(binary.NativeEndian.Uint32(m.Data[4:8]))
	flags := binary.NativeEndian.Uint32(m.Data[8:12])
	admin, up := flags&unix.IFF_UP != 0, flags&unix.IFF_RUNNING != 0
	was := w.up[index]
	if w.up[index] = up; was == up {
		return
	}
	datagram, err := linkTrap(uint32(time.Since(w.began)/(10*time.Millisecond)), index, admin, up)
	if err != nil {
		log.Printf("links of %s: %v", w.device, err)
		return
	}
	_, _ = w.traps.Write(datagram) // lost, as any trap may be
}

// linkTrap encodes linkDown or linkUp (RFC 2863) of a port; uptime is in hundredths of a second.
func linkTrap(uptime uint32, index int32, admin, up bool) ([]byte, error) {
	kind := map[bool]string{false: oidLinkDown, true: oidLinkUp}[up]
	status := func(up bool) int {
		if up {
			return 1
		}
		return 2
	}
	of := func(column string) string { return fmt.Sprintf("%s.%d", column, index) }
	return encodeTrap(uptime, kind,
		gosnmp.SnmpPDU{Name: of(oidIfIndex), Type: gosnmp.Integer, Value: int(index)},
		gosnmp.SnmpPDU{Name: of(oidIfAdminStatus), Type: gosnmp.Integer, Value: status(admin)},
		gosnmp.SnmpPDU{Name: of(oidIfOperStatus), Type: gosnmp.Integer, Value: status(up)})
}

// encodeTrap encodes an SNMPv2-Trap with the lab's community.
func encodeTrap(uptime uint32, kind string, objects ...gosnmp.SnmpPDU) ([]byte, error) {
	packet := gosnmp.SnmpPacket{
		Version: gosnmp.Version2c, Community: readCommunity, PDUType: gosnmp.SNMPv2Trap,
		Variables: append([]gosnmp.SnmpPDU{
			{Name: oidSysUpTime, Type: gosnmp.TimeTicks, Value: uptime},
			{Name: oidTrap, Type: gosnmp.ObjectIdentifier, Value: kind},
		}, objects...),
	}
	datagram, err := packet.MarshalMsg()
	if err != nil {
		return nil, fmt.Errorf("encode a trap: %w", err)
	}
	return datagram, nil
}
