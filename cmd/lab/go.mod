module github.com/nocturne-noc/nocturne/cmd/lab

go 1.26.0

require golang.org/x/sys v0.42.0
