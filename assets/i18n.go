package assets

import (
	_ "embed"
	"fmt"
	"sync"

	"github.com/goccy/go-yaml"
)

//go:embed i18n/ko.yaml
var korean []byte

// catalogs are the translations by language: English source text to the language's, each with the
// same fmt verbs.
var catalogs = sync.OnceValues(func() (map[string]map[string]string, error) {
	ko := map[string]string{}
	if err := yaml.UnmarshalWithOptions(korean, &ko, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("i18n/ko.yaml: %w", err)
	}
	return map[string]map[string]string{"ko": ko}, nil
})

// Languages that the wall speaks.
func Languages() []string { return []string{"en", "ko"} }

// Text returns the function that turns English source text with fmt verbs into lang; what has no
// translation stays English.
func Text(lang string) func(english string, args ...any) string {
	all, err := catalogs()
	if err != nil {
		panic(err) // a constant of this program; a test reads it
	}
	catalog := all[lang]
	return func(english string, args ...any) string {
		text, ok := catalog[english]
		if !ok {
			text = english
		}
		if len(args) == 0 {
			return text
		}
		return fmt.Sprintf(text, args...)
	}
}
