package main

import (
	"context"
	"net"
	"testing"
	"time"
)

func udpSocket(t *testing.T) *net.UDPConn {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// startRelay runs a relay to an agent that answers each datagram with "re:" before it, and returns the relay.
func startRelay(t *testing.T, idle time.Duration) *relay {
	t.Helper()
	agent := udpSocket(t)
	go func() {
		buffer := make([]byte, maxDatagram)
		for {
			n, from, err := agent.ReadFromUDPAddrPort(buffer)
			if err != nil {
				return
			}
			if _, err := agent.WriteToUDPAddrPort(append([]byte("re:"), buffer[:n]...), from); err != nil {
				return
			}
		}
	}()
	r := newRelay("test", udpSocket(t), idle, func(ctx context.Context) (*net.UDPConn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, "udp4", agent.LocalAddr().String())
		if err != nil {
			return nil, err
		}
		return conn.(*net.UDPConn), nil
	})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			t.Error("the relay did not end with its context")
		}
	})
	return r
}

func ask(t *testing.T, r *relay, client *net.UDPConn, text string) (string, error) {
	t.Helper()
	if _, err := client.WriteTo([]byte(text), r.listen.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	if err := client.SetReadDeadline(time.Now().Add(300 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, maxDatagram)
	n, from, err := client.ReadFrom(buffer)
	if err == nil && from.String() != r.listen.LocalAddr().String() {
		t.Errorf("answer from %s, asked %s", from, r.listen.LocalAddr())
	}
	return string(buffer[:n]), err
}

func (r *relay) clientCount() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.clients)
}

func TestRelayAnswersEachClient(t *testing.T) {
	r := startRelay(t, time.Minute)
	for _, text := range []string{"one", "two", "three"} {
		client := udpSocket(t)
		for range 2 {
			if got, err := ask(t, r, client, text); err != nil || got != "re:"+text {
				t.Errorf("asked %q, got %q, %v", text, got, err)
			}
		}
	}
	if n := r.clientCount(); n != 3 {
		t.Errorf("%d clients, want 3", n)
	}
}

func TestRelayForgetsIdleClients(t *testing.T) {
	r := startRelay(t, 50*time.Millisecond)
	client := udpSocket(t)
	if _, err := ask(t, r, client, "x"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := until(ctx, 10*time.Millisecond, func() error {
		if r.clientCount() != 0 {
			return context.DeadlineExceeded
		}
		return nil
	}); err != nil {
		t.Errorf("the client was not forgotten: %v", err)
	}
	if got, err := ask(t, r, client, "again"); err != nil || got != "re:again" {
		t.Errorf("after the idle time: %q, %v", got, err)
	}
}

func TestRelayBoundsItsClients(t *testing.T) {
	r := startRelay(t, time.Minute)
	for range relayMaxClients {
		if _, err := ask(t, r, udpSocket(t), "x"); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := ask(t, r, udpSocket(t), "one too many"); err == nil {
		t.Errorf("client %d was answered: %q", relayMaxClients+1, got)
	}
}

func TestRelayLosesWhatItIsToldTo(t *testing.T) {
	r := startRelay(t, time.Minute)
	client := udpSocket(t)
	r.loss.Store(100)
	if got, err := ask(t, r, client, "lost"); err == nil {
		t.Errorf("answered %q at 100 %% loss", got)
	}
	r.loss.Store(0)
	r.cut.Store(true)
	if got, err := ask(t, r, client, "cut"); err == nil {
		t.Errorf("answered %q while cut", got)
	}
	r.cut.Store(false)
	table := []byte("table")
	r.deaf.Store(&table)
	if got, err := ask(t, r, client, "a table's row"); err == nil {
		t.Errorf("answered %q while deaf to it", got)
	}
	if got, err := ask(t, r, client, "anything else"); err != nil || got != "re:anything else" {
		t.Errorf("while deaf to a table: %q, %v", got, err)
	}
	r.deaf.Store(nil)
	if got, err := ask(t, r, client, "kept"); err != nil || got != "re:kept" {
		t.Errorf("at no loss: %q, %v", got, err)
	}
}
