package snmp

import (
	"context"
	"fmt"
	"iter"
	"net/netip"
	"sync"
	"time"

	"github.com/nocturne-noc/nocturne/collectors/icmp"
)

const (
	pingsPerTick = 10
	pingTick     = 20 * time.Millisecond // 500 pings a second
	pingWait     = time.Second           // for the last answers
	maxAlive     = 1 << 20               // addresses of one sweep, whatever claims to answer
)

// pinger pings from one socket a family for a whole sweep.
type pinger map[bool]*icmp.Socket // by whether it is IPv6

// openPinger opens a socket for each family that the blocks have.
func openPinger(blocks []Block) (pinger, error) {
	p := pinger{}
	for _, b := range blocks {
		v6 := b.first.Is6()
		if p[v6] != nil {
			continue
		}
		socket, err := icmp.Open(v6)
		if err != nil {
			p.close()
			return nil, err
		}
		p[v6] = socket
	}
	return p, nil
}

func (p pinger) close() {
	for _, socket := range p {
		socket.Close()
	}
}

// run pings all targets at a bounded rate, tells of each that was sent to and of each that answers, and
// closes the sockets. answered is called by several goroutines.
func (p pinger) run(ctx context.Context, targets iter.Seq[Target], answered func(netip.Addr), sent func()) error {
	defer p.close()
	tick := time.NewTicker(pingTick)
	defer tick.Stop()
	n := 0
	for t := range targets {
		addr, err := netip.ParseAddr(t.Host)
		if err != nil {
			continue // a block holds addresses only
		}
		if n++; n%pingsPerTick == 0 {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return fmt.Errorf("ping: %w", ctx.Err())
			}
		}
		p[addr.Is6()].Ping(addr, func(a icmp.Answer) {
			if a.Err == nil {
				answered(addr)
			}
		})
		sent()
	}
	last := time.NewTimer(pingWait)
	defer last.Stop()
	select {
	case <-last.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("ping: %w", ctx.Err())
	}
}

// aliveSet is a queue of the addresses that answered, each once, that remembers them.
type aliveSet struct {
	mu    sync.Mutex
	more  *sync.Cond
	seen  map[netip.Addr]bool
	queue []netip.Addr
	ended bool
}

func newAliveSet() *aliveSet {
	a := &aliveSet{seen: map[netip.Addr]bool{}}
	a.more = sync.NewCond(&a.mu)
	return a
}

func (a *aliveSet) add(addr netip.Addr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.seen[addr] && len(a.seen) < maxAlive {
		a.seen[addr] = true
		a.queue = append(a.queue, addr)
		a.more.Signal()
	}
}

func (a *aliveSet) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ended = true
	a.more.Signal()
}

// next waits for the next address; false when there is none any more.
func (a *aliveSet) next() (netip.Addr, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for len(a.queue) == 0 {
		if a.ended {
			return netip.Addr{}, false
		}
		a.more.Wait()
	}
	addr := a.queue[0]
	a.queue = a.queue[1:]
	return addr, true
}

func (a *aliveSet) has(t Target) bool {
	addr, err := netip.ParseAddr(t.Host)
	a.mu.Lock()
	defer a.mu.Unlock()
	return err == nil && a.seen[addr]
}
