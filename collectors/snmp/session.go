package snmp

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
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
	name     string         // for errors: the device's name once it is known
	wire     *wire          // nil while it rests, as the next three
	client   *gosnmp.GoSNMP // of version 3
	lent     *buffer        // of the others
	buf      []byte         // lent, or a larger one
	id       uint32         // of the last request of the others
	large    bool           // the agent sends answers that no lent buffer holds
	engine   engine         // of version 3, while it rests
	answered bool           // since the engine was discovered
	requests uint64         // sent
	lost     uint64         // of these, without an answer in time
	rtt      time.Duration  // of the last answer
	slowest  time.Duration  // of the answers lately; 0 before the first
	asked    time.Time      // when the question was first put that is being tried
	tries    []time.Time    // when it was put with each of the last IDs, an answer to any of which will do
	columns  int            // of that question
}

func newSession(target Target, cred Credentials, timing Timing) *session {
	return &session{target: target, cred: cred, timing: timing, pace: newPace(), name: target.String(), id: rand.Uint32()}
}

var errSocket = errors.New("open a socket")

// open makes the socket and takes a client. In version 3 a session that was closed before
// discovers the agent's engine anew with its first request.
func (s *session) open(ctx context.Context) error {
	resolving, cancel := context.WithTimeout(ctx, s.timing.Timeout)
	defer cancel()
	w, err := dial(resolving, s.target)
	if err != nil {
		return fmt.Errorf("%s: %w: %w (is the address or name right?)", s.target, errSocket, err)
	}
	if s.cred.Version == "3" {
		if s.client, err = lendClient(s.cred, s.engine); err != nil {
			_ = w.Close() // nothing was sent
			return fmt.Errorf("%s: %w: %w (check the credentials)", s.target, errSocket, err)
		}
		s.client.Conn = w
	} else {
		s.lent = lendBuffer()
		s.buf = s.lent.data[:]
		if s.large {
			s.buf = make([]byte, maxDatagram)
		}
	}
	s.wire = w
	return nil
}

// isOpen reports whether the session's credentials have served since it was last closed.
func (s *session) isOpen() bool { return s.answered }

// rest gives the socket and the client back until the next round. What was learnt of the agent
// stays: its pace, and in version 3 its engine.
func (s *session) rest() {
	if s.wire == nil {
		return
	}
	_ = s.wire.Close() // a UDP socket holds nothing back that could be lost
	if s.client != nil {
		s.engine.remember(s.client, time.Now())
		returnClient(s.client)
	} else {
		returnBuffer(s.lent)
	}
	s.wire, s.client, s.lent, s.buf = nil, nil, nil, nil
}

// close ends the session: the next request opens a new one, which discovers in version 3 the
// engine anew. What was learnt of the agent's pace stays.
func (s *session) close() {
	s.rest()
	s.engine, s.answered = engine{}, false
}

// rediscover forgets the agent's engine in the middle of a round.
func (s *session) rediscover(ctx context.Context) error {
	s.close()
	return s.open(ctx)
}

