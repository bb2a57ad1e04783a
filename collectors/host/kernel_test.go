package host

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nocturne-noc/nocturne/store/model"
)

func TestParseKmsg(t *testing.T) {
	for _, tc := range []struct {
		record string
		want   kernelLine
		ok     bool
	}{
		{"3,339,5140900,-;I/O error, dev sda\n SUBSYSTEM=block\n DEVICE=b8:0\n", kernelLine{339, 5140900 * time.Microsecond, "I/O error, dev sda"}, true},
		{"6,340,1,c,caller=T1;cut \x1b[31mred\xff", kernelLine{340, time.Microsecond, "cut  [31mred?"}, true},
		{"14,341,2,-;systemd: started", kernelLine{}, false}, // of a program
		{"nothing", kernelLine{}, false},
		{"3,x,1,-;y", kernelLine{}, false},
		{"3,1,-5,-;y", kernelLine{}, false},
	} {
		if got, ok := parseKmsg([]byte(tc.record)); ok != tc.ok || got != tc.want {
			t.Errorf("%q: %+v %v, want %+v %v", tc.record, got, ok, tc.want, tc.ok)
		}
	}
}

func FuzzParseKmsg(f *testing.F) {
	f.Add([]byte("3,339,5140900,-;I/O error, dev sda\n SUBSYSTEM=block\n"))
	f.Add([]byte(";"))
	f.Fuzz(func(t *testing.T, record []byte) {
		l, ok := parseKmsg(record)
		if ok && (l.at < 0 || len(l.text) > maxKernelText || strings.ContainsAny(l.text, "\n\x1b\x00")) {
			t.Errorf("%q: %+v", record, l)
		}
	})
}

