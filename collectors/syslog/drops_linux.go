package syslog

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// kernelDrops counts the datagrams that the kernel had no room for.
type kernelDrops struct{ known uint64 }

// more returns how many there were since the last time. What cannot be read counts as none.
func (k *kernelDrops) more(conn *net.UDPConn) uint64 {
	total, err := dropsOf(conn)
	if err != nil || total < k.known {
		return 0
	}
	n := total - k.known
	k.known = total
	return n
}

func dropsOf(conn *net.UDPConn) (uint64, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, err
	}
	var stat syscall.Stat_t
	var statErr error
	if err := raw.Control(func(fd uintptr) { statErr = syscall.Fstat(int(fd), &stat) }); err != nil {
		return 0, err
	}
	if statErr != nil {
		return 0, statErr
	}
	for _, name := range []string{"/proc/self/net/udp", "/proc/self/net/udp6"} {
		file, err := os.Open(name)
		if err != nil {
			continue // a system without IPv6
		}
		n, ok := drops(file, stat.Ino)
		_ = file.Close()
		if ok {
			return n, nil
		}
	}
	return 0, fmt.Errorf("socket %d is not among those of the system", stat.Ino)
}

// drops finds the last column of a socket's line in /proc/net/udp (proc(5)).
func drops(table io.Reader, inode uint64) (uint64, bool) {
	const inodeColumn, columns = 9, 13
	want := strconv.FormatUint(inode, 10)
	for lines := bufio.NewScanner(table); lines.Scan(); {
		f := strings.Fields(lines.Text())
		if len(f) < columns || f[inodeColumn] != want {
			continue
		}
		n, err := strconv.ParseUint(f[columns-1], 10, 64)
		return n, err == nil
	}
	return 0, false
}
