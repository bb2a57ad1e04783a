package assets

import "embed"

// Boards are the built-in boards, boards/*.yaml, in the format of the configuration.
//
//go:embed boards/*.yaml
var Boards embed.FS

// Pages are the built-in pages, pages/*.yaml, in the format of the configuration.
//
//go:embed pages/*.yaml
var Pages embed.FS

// Demo is a recording of the lab with two incidents in it, made by `make demo-recording`.
//
//go:embed demo.nocturne
var Demo []byte

// Icon is the program's icon, 512x512 PNG.
//
//go:embed icon.png
var Icon []byte

// SNMPTraps are the names of traps and of the objects that they tell of; collectors/snmp/trap reads them.
//
//go:embed snmp/oids/traps.txt
var SNMPTraps []byte
