package control

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
)

// ParseTime reads RFC 3339, Unix seconds, "now", or a time relative to now such as -1h or -2d.
func ParseTime(s string, now time.Time) (time.Time, error) {
	if s == "now" {
		return now, nil
	}
	if ago, ok := strings.CutPrefix(s, "-"); ok {
		if d, err := model.ParseDuration(ago); err == nil {
			return now.Add(-time.Duration(d)), nil
		}
	}
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return t, nil
	}
	if sec, err := strconv.ParseFloat(s, 64); err == nil && sec >= 0 && sec < 1<<40 {
		return seconds(sec), nil
	}
	return time.Time{}, fmt.Errorf("%q is not a time: write it like 2006-01-02T15:04:05Z, 1136214245, -1h or now", s)
}

// The ends of time as clients of Prometheus write them: github.com/prometheus/prometheus/web/api/v1.
var (
	minTime = time.Unix(math.MinInt64/1000+62135596801, 0).UTC()
	maxTime = time.Unix(math.MaxInt64/1000-62135596801, 999999999).UTC()
)

// parseAPITime reads what clients of Prometheus write, Unix seconds before 1970 and the ends of time
// included, and what ParseTime reads.
func parseAPITime(s string, now time.Time) (time.Time, error) {
	if sec, err := strconv.ParseFloat(s, 64); err == nil && sec >= float64(minTime.Unix()) && sec <= float64(maxTime.Unix()) {
		return seconds(sec), nil
	}
	switch s {
	case minTime.Format(time.RFC3339Nano):
		return minTime, nil
	case maxTime.Format(time.RFC3339Nano):
		return maxTime, nil
	}
	return ParseTime(s, now)
}

// seconds is the moment of Unix seconds, to the millisecond.
func seconds(sec float64) time.Time {
	whole, part := math.Modf(sec)
	return time.Unix(int64(whole), int64(math.Round(part*1000))*int64(time.Millisecond))
}

// ParseStep reads a duration in Prometheus' notation or in seconds.
func ParseStep(s string) (time.Duration, error) {
	if sec, err := strconv.ParseFloat(s, 64); err == nil {
		if !(sec > 0 && sec < 1<<33) {
			return 0, fmt.Errorf("%q is not a step: it must be above zero", s)
		}
		return time.Duration(sec * float64(time.Second)), nil
	}
	d, err := model.ParseDuration(s)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%q is not a step: write it like 15s or 5m", s)
	}
	return time.Duration(d), nil
}