// The lines are the kernel's own, from its sources or from machines that had the trouble.
func TestKernelTopics(t *testing.T) {
	for text, want := range map[string]string{
		"Out of memory: Killed process 4242 (java) total-vm:8123456kB, anon-rss:4012345kB":           "oom critical",
		"Memory cgroup out of memory: Killed process 991 (python3) total-vm:1kB":                     "oom warning",
		"blk_update_request: I/O error, dev sdb, sector 123456 op 0x0:(READ) flags 0x80700":          "disk critical",
		"I/O error, dev loop0, sector 8 op 0x1:(WRITE) flags 0x800 phys_seg 1 prio class 2":          "disk critical",
		"Buffer I/O error on dev sdb1, logical block 1, async page read":                             "disk critical",
		"critical medium error, dev sda, sector 1953523120":                                          "disk critical",
		"nvme nvme0: I/O 12 QID 3 timeout, aborting":                                                 "disk critical",
		"ata1.00: failed command: READ FPDMA QUEUED":                                                 "disk critical",
		"EXT4-fs error (device sda1): ext4_lookup:1234: inode #2: comm ls: deleted inode referenced": "filesystem critical",
		"EXT4-fs (sda1): Remounting filesystem read-only":                                            "filesystem critical",
		"XFS (dm-0): Corruption detected. Unmount and run xfs_repair":                                "filesystem critical",
		"BTRFS error (device sdb): bdev /dev/sdb errs: wr 0, rd 1":                                   "filesystem critical",
		"md/raid1:md0: Disk failure on sdb1, disabling device.":                                      "raid critical",
		"e1000e 0000:00:1f.6 eno1: NIC Link is Down":                                                 "link warning",
		"igb 0000:01:00.0 eth0: igb: eth0 NIC Link is Up 1000 Mbps Full Duplex":                      "link ok",
		"mlx5_core 0000:3b:00.0 ens1f0: Link down":                                                   "link warning",
		"bond0: (slave eth1): link status definitely down, disabling slave":                          "link warning",
		"NETDEV WATCHDOG: CPU: 3: transmit queue 0 timed out 5000 ms":                                "link warning",
		"mce: [Hardware Error]: Machine check events logged":                                         "hardware warning",
		"EDAC MC0: 1 CE memory read error on CPU_SrcID#0_MC#0_Chan#0_DIMM#0":                         "hardware warning",
		"EDAC MC0: 1 UE memory read error on CPU_SrcID#0":                                            "hardware warning",
		"[Hardware Error]: event severity: fatal":                                                    "hardware critical",
		"CPU3: Core temperature above threshold, cpu clock throttled (total events = 12)":            "hardware warning",
		"INFO: task jbd2/sda1-8:312 blocked for more than 120 seconds.":                              "hung warning",
		"watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [kworker/1:1:77]":                         "hung warning",
		"rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:":                                      "hung warning",
		"nf_conntrack: nf_conntrack: table full, dropping packet":                                    "network warning",
		"TCP: request_sock_TCP: Possible SYN flooding on port 80. Sending cookies.":                  "network warning",
		"nfs: server nas1 not responding, still trying":                                              "nfs warning",
		"nfs: server nas1 OK":                                                                                                "nfs ok",
		"Kernel panic - not syncing: Fatal exception":                                                                        "crash critical",
		"BUG: unable to handle page fault for address: ffffc90000000000":                                                     "crash critical",
		"EXT4-fs (sda1): mounted filesystem with ordered data mode":                                                          "",
		"IPv6: ADDRCONF(NETDEV_CHANGE): eth0: link becomes ready":                                                            "",
		"usb 1-1: new high-speed USB device number 2 using xhci_hcd":                                                         "",
		"audit: type=1400 audit(1.2:3): apparmor=\"DENIED\" operation=\"open\" name=\"/etc/link is down\"":                   "",
		"systemd[1]: Started something.":                                                                                     "",
		"oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/x,task=python3,pid=1,uid=0": "",
	} {
		got := ""
		if topic, ok := topicOf(text); ok {
			got = topic.name + " " + topic.severity.String()
		}
		if got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func line(seq int, text string) kernelLine { return kernelLine{seq: uint64(seq), text: text} }

func summary(events []model.Event) []string {
	var out []string
	for _, e := range events {
		out = append(out, fmt.Sprintf("%s %d %s", e.Severity, e.Count, e.Text))
	}
	return out
}

func TestKernelRepeatsAreFolded(t *testing.T) {
	d := &kernelDesk{entity: "server/box", title: "box", boot: "b"}
	var got []model.Event
	for i := range 30 {
		got = append(got, d.take(line(i, fmt.Sprintf("I/O error, dev sdb, sector %d", i)), epoch.Add(time.Duration(i)*time.Second))...)
	}
	got = append(got, d.take(line(30, "usb 1-1: USB disconnect"), epoch.Add(2*time.Minute))...) // of no interest
	got = append(got, d.due(epoch.Add(59*time.Second))...)
	got = append(got, d.due(epoch.Add(60*time.Second))...)
	got = append(got, d.due(epoch.Add(61*time.Second))...)
	want := []string{"critical 0 I/O error, dev sdb, sector 0", "critical 30 I/O error, dev sdb, sector 29"}
	if diff := cmp.Diff(want, summary(got)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got[0].Entity != "server/box" || got[0].Kind != "kernel" || got[0].Labels[model.LabelUID] != "kernel/b/disk/0" || !d.end().IsZero() {
		t.Errorf("%+v", got[0])
	}
	if got[0].Labels[model.LabelUID] == got[1].Labels[model.LabelUID] {
		t.Error("the first and the sum have one UID")
	}
}

func TestKernelFloodIsBounded(t *testing.T) {
	d := &kernelDesk{boot: "b"}
	n := 0
	for i := range 10000 {
		// A line that differs by more than numbers each time.
		n += len(d.take(line(i, "I/O error, dev "+strings.Repeat("x", i%100)+", sector 1"), epoch.Add(time.Duration(i)*time.Millisecond)))
	}
	last := d.due(epoch.Add(time.Minute))
	if n != maxKernelEvents || len(last) != maxKernelEvents+1 || !strings.HasPrefix(last[maxKernelEvents].Text, "8000 more messages") {
		t.Errorf("%d events and then %q", n, summary(last))
	}
}
