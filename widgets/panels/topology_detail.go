package panels

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// mapDetail is what is known of the one link or device that is selected.
type mapDetail struct {
	now     time.Time
	link    *netLink    // nil for a device
	ends    [2]mapEnd   // of a link
	device  *mapDevice  // nil for a link
	gone    bool        // it is not on the map any more
	traffic *plot.Chart // of a link sent by a upwards, by b downwards; of a device sent and received
	errors  *plot.Chart
	events  []model.Event
	err     error // why the rest is missing
}

// mapEnd is what one end of a link tells of it.
type mapEnd struct {
	device model.Entity // with its ID alone where nobody describes it
	port   model.Entity // the same
	name   string       // of the port
	says   []string     // how it knows of the other end: "LLDP", "CDP"
}

// mapDevice is a device with its cables, problems first, then the busiest.
type mapDevice struct {
	model.Entity
	state  model.State // with its alerts
	links  []int
	alerts []model.Alert
}

const (
	detailSpan  = 30 * time.Minute // of its charts, where the wall asks for no other
	detailSteps = 120              // points of a line
	maxNews     = 8                // events that are read
)

// readDetail reads what the card of t shows; nil where nothing is selected. What cannot be read is
// said on the card: the map itself is well.
func readDetail(ctx context.Context, src model.Source, env Env, m *netMap, t target) *mapDetail {
	if t.none() {
		return nil
	}
	d := &mapDetail{now: src.Now()}
	r := detailReader{ctx: ctx, src: src, now: d.now, span: cmp.Or(env.Range, detailSpan)}
	if t.link != "" {
		d.err = d.readLink(r, env, m, t.link)
	} else {
		d.err = d.readDevice(r, env, m, t.entity)
	}
	slices.SortStableFunc(d.events, func(a, b model.Event) int { return b.Time.Compare(a.Time) })
	d.events = d.events[:min(len(d.events), maxNews)]
	return d
}

func (d *mapDetail) readLink(r detailReader, env Env, m *netMap, key string) error {
	i := slices.IndexFunc(m.links, func(l netLink) bool { return l.Key() == key })
	if i < 0 {
		d.gone = true
		return nil
	}
	l := &m.links[i]
	d.link = l
	for e, end := range [2][2]string{{l.A, l.APort}, {l.B, l.BPort}} {
		d.ends[e] = r.end(end[0], end[1], l.Evidence)
		d.events = append(d.events, r.events(portOf(end[0], end[1]))...)
	}
	sent, err := r.firstOf(d.ends[0].rate("sent"), d.ends[1].rate("received"))
	if err != nil {
		return err
	}
	back, err := r.firstOf(d.ends[1].rate("sent"), d.ends[0].rate("received"))
	if err != nil {
		return err
	}
	d.traffic = r.mirrored(env, d.ends[0].device.Name, sent, d.ends[1].device.Name, back)
	if speed := l.SpeedBPS; speed > 0 && d.traffic != nil {
		d.traffic.Limits = []plot.Limit{
			{Value: 0.8 * speed, Severity: plot.KindWarning}, {Value: -0.8 * speed, Severity: plot.KindWarning, Below: true},
		}
	}
	var lines []plot.Line
	for _, end := range d.ends {
		points, err := r.line(end.rate("errors"))
		if err != nil {
			return err
		}
		if points != nil {
			lines = append(lines, plot.Line{Name: end.device.Name, Points: points})
		}
	}
	d.errors = r.chart(env, "short", lines)
	return nil
}

func (d *mapDetail) readDevice(r detailReader, env Env, m *netMap, id string) error {
	e := r.entity(id)
	if e.Kind == "" && !slices.ContainsFunc(m.nodes, func(n netNode) bool { return n.id == id }) {
		d.gone = true
		return nil
	}
	d.device = &mapDevice{Entity: e, state: e.State}
	for _, n := range m.nodes {
		if n.id == id {
			d.device.state = n.state
		}
	}
	for i := range m.links {
		if l := &m.links[i]; l.A == id || l.B == id {
			d.device.links = append(d.device.links, i)
		}
	}
	slices.SortStableFunc(d.device.links, func(x, y int) int { return m.links[x].before(&m.links[y]) })
	for _, a := range r.src.Alerts() {
		if !a.Pending && (a.Entity == id || strings.HasPrefix(a.Entity, id+"/")) {
			d.device.alerts = append(d.device.alerts, a)
		}
	}
	d.events = append(r.events(id), r.events(id+"/")...)
	sent, err := r.line(deviceRate(e, "sent"))
	if err != nil {
		return err
	}
	received, err := r.line(deviceRate(e, "received"))
	if err != nil {
		return err
	}
	d.traffic = r.mirrored(env, env.Text("sent"), sent, env.Text("received"), received)
	errs, err := r.line(deviceRate(e, "errors"))
	if errs != nil {
		d.errors = r.chart(env, "short", []plot.Line{{Name: e.Name, Points: errs}})
	}
	return err
}

// before orders cables: those that are down, then the busiest, then those of which nothing is known.
func (l *netLink) before(o *netLink) int {
	rank := func(l *netLink) float64 {
		use, _ := l.hottest()
		switch {
		case l.down:
			return 10
		case math.IsNaN(use):
			return -1
		}
		return use
	}
	return cmp.Compare(rank(o), rank(l))
}

