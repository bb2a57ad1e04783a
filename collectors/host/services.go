//go:build linux || windows

package host

// maxUnits is how many services are told of, those that matter most first.
const maxUnits = 200
