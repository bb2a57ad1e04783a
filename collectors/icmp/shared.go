package icmp

import "sync"

// Shared is one socket a family for all who use it, each open while somebody does. It is safe for concurrent use;
// the zero value is ready.
type Shared struct {
	mu      sync.Mutex
	sockets map[bool]*shared // by whether it is IPv6
}

type shared struct {
	*Socket
	users int
}

// Take opens the socket of a family, or shares it. release is to be called once.
func (s *Shared) Take(v6 bool) (socket *Socket, release func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.sockets[v6]
	if one == nil {
		if socket, err = Open(v6); err != nil {
			return nil, nil, err
		}
		if s.sockets == nil {
			s.sockets = map[bool]*shared{}
		}
		one = &shared{Socket: socket}
		s.sockets[v6] = one
	}
	one.users++
	return one.Socket, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if one.users--; one.users == 0 {
			delete(s.sockets, v6)
			one.Close()
		}
	}, nil
}
