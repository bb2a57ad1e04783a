package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/shirou/gopsutil/v4/disk"
)

// What node_exporter leaves out by default: file systems that hold nothing on a disk, what container
// engines mount for themselves, and partitions whose whole disk is counted already.
var (
	pseudoType  = regexp.MustCompile(`^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|iso9660|mqueue|nsfs|overlay|proc|procfs|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|erofs|sysfs|tracefs)$`)
	pseudoMount = regexp.MustCompile(`^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)`)
	partOfDisk  = regexp.MustCompile(`^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$`)
)

// mounts reads file systems. A network file system whose server is gone blocks whoever asks for
// its size, in the kernel and beyond any deadline: such a mount is asked once and reported as stuck
// until that call returns.
type mounts struct {
	mu    sync.Mutex
	stuck map[string]bool // mount points that are being asked
}

// patience is how long a round waits for all mounts. What does not answer within is slow enough to say so.
const patience = 2 * time.Second

// usage is the answer for one mount point.
type usage struct {
	part disk.PartitionStat
	stat *disk.UsageStat
	err  error
}

func (m *mounts) read(ctx context.Context) ([]metric, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	parts, err := disk.PartitionsWithContext(ctx, true)
	if err != nil {
		return nil, fmt.Errorf("list of mounts: %w", err)
	}
	parts = realPartitions(parts)
	answers := make(chan usage, len(parts))
	waiting := map[string]disk.PartitionStat{}
	var errs []error
	var out []metric
	for _, p := range parts {
		if !m.ask(ctx, p, answers) {
			out = append(out, broken(p)...)
			errs = append(errs, fmt.Errorf("%s (%s %s) does not answer: is its server reachable?", p.Mountpoint, p.Fstype, p.Device))
			continue
		}
		waiting[p.Mountpoint] = p
	}
	for len(waiting) > 0 {
		select {
		case a := <-answers:
			delete(waiting, a.part.Mountpoint)
			metrics, err := a.metrics()
			if err != nil {
				errs = append(errs, err)
			}
			out = append(out, metrics...)
		case <-ctx.Done():
			for mount, p := range waiting {
				out = append(out, broken(p)...)
				errs = append(errs, fmt.Errorf("%s does not answer: %w", mount, ctx.Err()))
			}
			return out, errors.Join(errs...)
		}
	}
	return out, errors.Join(errs...)
}

// metrics are one mount point's. A mount that the kernel lists but this process has not in its own
// tree (a chroot, another namespace) is not its business, and one that it may not look into, such as
// a user's FUSE mount, is told as node_exporter does: neither is a fault of the source.
func (u usage) metrics() ([]metric, error) {
	switch {
	case u.err == nil:
		return filesystemMetrics(u.part, u.stat), nil
	case errors.Is(u.err, fs.ErrNotExist):
		return nil, nil
	case errors.Is(u.err, fs.ErrPermission):
		return broken(u.part), nil
	default:
		return broken(u.part), fmt.Errorf("%s: %w", u.part.Mountpoint, u.err)
	}
}

// broken is what is told of a mount whose usage is not known.
func broken(p disk.PartitionStat) []metric {
	return []metric{{"node_filesystem_device_error", partitionLabels(p), 1}, readOnly(p)}
}

// readOnly tells how a file system is mounted: a kernel that finds it damaged makes it read-only.
func readOnly(p disk.PartitionStat) metric {
	v := 0.0
	if slices.Contains(p.Opts, "ro") {
		v = 1
	}
	return metric{"node_filesystem_readonly", partitionLabels(p), v}
}

// ask has a mount point's usage sent to answers, which has room for it. It reports false when an
// earlier call still hangs. Its goroutine ends with the call, which nothing can end from outside.
func (m *mounts) ask(ctx context.Context, p disk.PartitionStat, answers chan<- usage) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stuck[p.Mountpoint] {
		return false
	}
	if m.stuck == nil {
		m.stuck = map[string]bool{}
	}
	m.stuck[p.Mountpoint] = true
	go func() {
		stat, err := disk.UsageWithContext(ctx, p.Mountpoint)
		m.mu.Lock()
		delete(m.stuck, p.Mountpoint)
		m.mu.Unlock()
		answers <- usage{p, stat, err}
	}()
	return true
}

// realPartitions leaves out pseudo file systems and mount points that are covered by a later mount.
func realPartitions(parts []disk.PartitionStat) []disk.PartitionStat {
	last := map[string]int{}
	for i, p := range parts {
		last[p.Mountpoint] = i
	}
	var out []disk.PartitionStat
	for i, p := range parts {
		if last[p.Mountpoint] == i && !pseudoType.MatchString(p.Fstype) && !pseudoMount.MatchString(p.Mountpoint) {
			out = append(out, p)
		}
	}
	return out
}

func partitionLabels(p disk.PartitionStat) []string {
	return []string{"device", p.Device, "fstype", p.Fstype, "mountpoint", p.Mountpoint}
}

func filesystemMetrics(p disk.PartitionStat, u *disk.UsageStat) []metric {
	ls := partitionLabels(p)
	return []metric{
		{"node_filesystem_size_bytes", ls, float64(u.Total)},
		{"node_filesystem_free_bytes", ls, float64(u.Total - min(u.Used, u.Total))},
		{"node_filesystem_avail_bytes", ls, float64(u.Free)}, // gopsutil's Free leaves out what is reserved for root
		{"node_filesystem_files", ls, float64(u.InodesTotal)},
		{"node_filesystem_files_free", ls, float64(u.InodesFree)},
		{"node_filesystem_device_error", ls, 0},
		readOnly(p),
	}
}

func diskMetrics(counters map[string]disk.IOCountersStat) []metric {
	var out []metric
	for name, c := range counters {
		if partOfDisk.MatchString(name) {
			continue
		}
		ls := []string{"device", name}
		out = append(out,
			metric{"node_disk_read_bytes_total", ls, float64(c.ReadBytes)},
			metric{"node_disk_written_bytes_total", ls, float64(c.WriteBytes)},
			metric{"node_disk_reads_completed_total", ls, float64(c.ReadCount)},
			metric{"node_disk_writes_completed_total", ls, float64(c.WriteCount)},
			metric{"node_disk_read_time_seconds_total", ls, float64(c.ReadTime) / 1000},
			metric{"node_disk_write_time_seconds_total", ls, float64(c.WriteTime) / 1000},
			metric{"node_disk_io_time_seconds_total", ls, float64(c.IoTime) / 1000},
		)
	}
	return out
}
