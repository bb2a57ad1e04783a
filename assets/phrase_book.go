package assets

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// hole is what a placeholder of a pattern lets in.
type hole byte

// The kinds of placeholders, as they are written: {1} or {1:n}.
const (
	holeAny    hole = ' ' // {1}: any text, said in the language where it is a phrase itself
	holePhrase hole = 'p' // a phrase, or the pattern does not fit
	holeRaw    hole = 'r' // any text, kept as it is: others wrote it
	holeWord   hole = 'w' // a name: no space, no comma, colon or semicolon at its end; kept as it is
	holeCamel  hole = 'c' // a word of an API, such as CrashLoopBackOff; kept as it is
	holeNumber hole = 'n' // a number, such as 12, 3.5 or 12,340
	holeTime   hole = 't' // a time of day, a date, or both, in digits
)

// part is a piece of a pattern: a text, or a placeholder with its number.
type part struct {
	text   string
	hole   hole
	number int // 0 for a text
}

// phrasePattern is an English sentence with placeholders, and the same in another language.
type phrasePattern struct {
	nested bool // it is a phrase only within another one
	from   []part
	to     []part
}

// phraseBook finds the pattern that a text fits. It is immutable.
type phraseBook struct {
	exact  map[string]*phrasePattern // sentences without placeholders
	list   []*phrasePattern          // the others, in the order in which they are tried
	byWord map[string][]int          // those that want a word, by their places in the list
	always patternSet                // those that have no word
}

// patternSet is a set of a book's patterns, by their places in its list.
type patternSet [16]uint64

func (s *patternSet) add(i int) { s[i/64] |= 1 << (i % 64) }

var placeholder = regexp.MustCompile(`\{([1-9])(?::([a-z]))?\}`)

// newPhraseBook compiles a table of English patterns to another language's. What tells more goes before what tells less:
// patterns are tried by how much of them is text.
func newPhraseBook(table map[string]string) (*phraseBook, error) {
	b := &phraseBook{exact: map[string]*phrasePattern{}, byWord: map[string][]int{}}
	for english, other := range table {
		p, err := parsePattern(english, other)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", english, err)
		}
		if len(p.from) == 1 && p.from[0].number == 0 {
			b.exact[p.from[0].text] = p
			continue
		}
		b.list = append(b.list, p)
	}
	if most := 64 * len(b.always); len(b.list) > most {
		return nil, fmt.Errorf("%d patterns: at most %d have room in a patternSet: enlarge it", len(b.list), most)
	}
	slices.SortFunc(b.list, func(x, y *phrasePattern) int {
		return cmp.Or(weight(y.from)-weight(x.from), len(x.from)-len(y.from), strings.Compare(spelled(x.from), spelled(y.from)))
	})
	b.index()
	return b, nil
}

// index files each pattern under the rarest of its words: a text without that word need not be tried on it.
func (b *phraseBook) index() {
	often := map[string]int{}
	for _, p := range b.list {
		for _, w := range p.words() {
			often[w]++
		}
	}
	for i, p := range b.list {
		words := p.words()
		if len(words) == 0 {
			b.always.add(i)
			continue
		}
		rarest := slices.MinFunc(words, func(x, y string) int { return cmp.Or(often[x]-often[y], strings.Compare(x, y)) })
		b.byWord[rarest] = append(b.byWord[rarest], i)
	}
}

// words are those that a text must have to fit the pattern. What touches a placeholder may be a part of a word.
func (p *phrasePattern) words() []string {
	var out []string
	for i, x := range p.from {
		for from, to := range wordsOf(x.text) {
			if (from > 0 || i == 0) && (to < len(x.text) || i == len(p.from)-1) {
				out = append(out, x.text[from:to])
			}
		}
	}
	return out
}

// wordsOf goes through the stretches of letters of a text: where each begins and ends.
func wordsOf(text string) iter.Seq2[int, int] {
	return func(yield func(int, int) bool) {
		from := -1
		for i := range len(text) {
			switch {
			case isLetter(text[i]):
				if from < 0 {
					from = i
				}
			case from >= 0:
				if !yield(from, i) {
					return
				}
				from = -1
			}
		}
		if from >= 0 {
			yield(from, len(text))
		}
	}
}

func parsePattern(english, other string) (*phrasePattern, error) {
	english, nested := strings.CutPrefix(english, "~")
	if english == "" || other == "" {
		return nil, errors.New("it is empty")
	}
	p := &phrasePattern{nested: nested, from: parts(english), to: parts(other)}
	holes := map[int]bool{}
	for i, x := range p.from {
		switch {
		case x.number == 0:
			continue
		case holes[x.number]:
			return nil, fmt.Errorf("placeholder {%d} is there twice", x.number)
		case i > 0 && p.from[i-1].number > 0:
			return nil, fmt.Errorf("placeholder {%d} follows another one: want text between them", x.number)
		case !strings.ContainsRune(" prwcnt", rune(x.hole)):
			return nil, fmt.Errorf("placeholder {%d:%c} is of no known kind", x.number, x.hole)
		}
		holes[x.number] = true
	}
	said := map[int]bool{}
	for _, x := range p.to {
		if x.number > 0 {
			said[x.number] = true
			if x.hole != holeAny {
				return nil, fmt.Errorf("placeholder {%d:%c} has a kind on the right side: write {%d}", x.number, x.hole, x.number)
			}
		}
	}
	if !maps.Equal(holes, said) {
		return nil, fmt.Errorf("%q has other placeholders", other)
	}
	return p, nil
}

// parts cuts a pattern at its placeholders.
func parts(s string) []part {
	var out []part
	at := 0
	for _, m := range placeholder.FindAllStringSubmatchIndex(s, -1) {
		if m[0] > at {
			out = append(out, part{text: s[at:m[0]]})
		}
		number, _ := strconv.Atoi(s[m[2]:m[3]]) // one digit
		kind := holeAny
		if m[4] >= 0 {
			kind = hole(s[m[4]])
		}
		out = append(out, part{hole: kind, number: number})
		at = m[1]
	}
	if at < len(s) {
		out = append(out, part{text: s[at:]})
	}
	return out
}

func weight(list []part) int {
	n := 0
	for _, x := range list {
		n += len(x.text)
	}
	return n
}

// spelled puts a pattern together again, so that patterns have an order.
func spelled(list []part) string {
	var s strings.Builder
	for _, x := range list {
		s.WriteString(x.text)
		if x.number > 0 {
			fmt.Fprintf(&s, "{%d:%c}", x.number, x.hole)
		}
	}
	return s.String()
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
