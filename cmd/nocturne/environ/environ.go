// Package environ prepares the process's environment before Fyne looks at it, which it does while
// packages are initialised. It imports nothing but os: Go initialises packages in the order of their
// import paths as soon as what they import is done, so this one comes before Fyne's, which wait for
// golang.org/x packages. A test in this folder holds that.
package environ

import "os"

// Prepared is true once the environment is as the wall needs it.
var Prepared = prepare()

func prepare() bool {
	// Fyne keeps an unused texture for a minute by default: on a wall that changes each second that
	// is most of its memory.
	setDefault("FYNE_CACHE", "5s")
	// Fyne complains on standard error about the locales C and POSIX, which have no language.
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		switch v := os.Getenv(name); v {
		case "":
			continue
		case "C", "POSIX", "C.UTF-8", "C.utf8":
			_ = os.Setenv(name, "en_US.UTF-8") // a valid name: cannot fail
		}
		return true
	}
	_ = os.Setenv("LANG", "en_US.UTF-8")
	return true
}

func setDefault(name, value string) {
	if _, set := os.LookupEnv(name); !set {
		_ = os.Setenv(name, value) // a valid name: cannot fail
	}
}
