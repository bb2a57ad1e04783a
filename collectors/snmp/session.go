package snmp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gosnmp/gosnmp"
)

// Target is the address of one agent.
type Target struct {
	Host string // an address, or a name that the resolver knows
	Port uint16
}

// String returns host:port.
func (t Target) String() string { return net.JoinHostPort(t.Host, strconv.Itoa(int(t.Port))) }

// Timing bounds the patience with one agent.
type Timing struct {
	Timeout time.Duration // for one answer
	Retries int           // further tries of one request
}

// session talks to one agent. It is not for concurrent use, and shares nothing with another
// session: SNMPv3's engine ID, boots and time are the agent's own.
type session struct {
	target   Target
	cred     Credentials
	timing   Timing
	pace     *pace
	name     string // for errors: the device's name once it is known
	client   *gosnmp.GoSNMP
	requests uint64 // sent
	lost     uint64 // of these, without an answer in time
	rtt      time.Duration
}

func newSession(target Target, cred Credentials, timing Timing) *session {
	return &session{target: target, cred: cred, timing: timing, pace: newPace(), name: target.String()}
}

var errSocket = errors.New("open a socket")

// open makes the socket. An unconnected one, because there are devices that answer from another
// address than the one that was asked.
func (s *session) open() error {
	g := &gosnmp.GoSNMP{
		Target:                  s.target.Host,
		Port:                    s.target.Port,
		Transport:               "udp",
		Timeout:                 s.timing.Timeout,
		Retries:                 0, // the walk retries, with a smaller size
		MaxOids:                 gosnmp.MaxOids,
		UseUnconnectedUDPSocket: true,
	}
	if addr, err := netip.ParseAddr(s.target.Host); err == nil && addr.Is4() {
		g.Transport = "udp4"
	}
	s.cred.apply(g)
	if err := g.Connect(); err != nil {
		return fmt.Errorf("%s: %w: %w (is the address or name right?)", s.target, errSocket, err)
	}
	s.client = g
	return nil
}

// close gives the socket back; the next request opens a new one, and SNMPv3 discovers the engine
// anew. What was learnt about the agent's pace stays.
func (s *session) close() {
	if s.client != nil {
		_ = s.client.Close() // a UDP socket holds nothing back that could be lost
		s.client = nil
	}
}

// get asks for single objects, in the order given.
func (s *session) get(ctx context.Context, oids ...OID) ([]Value, error) {
	names := dotted(oids)
	var err error
	for range s.timing.Retries + 1 {
		var answer []VarBind
		answer, err = s.request(ctx, func(g *gosnmp.GoSNMP) (*gosnmp.SnmpPacket, error) { return g.Get(names) })
		var refused *statusError
		if errors.As(err, &refused) && len(oids) > 1 {
			return s.getEach(ctx, oids) // SNMPv1 refuses all for the lack of one
		}
		if errors.As(err, &refused) && refused.status == gosnmp.NoSuchName {
			return []Value{{Type: gosnmp.NoSuchObject}}, nil
		}
		if errors.Is(err, errTimeout) && ctx.Err() == nil {
			continue
		}
		if err != nil {
			return nil, s.explain(err)
		}
		return match(oids, answer), nil
	}
	return nil, s.explain(err)
}

func (s *session) getEach(ctx context.Context, oids []OID) ([]Value, error) {
	values := make([]Value, 0, len(oids))
	for _, oid := range oids {
		v, err := s.get(ctx, oid)
		if err != nil {
			return nil, err
		}
		values = append(values, v...)
	}
	return values, nil
}

// match puts an answer into the order of the question; agents exist that change it.
func match(oids []OID, answer []VarBind) []Value {
	values := make([]Value, len(oids))
	for i, oid := range oids {
		values[i] = Value{Type: gosnmp.NoSuchObject}
		for _, vb := range answer {
			if vb.OID.Compare(oid) == 0 {
				values[i] = vb.Value
				break
			}
		}
	}
	return values
}

// bulk implements requester.
func (s *session) bulk(ctx context.Context, oids []OID, reps int) ([]VarBind, error) {
	names := dotted(oids)
	return s.request(ctx, func(g *gosnmp.GoSNMP) (*gosnmp.SnmpPacket, error) {
		if g.Version == gosnmp.Version1 {
			return g.GetNext(names)
		}
		return g.GetBulk(names, 0, uint32(reps))
	})
}

