package config

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// DefaultPath is where the configuration is looked for: $XDG_CONFIG_HOME/nocturne/nocturne.yaml
// and its like on other systems.
func DefaultPath() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("finding the user's configuration folder: %w; name the file with --config", err)
	}
	return filepath.Join(dir, "nocturne", "nocturne.yaml"), nil
}

// DefaultDataDir is where history is kept: $XDG_DATA_HOME/nocturne and its like on other systems.
func DefaultDataDir() (string, error) {
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "nocturne"), nil
	}
	switch runtime.GOOS {
	case "windows":
		if dir := os.Getenv("LocalAppData"); dir != "" {
			return filepath.Join(dir, "nocturne"), nil
		}
	case "darwin":
		if home, err := os.UserHomeDir(); err == nil {
			return filepath.Join(home, "Library", "Application Support", "nocturne"), nil
		}
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("finding the user's data folder: %w; name it with --data", err)
	}
	return filepath.Join(home, ".local", "share", "nocturne"), nil
}

// Abs makes a configured path absolute: "~/" is the home folder, and what is relative is so to the folder of
// the configuration.
func (c *Config) Abs(path string) string { return expand(path, c.Dir) }
