//go:build tools

// Package tools pins the release of cert-manager whose custom resource definitions the lab installs.
package tools

import _ "github.com/cert-manager/cert-manager/pkg/apis/certmanager"
