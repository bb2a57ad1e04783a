package panels

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// mapSearch is a search that somebody has begun.
type mapSearch struct {
	open bool
	text string
	at   int // which of the results
}

// mapEntry is one thing that can be found, by one of the words that people know it by.
type mapEntry struct {
	to    target
	show  string // "dist2 Te1/1/4"
	by    string // what matched: "10.20.0.12"; "" where that is what is shown
	lower string
	bare  string // a MAC address without its separators
}

const (
	maxSearch  = 100 // letters of a search
	maxResults = 200
	resultRows = 8
)

// mapIndex is all that can be found on a map.
type mapIndex struct {
	network *network
	entries []mapEntry
}

// indexMap gathers names, addresses, ports and MAC addresses.
func indexMap(src model.Source, n *network) *mapIndex {
	x := &mapIndex{network: n}
	byEnd := make(map[string]string, 2*len(n.links)) // link by port
	for i := range n.links {
		l := &n.links[i]
		byEnd[portOf(l.A, l.APort)], byEnd[portOf(l.B, l.BPort)] = l.Key(), l.Key()
	}
	on := map[string]string{} // name by device
	add := func(to target, show string, words ...string) {
		seen := []string{""}
		for _, w := range append([]string{show}, words...) {
			if slices.Contains(seen, w) {
				continue
			}
			seen = append(seen, w)
			e := mapEntry{to: to, show: show, lower: strings.ToLower(w)}
			if w != show {
				e.by = w
			}
			if bare := hexOnly(w); len(bare) == 12 {
				e.bare = bare
			}
			x.entries = append(x.entries, e)
		}
	}
	device := func(e model.Entity) {
		on[e.ID] = cmp.Or(e.Name, e.ID)
		l := e.Labels
		add(target{entity: e.ID}, on[e.ID], l["address"], l["sysName"], l["serial"], l["mac"], l["chassis"], l["sysLocation"])
	}
	known := map[string]model.Entity{}
	for _, kind := range onMap {
		for _, e := range src.Entities(model.Filter{Kind: kind}) {
			known[e.ID] = e
		}
	}
	for i := range n.nodes {
		all := n.nodes[i : i+1]
		if site := n.nodes[i].site; site != nil {
			all = site.nodes
		}
		for _, node := range all {
			e := model.Entity{ID: node.id, Name: node.name}
			if k, ok := known[node.id]; ok {
				e = k
			}
			device(e)
		}
	}
	for _, e := range src.Entities(model.Filter{Kind: model.KindInterface}) {
		name, ok := on[e.Parent]
		if !ok {
			continue
		}
		to := target{entity: e.Parent}
		if link := byEnd[e.ID]; link != "" {
			to = target{link: link}
		}
		add(to, name+" "+e.Name, e.Labels["ifAlias"], e.Labels["mac"])
	}
	return x
}

// hexOnly is a MAC address without its separators; "" where s is none, or no part of one.
func hexOnly(s string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(s) {
		switch {
		case r == ':' || r == '-' || r == '.':
		case unicode.Is(unicode.ASCII_Hex_Digit, r):
			b.WriteRune(r)
		default:
			return ""
		}
	}
	return b.String()
}

// find returns what matches, the best first: whole words, then beginnings, then parts; a thing is
// found once.
func (x *mapIndex) find(text string) []mapEntry {
	text = strings.ToLower(strings.TrimSpace(text))
	if x == nil || text == "" {
		return nil
	}
	bare := hexOnly(text)
	if len(bare) < 4 || !strings.ContainsAny(text, ":-.") && len(bare) < 6 {
		bare = ""
	}
	type hit struct {
		mapEntry
		rank int
	}
	var hits []hit
	for _, e := range x.entries {
		var rank int
		switch at := strings.Index(e.lower, text); {
		case e.lower == text:
			rank = 4
		case at == 0:
			rank = 3
		case at > 0:
			rank = 2
		case bare != "" && strings.Contains(e.bare, bare):
			rank = 1
		default:
			continue
		}
		hits = append(hits, hit{e, rank})
	}
	slices.SortStableFunc(hits, func(a, b hit) int { return b.rank - a.rank })
	var out []mapEntry
	seen := map[string]bool{}
	for _, h := range hits {
		key := h.to.entity + "\x00" + h.to.link + "\x00" + h.show
		if !seen[key] && len(out) < maxResults {
			seen[key] = true
			out = append(out, h.mapEntry)
		}
	}
	return out
}

// key takes a key while a search is open: all of them belong to it.
func (h *mapHand) searchKey(g Gesture, s *shownMap) {
	found := s.index.find(h.search.text)
	switch g.Key {
	case "Escape":
		h.search, h.found = mapSearch{}, target{}
		return
	case "Return", "KP_Enter":
		if len(found) > 0 {
			h.choose(found[min(h.search.at, len(found)-1)].to, s)
		}
		return
	case "Up", "Down":
		if n := len(found); n > 0 {
			step := map[string]int{"Up": n - 1, "Down": 1}[g.Key]
			h.search.at = (min(h.search.at, n-1) + step) % n
		}
	case "BackSpace":
		letters := []rune(h.search.text)
		h.search.text, h.search.at = string(letters[:max(0, len(letters)-1)]), 0
	case "":
		if unicode.IsPrint(g.Rune) && len([]rune(h.search.text)) < maxSearch {
			h.search.text, h.search.at = h.search.text+string(g.Rune), 0
		}
	}
	if found = s.index.find(h.search.text); len(found) > 0 {
		h.found = found[h.search.at].to
		h.show(h.found, s)
	} else {
		h.found = target{}
	}
}

