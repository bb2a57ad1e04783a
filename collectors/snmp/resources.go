package snmp

import (
	"context"
	"math"
	"strings"
)

// Processor is the load of one processor.
type Processor struct {
	Name    string  `json:"name"`
	Percent float64 `json:"percent"`
}

// Volume is how full a memory or a file system is.
type Volume struct {
	Name       string  `json:"name"`
	UsedBytes  float64 `json:"used_bytes"`
	TotalBytes float64 `json:"total_bytes"`
	Percent    float64 `json:"percent"`
}

// Resources are a device's processors, memories and file systems.
type Resources struct {
	Processors []Processor
	Memory     []Volume
	Storage    []Volume
}

const (
	hrStorageType, hrStorageDescr, hrStorageUnits, hrStorageSize, hrStorageUsed = 2, 3, 4, 5, 6
	hrDeviceDescr                                                               = 3
	hrProcessorLoad                                                             = 2

	// the last part of hrStorageTypes
	storageOther, storageRAM, storageVirtual                              = 1, 2, 3
	storageFixed, storageRemovable, storageFloppy                         = 4, 5, 6
	storageCompact, storageRAMDisk, storageFlashMemory, storageNetworkFSs = 7, 8, 9, 10
)

// readResources reads HOST-RESOURCES-MIB, and UCD-SNMP-MIB where that has nothing.
func readResources(ctx context.Context, r reader) (Resources, []string, error) {
	t, warnings, err := r.tables(ctx,
		columns{oidHrStorageEntry, []uint32{hrStorageType, hrStorageDescr, hrStorageUnits, hrStorageSize, hrStorageUsed}},
		columns{oidHrProcessorEntry, []uint32{hrProcessorLoad}},
		columns{oidHrDeviceEntry, []uint32{hrDeviceDescr}})
	if err != nil {
		return Resources{}, warnings, err
	}
	res := Resources{Processors: hrProcessors(&t[1], &t[2])}
	res.Memory, res.Storage = hrVolumes(&t[0])
	if len(res.Processors) > 0 && len(res.Memory) > 0 {
		return res, warnings, nil
	}
	v, err := r.get(ctx, oidMemTotal, oidMemAvail, oidMemBuffer, oidMemCached, oidSwapTotal, oidSwapAvail, oidCPUIdle)
	if err != nil {
		return res, warnings, err
	}
	if len(res.Memory) == 0 {
		res.Memory = ucdMemory(v)
	}
	if idle, ok := v[6].Uint(); ok && idle <= 100 && len(res.Processors) == 0 {
		res.Processors = []Processor{{Name: "cpu", Percent: 100 - float64(idle)}}
	}
	return res, warnings, nil
}

func hrProcessors(loads, devices *Table) []Processor {
	var list []Processor
	for _, row := range loads.Rows() {
		load, ok := row.At(hrProcessorLoad).Uint()
		if !ok || load > 100 {
			continue
		}
		name := devices.Get(row.Index...).At(hrDeviceDescr).Line()
		if name == "" || strings.HasPrefix(strings.ToLower(name), "unknown processor") {
			name = "Processor"
		}
		list = append(list, Processor{Name: name, Percent: float64(load)})
	}
	return list
}

// hrVolumes tells memory and file systems of hrStorageTable apart by hrStorageType. Caches and
// buffers are "other" there, and are memory by their names.
func hrVolumes(t *Table) (memory, storage []Volume) {
	for _, row := range t.Rows() {
		units, ok := row.At(hrStorageUnits).Uint()
		size, hasSize := blocks(row.At(hrStorageSize))
		used, hasUsed := blocks(row.At(hrStorageUsed))
		if !ok || !hasSize || !hasUsed || size == 0 || units == 0 {
			continue
		}
		v := volume(row.At(hrStorageDescr).Line(), used*float64(units), size*float64(units))
		kind := uint32(0)
		if oid := row.At(hrStorageType).OID(); oid.Under(oidHrStorageTypes) {
			kind = oid[len(oid)-1]
		}
		switch kind {
		case storageRAM, storageVirtual:
			memory = append(memory, v)
		case storageFixed, storageRemovable, storageFloppy, storageCompact, storageRAMDisk, storageFlashMemory, storageNetworkFSs:
			storage = append(storage, v)
		case storageOther:
			name := strings.ToLower(v.Name)
			if strings.HasPrefix(name, "available") {
				continue // net-snmp's, whose size is what is free
			}
			if strings.Contains(name, "memory") || strings.Contains(name, "buffer") || strings.Contains(name, "cache") {
				memory = append(memory, v)
			}
		}
	}
	return memory, storage
}

// blocks reads a number of allocation units. The MIB has signed 32 bits for them, which agents of
// large file systems overrun into the negative.
func blocks(v Value) (float64, bool) {
	n, ok := v.Int()
	if !ok {
		return 0, false
	}
	if n < 0 && n >= math.MinInt32 {
		n += 1 << 32
	}
	return float64(n), n >= 0
}

func ucdMemory(v []Value) []Volume {
	kB := func(i int) (float64, bool) {
		n, ok := v[i].Uint()
		return float64(n) * 1024, ok
	}
	var list []Volume
	if total, ok := kB(0); ok && total > 0 {
		available, _ := kB(1)
		buffer, _ := kB(2)
		cached, _ := kB(3)
		list = append(list, volume("Physical memory", max(0, total-available-buffer-cached), total))
	}
	if total, ok := kB(4); ok && total > 0 {
		available, _ := kB(5)
		list = append(list, volume("Swap space", max(0, total-available), total))
	}
	return list
}

func volume(name string, used, total float64) Volume {
	return Volume{Name: name, UsedBytes: used, TotalBytes: total, Percent: 100 * used / total}
}
