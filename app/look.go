package app

import (
	"os"
	"strings"
	"time"

	"github.com/nocturne-noc/nocturne/app/config"
	"github.com/nocturne-noc/nocturne/assets"
)

// LookOf is how a wall is drawn: what the flags say, else the configuration, else the locale.
// lang and theme are "" where no flag was given.
func LookOf(w config.Wall, lang, theme string) Look {
	if lang == "" {
		lang = w.Language
	}
	if lang == "" {
		lang = localeLanguage(os.Getenv)
	}
	if theme == "" {
		theme = w.Theme
	}
	return Look{Lang: lang, Light: theme == "light", TextScale: textScale(w), Loc: time.Local, Text: assets.Text(lang), Phrase: assets.Phrases(lang)}
}

// localeLanguage is the language of the environment, as far as the wall speaks it.
func localeLanguage(getenv func(string) string) string {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := getenv(name); v != "" {
			if strings.HasPrefix(v, "ko") {
				return "ko"
			}
			return "en"
		}
	}
	return "en"
}

// textScale enlarges all that is drawn with the reading distance and shrinks it with the screen: what
// matters is the angle that a letter is seen under. 1 is 5 m before a 55 inch screen.
func textScale(w config.Wall) float64 {
	if w.Distance <= 0 || w.Screen <= 0 {
		return 1
	}
	return min(max(w.Distance/5*55/w.Screen, 0.7), 2)
}
