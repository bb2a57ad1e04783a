package host

import (
	"strings"
	"syscall"
	"testing"

	"github.com/shirou/gopsutil/v4/disk"
)

func TestUsageOfMountsThatAreNotOurs(t *testing.T) {
	part := disk.PartitionStat{Device: "portal", Fstype: "fuse.portal", Mountpoint: "/run/user/1000/doc"}
	for _, tc := range []struct {
		name    string
		u       usage
		metrics string // the first metric's name, "" for none
		err     string
	}{
		{"answers", usage{part: part, stat: &disk.UsageStat{Total: 10, Used: 4, Free: 6}}, "node_filesystem_size_bytes", ""},
		{"in another tree", usage{part: part, err: syscall.ENOENT}, "", ""},
		{"not for us to see", usage{part: part, err: syscall.EACCES}, "node_filesystem_device_error", ""},
		{"broken", usage{part: part, err: syscall.EIO}, "node_filesystem_device_error", "/run/user/1000/doc: input/output error"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := tc.u.metrics()
			if (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
				t.Errorf("error %v, want %q", err, tc.err)
			}
			switch {
			case tc.metrics == "" && len(got) > 0:
				t.Errorf("metrics %v, want none", got)
			case tc.metrics != "" && (len(got) == 0 || got[0].name != tc.metrics):
				t.Errorf("metrics %v, want %s first", got, tc.metrics)
			}
		})
	}
}
