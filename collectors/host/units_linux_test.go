package host

import (
	"fmt"
	"testing"
)

func TestUnits(t *testing.T) {
	var units []unit
	for i := range 300 {
		units = append(units, unit{fmt.Sprintf("s%03d.service", i), "active", "simple"})
	}
	units = append(units, unit{"backup.timer", "failed", ""}, unit{"data.mount", "active", ""}, unit{"z.service", "failed", "oneshot"}, unit{"idle.service", "inactive", "simple"})
	got := unitMetrics(units)
	want(t, got, 2, "node_systemd_units", "state", "failed")
	want(t, got, 301, "node_systemd_units", "state", "active")
	want(t, got, 1, "node_systemd_unit_state", "name", "backup.timer", "state", "failed", "type", "")
	want(t, got, 0, "node_systemd_unit_state", "name", "backup.timer", "state", "active", "type", "")
	want(t, got, 1, "node_systemd_unit_state", "name", "z.service", "state", "failed", "type", "oneshot")
	if _, ok := find(got, "node_systemd_unit_state", "name", "data.mount"); ok {
		t.Error("a mount that is well is told")
	}
	if n := len(got); n != len(unitStates)*(maxUnits+1) {
		t.Errorf("%d metrics, want %d units", n, maxUnits)
	}
	for _, tc := range []struct {
		names []string
		want  string
	}{
		{nil, ""},
		{[]string{"nginx.service"}, "1 systemd unit has failed: nginx.service"},
		{[]string{"a.service", "b.mount"}, "2 systemd units have failed: a.service, b.mount"},
		{[]string{"a", "b", "c", "d", "e"}, "5 systemd units have failed: a, b, c and 2 more"},
	} {
		if got := failedReason(tc.names); got != tc.want {
			t.Errorf("%q, want %q", got, tc.want)
		}
	}
}
