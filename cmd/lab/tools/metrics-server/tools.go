//go:build tools

// Package tools pins the metrics server that the lab builds and runs.
package tools

import _ "sigs.k8s.io/metrics-server/cmd/metrics-server"
