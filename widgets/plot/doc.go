// Package plot is the drawing room of the wall: a software painter on an
// image.RGBA, the palette and the state marks, scales, ticks and units, the
// time-series chart, and the layout of the network map. It knows neither the
// window toolkit nor the rest of the product, so all of it is tested without a
// display.
//
// All lengths are device pixels. The origin is the upper left corner, y grows
// downwards, and the centre of the first pixel is at (0.5, 0.5).
package plot
