package panels

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/panels/paneltest"
)

const (
	yearKeys  = "{title: Temperature, unit: '°C', range: 1y, every: 1h, limits: [{value: 60}], queries: [{expr: temperature, legend: '{{sensor}}'}]}"
	weekKeys  = "{title: Core uplinks, unit: bps, range: 7d, every: 5m, queries: [{expr: use, legend: '{{port}}'}]}"
	crowdKeys = "{title: Access, unit: bps, range: 30d, every: 5m, queries: [{expr: use, legend: '{{port}}'}]}"
)

// at is when the long histories end.
var at = time.Date(2025, 11, 18, 3, 19, 24, 0, paneltest.KST)

// yearOfSpikes is a year of two sensors at one point an hour. Six of them are too hot, for that hour alone.
func yearOfSpikes() *paneltest.Source {
	s := paneltest.New(at)
	s.Every = time.Hour
	hot := map[int]float64{800: 71, 2317: 66, 4003: 90, 4100: 58, 6450: 74, 8601: 63}
	season := func(t time.Time) float64 {
		return 30 - 6*math.Cos(2*math.Pi*float64(t.YearDay())/365) + 3*math.Sin(2*math.Pi*float64(t.Hour())/24)
	}
	s.Long("temperature", 365*24*time.Hour, func(t time.Time) float64 {
		if v, ok := hot[int(at.Sub(t)/time.Hour)]; ok {
			return v
		}
		return season(t) + 2*paneltest.Dice("a"+strconv.FormatInt(t.Unix(), 36), 1)
	}, "sensor", "inlet")
	s.Long("temperature", 365*24*time.Hour, func(t time.Time) float64 {
		return 12 + season(t)/4 + paneltest.Dice("b"+strconv.FormatInt(t.Unix(), 36), 1)
	}, "sensor", "cellar")
	return s
}

// weeks is n ports over a month at one point in five minutes: busy by day, quiet at night and on
// Sundays, with backups at two.
func weeks(n int) *paneltest.Source {
	s := paneltest.New(at)
	s.Every = 5 * time.Minute
	for i := range n {
		port := "Te1/1/" + strconv.Itoa(i+1)
		s.Long("use", 30*24*time.Hour, func(t time.Time) float64 {
			h := float64(t.Hour()) + float64(t.Minute())/60
			day := math.Max(0, math.Sin((h-6)/14*math.Pi))
			if h < 6 || h > 20 {
				day = 0
			}
			if t.Weekday() == time.Sunday {
				day *= 0.2
			}
			v := float64(n+3-i) * 4e8 * (0.25 + day + 0.25*paneltest.Dice(port+strconv.FormatInt(t.Unix()/300, 36), 1))
			if i == 1 && t.Hour() == 2 && t.Minute() == 0 {
				v += 4e9
			}
			return v
		}, "port", port)
	}
	return s
}

// without leaves the points of a stretch out and marks it.
func without(s *paneltest.Source, from, to time.Time, kind string) *paneltest.Source {
	for i, line := range s.Lines {
		var kept []model.Point
		for _, p := range line.Points {
			if p.T < from.UnixMilli() || p.T >= to.UnixMilli() {
				kept = append(kept, p)
			}
		}
		s.Lines[i].Points = kept
	}
	s.Noted = append(s.Noted, model.Mark{Start: from, End: to, Kind: kind})
	return s
}

// longGallery is what charts of long ranges look like.
func longGallery() []picture {
	day := func(month time.Month, d int) time.Time { return time.Date(2025, month, d, 9, 0, 0, 0, paneltest.KST) }
	year := yearOfSpikes()
	damagedYear := without(yearOfSpikes(), day(5, 3), day(5, 4), model.MarkDamaged)
	damaged := without(weeks(3), day(11, 14), day(11, 15), model.MarkDamaged)
	slept := without(weeks(3), day(11, 15).Add(11*time.Hour), day(11, 16).Add(15*time.Hour), model.MarkAsleep)
	slept.Noted = append(slept.Noted, model.Mark{Start: day(11, 13), End: day(11, 13).Add(2 * time.Hour), Kind: model.MarkClock})
	empty := without(paneltest.New(at), day(11, 14), day(11, 15), model.MarkDamaged)
	p := func(name, keys string, w, h float64, src *paneltest.Source) picture {
		kind := "timeseries"
		if strings.Contains(keys, ", expr:") {
			kind = "stat"
		}
		return picture{name: name, kind: kind, keys: keys, w: w, h: h, k: 1, src: src}
	}
	out := []picture{
		p("long-year", yearKeys, 778, 393, year),
		p("long-year-damaged", yearKeys, 541, 312, damagedYear),
		p("long-week", weekKeys, 778, 393, weeks(3)),
		p("long-week-area", strings.Replace(weekKeys, "range:", "area: true, range:", 1), 541, 312, weeks(1)),
		p("long-week-stacked", strings.Replace(weekKeys, "range:", "stacked: true, range:", 1), 541, 312, weeks(3)),
		p("long-damaged", weekKeys, 778, 393, damaged),
		p("long-slept", weekKeys, 778, 393, slept),
		p("long-crowd", crowdKeys, 778, 393, weeks(12)),
		p("long-empty", weekKeys, 541, 312, empty),
		p("long-stat", "{title: Inlet, unit: '°C', range: 1y, every: 1h, expr: 'temperature{sensor=\"inlet\"}', limits: [{value: 60}]}", 462, 231, year),
	}
	for _, pic := range out {
		light, ko, large := pic, pic, pic
		light.name, light.light = pic.name+"-light", true
		ko.name, ko.korean = pic.name+"-ko", true
		large.name, large.k, large.korean = pic.name+"-k2", 2, true // drawn and looked at, too large to keep
		switch pic.name {
		case "long-year", "long-damaged":
			out = append(out, light, ko, large)
		case "long-slept", "long-crowd":
			out = append(out, ko)
		}
	}
	return out
}
