package kube

import (
	"math"
	"strconv"
)

// String writes amounts as a manifest has them: "cpu 100m, memory 128Mi"; "" for none.
func (r Resources) String() string {
	text := ""
	if r.CPU > 0 {
		text = "cpu " + cores(r.CPU)
	}
	if r.Memory > 0 {
		memory := "memory " + bytesText(r.Memory)
		if text != "" {
			memory = ", " + memory
		}
		text += memory
	}
	return text
}

// cores writes processor time as Kubernetes does: whole cores, else thousandths.
func cores(n float64) string {
	milli := math.Round(n * 1000)
	if math.Mod(milli, 1000) == 0 {
		return strconv.FormatFloat(milli/1000, 'f', -1, 64)
	}
	return strconv.FormatFloat(milli, 'f', -1, 64) + "m"
}

// bytesText writes an amount of memory or storage in the largest binary unit of which it is at least one, with
// at most one decimal.
func bytesText(n float64) string {
	unit := ""
	for _, next := range []string{"Ki", "Mi", "Gi", "Ti", "Pi"} {
		if n < 1024 {
			break
		}
		n, unit = n/1024, next
	}
	return strconv.FormatFloat(math.Round(n*10)/10, 'f', -1, 64) + unit
}

func (r Resources) plus(o Resources) Resources {
	return Resources{CPU: r.CPU + o.CPU, Memory: r.Memory + o.Memory, Pods: r.Pods + o.Pods}
}

// max is the larger of each amount.
func (r Resources) max(o Resources) Resources {
	return Resources{CPU: max(r.CPU, o.CPU), Memory: max(r.Memory, o.Memory), Pods: max(r.Pods, o.Pods)}
}
