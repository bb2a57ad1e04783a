package panels

import (
	"fmt"
	"time"

	promodel "github.com/prometheus/common/model"
)

// longest is the longest span that a chart shows.
const longest = 10 * 365 * day

// parseSpan reads a span of time such as 30s, 50m, 24h, 7d or 1y; fallback stands for an empty text.
func parseSpan(key, text string, fallback time.Duration) (time.Duration, error) {
	if text == "" {
		return fallback, nil
	}
	d, err := promodel.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%s: %q: want a span such as 30s, 50m, 24h, 7d or 1y", key, text)
	}
	if d <= 0 {
		return 0, fmt.Errorf("%s: %q: want more than nothing", key, text)
	}
	if time.Duration(d) > longest {
		return 0, fmt.Errorf("%s: %q: want at most 10y", key, text)
	}
	return time.Duration(d), nil
}

// oneOf checks a choice; the first is the default.
func oneOf(key, value string, choices ...string) (string, error) {
	if value == "" {
		return choices[0], nil
	}
	for _, c := range choices {
		if value == c {
			return c, nil
		}
	}
	return "", fmt.Errorf("%s: %q: want one of %v", key, value, choices)
}
