package snmp

import (
	"math"
	"strings"
)

// Processor is the load of one processor.
type Processor struct {
	Name    string  `json:"name"`
	Percent float64 `json:"percent"`

	index string // of its row
}

// Volume is how full a memory or a file system is. The sizes are 0 where the device tells only the
// percentage.
type Volume struct {
	Name       string  `json:"name"`
	UsedBytes  float64 `json:"used_bytes"`
	TotalBytes float64 `json:"total_bytes"`
	Percent    float64 `json:"percent"`

	index string // of its row
}

// Readings are what a device's hardware reads.
type Readings struct {
	Processors []Processor
	Memory     []Volume
	Storage    []Volume
	Sensors    []Sensor
}

// volumeOf completes what a device tells of a memory or file system; false where that is not
// enough, or makes no sense.
func volumeOf(used, free, total, percent operand) (Volume, bool) {
	u, hasUsed := used.number()
	f, hasFree := free.number()
	t, hasTotal := total.number()
	p, hasPercent := percent.number()
	switch {
	case hasUsed && hasTotal:
	case hasUsed && hasFree:
		t = u + f
	case hasTotal && hasFree:
		u = t - f
	case hasTotal && hasPercent:
		u = t * p / 100
	case hasUsed && hasPercent && p > 0:
		t = u * 100 / p
	case hasFree && hasPercent && p < 100:
		t = f / (1 - p/100)
		u = t - f
	case hasPercent:
		return Volume{Percent: p}, p >= 0 && p <= 100
	default:
		return Volume{}, false
	}
	if t <= 0 || u < 0 || math.IsInf(t, 0) {
		return Volume{}, false
	}
	return Volume{UsedBytes: u, TotalBytes: t, Percent: 100 * u / t}, true
}

// settleMemory takes what the system would give back at once off the memory in use: agents on Unix
// count buffers and page cache as used, so that each healthy server would look full. Rows that are
// parts of the memory ("Memory buffers", whose size some agents give as what is used of it) are
// shown as parts of it.
func settleMemory(list []Volume) []Volume {
	ram := -1
	reclaimable := 0.0
	for i := range list {
		switch memoryPart(list[i].Name) {
		case wholeMemory:
			if ram >= 0 {
				return list // several memories: whose the parts are cannot be told
			}
			ram = i
		case cacheMemory:
			reclaimable += list[i].UsedBytes
		}
	}
	if ram < 0 {
		return list
	}
	whole := &list[ram]
	if reclaimable <= whole.UsedBytes {
		whole.UsedBytes -= reclaimable
		whole.Percent = 100 * whole.UsedBytes / whole.TotalBytes
	}
	for i := range list {
		v := &list[i]
		if part := memoryPart(v.Name); (part == cacheMemory || part == sharedMemory) && v.UsedBytes <= whole.TotalBytes {
			v.TotalBytes, v.Percent = whole.TotalBytes, 100*v.UsedBytes/whole.TotalBytes
		}
	}
	return list
}

type memoryKind int

const (
	otherMemory memoryKind = iota
	wholeMemory
	cacheMemory
	sharedMemory
)

// memoryPart tells by its name what a row of hrStorageTable counts, as Net-SNMP and its
// descendants name them.
func memoryPart(name string) memoryKind {
	name = strings.ToLower(name)
	switch {
	case name == "physical memory" || name == "real memory" || name == "ram":
		return wholeMemory
	case strings.Contains(name, "buffers") || strings.HasPrefix(name, "cached memory") || strings.Contains(name, "(cache)"):
		return cacheMemory
	case strings.HasPrefix(name, "shared memory"):
		return sharedMemory
	}
	return otherMemory
}
