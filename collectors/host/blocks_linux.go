package host

import (
	"context"

	"github.com/prometheus/procfs"
	"github.com/prometheus/procfs/blockdevice"
)

// sector is the unit of /proc/diskstats in bytes, whatever the disk's own is.
const sector = 512

// readBlocks reads what each disk did since the system runs. See the kernel's
// Documentation/admin-guide/iostats.rst.
func (t tree) readBlocks(context.Context) ([]metric, error) {
	fs, err := blockdevice.NewFS(t.proc, t.sys)
	if err != nil {
		return nil, err
	}
	stats, err := fs.ProcDiskstats()
	if err != nil {
		return nil, absent(err)
	}
	return blockMetrics(stats), nil
}

func blockMetrics(stats []blockdevice.Diskstats) []metric {
	var out []metric
	for i := range stats {
		s := &stats[i]
		if partOfDisk.MatchString(s.DeviceName) {
			continue
		}
		device := []string{"device", s.DeviceName}
		add := func(name string, v uint64, unit float64) {
			out = append(out, metric{"node_disk_" + name, device, float64(v) * unit})
		}
		const ms = 1e-3
		add("reads_completed_total", s.ReadIOs, 1)
		add("reads_merged_total", s.ReadMerges, 1)
		add("read_bytes_total", s.ReadSectors, sector)
		add("read_time_seconds_total", s.ReadTicks, ms)
		add("writes_completed_total", s.WriteIOs, 1)
		add("writes_merged_total", s.WriteMerges, 1)
		add("written_bytes_total", s.WriteSectors, sector)
		add("write_time_seconds_total", s.WriteTicks, ms)
		add("io_now", s.IOsInProgress, 1)
		add("io_time_seconds_total", s.IOsTotalTicks, ms)
		add("io_time_weighted_seconds_total", s.WeightedIOTicks, ms)
		if s.IoStatsCount >= 18 {
			add("discards_completed_total", s.DiscardIOs, 1)
			add("discarded_sectors_total", s.DiscardSectors, 1)
			add("discard_time_seconds_total", s.DiscardTicks, ms)
		}
		if s.IoStatsCount >= 20 {
			add("flush_requests_total", s.FlushRequestsCompleted, 1)
			add("flush_requests_time_seconds_total", s.TimeSpentFlushing, ms)
		}
	}
	return out
}

// readRAID reads the arrays of the software RAID.
func (t tree) readRAID(context.Context) ([]metric, error) {
	fs, err := procfs.NewFS(t.proc)
	if err != nil {
		return nil, err
	}
	arrays, err := fs.MDStat()
	if err != nil {
		return nil, absent(err)
	}
	return raidMetrics(arrays), nil
}

func raidMetrics(arrays []procfs.MDStat) []metric {
	var out []metric
	for i := range arrays {
		a := &arrays[i]
		device := []string{"device", a.Name}
		disks := func(state string, n int64) {
			out = append(out, metric{"node_md_disks", []string{"device", a.Name, "state", state}, float64(n)})
		}
		disks("active", a.DisksActive)
		disks("failed", a.DisksFailed)
		disks("spare", a.DisksSpare)
		out = append(out,
			metric{"node_md_disks_required", device, float64(a.DisksTotal)},
			metric{"node_md_blocks", device, float64(a.BlocksTotal)},
			metric{"node_md_blocks_synced", device, float64(a.BlocksSynced)})
		for _, s := range []string{"active", "inactive", "recovering", "resync", "check"} {
			v := 0.0
			if s == a.ActivityState {
				v = 1
			}
			out = append(out, metric{"node_md_state", []string{"device", a.Name, "state", s}, v})
		}
	}
	return out
}
