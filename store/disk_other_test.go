//go:build !linux

package store

import "testing"

func smallDisk(t *testing.T) string {
	t.Helper()
	t.Skip("a small file system is only mounted on Linux")
	return ""
}

func remount(*testing.T, string, bool) {}

func fill(*testing.T, string) {}
