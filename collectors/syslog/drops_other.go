//go:build !linux

package syslog

import "net"

// kernelDrops counts the datagrams that the kernel had no room for. This system does not tell.
type kernelDrops struct{}

func (k *kernelDrops) more(*net.UDPConn) uint64 { return 0 }
