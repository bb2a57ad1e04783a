package snmp

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	probesAtOnce = 512
	pollsAtOnce  = 64
	probeTimeout = time.Second
)

// What ICMP echo is used for in a sweep.
const (
	ICMPAuto  = "auto"  // who answers is asked first, all others after them
	ICMPNever = "never" // nobody is pinged
	ICMPOnly  = "only"  // who does not answer is not asked
)

// Progress is how far a sweep has come.
type Progress struct {
	Total   int           `json:"total"`   // addresses
	Asked   int           `json:"asked"`   // of them, by SNMP
	Alive   int           `json:"alive"`   // answered ping
	Found   int           `json:"found"`   // agents that accept one of the credentials
	Refused int           `json:"refused"` // agents that accept none
	Elapsed time.Duration `json:"elapsed"`
	Left    time.Duration `json:"left"` // an estimate; 0 while there is none
}

// finding is an agent that a sweep met: which is the index of the credentials that it accepts, err why it
// accepts none.
type finding struct {
	target Target
	which  int
	err    error
	news   bool // worth an event
}

// sweep asks all addresses of some blocks once with each of the credentials, in order, until one is
// accepted. Memory is bounded by the agents that are there, not by the addresses.
type sweep struct {
	blocks  []Block
	skip    func(Target) bool // nil skips none
	logins  []Credentials
	timeout time.Duration
	icmp    string
	found   func(finding)  // one at a time, in the order of the answers
	told    func(Progress) // one at a time, after each address; nil tells nobody

	mu     sync.Mutex
	began  time.Time
	state  Progress
	pinged int
	pings  bool
}

// run sweeps until all is asked or ctx ends. remark says what could not be used, "" for nothing.
func (s *sweep) run(ctx context.Context) (remark string, err error) {
	s.began = time.Now()
	for t := range s.targets {
		_ = t
		s.state.Total++
	}
	asks := make(chan Target)
	var group errgroup.Group
	for range min(probesAtOnce, s.state.Total) {
		group.Go(func() error {
			for t := range asks {
				s.ask(ctx, t)
			}
			return nil
		})
	}
	remark, err = s.feed(ctx, asks)
	close(asks)
	_ = group.Wait() // asking has no error of its own
	if err == nil && ctx.Err() != nil {
		err = fmt.Errorf("sweep: %w", ctx.Err())
	}
	return remark, err
}

// targets yields all that are to be asked.
func (s *sweep) targets(yield func(Target) bool) {
	for _, b := range s.blocks {
		for t := range b.All() {
			if (s.skip == nil || !s.skip(t)) && !yield(t) {
				return
			}
		}
	}
}

// feed hands the targets to those who ask: who answers ping first.
func (s *sweep) feed(ctx context.Context, asks chan<- Target) (remark string, err error) {
	put := func(t Target) bool {
		select {
		case asks <- t:
			return true
		case <-ctx.Done():
			return false
		}
	}
	alive := newAliveSet()
	if s.icmp != ICMPNever {
		p, err := openPinger(s.blocks)
		switch {
		case err == nil:
			s.pings = true
			if err := s.ping(ctx, p, alive, put); err != nil {
				return "", err
			}
		case s.icmp == ICMPOnly:
			return "", fmt.Errorf("icmp: only, but %w", err)
		default:
			remark = fmt.Sprintf("%v: every address is asked by SNMP", err)
		}
	}
	if s.icmp == ICMPOnly {
		return remark, nil
	}
	for t := range s.targets {
		if !alive.has(t) && !put(t) {
			break
		}
	}
	return remark, nil
}

// ping pings all targets and hands over who answers.
func (s *sweep) ping(ctx context.Context, p pinger, alive *aliveSet, put func(Target) bool) error {
	var group errgroup.Group
	group.Go(func() error {
		defer alive.end()
		return p.run(ctx, s.targets, alive.add, func() { s.note(func() { s.pinged++ }) })
	})
	for {
		addr, ok := alive.next()
		if !ok {
			break
		}
		for _, b := range s.blocks {
			if t := (Target{Host: addr.String(), Port: b.Port}); b.holds(addr) && (s.skip == nil || !s.skip(t)) {
				s.note(func() { s.state.Alive++ })
				put(t) // false when ctx has ended: then the pinger ends too
			}
		}
	}
	return group.Wait()
}

// ask tries the credentials at one target.
func (s *sweep) ask(ctx context.Context, t Target) {
	i, err := tryEach(ctx, t, s.logins, s.timeout)
	s.note(func() {
		s.state.Asked++
		switch {
		case ctx.Err() != nil:
		case err == nil:
			s.state.Found++
			s.found(finding{target: t, which: i})
		case refusal(err):
			s.state.Refused++
			s.found(finding{target: t, which: -1, err: err})
		}
	})
}

// note changes the progress and tells it.
func (s *sweep) note(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
	s.state.Elapsed = time.Since(s.began)
	s.state.Left = left(s.state, s.pinged, s.pings, s.icmp == ICMPOnly, s.timeout*time.Duration(len(s.logins)))
	if s.told != nil {
		s.told(s.state)
	}
}

// left estimates the rest of a sweep: of pings by their rate, of questions as if nobody answered them, which
// is what most addresses do, or as it went so far if that was slower. each is the patience with one address.
func left(p Progress, pinged int, pings, aliveOnly bool, each time.Duration) time.Duration {
	asks, unsent := p.Total-p.Asked, 0
	if aliveOnly {
		asks = p.Alive - p.Asked
	}
	if pings {
		unsent = max(0, p.Total-pinged)
	}
	var rest time.Duration
	if asks > 0 {
		rest = max(each, each*time.Duration(asks)/probesAtOnce)
		if unsent == 0 && p.Asked > p.Total/10 { // fewer tell little
			rest = max(rest, time.Duration(float64(p.Elapsed)*float64(asks)/float64(p.Asked)))
		}
	}
	return rest + pingTick*time.Duration(unsent)/pingsPerTick
}
