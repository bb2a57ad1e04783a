package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// inNamespace runs f on an operating system thread that has entered the named network namespace. Sockets that f opens
// belong to that namespace for as long as they live, whichever thread uses them later.
func inNamespace(name string, f func() error) error {
	done := make(chan error, 1)
	go func() {
		// The thread is never unlocked: it ends with the goroutine, so it cannot carry the namespace anywhere else.
		runtime.LockOSThread()
		done <- func() error {
			path := filepath.Join("/run/netns", name)
			fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
			if err != nil {
				return fmt.Errorf("namespace %s: open %s: %w", name, path, err)
			}
			defer unix.Close(fd)
			if err := unix.Setns(fd, unix.CLONE_NEWNET); err != nil {
				return fmt.Errorf("namespace %s: enter (root is needed): %w", name, err)
			}
			return f()
		}()
	}()
	return <-done
}

// dialUDP opens a connected UDP socket inside a namespace. local may be empty. ttl bounds the hops of a datagram.
func dialUDP(ctx context.Context, namespace, local, remote string, ttl int) (*net.UDPConn, error) {
	dialer := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) error {
		var failed error
		err := raw.Control(func(fd uintptr) { failed = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_TTL, ttl) })
		if err != nil {
			return err
		}
		return failed
	}}
	if local != "" {
		address, err := net.ResolveUDPAddr("udp4", local)
		if err != nil {
			return nil, fmt.Errorf("local address %s: %w", local, err)
		}
		dialer.LocalAddr = address
	}
	var conn net.Conn
	err := inNamespace(namespace, func() error {
		var err error
		conn, err = dialer.DialContext(ctx, "udp4", remote)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("UDP socket to %s in namespace %s: %w", remote, namespace, err)
	}
	return conn.(*net.UDPConn), nil
}

// listenUDP opens a bound UDP socket inside a namespace.
func listenUDP(ctx context.Context, namespace, address string) (*net.UDPConn, error) {
	var conn net.PacketConn
	err := inNamespace(namespace, func() error {
		var listener net.ListenConfig
		var err error
		conn, err = listener.ListenPacket(ctx, "udp4", address)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("UDP socket on %s in namespace %s: %w", address, namespace, err)
	}
	return conn.(*net.UDPConn), nil
}

// setSysctls writes network settings inside a namespace; keys are paths below /proc/sys/net, in order.
func setSysctls(namespace string, settings [][2]string) error {
	return inNamespace(namespace, func() error {
		for _, s := range settings {
			if err := os.WriteFile(filepath.Join("/proc/sys/net", s[0]), []byte(s[1]), 0); err != nil {
				return fmt.Errorf("namespace %s: set %s to %s: %w", namespace, s[0], s[1], err)
			}
		}
		return nil
	})
}

// ipBatch runs commands of ip(8) inside a namespace in one process. An empty namespace means the root namespace.
func ipBatch(ctx context.Context, namespace string, commands []string) error {
	args := []string{"-batch", "-"}
	if namespace != "" {
		args = append([]string{"-n", namespace}, args...)
	}
	cmd := exec.CommandContext(ctx, "ip", args...)
	cmd.Stdin = strings.NewReader(strings.Join(commands, "\n") + "\n")
	return runCommand(cmd)
}

// runCommand runs a command to its end and puts what it wrote to standard error into the error.
func runCommand(cmd *exec.Cmd) error {
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return nil
}

// outputOf runs a command to its end and returns its standard output.
func outputOf(cmd *exec.Cmd) (string, error) {
	var stdout strings.Builder
	cmd.Stdout = &stdout
	err := runCommand(cmd)
	return stdout.String(), err
}
