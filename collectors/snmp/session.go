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
	requests uint64        // sent
	lost     uint64        // of these, without an answer in time
	rtt      time.Duration // of the last answer
	slowest  time.Duration // of the answers lately; 0 before the first
	asked    time.Time     // when the question was first put that is being tried
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

func (s *session) isOpen() bool { return s.client != nil }

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
	for try := 0; ; try++ {
		answer, err := s.request(ctx, try, func(g *gosnmp.GoSNMP) (*gosnmp.SnmpPacket, error) { return g.Get(names) })
		var refused *statusError
		if len(oids) > 1 && (errors.As(err, &refused) || err == nil && len(answer) == 0) {
			return s.getEach(ctx, oids) // too many at once, or SNMPv1, which refuses all for the lack of one
		}
		if errors.As(err, &refused) && refused.status == gosnmp.NoSuchName {
			return []Value{{Type: gosnmp.NoSuchObject}}, nil
		}
		if _, last := s.patient(try); errors.Is(err, errTimeout) && ctx.Err() == nil && !last {
			continue
		}
		if err != nil {
			return nil, s.explain(err)
		}
		return match(oids, answer), nil
	}
}

// getEach asks one by one. What is refused alone is missing; when all is, that is an error.
func (s *session) getEach(ctx context.Context, oids []OID) ([]Value, error) {
	values := make([]Value, 0, len(oids))
	refusals := 0
	for _, oid := range oids {
		v, err := s.get(ctx, oid)
		var refused *statusError
		if errors.As(err, &refused) {
			v = []Value{{Type: gosnmp.NoSuchObject}}
			if refusals++; refusals == len(oids) {
				return nil, err
			}
		} else if err != nil {
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
func (s *session) bulk(ctx context.Context, oids []OID, reps, try int) ([]VarBind, error) {
	names := dotted(oids)
	return s.request(ctx, try, func(g *gosnmp.GoSNMP) (*gosnmp.SnmpPacket, error) {
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
	warnings, err := walk(ctx, s, s.pace, roots, func(col int, vb VarBind) {
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

// firstWait is the shortest time that an answer is waited for.
const firstWait = 100 * time.Millisecond

// wait is how long a try waits for its answer: four times of what the agent took lately, doubled
// from the third try on, at most the timeout. A lost packet so costs little, and a slow agent is
// waited for.
func (s *session) wait(try int) time.Duration {
	if s.slowest == 0 {
		return s.timing.Timeout
	}
	w := max(firstWait, 4*s.slowest)
	for ; try > 1 && w < s.timing.Timeout; try-- {
		w *= 2
	}
	return min(w, s.timing.Timeout)
}

// patient implements requester. The last try is the one with which Retries+1 full timeouts are over.
func (s *session) patient(try int) (full, last bool) {
	var waited time.Duration
	for i := range try + 1 {
		waited += s.wait(i)
	}
	return s.wait(try) == s.timing.Timeout, waited >= time.Duration(s.timing.Retries+1)*s.timing.Timeout
}

// request makes one exchange. Its error is errTimeout, a statusError, or one that more tries
// would not mend.
func (s *session) request(ctx context.Context, try int, ask func(*gosnmp.GoSNMP) (*gosnmp.SnmpPacket, error)) ([]VarBind, error) {
	if s.client == nil {
		if err := s.open(); err != nil {
			return nil, err
		}
	}
	conn := s.client.Conn
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) }) // wakes the read
	defer stop()
	s.client.Context, s.client.Timeout = ctx, s.wait(try)
	start := time.Now()
	if try == 0 {
		s.asked = start
	}
	s.requests++
	packet, err := ask(s.client)
	for range garbledTries {
		if !garbled(err) || ctx.Err() != nil {
			break
		}
		packet, err = ask(s.client) // a stray datagram, not necessarily the agent's
	}
	if err != nil {
		s.lost++
		return nil, s.classify(ctx, err)
	}
	s.rtt = time.Since(start)
	s.slowest = max(s.rtt, s.slowest*7/8)
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

// garbledTries is how often a request is put again whose answer could not be decoded.
const garbledTries = 2

// garbled reports whether an answer came that could not be decoded, or not be trusted.
func garbled(err error) bool {
	var network net.Error
	return err != nil && !refusal(err) && !errors.As(err, &network) && !timedOut(err)
}

func timedOut(err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) ||
		errors.Is(err, gosnmp.ErrMaxRetriesExceeded)
}

// classify turns gosnmp's errors into errTimeout and lasting ones.
func (s *session) classify(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded):
		return ctx.Err()
	case timedOut(err):
		return errTimeout
	}
	return err
}

// usmRefusals are the Reports of RFC 3414 by what to do about them; %q is the user.
var usmRefusals = []struct {
	err  error
	what string
}{
	{gosnmp.ErrUnknownUsername, "it knows no user %q (check user)"},
	{gosnmp.ErrWrongDigest, "wrong digest (check auth.protocol and auth.password of user %q)"},
	{gosnmp.ErrDecryption, "it cannot decrypt (check priv.protocol and priv.password of user %q)"},
	{gosnmp.ErrUnknownSecurityLevel, "it does not allow this security level to user %q (set or remove auth and priv)"},
	{gosnmp.ErrNotInTimeWindow, "its clock or boot count contradicts what it said before to user %q (it is tried anew in the next round)"},
	{gosnmp.ErrUnknownEngineID, "it changed its engine ID under user %q (it is tried anew in the next round)"},
}

// errKey stands for the Reports of RFC 3414 that say that the user or the digest is wrong. They
// cannot be signed, so gosnmp drops them unread, with these words.
var errKey = errors.New("the answer is not signed with our key")

const notAuthentic = "incoming packet is not authentic"

// refusal reports whether an agent is there but does not want to talk to us.
func refusal(err error) bool {
	for _, r := range usmRefusals {
		if errors.Is(err, r.err) {
			return true
		}
	}
	var refused *statusError
	return errors.As(err, &refused) || errors.Is(err, errKey)
}

// explain turns an error into a sentence that names the device and says what to do.
func (s *session) explain(err error) error {
	for _, r := range usmRefusals {
		if errors.Is(err, r.err) {
			return fmt.Errorf("authentication refused by %s: "+r.what+": %w", s.name, s.cred.User, err)
		}
	}
	var refused *statusError
	var network *net.OpError
	text, _, _ := strings.Cut(err.Error(), " Stack:") // gosnmp reports its own panics with the stack
	switch {
	case strings.Contains(text, notAuthentic):
		return fmt.Errorf("authentication refused by %s: it does not accept user %q with this key (check user, auth.protocol and auth.password): %w", s.name, s.cred.User, errKey)
	case errors.Is(err, errSocket):
		return err
	case errors.Is(err, errTimeout):
		waited := time.Since(s.asked).Round(100 * time.Millisecond)
		hint := "is snmpd running, is the community right? a wrong community is answered with silence"
		if s.cred.Version == "3" {
			hint = "is snmpd running, is UDP port " + strconv.Itoa(int(s.target.Port)) + " open? some agents answer a wrong priv password with silence"
		}
		return fmt.Errorf("no answer from %s in %s (%s)%w", s.where(), waited, hint, silent{errTimeout})
	case errors.As(err, &refused):
		return fmt.Errorf("access refused by %s: %w (check the agent's view, and in version 3 the security level of the user)", s.where(), err)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: %w", s.where(), err)
	case errors.As(err, &network):
		return fmt.Errorf("%s cannot be reached: %w (check the route and the firewall)", s.where(), err)
	}
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
