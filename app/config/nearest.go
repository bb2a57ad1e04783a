package config

import "fmt"

// Nearest returns the name of known with the least edit distance to name, "" when none is near
// enough to be what was meant.
func Nearest(name string, known []string) string {
	const maxLen = 64 // what is longer is no misspelt name
	best, bestDistance := "", 1+max(1, min(len(name), maxLen)/3)
	if len(name) > maxLen {
		return ""
	}
	for _, k := range known {
		if d := editDistance(name, k); d < bestDistance {
			best, bestDistance = k, d
		}
	}
	return best
}

// Unknown words the error for a name that is not among known: what is the kind of name, such as
// "key" or "panel kind".
func Unknown(what, name string, known []string) error {
	if near := Nearest(name, known); near != "" {
		return fmt.Errorf("unknown %s %q: did you mean %q?", what, shorten(name), near)
	}
	return fmt.Errorf("unknown %s %q: known are %s", what, shorten(name), list(known))
}

// shorten keeps a foreign text from filling the screen.
func shorten(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:59]) + "…"
	}
	return s
}

// editDistance is the Damerau-Levenshtein distance (optimal string alignment) in runes.
func editDistance(a, b string) int {
	s, t := []rune(a), []rune(b)
	before, last, row := make([]int, len(t)+1), make([]int, len(t)+1), make([]int, len(t)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(s); i++ {
		row[0] = i
		for j := 1; j <= len(t); j++ {
			cost := 1
			if s[i-1] == t[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(t)]
}
