package snmp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	prom "github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/nocturne-noc/nocturne/assets"
	"github.com/nocturne-noc/nocturne/collectors"
	"github.com/nocturne-noc/nocturne/collectors/snmp/module"
	"github.com/nocturne-noc/nocturne/store/model"
)

// loadModules opens our own modules and the user's files, and returns those that the source names.
func loadModules(names, files []string) ([]module.Choice, error) {
	set, err := module.Open(assets.SNMPModules, "snmp/modules")
	if err != nil {
		return nil, err
	}
	theirs := module.Library{}
	for _, file := range files {
		lib, notes, err := module.Load(file)
		if err != nil {
			return nil, err
		}
		for _, note := range notes {
			slog.Default().Info(note)
		}
		for name, m := range lib {
			if theirs[name] != nil {
				return nil, fmt.Errorf("module_files: %s: module %s is in an earlier file already: rename one of them", file, name)
			}
			theirs[name] = m
		}
	}
	set.Replace(theirs)
	if names == nil { // an empty list is none
		names = []string{module.Auto}
	}
	choices, err := set.Choose(names)
	if err != nil {
		return nil, fmt.Errorf("modules: %w", err)
	}
	return choices, nil
}

const (
	maxModulePause = 30 * time.Minute // of a module that the agent does not answer to the end
	matchAgain     = 10 * time.Minute // when the agent did not answer what the matching asks
)

// moduleRun is one module on one device.
type moduleRun struct {
	*module.Choice
	due     time.Time
	pause   time.Duration // 0 while it goes well
	warning string        // of its last run
	told    bool          // it has made samples: until then there is nothing to replace
}

// moduleRuns are the modules of one device.
type moduleRuns struct {
	choices []module.Choice
	again   time.Time // when the device is to be matched anew
	runs    []*moduleRun
	warning string // of the matching
}

// match finds the modules that are for the device, in the first round, hourly, and after a reboot.
func (m *moduleRuns) match(ctx context.Context, a moduleAgent, objectID OID, now time.Time) {
	if now.Before(m.again) {
		return
	}
	var fit []*module.Choice
	var ask []module.OID
	for i := range m.choices {
		c := &m.choices[i]
		if !c.Fits(objectID) {
			continue
		}
		fit = append(fit, c)
		if c.Answers != nil && !slices.ContainsFunc(ask, func(o module.OID) bool { return slices.Equal(o, c.Answers) }) {
			ask = append(ask, c.Answers)
		}
	}
	answers, err := a.answers(ctx, ask)
	if err != nil {
		m.warning, m.again = "modules: the agent did not answer which of them are for it", now.Add(matchAgain)
		return
	}
	var runs []*moduleRun
	for _, c := range fit {
		if c.Answers != nil && !answers[slices.IndexFunc(ask, func(o module.OID) bool { return slices.Equal(o, c.Answers) })] {
			continue
		}
		if i := slices.IndexFunc(m.runs, func(r *moduleRun) bool { return r.Choice == c }); i >= 0 {
			runs = append(runs, m.runs[i])
			continue
		}
		runs = append(runs, &moduleRun{Choice: c, due: now})
	}
	m.runs, m.warning, m.again = runs, "", now.Add(identityAgain)
}

// forget has the device matched anew, since it restarted.
func (m *moduleRuns) forget() { m.again = time.Time{} }

// warnings are those of the matching and of the modules' last runs.
func (m *moduleRuns) warnings() []string {
	var out []string
	if m.warning != "" {
		out = append(out, m.warning)
	}
	for _, r := range m.runs {
		if r.warning != "" {
			out = append(out, r.warning)
		}
	}
	return out
}

// runModules reads what is due, the most overdue first. It comes after all else of the round, so that a
// slow module takes no time from the interfaces; what the time of the round does not suffice for is
// first in a later one. told is what the round has told itself, which does not come twice. What a module
// does not get is a warning of the next round: the device itself has answered.
func (d *device) runModules(ctx context.Context, snap *Snapshot, told []model.Sample, began time.Time, emit collectors.Emit) {
	if end, ok := ctx.Deadline(); ok { // a round that lasts to its very end costs the next one
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(end)*3/4)
		defer cancel()
	}
	a := moduleAgent{d.session}
	d.modules.match(ctx, a, snap.System.ObjectID, began)
	due := slices.DeleteFunc(slices.Clone(d.modules.runs), func(r *moduleRun) bool { return r.due.After(began) })
	slices.SortStableFunc(due, func(a, b *moduleRun) int { return cmp.Compare(a.due.UnixNano(), b.due.UnixNano()) })
	var own map[string]bool
	if len(due) > 0 {
		own = metricNames(told)
	}
	for i, r := range due {
		if ctx.Err() != nil {
			return // still due in the next round
		}
		at := d.now()
		objects, warnings, err := r.Read(ctx, a)
		if errors.Is(err, context.Canceled) || ctx.Err() != nil && err != nil && i > 0 {
			return // it had less than the time of a round: still due, and first in the next one
		}
		samples, truncated := r.Samples(objects, labels.Label{Name: "device", Value: d.name}, labels.Label{Name: "source", Value: d.source})
		if truncated {
			warnings = append(warnings, "more samples than are kept of one module")
		}
		r.ended(began, d.every, warnings, err, ctx.Err() != nil)
		samples = slices.DeleteFunc(samples, func(s model.Sample) bool { return own[s.Labels.Get(prom.MetricNameLabel)] })
		if at.Sub(began) > d.every/100 { // as in samples of the round itself
			for i := range samples {
				samples[i].T = at.UnixMilli()
			}
		}
		if r.told = r.told || len(samples) > 0; r.told {
			emit(model.Batch{
				Scope: "module/" + r.Name + "/" + d.target.String(), Every: max(r.Every, d.every) + r.pause,
				Replace: err == nil && len(warnings) == 0, // else what is missing in a part turns stale by itself
				Samples: samples,
			})
		}
		if err != nil {
			return // the others come first in the next round
		}
	}
}

func metricNames(samples []model.Sample) map[string]bool {
	names := map[string]bool{}
	for i := range samples {
		names[samples[i].Labels.Get(prom.MetricNameLabel)] = true
	}
	return names
}

// ended notes how a run went and when the next one is due. What the agent does not bear is asked for
// less and less.
func (r *moduleRun) ended(began time.Time, every time.Duration, warnings []string, err error, late bool) {
	r.warning = ""
	switch {
	case err != nil && late:
		r.warning = "module " + r.Name + ": the agent is too slow for it in one round"
	case err != nil:
		r.warning = "module " + r.Name + ": the agent stopped answering"
	case len(warnings) > 0:
		r.warning = "module " + r.Name + ": " + warnings[0]
	}
	if err == nil {
		r.pause = 0
	} else {
		r.pause = min(max(2*r.pause, r.Every), maxModulePause)
	}
	r.due = began.Add(r.Every + r.pause - every/2) // the round nearest to it
}
