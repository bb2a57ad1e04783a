package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

const maxSecretBytes = 64 << 10

// Secret resolves a reference to a secret: env:NAME is an environment variable, file:PATH the
// content of a file, relative to the configuration's folder, without the newline at its end.
// A literal is refused, and never repeated in the error.
func (c *Config) Secret(ref string) (string, error) {
	scheme, name, ok := strings.Cut(ref, ":")
	switch {
	case ok && scheme == "env":
		v, set := os.LookupEnv(name)
		if !set {
			return "", fmt.Errorf("secret env:%s: the environment variable %s is not set", name, name)
		}
		return v, nil
	case ok && scheme == "file":
		return readSecret(expand(name, c.Dir))
	case ok && scheme == "keyring":
		return "", fmt.Errorf("secret keyring:%s: the keyring is not supported yet; use env:NAME or file:PATH", name)
	}
	return "", errors.New("secrets are not written into the configuration itself: " +
		"put this one into an environment variable or a file and write env:NAME or file:PATH here")
}

func readSecret(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("secret file:%s: %w", path, err)
	}
	defer func() { _ = f.Close() }() // only read
	if info, err := f.Stat(); err == nil && !info.Mode().IsRegular() {
		return "", fmt.Errorf("secret file:%s: is not a regular file", path)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxSecretBytes+1))
	if err != nil {
		return "", fmt.Errorf("secret file:%s: %w", path, err)
	}
	if len(b) > maxSecretBytes {
		return "", fmt.Errorf("secret file:%s: is longer than %d bytes", path, maxSecretBytes)
	}
	return strings.TrimRight(string(b), "\r\n"), nil
}

// expand makes a configured path absolute: "~/" is the home folder, and what is relative is so to dir.
func expand(path, dir string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		if home, err := os.UserHomeDir(); err == nil {
			return filepath.Join(home, rest)
		}
	}
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}
