//go:build !linux && !windows

package host

import "context"

// services of other systems are not read: nothing there tells of all of them.
type services struct{}

func (s *services) read(context.Context) ([]metric, error) { return nil, nil }

func (s *services) reason() string { return "" }
