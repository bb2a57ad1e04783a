package assets

import (
	"flag"
	"os"
	"strings"
	"sync"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// examples are what collectors have really said, from their own tests, the demo recording and the labs, with its
// Korean.
func examples(t testing.TB) (english, korean []string) {
	t.Helper()
	data, err := os.ReadFile("testdata/reasons.ko.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		en, ko, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		english, korean = append(english, en), append(korean, ko)
	}
	return english, korean
}

func TestPhrasesSayWhatCollectorsTell(t *testing.T) {
	english, korean := examples(t)
	if len(english) < 250 {
		t.Fatalf("%d examples, want 250 or more", len(english))
	}
	ko := Phrases("ko")
	var golden strings.Builder
	for i, en := range english {
		got := ko(en)
		if got == en {
			t.Errorf("no phrase: %s", en)
		}
		if got != korean[i] && !*update {
			t.Errorf("%s:\n got %s\nwant %s", en, got, korean[i])
		}
		golden.WriteString(en + "\t" + got + "\n")
	}
	if *update {
		if err := os.WriteFile("testdata/reasons.ko.txt", []byte(golden.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPhrasesLeaveOthersWords(t *testing.T) {
	ko := Phrases("ko")
	for _, text := range []string{
		"", "CrashLoopBackOff", "OOMKilled", "ImagePullBackOff registry.test/app:nope: manifest unknown", "Back-off restarting failed container",
		"Readiness probe failed: HTTP probe failed with statuscode: 503", "237: *Nov 21 22:14:15.295: %LINK-3-UPDOWN: Interface Gi1/0/1, changed state to down",
		"0/3 nodes are available: 3 Insufficient cpu.", "Argo CD, Ready False", "Healthy Unknown, UnknownPackageRevisionHealth", "service unavailable",
		"node", "warning", "critical", "Fan 2 in slot B: failed", "linkUp: sysName core 1", "NodeNotReady: Node is not ready", "0 0 30 2 *",
		"no answer from", "a reason that nobody knows: 12 of 13, exit code", "warning → hot", "{1}", strings.Repeat("not ready, ", 200) + "not ready",
	} {
		if got := ko(text); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}

func TestPhrasesOfAnotherLanguageAreEnglish(t *testing.T) {
	english, _ := examples(t)
	for _, lang := range []string{"en", "", "xx"} {
		say := Phrases(lang)
		for _, en := range english {
			if got := say(en); got != en {
				t.Errorf("%s: %q became %q", lang, en, got)
			}
		}
	}
}

func TestPhraseBookRefusesWhatCannotWork(t *testing.T) {
	for english, c := range map[string]struct{ other, want string }{
		"":                {"x", "empty"},
		"a":               {"", "empty"},
		"~":               {"x", "empty"},
		"a {1} b {1} c":   {"{1}", "twice"},
		"a {1}{2} b":      {"{1}{2}", "follows another"},
		"a {1:z} b":       {"{1}", "no known kind"},
		"a {1} b {2}":     {"{1}", "other placeholders"},
		"only {1} in one": {"{1} {2}", "other placeholders"},
		"a {1:n} number":  {"{1:n}", "has a kind on the right"},
	} {
		if _, err := newPhraseBook(map[string]string{english: c.other}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", english, err, c.want)
		}
	}
}

func TestPhrasePlaceholders(t *testing.T) {
	book, err := newPhraseBook(map[string]string{
		"down": "단절", "~up": "정상", "{1:n} of {2:n} up": "{2} 중 {1}", "at {1:t}": "{1}에", "{1:c} ended": "{1} 종료", "by {1:w}": "{1} 쪽",
		"said {1:r}": "말 {1}", "is {1}": "상태 {1}", "was {1:p}": "이전 {1}", "{1:p}, {2:p}": "{1}, {2}", "is {1}, says {2:w}": "{2}: {1}",
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ english, want string }{
		{"down", "단절"},
		{"up", ""}, // only within another
		{"is up", "상태 정상"},
		{"3 of 12,340 up", "12,340 중 3"},
		{"x of 4 up", ""},
		{"at 03:12", "03:12에"},
		{"at 2026-11-21 03:12:51", "2026-11-21 03:12:51에"},
		{"at noon", ""},
		{"OOMKilled ended", "OOMKilled 종료"},
		{"it ended", ""},
		{"by sw1", "sw1 쪽"},
		{"by sw1:", ""},
		{"by sw 1", ""},
		{"said down", "말 down"},
		{"is down", "상태 단절"},
		{"is odd", "상태 odd"},
		{"was down", "이전 단절"},
		{"was odd", ""},
		{"was down, by sw1, 1 of 2 up", "이전 단절, sw1 쪽, 2 중 1"},
		{"is down, says r1", "r1: 단절"}, // more of it is text than of "is {1}"
		{"down, odd", ""},
	} {
		if got, _ := book.phrase(c.english); got != c.want {
			t.Errorf("%q: %q, want %q", c.english, got, c.want)
		}
	}
}

func TestPhraseMemoryIsBounded(t *testing.T) {
	book, err := newPhraseBook(map[string]string{"exit code {1:n}": "종료 코드 {1}"})
	if err != nil {
		t.Fatal(err)
	}
	m := &phraseMemory{book: book}
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 3 * phraseCache {
				if n := strings.Repeat("1", 1+i%700); m.said("exit code "+n) != "종료 코드 "+n {
					t.Error("wrong words")
				}
				m.said("text " + strings.Repeat("x", w) + string(rune('a'+i%26)) + strings.Repeat("y", i%900))
			}
		})
	}
	wg.Wait()
	if n := len(m.young) + len(m.old); n > 2*phraseCache {
		t.Errorf("%d texts are remembered", n)
	}
}

// What comes from outside may be anything: the search ends, and what is no phrase is not touched.
func FuzzPhrase(f *testing.F) {
	english, _ := examples(f)
	for _, en := range english {
		f.Add(en)
	}
	f.Add(strings.Repeat("down, ", 160) + "odd")
	f.Add(strings.Repeat("a (b; c: d) at 12:00 of ", 40))
	books, err := phraseBooks()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := search{book: books["ko"], steps: maxPhraseSteps}
		if said, ok := s.phrase(text, 0); ok != (said != "") {
			t.Errorf("%q: %q, %v", text, said, ok)
		}
		if s.steps < -1000 {
			t.Errorf("%q took %d steps too many", text, -s.steps)
		}
	})
}

func BenchmarkPhrase(b *testing.B) {
	books, err := phraseBooks()
	if err != nil {
		b.Fatal(err)
	}
	for name, text := range map[string]string{
		"miss":      "Back-off restarting failed container checkout in pod shop/checkout",
		"exact":     "not ready yet",
		"hit":       "lost: kubelet silent since 03:12:51",
		"nested":    "CrashLoopBackOff, 6 restarts, exit code 1 (Error), init container migrate",
		"long":      "no answer from sw3 (10.0.0.3:161) in 2s (is snmpd running, is UDP port 161 open?); silent since 03:04:10, asked again at 03:05:10",
		"long miss": "ImagePullBackOff registry.example.com/team/app:1.2.3: Back-off pulling image: rpc error: code = NotFound, desc = manifest unknown",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				books["ko"].phrase(text)
			}
		})
	}
	say := Phrases("ko")
	b.Run("remembered", func(b *testing.B) {
		for b.Loop() {
			say("CrashLoopBackOff, 6 restarts, exit code 1 (Error), init container migrate")
		}
	})
}
