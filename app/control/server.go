package control

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/prometheus/util/netconnlimit"
)

// SocketName is the socket's name in the data folder.
const SocketName = "control.sock"

// maxSocketPath is what the least generous system takes in a sockaddr_un, less its final zero.
const maxSocketPath = 103

const dialTimeout = 2 * time.Second

// Server answers on one listener.
type Server struct {
	http *http.Server
	done chan struct{}
}

// ListenSocket serves on DIR/control.sock, for this user only. A socket file that nobody answers on
// any more is replaced.
func ListenSocket(ctx context.Context, dir string, h http.Handler, log *slog.Logger) (*Server, error) {
	path := filepath.Join(dir, SocketName)
	if len(path) > maxSocketPath {
		return nil, fmt.Errorf("control socket %s: the path is longer than %d bytes: choose a shorter folder with --data", path, maxSocketPath)
	}
	dialer := net.Dialer{Timeout: dialTimeout}
	if conn, err := dialer.DialContext(ctx, "unix", path); err == nil {
		_ = conn.Close() // only asked whether somebody is there
		return nil, fmt.Errorf("control socket %s: another program answers on it", path)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("control socket %s: removing a dead one: %w", path, err)
	}
	ln, err := new(net.ListenConfig).Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		_ = ln.Close() // the chmod's error is the one that matters
		return nil, fmt.Errorf("control socket %s: %w", path, err)
	}
	return serve(ln, h, log), nil
}

// ListenTCP serves on a loopback address.
func ListenTCP(ctx context.Context, addr string, h http.Handler, log *slog.Logger) (*Server, error) {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("wall.listen: %w", err)
	}
	return serve(netconnlimit.SharedLimitListener(ln, netconnlimit.NewSharedSemaphore(maxConnections)), h, log), nil
}

func serve(ln net.Listener, h http.Handler, log *slog.Logger) *Server {
	s := &Server{done: make(chan struct{}), http: &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      2 * requestTimeout,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}}
	go func() {
		defer close(s.done)
		if err := s.http.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			log.Error("the control API ended", "address", ln.Addr().String(), "err", err)
		}
	}()
	return s
}

// Close lets running requests end for a moment, ends the others, and waits.
func (s *Server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), dialTimeout)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = s.http.Close()
	}
	<-s.done
	return err
}
