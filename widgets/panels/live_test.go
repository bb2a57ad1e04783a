package panels

import (
	"context"
	"errors"
	"fmt"
	"image"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/panels/paneltest"
	"github.com/nocturne-noc/nocturne/widgets/plot"
	"github.com/nocturne-noc/nocturne/widgets/plot/plottest"
)

// live is a model.Inspector of plain values.
type live struct {
	doc      model.Document
	log      model.Log
	err      error
	requests []model.LogRequest
	asked    int // for documents
}

func (l *live) Document(context.Context, string) (model.Document, error) {
	l.asked++
	return l.doc, l.err
}

func (l *live) Tail(_ context.Context, req model.LogRequest) (model.Log, error) {
	l.requests = append(l.requests, req)
	return l.log, l.err
}

// livePanel is a document or a log that somebody handles.
type livePanel struct {
	picture
	live *live
	env  func(*Env)
	do   func(t *testing.T, p *livePanel)

	panel Panel
}

func (p *livePanel) load(t testing.TB) *View {
	t.Helper()
	if p.panel == nil {
		p.panel = newPanel(t, p.kind, p.keys)
	}
	env := p.picture.env(t)
	if p.live != nil {
		env.Live = p.live
	}
	if p.env != nil {
		p.env(&env)
	}
	v, err := p.panel.Load(t.Context(), p.src, env)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// press types keys, each followed by a load: names in <>, letters as they are.
func (p *livePanel) press(t testing.TB, text string) {
	t.Helper()
	for text != "" {
		g := Gesture{Kind: Key}
		if name, rest, ok := strings.Cut(text, ">"); ok && text[0] == '<' {
			g.Key, text = name[1:], rest
		} else {
			g.Rune, text = rune(text[0]), text[1:]
		}
		p.panel.(Interactive).Handle(g)
		p.load(t)
	}
}

func (p livePanel) check(t *testing.T) {
	v := p.load(t)
	if p.do != nil {
		p.do(t, &p)
		v = p.load(t)
	}
	st := p.picture.env(t).Style
	img := image.NewRGBA(image.Rect(0, 0, int(p.w*p.k), int(p.h*p.k)))
	c := plot.NewCanvas(img, testFace)
	n := newPen(c, st)
	n.FillRound(c.Bounds(), 6*p.k, n.p.Surface)
	n.right((p.w-16)*p.k, 31*p.k, v.Right, 18, false, n.p.Muted)
	body := p.body()
	if v.Notice != nil {
		n.text(body.X+62*p.k, body.Y+43*p.k, v.Notice.Head, 26, true, n.p.Text)
		for i, line := range v.Notice.Lines {
			n.text(body.X, body.Y+float64(92+28*i)*p.k, line, 18, false, n.p.Muted)
		}
	} else {
		restore := c.Clip(body.Inset(-12 * p.k))
		v.Paint(c, body)
		restore()
	}
	if *pictures != "" {
		plottest.Write(t, filepath.Join(*pictures, p.name+".png"), img)
	}
	if p.korean || strings.Contains(p.name, "hangul") {
		if blank(img) {
			t.Errorf("%s: nothing was drawn", p.name)
		}
		return
	}
	plottest.Golden(t, p.name, img)
}

// liveNow is the moment of the pictures.
var liveNow = time.Date(2026, 9, 14, 3, 14, 7, 0, paneltest.KST)

const podYAML = `apiVersion: v1
kind: Pod
metadata:
  annotations:
    checksum/config: 5f2b0d7f0e7c4a0b8c5b9a3d2e1f00112233445566778899aabbccddeeff001122334455667788
  creationTimestamp: "2026-09-13T21:02:11Z"
  labels:
    app.kubernetes.io/name: checkout
    note: 결제 서비스
  name: checkout-56c859bbc9-8bl4b
  namespace: shop
spec:
  containers:
  - env:
    - name: DB_PASSWORD
      value: (hidden)
    - name: GREETING
      value: 'hello: world'
    image: registry.example.com/shop/checkout:2.14.0
    livenessProbe:
      httpGet:
        path: /healthz
        port: 8080
    name: checkout
    resources:
      limits:
        memory: 256Mi
      requests:
        cpu: 100m
  nodeName: worker-07
  tolerations:
  - key: node.kubernetes.io/not-ready
    operator: Exists
status:
  conditions:
  - message: 'containers with unready status: [checkout]'
    status: "False"
    type: Ready
`

func podDocument() *live {
	return &live{doc: model.Document{Text: podYAML, At: liveNow.Add(-3 * time.Second)}}
}

func longDocument() *live {
	var b strings.Builder
	for i := range 4000 {
		fmt.Fprintf(&b, "key-%d:\n  - value: %d\n", i, i*i)
	}
	return &live{doc: model.Document{Text: b.String(), At: liveNow}}
}

// podLog is a log of n lines, one a second.
func podLog(n int) *live {
	l := &live{log: model.Log{Containers: []string{"checkout", "istio-proxy", "migrate"}, Container: "checkout", State: model.LogFollowing}}
	words := []string{
		`level=info msg="order placed" order=500%03d items=3`,
		`level=warn msg="retrying payment" order=500%03d attempt=2`,
		`10.244.3.17 - - "GET /api/v1/cart/%03d HTTP/1.1" 200 1723 "-" "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0 Safari/537.36" rt=0.012 uct=0.001 urt=0.012`,
		`{"level":"error","ts":1757786047,"msg":"payment provider timed out","order":500%03d}`,
		`ERROR 결제 승인 실패: 주문 500%03d, 시간 초과`,
		`E0914 03:13:22.000000       1 reflector.go:%d] failed to list *v1.Pod`,
	}
	for i := range n {
		word := words[0]
		if i%4 == 3 {
			word = words[i/4%len(words)]
		}
		l.log.Lines = append(l.log.Lines, model.LogLine{Time: liveNow.Add(time.Duration(i-n) * time.Second), Text: fmt.Sprintf(word, i)})
	}
	return l
}

func more(l *live, n int) {
	for i := range n {
		l.log.Lines = append(l.log.Lines, model.LogLine{Time: liveNow, Text: fmt.Sprint("new line ", i)})
	}
}

func TestLivePictures(t *testing.T) {
	src := paneltest.New(liveNow)
	const doc, log = "{of: kube/c/ns/shop/pod/web}", "{of: kube/c/ns/shop/pod/web}"
	at := func(name, kind, keys string, w, h float64) picture {
		return picture{name: name, kind: kind, keys: keys, w: w, h: h, k: 1, src: src}
	}
	korean := func(p picture) picture { p.korean = true; return p }
	light := func(p picture) picture { p.light = true; return p }
	dense := func(p picture) picture { p.k = 2; return p }
	waiting := podLog(12)
	waiting.log.State, waiting.log.Why = model.LogWaiting, "CrashLoopBackOff: back-off 5m0s restarting failed container=checkout"
	ended := podLog(4)
	ended.log.State, ended.log.Why = model.LogEnded, "Completed, exit code 0"
	old := podLog(10)
	for i := range old.log.Lines {
		old.log.Lines[i].Time = old.log.Lines[i].Time.Add(-30 * time.Hour)
	}
	noLine := &live{log: model.Log{Containers: []string{"app"}, Container: "app", State: model.LogWaiting, Why: "no line has come yet"}}
	denied := &live{err: errors.New("pods shop/web: no permission to get pods: ask for a role with get on pods")}
	kiosk := func(e *Env) { e.Withheld = true }
	failing := podDocument()
	for _, p := range []livePanel{
		{picture: at("document-pod", "document", doc, 900, 1000), live: podDocument()},
		{picture: light(at("document-pod-light", "document", doc, 900, 600)), live: podDocument()},
		{picture: dense(at("document-pod-k2", "document", doc, 600, 400)), live: podDocument()},
		{picture: korean(at("document-pod-ko", "document", doc, 900, 1000)), live: podDocument()},
		{picture: at("document-end", "document", doc, 700, 500), live: longDocument(), do: func(t *testing.T, p *livePanel) { p.press(t, "<End><Prior>") }},
		{picture: at("document-search", "document", doc, 900, 600), live: podDocument(), do: func(t *testing.T, p *livePanel) { p.press(t, "/name") }},
		{picture: korean(at("document-search-ko", "document", doc, 900, 600)), live: podDocument(), do: func(t *testing.T, p *livePanel) { p.press(t, "/zzz") }},
		{picture: at("document-denied", "document", doc, 900, 300), live: denied},
		{picture: at("document-recording", "document", doc, 900, 300)},
		{picture: korean(at("document-kiosk-ko", "document", doc, 900, 300)), live: podDocument(), env: kiosk},
		{picture: at("document-none", "document", doc, 900, 300), live: &live{err: fmt.Errorf("x: %w", model.ErrNotLive)}},
		{picture: at("document-reading", "document", doc, 900, 300), live: &live{err: fmt.Errorf("pod: %w", context.DeadlineExceeded)}},
		{picture: at("document-stays", "document", doc, 900, 600), live: failing, do: func(t *testing.T, p *livePanel) {
			failing.err = errors.New("pods shop/web: the cluster does not have it, or not any more")
			p.src = paneltest.New(liveNow.Add(11 * time.Second))
		}},
		{picture: at("logs-following", "logs", log, 1100, 800), live: podLog(300)},
		{picture: light(at("logs-following-light", "logs", log, 1100, 500)), live: podLog(300)},
		{picture: dense(at("logs-following-k2", "logs", log, 700, 400)), live: podLog(300)},
		{picture: korean(at("logs-following-ko", "logs", log, 1100, 800)), live: podLog(300)},
		{picture: at("logs-cut", "logs", log, 700, 500), live: podLog(300), do: func(t *testing.T, p *livePanel) { p.press(t, "w") }},
		{picture: at("logs-narrow", "logs", log, 420, 500), live: podLog(300)},
		{picture: korean(at("logs-paused-ko", "logs", log, 1100, 600)), live: podLog(300), do: func(t *testing.T, p *livePanel) { p.press(t, "<Prior>"); more(p.live, 37) }},
		{picture: at("logs-paused", "logs", log, 1100, 600), live: podLog(300), do: func(t *testing.T, p *livePanel) { p.press(t, "<Prior><Prior>"); more(p.live, 37) }},
		{picture: at("logs-search", "logs", log, 1100, 600), live: podLog(300), do: func(t *testing.T, p *livePanel) { p.press(t, "/retry<Return>N") }},
		{picture: at("logs-waiting", "logs", log, 1100, 500), live: waiting},
		{picture: korean(at("logs-waiting-ko", "logs", log, 1100, 500)), live: waiting},
		{picture: at("logs-ended-previous", "logs", "{of: kube/c/ns/shop/pod/web, previous: true}", 1100, 300), live: ended},
		{picture: at("logs-yesterday", "logs", log, 1100, 300), live: old},
		{picture: at("logs-no-line", "logs", log, 900, 300), live: noLine},
		{picture: korean(at("logs-no-line-ko", "logs", log, 900, 300)), live: noLine},
		{picture: at("logs-denied", "logs", log, 900, 300), live: denied},
		{picture: at("logs-recording", "logs", log, 900, 300)},
		{picture: korean(at("logs-recording-ko", "logs", log, 900, 300))},
		{picture: at("logs-kiosk", "logs", log, 900, 300), live: podLog(3), env: kiosk},
	} {
		t.Run(p.name, p.check)
	}
}
