// Package assets holds what the program carries with it: built-in boards, alerting rules,
// translations and the icon.
package assets

import "embed"

// Rules are the built-in Prometheus rule files, rules/*.yml.
//
//go:embed rules/*.yml
var Rules embed.FS

// Fold is the table of which alerts explain which others; package app/alert reads it.
//
//go:embed fold.yaml
var Fold []byte