// get asks for single objects, in the order given.
func (s *session) get(ctx context.Context, oids ...OID) ([]Value, error) {
	for try := 0; ; try++ {
		answer, err := s.request(ctx, try, request{kind: gosnmp.GetRequest, oids: oids})
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
	if s.cred.Version == "1" {
		return s.request(ctx, try, request{kind: gosnmp.GetNextRequest, oids: oids})
	}
	return s.request(ctx, try, request{kind: gosnmp.GetBulkRequest, oids: oids, reps: reps})
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
func (s *session) request(ctx context.Context, try int, q request) ([]VarBind, error) {
	if s.wire == nil {
		if err := s.open(ctx); err != nil {
			return nil, err
		}
	}
	start := time.Now()
	if try == 0 {
		s.asked = start
	}
	s.requests++
	answer, err := s.put(ctx, try, q)
	if lostEngine(err) && ctx.Err() == nil { // it restarted, was replaced, or its clock was set
		if err := s.rediscover(ctx); err != nil {
			return nil, err
		}
		answer, err = s.put(ctx, try, q)
	}
	for range garbledTries {
		if !garbled(err) || ctx.Err() != nil {
			break
		}
		answer, err = s.put(ctx, try, q) // a stray datagram, not necessarily the agent's
	}
	if err != nil {
		s.lost++
		return nil, classify(ctx, err)
	}
	s.answered = true
	s.rtt = time.Since(start)
	if later := min(len(s.tries)-1-answer.try, try); s.client == nil && later > 0 {
		s.rtt = time.Since(s.tries[answer.try])
		s.lost -= uint64(later) // nothing was lost: these tries were hasty
	}
	s.slowest = max(s.rtt, s.slowest*7/8)
	if answer.status != gosnmp.NoError {
		return nil, &statusError{status: answer.status, index: answer.index}
	}
	return answer.vars, nil
}

// put puts one request and waits for its answer.
func (s *session) put(ctx context.Context, try int, q request) (reply, error) {
	w := s.wire
	stop := context.AfterFunc(ctx, func() { _ = w.SetDeadline(time.Unix(1, 0)) }) // wakes the read
	defer stop()
	if s.client != nil {
		return s.putUSM(ctx, s.wait(try), q)
	}
	if err := ctx.Err(); err != nil {
		return reply{}, err
	}
	if err := w.SetDeadline(time.Now().Add(s.wait(try))); err != nil {
		return reply{}, err
	}
	if columns := len(q.oids); try == 0 || columns != s.columns {
		s.tries, s.columns = s.tries[:0], columns
	}
	s.id, s.tries = (s.id+1)&math.MaxInt32, append(s.tries, time.Now())
	version := gosnmp.Version2c
	if s.cred.Version == "1" {
		version = gosnmp.Version1
	}
	if _, err := w.Write(encodeRequest(s.buf, version, s.cred.community(), s.id, q)); err != nil {
		return reply{}, err
	}
	for {
		n, err := w.Read(s.buf)
		if err != nil {
			return reply{}, err
		}
		if n == len(s.buf) && !s.large { // it may be cut off
			s.large, s.buf = true, make([]byte, maxDatagram)
			return reply{}, errTooLarge
		}
		if answer, err := s.anyTry(s.buf[:n]); !errors.Is(err, errForeign) {
			return answer, err
		}
	}
}

// anyTry decodes the answer to any try of the question: an agent that has become slow answers the first
// one while a later one is waited for.
func (s *session) anyTry(datagram []byte) (answer reply, err error) {
	for i := range s.tries {
		try := len(s.tries) - 1 - i
		if answer, err = decodeReply(datagram, (s.id-uint32(i))&math.MaxInt32, s.lent.vars); !errors.Is(err, errForeign) {
			answer.try = try
			s.lent.vars = answer.vars[:0]
			break
		}
	}
	return answer, err
}

// errTooLarge says that an answer did not fit into the buffer; the next one will.
var errTooLarge = errors.New("the answer is larger than 16 KB")

// putUSM is put for version 3. It takes an answer only for what it is: gosnmp hands over a second
// Report as if it were data, and leaves an unsigned one unread.
func (s *session) putUSM(ctx context.Context, wait time.Duration, q request) (reply, error) {
	g := s.client
	g.Context, g.Timeout = ctx, wait
	names := make([]string, len(q.oids))
	for i, oid := range q.oids {
		names[i] = oid.String()
	}
	var packet *gosnmp.SnmpPacket
	var err error
	if q.kind == gosnmp.GetBulkRequest {
		packet, err = g.GetBulk(names, 0, uint32(q.reps))
	} else {
		packet, err = g.Get(names)
	}
	switch {
	case err != nil && strings.Contains(err.Error(), notAuthentic):
		return reply{}, unsignedReport(s.wire.last)
	case err != nil:
		return reply{}, err
	case packet.PDUType == gosnmp.Report:
		return reply{}, reportError(packet)
	case packet.PDUType != gosnmp.GetResponse:
		return reply{}, fmt.Errorf("the answer is a %s", packet.PDUType)
	}
	answer := reply{status: packet.Error, index: int(packet.ErrorIndex), vars: make([]VarBind, 0, len(packet.Variables))}
	for _, pdu := range packet.Variables {
		oid, err := ParseOID(pdu.Name)
		if err != nil {
			return reply{}, fmt.Errorf("the answer holds an %w", err)
		}
		answer.vars = append(answer.vars, VarBind{OID: oid, Value: Value{Type: pdu.Type, raw: pdu.Value}})
	}
	return answer, nil
}

// garbledTries is how often a request is put again whose answer could not be decoded.
const garbledTries = 2
