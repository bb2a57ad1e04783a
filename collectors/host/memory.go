package host

import (
	"context"
	"fmt"
	"runtime"

	"github.com/shirou/gopsutil/v4/mem"
)

func readMemory(ctx context.Context) ([]metric, error) {
	vm, err := mem.VirtualMemoryWithContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("virtual memory: %w", err)
	}
	if runtime.GOOS == "linux" { // has told of its swap already
		return memoryMetrics(vm, &mem.SwapMemoryStat{Total: vm.SwapTotal, Free: vm.SwapFree}, runtime.GOOS), nil
	}
	swap, err := mem.SwapMemoryWithContext(ctx)
	if err != nil {
		err = fmt.Errorf("swap: %w", err)
	}
	return memoryMetrics(vm, swap, runtime.GOOS), err
}

// memoryMetrics uses the names of /proc/meminfo on every system, so that one rule fits all. Either
// argument may be nil.
func memoryMetrics(vm *mem.VirtualMemoryStat, swap *mem.SwapMemoryStat, goos string) []metric {
	var out []metric
	add := func(field string, bytes uint64) {
		out = append(out, metric{"node_memory_" + field + "_bytes", nil, float64(bytes)})
	}
	if vm != nil {
		add("MemTotal", vm.Total)
		add("MemFree", vm.Free)
		add("MemAvailable", vm.Available)
		if goos == "linux" {
			add("Buffers", vm.Buffers)
			add("Cached", vm.Cached-min(vm.Sreclaimable, vm.Cached)) // gopsutil adds the slabs, as free(1) does
			add("Active", vm.Active)
			add("Inactive", vm.Inactive)
			add("Dirty", vm.Dirty)
			add("Writeback", vm.WriteBack)
			add("Shmem", vm.Shared)
			add("Slab", vm.Slab)
			add("SReclaimable", vm.Sreclaimable)
			add("SUnreclaim", vm.Sunreclaim)
			add("SwapCached", vm.SwapCached)
			add("Mapped", vm.Mapped)
			add("PageTables", vm.PageTables)
			add("CommitLimit", vm.CommitLimit)
			add("Committed_AS", vm.CommittedAS)
			add("AnonHugePages", vm.AnonHugePages)
			add("Hugepagesize", vm.HugePageSize)
			out = append(out, // pages, not bytes
				metric{"node_memory_HugePages_Total", nil, float64(vm.HugePagesTotal)},
				metric{"node_memory_HugePages_Free", nil, float64(vm.HugePagesFree)},
				metric{"node_memory_HugePages_Rsvd", nil, float64(vm.HugePagesRsvd)},
				metric{"node_memory_HugePages_Surp", nil, float64(vm.HugePagesSurp)})
		}
	}
	if swap != nil {
		add("SwapTotal", swap.Total)
		add("SwapFree", swap.Free)
	}
	return out
}
