//go:build tools

// Package tools pins the kwok simulator that the lab builds and runs.
package tools

import (
	_ "sigs.k8s.io/kwok/cmd/kwok"
)
