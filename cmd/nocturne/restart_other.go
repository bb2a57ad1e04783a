//go:build !unix

package main

func needsDisplay() bool { return false }

// restartWith does nothing where a process cannot replace itself: the cache stays at Fyne's default.
func restartWith(string, string) error { return nil }
