package assets

import (
	_ "embed"
	"fmt"
	"sync"

	"github.com/goccy/go-yaml"
)

//go:embed i18n/reasons.ko.yaml
var koreanPhrases []byte

// Bounds of what is looked at for its phrase. What is longer stays as it is.
const (
	maxPhrase   = 1000 // bytes of a text
	phraseCache = 2048 // texts of one generation of a language's cache
)

// phraseBooks are the phrases of collectors by language.
var phraseBooks = sync.OnceValues(func() (map[string]*phraseBook, error) {
	table := map[string]string{}
	if err := yaml.UnmarshalWithOptions(koreanPhrases, &table, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("i18n/reasons.ko.yaml: %w", err)
	}
	ko, err := newPhraseBook(table)
	if err != nil {
		return nil, fmt.Errorf("i18n/reasons.ko.yaml: %w", err)
	}
	return map[string]*phraseBook{"ko": ko}, nil
})

// Phrases returns the function that turns what collectors say in English (a reason, an event's text, a source's
// error) into lang. A text that fits no pattern of the language stays English as a whole, and what others wrote (a
// registry, the kernel, a device) stays as it came. The function is safe for concurrent use and remembers
// a bounded number of texts.
func Phrases(lang string) func(english string) string {
	books, err := phraseBooks()
	if err != nil {
		panic(err) // a constant of this program; a test reads it
	}
	book := books[lang]
	if book == nil {
		return func(english string) string { return english }
	}
	return (&phraseMemory{book: book}).said
}

// phraseMemory remembers what texts became: a wall shows the same few over and over. It holds two generations, so
// that it stays small and still knows what was shown lately.
type phraseMemory struct {
	book *phraseBook

	mu         sync.Mutex
	young, old map[string]string
}

func (m *phraseMemory) said(english string) string {
	if english == "" || len(english) > maxPhrase {
		return english
	}
	m.mu.Lock()
	text, ok := m.young[english]
	if !ok {
		text, ok = m.old[english]
	}
	m.mu.Unlock()
	if !ok {
		if text, ok = m.book.phrase(english); !ok {
			text = english
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.young == nil || len(m.young) >= phraseCache {
		m.young, m.old = make(map[string]string, phraseCache), m.young
	}
	m.young[english] = text
	return text
}
