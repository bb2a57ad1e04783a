package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

const (
	relayMaxClients = 256
	relayIdle       = 60 * time.Second
	maxDatagram     = 65535
)

// A relay carries UDP datagrams between clients in the root namespace and an agent that listens inside a device's
// namespace, so that no interface, address or route of the machine has to change. Each client address has a socket of
// its own towards the agent, closed after relayIdle without a request; beyond relayMaxClients clients are not served.
type relay struct {
	name   string
	listen *net.UDPConn
	dial   func(context.Context) (*net.UDPConn, error)
	idle   time.Duration
	loss   atomic.Int32           // percent of requests that are dropped
	cut    atomic.Bool            // drops all requests
	deaf   atomic.Pointer[[]byte] // drops the requests that hold these bytes; nil for none
	delay  atomic.Int64           // nanoseconds that each answer is held up

	mu      sync.Mutex
	clients map[netip.AddrPort]*net.UDPConn
	answers sync.WaitGroup
}

func newRelay(name string, listen *net.UDPConn, idle time.Duration, dial func(context.Context) (*net.UDPConn, error)) *relay {
	return &relay{name: name, listen: listen, dial: dial, idle: idle, clients: map[netip.AddrPort]*net.UDPConn{}}
}

// run serves until ctx ends, closes every socket and returns when all its goroutines have ended.
func (r *relay) run(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() {
		r.listen.Close()
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, conn := range r.clients {
			conn.Close()
		}
	})
	defer r.answers.Wait()
	defer stop()
	buffer := make([]byte, maxDatagram)
	for {
		n, client, err := r.listen.ReadFromUDPAddrPort(buffer)
		if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil || r.drops(buffer[:n]) {
			continue
		}
		conn, err := r.towardsAgent(ctx, client)
		if err != nil {
			log.Printf("relay %s: %v", r.name, err)
			continue
		}
		// A refused or failed send is a lost datagram; the client's own retries deal with it.
		_, _ = conn.Write(buffer[:n])
	}
}

func (r *relay) drops(request []byte) bool {
	deaf := r.deaf.Load()
	return r.cut.Load() || rand.Int32N(100) < r.loss.Load() || deaf != nil && bytes.Contains(request, *deaf)
}

// towardsAgent returns the socket that stands for a client inside the namespace and puts off its expiry.
func (r *relay) towardsAgent(ctx context.Context, client netip.AddrPort) (*net.UDPConn, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	conn, known := r.clients[client]
	if !known {
		if len(r.clients) >= relayMaxClients {
			return nil, fmt.Errorf("client %s not served: %d clients already", client, relayMaxClients)
		}
		var err error
		if conn, err = r.dial(ctx); err != nil {
			return nil, err
		}
		r.clients[client] = conn
		r.answers.Go(func() { r.answer(ctx, client, conn) })
	}
	if err := conn.SetReadDeadline(time.Now().Add(r.idle)); err != nil {
		return nil, fmt.Errorf("client %s: %w", client, err)
	}
	return conn, nil
}

// answer carries the agent's datagrams back to one client until the client has been idle too long.
func (r *relay) answer(ctx context.Context, client netip.AddrPort, conn *net.UDPConn) {
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.clients, client)
		conn.Close()
	}()
	buffer := make([]byte, maxDatagram)
	for ctx.Err() == nil {
		n, err := conn.Read(buffer)
		var timeout net.Error
		if errors.Is(err, net.ErrClosed) || errors.As(err, &timeout) && timeout.Timeout() {
			return
		}
		if err != nil {
			continue // connection refused: the agent is not there now
		}
		// One client asks for one thing at a time: nothing waits behind an answer that is held up.
		if delay := time.Duration(r.delay.Load()); delay > 0 {
			select {
			case <-ctx.Done():
				return
			case <-time.After(delay):
			}
		}
		if _, err := r.listen.WriteToUDPAddrPort(buffer[:n], client); errors.Is(err, net.ErrClosed) {
			return
		}
	}
}
