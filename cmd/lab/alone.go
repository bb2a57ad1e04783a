package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// aloneScript runs in new namespaces and becomes the command. Its loopback network and its named network namespaces are
// its own, so that labs and wallboards beside it find their ports free, and nothing in it reaches the world. The bridge
// leads nowhere: an API server does not start on a machine that has no default route.
const aloneScript = `set -e
mount -t sysfs lab /sys
ip link set lo up
ip link add noc-nowhere type bridge
ip address add 192.0.2.254/32 dev noc-nowhere
ip link set noc-nowhere up
ip route add default dev noc-nowhere
mkdir -p /run/netns ` + socketFolder + `
mount -t tmpfs -o mode=0755 lab /run/netns
mount -t tmpfs -o mode=0755 lab ` + socketFolder + `
exec "$@"
`

// alone becomes a command that runs in a network and a mount namespace of its own (unshare(1)); what the command starts
// stays in there, also what outlives it. It returns only when that fails.
func alone(command []string) error {
	if len(command) == 0 {
		return fmt.Errorf("%w: alone takes a command", errUsage)
	}
	if os.Geteuid() != 0 {
		return errors.New("namespaces of its own: root is needed")
	}
	program, err := exec.LookPath("unshare")
	if err != nil {
		return fmt.Errorf("namespaces of its own: %w", err)
	}
	args := append([]string{"unshare", "--net", "--mount", "--propagation", "private", "sh", "-c", aloneScript, "lab-alone"}, command...)
	return fmt.Errorf("%s: %w", program, syscall.Exec(program, args, os.Environ()))
}
