package app

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// wallTheme gives Fyne's own widgets (dialogs) the wall's tokens.
type wallTheme struct {
	fyne.Theme
	palette *plot.Palette
	variant fyne.ThemeVariant
}

func newTheme(p *plot.Palette, light bool) fyne.Theme {
	variant := theme.VariantDark
	if light {
		variant = theme.VariantLight
	}
	return &wallTheme{Theme: theme.DefaultTheme(), palette: p, variant: variant}
}

// Color implements fyne.Theme.
func (t *wallTheme) Color(name fyne.ThemeColorName, _ fyne.ThemeVariant) color.Color {
	p := t.palette
	switch name {
	case theme.ColorNameBackground:
		return p.Background
	case theme.ColorNameForeground:
		return p.Text
	case theme.ColorNameOverlayBackground, theme.ColorNameMenuBackground, theme.ColorNameInputBackground:
		return p.Raised
	case theme.ColorNamePrimary, theme.ColorNameFocus:
		return p.Focus
	case theme.ColorNameSeparator, theme.ColorNameInputBorder:
		return p.Outline
	default:
		return t.Theme.Color(name, t.variant)
	}
}
