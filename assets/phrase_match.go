package assets

import (
	mathbits "math/bits"
	"strings"
)

// Bounds of the search for a text's phrase, which may hold foreign text: beyond them it is none.
const (
	maxPhraseDepth = 6    // phrases within phrases
	maxPhraseSteps = 3000 // tries to fill a placeholder or to fit a pattern
)

// phrase says an English text in the book's language; ok is false for one that fits no pattern.
func (b *phraseBook) phrase(english string) (text string, ok bool) {
	s := search{book: b, steps: maxPhraseSteps}
	return s.phrase(english, 0)
}

// search is the work on one text.
type search struct {
	book  *phraseBook
	steps int               // that are left
	known map[string]string // parts of the text that were looked at: what they are said as, "" for no phrase
}

func (s *search) phrase(english string, depth int) (string, bool) {
	if p := s.book.exact[english]; p != nil && (!p.nested || depth > 0) {
		return p.to[0].text, true
	}
	if english == "" || depth > maxPhraseDepth {
		return "", false
	}
	if text, ok := s.known[english]; ok {
		return text, text != ""
	}
	text := s.match(english, depth)
	if depth > 0 {
		if s.known == nil {
			s.known = map[string]string{}
		}
		s.known[english] = text
	}
	return text, text != ""
}

// match tries the patterns on a text, those with much text first; it returns "" where none fits.
func (s *search) match(english string, depth int) string {
	set := s.book.always
	for from, to := range wordsOf(english) {
		for _, i := range s.book.byWord[english[from:to]] {
			set.add(i)
		}
	}
	for i, bits := range set {
		for ; bits != 0; bits &= bits - 1 {
			p := s.book.list[64*i+mathbits.TrailingZeros64(bits)]
			if p.nested && depth == 0 || !p.possible(english) {
				continue
			}
			var filled [10]string
			if s.fit(p.from, english, depth, &filled) {
				return fill(p.to, &filled)
			}
		}
	}
	return ""
}

// possible reports whether a text has all that a pattern wants literally, in its order.
func (p *phrasePattern) possible(text string) bool {
	first, last := p.from[0], p.from[len(p.from)-1]
	if first.number > 0 && !begins(first.hole, text[0]) || last.number == 0 && !strings.HasSuffix(text, last.text) {
		return false
	}
	for _, x := range p.from {
		if x.number == 0 {
			i := strings.Index(text, x.text)
			if i < 0 {
				return false
			}
			text = text[i+len(x.text):]
		}
	}
	return true
}

// fit reports whether a text fits the rest of a pattern, and fills the placeholders with what is to be said.
func (s *search) fit(rest []part, text string, depth int, filled *[10]string) bool {
	if len(rest) == 0 {
		return text == ""
	}
	x := rest[0]
	if x.number == 0 {
		return strings.HasPrefix(text, x.text) && s.fit(rest[1:], text[len(x.text):], depth, filled)
	}
	if text == "" || !begins(x.hole, text[0]) {
		return false
	}
	if len(rest) == 1 {
		return s.admit(x, text, depth, filled)
	}
	next := rest[1].text
	for end := 1; end < len(text); end++ { // the shortest first
		i := strings.Index(text[end:], next)
		if i < 0 {
			return false
		}
		end += i
		if s.admit(x, text[:end], depth, filled) && s.fit(rest[2:], text[end+len(next):], depth, filled) {
			return true
		}
		if s.steps <= 0 {
			return false
		}
	}
	return false
}

// begins reports whether a placeholder may begin with a byte.
func begins(h hole, c byte) bool {
	switch h {
	case holeNumber, holeTime:
		return isDigit(c)
	case holeCamel:
		return 'A' <= c && c <= 'Z'
	}
	return c != ' '
}

// admit fills a placeholder with a text, if it is of its kind.
func (s *search) admit(x part, text string, depth int, filled *[10]string) bool {
	if s.steps--; s.steps <= 0 {
		return false
	}
	ok := true
	said := text
	switch x.hole {
	case holeAny:
		if phrase, known := s.phrase(text, depth+1); known {
			said = phrase
		}
	case holePhrase:
		said, ok = s.phrase(text, depth+1)
	case holeWord:
		ok = !strings.ContainsAny(text, " \n") && !strings.ContainsRune(",:;", rune(text[len(text)-1]))
	case holeCamel:
		ok = len(text) > 1 && made(text, func(c byte) bool { return isLetter(c) || isDigit(c) })
	case holeNumber:
		ok = isDigit(text[len(text)-1]) && made(text, func(c byte) bool { return isDigit(c) || c == '.' || c == ',' })
	case holeTime:
		ok = len(text) >= len("15:04") && isDigit(text[len(text)-1]) &&
			made(text, func(c byte) bool { return isDigit(c) || c == ':' || c == '-' || c == ' ' })
	}
	filled[x.number] = said
	return ok
}

// made reports whether a text is made of some bytes only.
func made(text string, of func(byte) bool) bool {
	for i := range len(text) {
		if !of(text[i]) {
			return false
		}
	}
	return true
}

func fill(to []part, filled *[10]string) string {
	var s strings.Builder
	for _, x := range to {
		s.WriteString(x.text)
		if x.number > 0 {
			s.WriteString(filled[x.number])
		}
	}
	return s.String()
}
