package kube

import (
	batchv1 "k8s.io/api/batch/v1"

	"cmp"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/nocturne-noc/nocturne/store/model"
)

var cronJobBehaviour = behaves((*interner).cronJob, (*view).cronJob, nil, (*sampler).cronJob)

// busyFor is how long active runs are given after a second one was due: a run may take longer than the
// period. It counts from then and not from the last start, which hung runs that do not forbid others
// put off for ever.
const busyFor = time.Hour

// CronJob is a cron job of batch/v1.
type CronJob struct {
	meta
	Schedule, Zone, Policy    string // Zone is "" for that of the cluster's controller
	Suspended                 bool
	Active                    int
	LastSchedule, LastSuccess time.Time // zero for never
}

func (in *interner) cronJob(o *batchv1.CronJob) *CronJob {
	c := &CronJob{
		meta: in.meta(&o.ObjectMeta), Schedule: in.str(clip(o.Spec.Schedule, 200)), Policy: in.str(string(o.Spec.ConcurrencyPolicy)),
		Suspended: o.Spec.Suspend != nil && *o.Spec.Suspend, Active: len(o.Status.Active),
	}
	if o.Spec.TimeZone != nil {
		c.Zone = in.str(clip(*o.Spec.TimeZone, 100))
	}
	if o.Status.LastScheduleTime != nil {
		c.LastSchedule = o.Status.LastScheduleTime.Time
	}
	if o.Status.LastSuccessfulTime != nil {
		c.LastSuccess = o.Status.LastSuccessfulTime.Time
	}
	return c
}

// zones are time zones by name: each is read from a file once, and there are a few hundred.
var zones sync.Map

// zone is a time zone, UTC for "": the control plane's containers run in it.
func zone(name string) (*time.Location, error) {
	if z, ok := zones.Load(name); ok {
		return z.(*time.Location), nil
	}
	z, err := time.LoadLocation(name)
	if err == nil {
		zones.Store(name, z)
	}
	return z, err
}

// runs are the first n times after t at which the cron job is due.
func (c *CronJob) runs(t time.Time, n int) ([]time.Time, error) {
	// The API knows no zone within the schedule, and the parser would trip over an unfinished one.
	if strings.Contains(c.Schedule, "TZ=") {
		return nil, errors.New("it names a time zone")
	}
	schedule, err := cron.ParseStandard(c.Schedule)
	if err != nil {
		return nil, err
	}
	z, err := zone(c.Zone)
	if err != nil {
		return nil, err
	}
	var list []time.Time
	for t = t.In(z); len(list) < n; list = append(list, t) {
		if t = schedule.Next(t); t.IsZero() {
			return nil, errors.New("it is never due")
		}
	}
	return list, nil
}

// JudgeCronJob judges a cron job: a warning when two runs have been due since the last that succeeded.
func JudgeCronJob(c *CronJob, now time.Time) Verdict {
	if c.Suspended {
		return Verdict{model.OK, "suspended"}
	}
	due, err := c.runs(latest(c.Created, c.LastSuccess), 2)
	if err != nil {
		return Verdict{model.Unknown, fmt.Sprintf("schedule %q: %s", c.Schedule, clip(err.Error(), 100))}
	}
	if now.Before(due[1].Add(grace)) {
		return Verdict{State: model.OK}
	}
	history := "it never succeeded"
	if !c.LastSuccess.IsZero() {
		history = "last success " + clock(c.LastSuccess, now)
	}
	switch {
	case c.LastSchedule.Before(due[0]):
		return Verdict{model.Warning, "not started when due at " + clock(due[0], now) + ", " + history}
	case c.Active > 0 && now.Sub(due[1]) < busyFor:
		return Verdict{model.OK, "active since " + clock(c.LastSchedule, now)}
	}
	return Verdict{model.Warning, "two runs without success, " + history}
}

func (v *view) cronJob(c *CronJob) (model.Entity, bool) {
	labels := map[string]string{"schedule": c.Schedule, "active": number(int32(c.Active))}
	set(labels, "timezone", c.Zone)
	set(labels, "concurrency_policy", c.Policy)
	if c.Suspended {
		labels["suspended"] = "true"
	}
	instant(labels, "last_schedule", c.LastSchedule)
	instant(labels, "last_success", c.LastSuccess)
	return v.object("cronjobs", model.KindCronJob, &c.meta, JudgeCronJob(c, v.now), labels), true
}

func (s *sampler) cronJob(_ *view, c *CronJob) {
	ids := []string{"namespace", c.Namespace, "cronjob", c.Name}
	add := func(name string, value float64, pairs ...string) {
		s.add("kube_cronjob_"+name, value, append(ids[:len(ids):len(ids)], pairs...)...)
	}
	add("info", 1, "schedule", c.Schedule, "concurrency_policy", c.Policy, "timezone", cmp.Or(c.Zone, "local"))
	add("created", unix(c.Created))
	add("spec_suspend", flag(c.Suspended))
	add("status_active", float64(c.Active))
	if !c.LastSchedule.IsZero() {
		add("status_last_schedule_time", unix(c.LastSchedule))
	}
	if !c.LastSuccess.IsZero() {
		add("status_last_successful_time", unix(c.LastSuccess))
	}
	if next, err := c.runs(latest(c.Created, c.LastSchedule), 1); err == nil && !c.Suspended {
		add("next_schedule_time", unix(next[0]))
	}
}
