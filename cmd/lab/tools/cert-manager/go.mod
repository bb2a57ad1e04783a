module github.com/nocturne-noc/nocturne/cmd/lab/tools/cert-manager

go 1.26.0

require github.com/cert-manager/cert-manager v1.19.1
