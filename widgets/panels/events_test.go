package panels

import (
	"strings"
	"testing"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

func TestTellShowsKubernetesNewsOnce(t *testing.T) {
	ev := func(text string, count int) model.Event {
		reason, _, _ := strings.Cut(text, ":")
		return model.Event{Kind: "kubernetes", Title: "shop/checkout", Text: text, Count: count, Labels: map[string]string{"reason": reason}}
	}
	got := tell([]model.Event{ev("Error: exit 1 at 3", 31), ev("BackOff: 40 s", 30), ev("Error: exit 1 at 2", 29), ev("BackOff: 20 s", 28)}, nil, 9)
	if len(got) != 2 || got[0].count != 31 || got[1].count != 30 {
		t.Errorf("told %+v: want the newest of each reason with its own count", got)
	}
}

func TestMiddleKeepsHeadAndTail(t *testing.T) {
	n := newPen(plot.NewCanvas(newImage(plot.Rect{W: 10, H: 10}), testFace), testEnv(10, 10).Style)
	for _, c := range []struct{ name, head, tail string }{
		{"shop/checkout-56c859bbc9-8bl4b", "shop/", "8bl4b"}, {"averyveryverylongnamewithoutanydash", "avery", "ydash"}, {"the deployment checkout is degraded", "the dep", "…"},
	} {
		w := n.width(c.name, 20, true) * .6
		got := middle(n, c.name, 20, true, w)
		if !strings.HasPrefix(got, c.head) || !strings.HasSuffix(got, c.tail) || n.width(got, 20, true) > w || !strings.Contains(got, "…") {
			t.Errorf("%q was cut to %q", c.name, got)
		}
		if whole := middle(n, c.name, 20, true, 1e4); whole != c.name {
			t.Errorf("%q was cut to %q although there is room", c.name, whole)
		}
	}
}

func TestEventTextInKorean(t *testing.T) {
	env := testEnv(700, 400)
	env.Lang, env.Text, env.Phrase = "ko", korean(t), said
	for _, c := range []struct {
		ev   model.Event
		want string
	}{
		{model.Event{Kind: "alert", Text: "resolved after 11m41s"}, "11분 만에 해제"},
		{model.Event{Kind: "alert", Text: "resolved after a while"}, "resolved after a while"},
		{model.Event{Kind: "alert", Text: "acknowledged by kim"}, "kim 님이 확인"},
		{model.Event{Kind: "alert", Text: "in English", Labels: map[string]string{"transition": "fired", "description_ko": "우리말로"}}, "우리말로"},
		{model.Event{Kind: "state", Text: "critical → ok"}, "임계 → 정상"},
		{model.Event{Kind: "state", Text: "ok → gone"}, "정상 → 없어짐"},
		{model.Event{Kind: "state", Text: "this → that"}, "this → that"},
		{model.Event{Kind: "trap", Text: "resolved after 1m"}, "resolved after 1m"},
		{model.Event{Kind: "state", Text: "ok → critical: lost"}, "정상 → 임계: «lost»"},
		{model.Event{Kind: "source", Text: "ok → stale: lost"}, "정상 → 지연: «lost»"},
		{model.Event{Kind: "state", Severity: model.Critical, Text: "critical: lost"}, "임계: «lost»"},
		{model.Event{Kind: "state", Text: "lost"}, "«lost»"},
		{model.Event{Kind: "store", Text: "lost"}, "«lost»"},
		{model.Event{Kind: "kubernetes", Text: "Error: lost", Labels: map[string]string{"reason": "Error"}}, "Error: «lost»"},
		{model.Event{Kind: "kubernetes", Text: "lost", Labels: map[string]string{"reason": "Error"}}, "lost"},
		{model.Event{Kind: "trap", Text: "lost", Labels: map[string]string{"trap": "linkDown"}}, "lost"},
		{model.Event{Kind: "trap", Text: "lost", Labels: map[string]string{"trap": "storm"}}, "«lost»"},
		{model.Event{Kind: "syslog", Text: "lost", Labels: map[string]string{"host": "sw1"}}, "lost"},
		{model.Event{Kind: "syslog", Text: "lost", Labels: map[string]string{"fate": "sampled"}}, "«lost»"},
		{model.Event{Kind: "kernel", Text: "lost", Labels: map[string]string{"topic": "oom"}}, "lost"},
		{model.Event{Kind: "kernel", Text: "lost", Labels: map[string]string{"topic": "flood"}}, "«lost»"},
	} {
		if got := eventText(c.ev, env); got != c.want {
			t.Errorf("%s %q: %q, want %q", c.ev.Kind, c.ev.Text, got, c.want)
		}
	}
}

// said stands for the phrases of the product: it marks the one text that it knows.
func said(english string) string {
	if english == "lost" {
		return "«lost»"
	}
	return english
}

func TestWhatIsSaidInTheWallsLanguage(t *testing.T) {
	env := testEnv(700, 400)
	if got := env.Said("lost") + env.SaidAfter("node a: lost"); got != "lostnode a: lost" {
		t.Errorf("without phrases %q is said", got)
	}
	env.Phrase = said
	for text, want := range map[string]string{"lost": "«lost»", "node a: lost": "node a: «lost»", "node a: b: lost": "node a: b: lost", "odd": "odd"} {
		if got := env.SaidAfter(text); got != want {
			t.Errorf("%q is said as %q, want %q", text, got, want)
		}
	}
	env.Lang = "ko"
	for _, c := range []struct {
		ev   model.Event
		want string
	}{
		{model.Event{Kind: "alert", Title: "a: lost", Labels: map[string]string{"summary_ko": "가 이상: lost"}}, "가 이상: «lost»"},
		{model.Event{Kind: "trap", Title: "lost"}, "«lost»"},
		{model.Event{Kind: "state", Title: "lost", Entity: "device/lost"}, "lost"}, // a device may be called anything
	} {
		if got := eventTitle(c.ev, env); got != c.want {
			t.Errorf("%+v has the title %q, want %q", c.ev, got, c.want)
		}
	}
	if got := summary(model.Alert{Title: "a: lost", Annotations: map[string]string{"summary_ko": "가 이상: lost"}}, env); got != "가 이상: «lost»" {
		t.Errorf("the alert's summary is %q", got)
	}
}
