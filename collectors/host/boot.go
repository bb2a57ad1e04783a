package host

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	gopshost "github.com/shirou/gopsutil/v4/host"

	"github.com/nocturne-noc/nocturne/store/model"
)

// bootPast is how long ago a start of the machine may be to be told when the collector starts.
const bootPast = time.Hour

// bootID names this run of the system: what Linux draws for it, else when it began, to the minute, since a
// clock that is set moves it.
func bootID(info *gopshost.InfoStat) string {
	if b, err := os.ReadFile("/proc/sys/kernel/random/boot_id"); err == nil {
		return strings.TrimSpace(string(b))
	}
	if info == nil {
		return ""
	}
	return strconv.FormatUint(info.BootTime/60, 10)
}

// bootEvent tells that the machine has started lately; ok is false when it has not.
func bootEvent(entity, title string, info *gopshost.InfoStat, id string, now time.Time) (e model.Event, ok bool) {
	if info == nil || info.BootTime == 0 || id == "" {
		return e, false
	}
	at := time.Unix(int64(info.BootTime), 0)
	if now.Sub(at) > bootPast || at.After(now) {
		return e, false
	}
	return model.Event{
		Time: at, Severity: model.Warning, Kind: "boot", Entity: entity, Title: title,
		Text:   fmt.Sprintf("started, kernel %s", printable(info.KernelVersion, maxName)),
		Labels: map[string]string{model.LabelUID: "boot/" + id},
	}, true
}
