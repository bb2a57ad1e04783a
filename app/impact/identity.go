package impact

import (
	"cmp"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/nocturne-noc/nocturne/collectors/snmp"
	"github.com/nocturne-noc/nocturne/store/model"
)

// Kinds of evidence that two entities are the same machine, or that something speaks of a machine.
const (
	byMAC     = "MAC"
	byAddress = "address"
	byName    = "name"
)

// identity is what tells a machine from all others, by one of the entities that stand for it.
type identity struct {
	snmp.Host
	kind model.Kind
}

// identities takes them out of servers, nodes and devices. What every machine has is left out.
func identities(things []model.Entity) []identity {
	var out []identity
	for i := range things {
		e := things[i]
		kind := e.Kind
		if kind == model.KindDevice {
			e.Kind = model.KindServer // its name and addresses are told alike
		}
		for _, h := range snmp.HostsOf([]model.Entity{e}) {
			x := identity{h, kind}
			if _, instance, _, ok := model.ParseID(e.ID); ok && kind == model.KindServer {
				x.add(hostOf(instance)) // it may be another than what people call it
			}
			x.tidy()
			out = append(out, x)
		}
	}
	return out
}

// add adds a name or an address.
func (x *identity) add(host string) {
	if addr, err := netip.ParseAddr(host); err == nil {
		x.Addresses = append(x.Addresses, addr.Unmap())
	} else {
		x.Names = append(x.Names, strings.ToLower(host))
	}
}

// tidy leaves out what says nothing.
func (x *identity) tidy() {
	x.Names = slices.DeleteFunc(x.Names, junkName)
	x.Addresses = slices.DeleteFunc(x.Addresses, junkAddress)
	x.MACs = slices.DeleteFunc(x.MACs, junkMAC)
}

// hostOf is the host of an instance, a target or a URL.
func hostOf(text string) string {
	if strings.Contains(text, "://") {
		u, err := url.Parse(text)
		if err != nil {
			return ""
		}
		return u.Hostname()
	}
	if host, _, err := net.SplitHostPort(text); err == nil {
		return host
	}
	return strings.Trim(text, "[]")
}

// junkAddress reports an address that many machines have: loopback and link-local ones, and the near ends
// of networks that container engines and hypervisors make on every machine alike.
func junkAddress(a netip.Addr) bool {
	return !a.IsGlobalUnicast() || slices.Contains(everywhere, a)
}

var everywhere = []netip.Addr{
	netip.MustParseAddr("172.17.0.1"),    // docker0
	netip.MustParseAddr("192.168.122.1"), // virbr0 of libvirt
	netip.MustParseAddr("192.168.49.1"),  // minikube
	netip.MustParseAddr("10.0.2.15"),     // a guest of VirtualBox or QEMU behind its own NAT
	netip.MustParseAddr("10.88.0.1"),     // podman
}

// junkMAC reports a MAC that several machines have: of virtual routers, and of what container engines make.
func junkMAC(mac string) bool {
	return mac == "ee:ee:ee:ee:ee:ee" || slices.ContainsFunc([]string{"00:00:5e:00:0", "00:00:0c:07:ac", "00:00:0c:9f:f", "02:42:", "00:00:00:00:00:00"},
		func(p string) bool { return strings.HasPrefix(mac, p) })
}

func junkName(name string) bool {
	return name == "" || name == "localhost" || strings.HasPrefix(name, "localhost.") || net.ParseIP(name) != nil
}

func shortName(name string) string {
	short, _, _ := strings.Cut(name, ".")
	return short
}

// sameName tells whether two names may be one machine's: equal, or one of them without a domain.
func sameName(a, b string) bool {
	return a == b || shortName(a) == shortName(b) && (a == shortName(a) || b == shortName(b))
}

func (x *identity) named(name string) bool {
	return slices.ContainsFunc(x.Names, func(own string) bool { return sameName(own, name) })
}

// keys are what x can be found by.
func (x *identity) keys() []key {
	var out []key
	for _, mac := range x.MACs {
		out = append(out, key{byMAC, mac})
	}
	for _, a := range x.Addresses {
		out = append(out, key{byAddress, a.String()})
	}
	for _, name := range x.Names {
		out = append(out, key{byName, shortName(name)})
	}
	slices.SortFunc(out, func(a, b key) int { return cmp.Or(cmp.Compare(a.by, b.by), cmp.Compare(a.text, b.text)) })
	return slices.Compact(out)
}

// key is one thing by which a machine is found.
type key struct{ by, text string }
