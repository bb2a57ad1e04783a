package main

import (
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

func TestAloneWithoutACommand(t *testing.T) {
	if err := alone(nil); !errors.Is(err, errUsage) {
		t.Errorf("got %v, want wrong use", err)
	}
}

// TestAlone runs itself once more, which then becomes a command that says what network it sees.
func TestAlone(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root may make namespaces")
	}
	const inside = "LAB_TEST_INSIDE"
	if os.Getenv(inside) != "" {
		t.Fatal(alone([]string{"sh", "-c", "ls /sys/class/net /run/netns " + socketFolder + "; ip -o -4 route"}))
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestAlone$")
	cmd.Env = append(os.Environ(), inside+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	got := strings.Fields(string(out))
	want := strings.Fields("/run/netns: " + socketFolder + ": /sys/class/net: lo noc-nowhere default dev noc-nowhere scope link")
	if slices.Contains(got, "linkdown") { // whether the kernel has noticed that the bridge has no port
		want = append(want, "linkdown")
	}
	if !slices.Equal(got, want) {
		t.Errorf("it sees %q, want %q", got, want)
	}
}
