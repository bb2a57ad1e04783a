// Package syslog receives what machines log (RFC 5424, RFC 3164, and whatever else is sent to that port) over
// UDP, TCP and TLS, and turns it into events.
//
// One line flows so:
//
//	sockets -> frames -> bounded queues -> desk: parse, find the machine, count, fold repeats, sample floods -> events
//
// What comes in is foreign and unasked for: everything is bounded. No line is lost without a word: each is shown, or
// folded into the repeats of one that is shown, or counted in what is announced as not shown.
package syslog
