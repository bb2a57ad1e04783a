package snmp_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"

	"github.com/nocturne-noc/nocturne/collectors/snmp"
	"github.com/nocturne-noc/nocturne/collectors/snmp/snmptest"
)

// contexts is one UDP address behind which each community has an agent of its own, as a Cisco switch has
// one for each VLAN. Other communities are met with silence.
func contexts(t *testing.T, agents map[string]*snmptest.Agent) (target string, asked func() map[string]int) {
	t.Helper()
	front, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	counts := map[string]int{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		codec := &gosnmp.GoSNMP{Version: gosnmp.Version2c}
		buf, reply := make([]byte, 65535), make([]byte, 65535)
		for {
			n, from, err := front.ReadFrom(buf)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			request, err := codec.SnmpDecodePacket(append([]byte(nil), buf[:n]...))
			if err != nil {
				continue
			}
			mu.Lock()
			counts[request.Community]++
			mu.Unlock()
			agent := agents[request.Community]
			if agent == nil {
				continue
			}
			back, err := new(net.Dialer).DialContext(context.Background(), "udp", agent.Target().String())
			if err != nil {
				continue
			}
			if _, err := back.Write(buf[:n]); err == nil {
				if n, err := back.Read(reply); err == nil {
					_, _ = front.WriteTo(reply[:n], from) // a lost packet is asked for again
				}
			}
			_ = back.Close() // nothing was written to it that could be lost
		}
	}()
	t.Cleanup(func() {
		if err := front.Close(); err != nil {
			t.Error(err)
		}
		<-done
	})
	return front.LocalAddr().String(), func() map[string]int {
		mu.Lock()
		defer mu.Unlock()
		return counts
	}
}

// TestVLANContexts reads the stations of a Cisco switch, whose tables lie in a context a VLAN.
func TestVLANContexts(t *testing.T) {
	whole := made(t, "sw1", 4)
	sets(t, whole, [3]string{"1.3.6.1.2.1.1.2.0", "6", "1.3.6.1.4.1.9.1.1208"}, [3]string{"1.3.6.1.2.1.17.1.1.0", "4x", "001b0d000001"},
		[3]string{"1.3.6.1.4.1.9.9.68.1.2.2.1.2.3", "2", "20"})
	for _, vlan := range []string{"1", "20", "1002"} {
		sets(t, whole, [3]string{"1.3.6.1.4.1.9.9.46.1.3.1.1.2.1." + vlan, "2", "1"})
	}
	in := func(base, ifIndex, station string) *snmptest.Agent {
		rec := made(t, "sw1", 4)
		sets(t, rec, [3]string{"1.3.6.1.2.1.17.1.1.0", "4x", "001b0d000001"}, [3]string{"1.3.6.1.2.1.17.1.4.1.2." + base, "2", ifIndex},
			[3]string{"1.3.6.1.2.1.17.4.3.1.2.0.27.33.0.0." + station, "2", base})
		return serve(t, rec, snmptest.Behaviour{})
	}
	target, asked := contexts(t, map[string]*snmptest.Agent{
		"public": serve(t, whole, snmptest.Behaviour{}), "public@1": in("51", "1", "1"), "public@20": in("53", "3", "2"),
	})
	b := newBench(t, snmp.Config{Targets: []string{target}}, nil)
	b.well()
	b.well()
	for port, want := range map[string]string{"p1": "1", "p2": "", "p3": "1"} {
		if e := b.entity(target, "device/sw1/port/"+port); e.Labels["stations"] != want {
			t.Errorf("%s has %q stations, want %q", port, e.Labels["stations"], want)
		}
	}
	if e := b.entity(target, "device/sw1/port/p3"); e.Labels["vlan"] != "20" {
		t.Errorf("p3 is in VLAN %q, want 20", e.Labels["vlan"])
	}
	if n := asked()["public@1002"]; n > 0 {
		t.Errorf("%d requests for a VLAN that carries no Ethernet", n)
	}
}

// TestVLANContextsOfVersion3 reads such a switch in SNMPv3: a real snmpd speaks for it, and finds each VLAN's tables by
// the context that it is asked in.
func TestVLANContextsOfVersion3(t *testing.T) {
	whole := made(t, "sw1", 4)
	sets(t, whole, [3]string{"1.3.6.1.2.1.17.1.1.0", "4x", "001b0d000001"})
	for _, vlan := range []string{"1", "20"} {
		sets(t, whole, [3]string{"1.3.6.1.4.1.9.9.46.1.3.1.1.2.1." + vlan, "2", "1"})
	}
	proxy := func(context string, agent *snmptest.Agent, trees ...string) (lines string) {
		for _, tree := range trees {
			lines += fmt.Sprintf("proxy %s -v 2c -c public %s .%s\n", context, agent.Target(), tree)
		}
		return lines
	}
	config := "createUser noc SHA-256 authentic-pass AES private-pass\nrouser noc priv\noverride .1.3.6.1.2.1.1.2.0 object_id .1.3.6.1.4.1.9.1.1208\n"
	for vlan, at := range map[string][3]string{"1": {"51", "1", "1"}, "20": {"53", "3", "2"}} {
		rec := made(t, "sw1", 4)
		sets(t, rec, [3]string{"1.3.6.1.2.1.17.1.1.0", "4x", "001b0d000001"}, [3]string{"1.3.6.1.2.1.17.1.4.1.2." + at[0], "2", at[1]},
			[3]string{"1.3.6.1.2.1.17.4.3.1.2.0.27.33.0.0." + at[2], "2", at[0]})
		config += fmt.Sprintf("rouser -s usm noc priv -V all vlan-%s\n", vlan) + proxy("-Cn vlan-"+vlan, serve(t, rec, snmptest.Behaviour{}), "1.3.6.1.2.1.17")
	}
	trees := []string{"1.3.6.1.2.1.17", "1.3.6.1.4.1.9"}
	for column := range 22 { // snmpd has these tables itself: what is longer wins
		trees = append(trees, fmt.Sprint("1.3.6.1.2.1.2.2.1.", column+1), fmt.Sprint("1.3.6.1.2.1.31.1.1.1.", column+1))
	}
	config += "view all included .1\n" + proxy("", serve(t, whole, snmptest.Behaviour{}), trees...)
	target := snmp.RealAgent(t, config).String()
	b := newBench(t, snmp.Config{
		Targets: []string{target}, Version: "3", User: "noc", Timeout: 2 * time.Second,
		Auth: snmp.Key{Protocol: "SHA-256", Password: "authentic-pass"}, Priv: snmp.Key{Protocol: "AES", Password: "private-pass"},
	}, nil)
	b.well()
	b.well()
	for port, want := range map[string]string{"p1": "1", "p2": "", "p3": "1"} {
		if e := b.entity(target, "device/real/port/"+port); e.Labels["stations"] != want {
			t.Errorf("%s has %q stations, want %q", port, e.Labels["stations"], want)
		}
	}
}
