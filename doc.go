// Package nocturne is an open wallboard for network operation centres. The program is in
// cmd/nocturne; docs/architecture.md says which room is whose.
package nocturne
