module github.com/nocturne-noc/nocturne/cmd/lab

go 1.26.0

require (
	github.com/gosnmp/gosnmp v1.47.0
	golang.org/x/sys v0.42.0
)
