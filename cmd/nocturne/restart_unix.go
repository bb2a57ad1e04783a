//go:build unix

package main

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
)

func needsDisplay() bool { return runtime.GOOS != "darwin" }

// restartWith replaces the process by itself with a variable in its environment, unless it is there.
func restartWith(name, value string) error {
	if _, set := os.LookupEnv(name); set {
		return nil
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("own program file: %w", err)
	}
	if err := syscall.Exec(self, os.Args, append(os.Environ(), name+"="+value)); err != nil {
		return fmt.Errorf("starting %s again with %s=%s: %w", self, name, value, err)
	}
	return nil
}
