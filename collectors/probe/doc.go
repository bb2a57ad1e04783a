// Package probe asks services from outside whether they work: ICMP echo, TCP, TLS, HTTP and DNS. Its
// samples have the names and labels of Prometheus' blackbox_exporter, so that rules and dashboards
// written for it work unchanged; what an echo burst tells beyond them is nocturne_probe_*.
//
// Each target is an entity of kind "probe". Its reason says in words of its own what is wrong: a
// connection that is refused is not one that times out, and neither is a wrong certificate.
package probe
