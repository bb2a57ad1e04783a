package panels

import "time"

// Duration says a span of time as people do, in at most two units: "46 s", "7 min", "1 h 39 min",
// "3 d 4 h". Negative spans count as none.
func Duration(text Text, d time.Duration) string {
	d = max(0, d)
	switch {
	case d < time.Minute:
		return text("%d s", int(d/time.Second))
	case d < time.Hour:
		return text("%d min", int(d/time.Minute))
	case d < 24*time.Hour:
		if m := int(d % time.Hour / time.Minute); m > 0 && d < 10*time.Hour {
			return text("%d h %d min", int(d/time.Hour), m)
		}
		return text("%d h", int(d/time.Hour))
	default:
		days := int(d / (24 * time.Hour))
		if h := int(d % (24 * time.Hour) / time.Hour); h > 0 && days < 10 {
			return text("%d d %d h", days, h)
		}
		return text("%d d", days)
	}
}

// spanText says how much time something covers: up to two days in hours, whole years in years.
func spanText(text Text, d time.Duration) string {
	const year = 365 * day
	switch {
	case d%time.Hour == 0 && d <= 2*day:
		return text("%d h", int(d/time.Hour))
	case d%year == 0:
		return text("%d y", int(d/year))
	}
	return Duration(text, d)
}