// choose ends a search with a result: it is selected, and in the middle.
func (h *mapHand) choose(t target, s *shownMap) {
	h.search, h.found, h.selected = mapSearch{}, target{}, t
	h.show(t, s)
	if w := cardWidth(s.scene.size, s.base.style.K); s.scene.size.W > 2*w { // into the middle of what its card leaves free
		h.camera = h.camera.moved(plot.Point{X: -w / 2}, s.scene.area)
	}
}

// show puts something into the middle, near enough to be read.
func (h *mapHand) show(t target, s *shownMap) {
	base, area := s.base.scene, s.scene.area
	p, ok := base.placeOf(s.base.m, t)
	if !ok {
		return
	}
	h.camera = h.camera.on(p, base.nearEnough(s.base.m, t), area)
}

// nearEnough is the zoom at which something has its name.
func (s *netScene) nearEnough(m *netMap, t target) float64 {
	const comfortable = 1.6
	for i := range s.boxes {
		b := &s.boxes[i]
		if b.node < 0 || m.nodes[b.node].id != t.entity || b.form != formSquare && b.form != formCell {
			continue
		}
		want := m.face.Measure(m.nodes[b.node].name, plot.Font{Size: 18 * m.style.K, Bold: true}) + 10*m.style.K
		return max(comfortable, 1.01*min(want, 150*m.style.K)/(squareRoom*b.W))
	}
	for _, f := range s.folds {
		if i := slices.IndexFunc(f.nodes, func(n int) bool { return m.nodes[n].id == t.entity }); i >= 0 {
			return max(comfortable, 1.05*foldZoom(f, m.style.K))
		}
	}
	return comfortable
}

// searchBox is where a search stands on a map, and each of its results.
func searchBox(area plot.Rect, k float64, results int) (box plot.Rect, rows []plot.Rect) {
	w := min(560*k, area.W-24*k)
	box = plot.Rect{X: area.Center().X - w/2, Y: area.Y + 8*k, W: w, H: 52 * k}
	for i := range min(results, resultRows) {
		rows = append(rows, plot.Rect{X: box.X, Y: box.Bottom() + (4+float64(i)*34)*k, W: w, H: 34 * k})
	}
	return box, rows
}

// searching draws a search and what it found.
func (n mapPen) searching(area plot.Rect, s mapSearch, found []mapEntry) {
	box, rows := searchBox(area, n.k, len(found))
	all := box
	if len(rows) > 0 {
		all.H = rows[len(rows)-1].Bottom() + 6*n.k - box.Y
	}
	n.FillRound(all, 6*n.k, n.p.Raised)
	n.StrokeRound(all, 6*n.k, 1.5*n.k, n.p.Outline, nil)
	n.Circle(box.X+24*n.k, box.Y+24*n.k, 7*n.k, 2*n.k, n.p.Muted, nil)
	n.Line(box.X+29*n.k, box.Y+29*n.k, box.X+35*n.k, box.Y+35*n.k, 2*n.k, n.p.Muted, nil)
	right := ""
	switch {
	case s.text != "" && len(found) == 0:
		right = n.m.text("nothing found")
	case len(found) >= maxResults:
		right = n.m.text("%d of %d", s.at+1, len(found)) + "+"
	case len(found) > 0:
		right = n.m.text("%d of %d", s.at+1, len(found))
	}
	end := n.right(box.Right()-16*n.k, box.Y+33*n.k, right, 18, false, n.p.Muted) - 12*n.k
	x, y := box.X+48*n.k, box.Y+34*n.k
	if s.text == "" {
		n.text(x+6*n.k, y, n.fit(n.m.text("Name, address, port or MAC"), 20, false, end-x), 20, false, n.p.Muted)
	} else {
		x = n.text(x, y, n.fit(s.text, 22, false, end-x), 22, false, n.p.Text)
	}
	n.FillRect(plot.Rect{X: x + 2*n.k, Y: box.Y + 14*n.k, W: max(1, 2*n.k), H: 25 * n.k}, n.p.Text)
	first := max(0, min(s.at-resultRows+1, len(found)-resultRows))
	for i, r := range rows {
		e := found[first+i]
		if first+i == s.at {
			n.FillRound(r.InsetXY(6*n.k, 1*n.k), 4*n.k, n.p.Outline)
		}
		by := r.Right() - 16*n.k
		if e.by != "" {
			by = n.right(by, r.Y+24*n.k, n.fit(e.by, 18, false, 0.45*r.W), 18, false, n.p.Muted) - 12*n.k
		}
		n.text(r.X+18*n.k, r.Y+24*n.k, n.fit(e.show, 18, false, by-r.X-18*n.k), 18, first+i == s.at, n.p.Text)
	}
}
