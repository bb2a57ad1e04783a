package panels

import (
	"fmt"
	"testing"
	"time"
)

func TestDuration(t *testing.T) {
	for _, tc := range []struct {
		d    time.Duration
		want string
	}{
		{-time.Second, "0 s"},
		{46 * time.Second, "46 s"},
		{7*time.Minute + 59*time.Second, "7 min"},
		{99 * time.Minute, "1 h 39 min"},
		{2 * time.Hour, "2 h"},
		{11*time.Hour + 5*time.Minute, "11 h"},
		{76 * time.Hour, "3 d 4 h"},
		{41*24*time.Hour + 3*time.Hour, "41 d"},
	} {
		if got := Duration(fmt.Sprintf, tc.d); got != tc.want {
			t.Errorf("Duration(%v) = %q, want %q", tc.d, got, tc.want)
		}
	}
}
