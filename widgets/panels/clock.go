package panels

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// clockOptions are the keys of a clock panel: the wall's time and that of other places.
type clockOptions struct {
	Common `yaml:",inline"`
	Zone   string      `yaml:"zone"` // IANA name of the large clock's zone; default the wall's
	Zones  []clockZone `yaml:"zones"`
}

// clockZone is a place and its zone.
type clockZone struct {
	Zone string          `yaml:"zone"` // IANA name, for example Europe/Berlin
	Name model.Localized `yaml:"name"` // default the zone's city
	loc  *time.Location
}

type clockPanel struct {
	clockOptions
	loc *time.Location // nil for the wall's
}

func clockKind() Kind {
	return Kind{Name: "clock", New: func(decode func(any) error) (Panel, error) {
		var p clockPanel
		if err := decode(&p.clockOptions); err != nil {
			return nil, err
		}
		var err error
		if p.Zone != "" {
			if p.loc, err = zone("zone", p.Zone); err != nil {
				return nil, err
			}
		}
		for i := range p.Zones {
			if p.Zones[i].loc, err = zone(fmt.Sprintf("zones[%d]", i), p.Zones[i].Zone); err != nil {
				return nil, err
			}
		}
		return &p, nil
	}}
}

func zone(key, name string) (*time.Location, error) {
	if name == "" {
		return nil, fmt.Errorf("%s: want the name of a time zone such as Europe/Berlin", key)
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %q is no time zone: want a name such as Europe/Berlin or UTC", key, name)
	}
	return loc, nil
}

func (p *clockPanel) Deps() Deps { return Deps{Clock: true} }

func (p *clockPanel) Load(_ context.Context, src model.Source, env Env) (*View, error) {
	now := src.Now()
	return &View{State: model.OK, MinW: 90, MinH: 26, Paint: func(c *plot.Canvas, body plot.Rect) {
		p.paint(newPen(c, env.Style), env, body, now)
	}}, nil
}

// city is the last part of a zone's name, as people write it.
func city(loc *time.Location) string {
	name := loc.String()
	return strings.ReplaceAll(name[strings.LastIndexByte(name, '/')+1:], "_", " ")
}

// weekday is the short name of a day in the wall's language.
func weekday(t time.Time, lang string) string {
	if lang == "ko" {
		return [...]string{"일", "월", "화", "수", "목", "금", "토"}[t.Weekday()]
	}
	return t.Format("Mon")
}

func (p *clockPanel) paint(n pen, env Env, body plot.Rect, now time.Time) {
	k := n.k
	loc := p.loc
	if loc == nil {
		loc = env.Style.Loc
	}
	now = now.In(loc)
	others := p.Zones
	if body.H < 150*k {
		others = nil // the wall's own time is what must be read from afar
	}
	top := body.H
	if len(others) > 0 {
		top -= 76 * k
	}
	text, place := now.Format(time.TimeOnly), city(loc)
	side := max(n.width(place, 20, true), n.width(now.Format("MST"), 18, false)) + 16*k
	if body.W < 260*k {
		side = 0
	}
	size := min(88, top/k*.84)
	if w := n.width(text, size, false); w > body.W-side {
		size *= (body.W - side) / w
	}
	base := body.Y + (top+size*k*.72)/2
	n.text(body.X, base, text, size, false, n.p.Text)
	if side > 0 {
		n.right(body.Right(), base-38*k, place, 20, true, n.p.Text2)
		n.right(body.Right(), base-12*k, now.Format("MST"), 18, false, n.p.Muted)
	}
	if len(others) == 0 {
		return
	}
	y := body.Bottom() - 76*k
	n.rule(body.X, body.Right(), y, n.p.Grid)
	others = others[:min(len(others), max(1, int(body.W/(110*k))))]
	pitch := body.W / float64(len(others))
	for i, z := range others {
		x, t := body.X+float64(i)*pitch, now.In(z.loc)
		name := z.Name.In(env.Lang)
		if name == "" {
			name = city(z.loc)
		}
		n.text(x, y+32*k, t.Format("15:04"), 26, false, n.p.Text2)
		n.text(x, y+58*k, n.fit(name+", "+weekday(t, env.Lang), 18, false, pitch-8*k), 18, false, n.p.Muted)
	}
}
