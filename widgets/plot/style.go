package plot

import "time"

// Style is how everything on one screen is drawn.
type Style struct {
	Palette *Palette
	K       float64        // density: all inner sizes are multiplied by it; 1 on a 1920x1080 wall
	Loc     *time.Location // zone of clocks and time axes
}