// tables implements reader.
func (s *session) tables(ctx context.Context, want ...columns) ([]Table, []string, error) {
	var roots []OID
	var table []int
	for i, w := range want {
		for _, c := range w.cols {
			roots, table = append(roots, w.entry.Append(c)), append(table, i)
		}
	}
	out := make([]Table, len(want))
	// An agent that has just answered something may be silent because of the size that is asked
	// for: it gets some more tries, each with half of the size.
	patience := s.timing.Retries + 3
	warnings, err := walk(ctx, s, s.pace, patience, roots, func(col int, vb VarBind) {
		root := roots[col]
		out[table[col]].add(root[len(root)-1], vb.OID[len(root):], vb.Value)
	})
	for i := range out {
		out[i].sort()
	}
	if err != nil {
		return out, warnings, s.explain(err)
	}
	return out, warnings, nil
}

// request makes one exchange. Its error is errTimeout, a statusError, or one that more tries
// would not mend.
func (s *session) request(ctx context.Context, ask func(*gosnmp.GoSNMP) (*gosnmp.SnmpPacket, error)) ([]VarBind, error) {
	if s.client == nil {
		if err := s.open(); err != nil {
			return nil, err
		}
	}
	conn := s.client.Conn
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) }) // wakes the read
	defer stop()
	s.client.Context = ctx
	start := time.Now()
	s.requests++
	packet, err := ask(s.client)
	if err != nil {
		s.lost++
		return nil, s.classify(ctx, err)
	}
	s.rtt = time.Since(start)
	if packet.Error != gosnmp.NoError {
		return nil, &statusError{status: packet.Error, index: int(packet.ErrorIndex)}
	}
	answer := make([]VarBind, 0, len(packet.Variables))
	for _, pdu := range packet.Variables {
		oid, err := ParseOID(pdu.Name)
		if err != nil {
			return nil, fmt.Errorf("the answer holds an %w", err)
		}
		answer = append(answer, VarBind{OID: oid, Value: Value{Type: pdu.Type, raw: pdu.Value}})
	}
	return answer, nil
}

// classify turns gosnmp's errors into errTimeout and lasting ones.
func (s *session) classify(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded):
		return ctx.Err()
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded),
		errors.Is(err, gosnmp.ErrMaxRetriesExceeded):
		return errTimeout
	}
	return err
}

// explain turns an error into a sentence that names the device and says what to do.
func (s *session) explain(err error) error {
	refusals := []struct {
		err  error
		what string
	}{
		{gosnmp.ErrUnknownUsername, "it knows no user " + strconv.Quote(s.cred.User) + " (check user)"},
		{gosnmp.ErrWrongDigest, "wrong digest (check auth.protocol and auth.password of user " + strconv.Quote(s.cred.User) + ")"},
		{gosnmp.ErrDecryption, "it cannot decrypt (check priv.protocol and priv.password of user " + strconv.Quote(s.cred.User) + ")"},
		{gosnmp.ErrUnknownSecurityLevel, "it does not allow this security level to user " + strconv.Quote(s.cred.User) + " (set or remove auth and priv)"},
		{gosnmp.ErrNotInTimeWindow, "its clock or boot count does not agree with what it said before (it is tried anew in the next round)"},
		{gosnmp.ErrUnknownEngineID, "it changed its engine ID (it is tried anew in the next round)"},
	}
	for _, r := range refusals {
		if errors.Is(err, r.err) {
			return fmt.Errorf("authentication refused by %s: %s: %w", s.name, r.what, err)
		}
	}
	var refused *statusError
	var network *net.OpError
	switch {
	case errors.Is(err, errSocket):
		return err
	case errors.Is(err, errTimeout):
		waited := time.Duration(s.timing.Retries+1) * s.timing.Timeout
		hint := "is snmpd running, is the community right? a wrong community is answered with silence"
		if s.cred.Version == "3" {
			hint = "is snmpd running, is UDP port " + strconv.Itoa(int(s.target.Port)) + " open? some agents answer a wrong priv password with silence"
		}
		return fmt.Errorf("no answer from %s in %s (%s)%w", s.where(), waited, hint, silent{errTimeout})
	case errors.As(err, &refused):
		return fmt.Errorf("access refused by %s: %w (check what the agent's view allows)", s.where(), err)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: %w", s.where(), err)
	case errors.As(err, &network):
		return fmt.Errorf("%s cannot be reached: %w (check the route and the firewall)", s.where(), err)
	}
	text, _, _ := strings.Cut(err.Error(), " Stack:") // gosnmp reports its own panics with the stack
	return fmt.Errorf("%s does not answer in proper SNMP: %.200s (is another service on that port?)", s.where(), text)
}

// where names the device and its address.
func (s *session) where() string {
	if addr := s.target.String(); s.name != addr {
		return s.name + " (" + addr + ")"
	}
	return s.target.String()
}

// silent keeps an error in the chain without repeating its words.
type silent struct{ error }

func (silent) Error() string   { return "" }
func (s silent) Unwrap() error { return s.error }

func dotted(oids []OID) []string {
	names := make([]string, len(oids))
	for i, oid := range oids {
		names[i] = oid.String()
	}
	return names
}