// detailReader asks a source about one thing.
type detailReader struct {
	ctx  context.Context
	src  model.Source
	now  time.Time
	span time.Duration
}

// entity returns what is known of an ID; one that nobody describes has its ID and a name alone.
func (r detailReader) entity(id string) model.Entity {
	for _, e := range r.src.Entities(model.Filter{ID: id}) {
		if e.ID == id {
			e.Name = cmp.Or(e.Name, lastPart(id))
			return e
		}
	}
	return model.Entity{ID: id, Name: lastPart(id)}
}

func lastPart(id string) string { return id[strings.LastIndexByte(id, '/')+1:] }

func (r detailReader) end(device, port string, evidence []model.Evidence) mapEnd {
	e := mapEnd{device: r.entity(device), port: r.entity(portOf(device, port)), name: port}
	for _, why := range evidence {
		if (why.Observer == device || strings.HasPrefix(why.Observer, device+"/")) && !slices.Contains(e.says, why.Source) {
			e.says = append(e.says, why.Source)
		}
	}
	return e
}

func (r detailReader) events(entity string) []model.Event {
	return r.src.Events(model.EventFilter{Entity: entity, Until: r.now, Limit: maxNews})
}

// window is over how long rates are taken.
func (r detailReader) window() string {
	return strconv.Itoa(int(max(2*time.Minute, 2*r.span/detailSteps).Seconds())) + "s"
}

// rate is the PromQL of what a port sends or receives in bit/s, or of its errors a minute, with %s for
// the window; "" where the port is unknown.
func (e *mapEnd) rate(what string) string {
	if e.name == "" {
		return ""
	}
	if e.device.Kind == model.KindServer {
		return serverRate(fmt.Sprintf("instance=%s,device=%s", strconv.Quote(e.device.Name), strconv.Quote(e.name)), what)
	}
	return portRate(fmt.Sprintf("device=%s,ifName=%s", strconv.Quote(e.device.Name), strconv.Quote(e.name)), what)
}

func deviceRate(e model.Entity, what string) string {
	name := strconv.Quote(e.Name)
	if e.Kind == model.KindServer {
		return "sum(" + serverRate("instance="+name+`,device!~"lo.*"`, what) + ")"
	}
	return "sum(" + portRate("device="+name+`,ifName!~"lo.*"`, what) + ")"
}

func portRate(selector, what string) string {
	of := func(name string) string { return "rate(" + name + "{" + selector + "}[%[1]s])" }
	switch what {
	case "sent":
		return "(" + of("ifHCOutOctets") + " or " + of("ifOutOctets") + ") * 8"
	case "received":
		return "(" + of("ifHCInOctets") + " or " + of("ifInOctets") + ") * 8"
	}
	return "(" + of("ifInErrors") + " + " + of("ifOutErrors") + ") * 60"
}

func serverRate(selector, what string) string {
	of := func(name string) string { return "rate(" + name + "{" + selector + "}[%[1]s])" }
	switch what {
	case "sent":
		return of("node_network_transmit_bytes_total") + " * 8"
	case "received":
		return of("node_network_receive_bytes_total") + " * 8"
	}
	return "(" + of("node_network_receive_errs_total") + " + " + of("node_network_transmit_errs_total") + ") * 60"
}

// firstOf is the line of the first expression that has an answer.
func (r detailReader) firstOf(exprs ...string) ([]plot.Sample, error) {
	for _, expr := range exprs {
		if points, err := r.line(expr); err != nil || points != nil {
			return points, err
		}
	}
	return nil, nil
}

// line is the first series that an expression answers with, nil for none.
func (r detailReader) line(expr string) ([]plot.Sample, error) {
	if expr == "" {
		return nil, nil
	}
	step := (r.span / detailSteps).Truncate(time.Second)
	end := r.now.Truncate(step)
	series, err := r.src.QueryRange(r.ctx, strings.ReplaceAll(expr, "%[1]s", r.window()), end.Add(-r.span), end, step)
	if err != nil || len(series) == 0 || len(series[0].Points) == 0 {
		return nil, err
	}
	out := make([]plot.Sample, len(series[0].Points))
	for i, p := range series[0].Points {
		out[i] = plot.Sample{T: p.T, V: p.V}
	}
	return out, nil
}

// mirrored is a chart of two directions: one upwards, the other downwards. nil without any.
func (r detailReader) mirrored(env Env, upName string, up []plot.Sample, downName string, down []plot.Sample) *plot.Chart {
	var lines []plot.Line
	if up != nil {
		lines = append(lines, plot.Line{Name: upName, Points: up, Area: true})
	}
	if down != nil {
		turned := make([]plot.Sample, len(down))
		for i, s := range down {
			turned[i] = plot.Sample{T: s.T, V: -s.V}
		}
		lines = append(lines, plot.Line{Name: downName, Points: turned, Area: true})
	}
	c := r.chart(env, "bps", lines)
	if c != nil {
		c.Mirror = true
	}
	return c
}

// chart is a chart of lines, nil for none.
func (r detailReader) chart(env Env, unit string, lines []plot.Line) *plot.Chart {
	if len(lines) == 0 {
		return nil
	}
	return &plot.Chart{
		Series: lines, Start: r.now.Add(-r.span), End: r.now, Unit: unit, Loc: env.Style.Loc, Lang: env.Lang,
		MaxGap: 2 * r.span / detailSteps, Stretches: stretches(r.src, env, r.now.Add(-r.span), r.now),
	}
}
