// Package trap receives SNMP traps and informs and turns them into events.
//
// One datagram flows so:
//
//	socket -> Decoder (community or user checked, SNMPv1 by RFC 3584) -> bounded queue -> senders (storms
//	             |                                                                        are folded) -> events
//	             +-> reply to an inform, Report of version 3
//	             +-> link traps: the port is polled at once
//
// What comes in is foreign and unasked for: everything is bounded, nothing creates a device, and a
// trap never sets a state. It says where to look; what is true, the poll says.
package trap
