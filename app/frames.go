package app

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// framesIn registers the histogram of what the window's frames take, and returns what each frame is told to. The
// stage "prepare" is off the main goroutine: a second of it delays what is seen; "show" is what keyboard and mouse
// wait for.
func framesIn(r prometheus.Registerer) func(prepared, shown time.Duration) {
	frames := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "nocturne_wall_frame_seconds", Help: "What a frame of the window took: to prepare it, and from then on until it was drawn.",
		Buckets: []float64{0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5},
	}, []string{"stage"})
	r.MustRegister(frames)
	prepare, show := frames.WithLabelValues("prepare"), frames.WithLabelValues("show")
	return func(prepared, shown time.Duration) {
		prepare.Observe(prepared.Seconds())
		show.Observe(shown.Seconds())
	}
}
