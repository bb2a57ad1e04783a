package host

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/shirou/gopsutil/v4/mem"
)

func readMemory(ctx context.Context) ([]metric, error) {
	vm, err := mem.VirtualMemoryWithContext(ctx)
	if err != nil {
		err = fmt.Errorf("virtual memory: %w", err)
	}
	swap, swapErr := mem.SwapMemoryWithContext(ctx)
	if swapErr != nil {
		swapErr = fmt.Errorf("swap: %w", swapErr)
	}
	return memoryMetrics(vm, swap, runtime.GOOS), errors.Join(err, swapErr)
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
		}
	}
	if swap != nil {
		add("SwapTotal", swap.Total)
		add("SwapFree", swap.Free)
	}
	return out
}
