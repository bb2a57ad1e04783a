package widgets

import (
	"sync"

	"fyne.io/fyne/v2/theme"

	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// Typeface is the wall's typeface: the Noto Sans that comes with Fyne, and the system's fonts for
// what it lacks. It is made once and shared.
var Typeface = sync.OnceValues(func() (*plot.Typeface, error) {
	return plot.NewTypeface(theme.DefaultTextFont().Content(), theme.DefaultTextBoldFont().Content())
})
