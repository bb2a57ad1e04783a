package kube

import (
	batchv1 "k8s.io/api/batch/v1"

	"fmt"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
)

var jobBehaviour = behaves((*interner).job, (*view).job, (*view).jobLinks, (*sampler).job)

const (
	// longRunning is how long a job without a deadline may be active: what the alert KubeJobNotCompleted
	// of the Kubernetes mixin allows.
	longRunning = 12 * time.Hour
	// overdueJob is how long the job controller may take to end a job whose deadline has passed.
	overdueJob = time.Minute
)

// Job is a job of batch/v1.
type Job struct {
	meta
	OwnerKind, Owner          string        // the controller
	Parallelism, Completions  int32         // Completions is 0 where one success ends it
	Deadline                  time.Duration // of its activity, 0 for none
	Suspended, Complete       bool
	Active, Succeeded, Failed int32 // pods
	Started, Completed        time.Time
	Broken                    *Condition // Failed, or about to: FailureTarget
}

func (in *interner) job(o *batchv1.Job) *Job {
	j := &Job{
		meta: in.meta(&o.ObjectMeta), Parallelism: replicas(o.Spec.Parallelism), Suspended: o.Spec.Suspend != nil && *o.Spec.Suspend,
		Active: o.Status.Active, Succeeded: o.Status.Succeeded, Failed: o.Status.Failed,
	}
	j.OwnerKind, j.Owner = in.owner(o.OwnerReferences)
	if o.Spec.Completions != nil {
		j.Completions = *o.Spec.Completions
	}
	if o.Spec.ActiveDeadlineSeconds != nil {
		j.Deadline = seconds(*o.Spec.ActiveDeadlineSeconds)
	}
	if o.Status.StartTime != nil {
		j.Started = o.Status.StartTime.Time
	}
	if o.Status.CompletionTime != nil {
		j.Completed = o.Status.CompletionTime.Time
	}
	for _, c := range o.Status.Conditions {
		if c.Status != "True" {
			continue
		}
		switch c.Type {
		case batchv1.JobComplete:
			j.Complete = true
		case batchv1.JobFailed, batchv1.JobFailureTarget:
			if j.Broken == nil || c.Type == batchv1.JobFailed {
				broken := in.condition(string(c.Type), string(c.Status), c.Reason, c.Message, c.LastTransitionTime, false)
				j.Broken = &broken
			}
		}
	}
	return j
}

// seconds is a duration of the API, at most a century: foreign numbers do not overflow.
func seconds(n int64) time.Duration {
	const century = 100 * 366 * 24 * 3600
	return time.Duration(min(max(n, 0), century)) * time.Second
}

// JudgeJob judges a job. succeeded is when a run of the same cron job last succeeded, zero for never or
// for a job of its own: what failed before that was made up for.
func JudgeJob(j *Job, succeeded, now time.Time) Verdict {
	switch {
	case j.Complete:
		return Verdict{model.OK, "completed"}
	case j.Broken != nil && succeeded.After(j.Broken.Since):
		return Verdict{model.OK, fmt.Sprintf("failed at %s, %s; a later run succeeded", clock(j.Broken.Since, now), j.Broken.Reason)}
	case j.Broken != nil:
		return Verdict{model.Critical, words("failed, "+j.Broken.Reason, j.Broken.Message)}
	case j.Suspended:
		return Verdict{model.OK, "suspended"}
	case j.Started.IsZero():
		return Verdict{model.OK, "not started yet"}
	case j.Deadline > 0 && now.Sub(j.Started) > j.Deadline+overdueJob:
		return Verdict{model.Warning, "past its deadline, active since " + clock(j.Started, now)}
	case j.Deadline == 0 && j.Active > 0 && now.Sub(j.Started) > longRunning:
		return Verdict{model.Warning, "active since " + clock(j.Started, now)}
	case j.Failed > 0:
		return Verdict{model.OK, "active, after " + plural(int(j.Failed), "failed pod")}
	}
	return Verdict{model.OK, "active"}
}

// cronJobOf is the cron job that made a job, nil for none.
func (v *view) cronJobOf(j *Job) *CronJob {
	if j.OwnerKind != "CronJob" {
		return nil
	}
	c, _ := find[*CronJob](v, "cronjobs", j.Namespace, j.Owner)
	return c
}

// judgeJob judges a job with what the rest of the cluster knows of it.
func (v *view) judgeJob(j *Job) Verdict {
	var succeeded time.Time
	if owner := v.cronJobOf(j); owner != nil {
		succeeded = owner.LastSuccess
	}
	return JudgeJob(j, succeeded, v.now)
}

// jobOf is the job that made a pod, nil for none or for one that cannot be read.
func (v *view) jobOf(p *Pod) *Job {
	if p.OwnerKind != "Job" || !v.readable("jobs") {
		return nil
	}
	j, _ := find[*Job](v, "jobs", p.Namespace, p.Owner)
	return j
}

func (v *view) job(j *Job) (model.Entity, bool) {
	owner := v.cronJobOf(j)
	labels := map[string]string{"active": number(j.Active), "succeeded": number(j.Succeeded), "failed": number(j.Failed)}
	if j.Completions > 0 {
		labels["completions"] = number(j.Completions)
	}
	instant(labels, "started", j.Started)
	instant(labels, "completed", j.Completed)
	e := v.object("jobs", model.KindJob, &j.meta, v.judgeJob(j), labels)
	if owner != nil {
		e.Parent = model.ObjectID(v.cluster, owner.Namespace, model.KindCronJob, owner.Name)
	}
	return e, true
}

func (v *view) jobLinks(j *Job, id string, links []model.Link) []model.Link {
	if owner := v.cronJobOf(j); owner != nil {
		links = append(links, link("owns", model.ObjectID(v.cluster, owner.Namespace, model.KindCronJob, owner.Name), id, "owner", id))
	}
	return links
}

func (s *sampler) job(_ *view, j *Job) {
	ids := []string{"namespace", j.Namespace, "job_name", j.Name}
	add := func(name string, value float64, pairs ...string) {
		s.add("kube_job_"+name, value, append(ids[:len(ids):len(ids)], pairs...)...)
	}
	add("info", 1)
	if j.Owner != "" {
		add("owner", 1, "owner_kind", j.OwnerKind, "owner_name", j.Owner, "owner_is_controller", "true")
	}
	add("created", unix(j.Created))
	add("spec_parallelism", float64(j.Parallelism))
	if j.Completions > 0 {
		add("spec_completions", float64(j.Completions))
	}
	if j.Deadline > 0 {
		add("spec_active_deadline_seconds", j.Deadline.Seconds())
	}
	add("status_active", float64(j.Active))
	add("status_succeeded", float64(j.Succeeded))
	reason := ""
	if j.Broken != nil {
		reason = j.Broken.Reason
	}
	add("status_failed", float64(j.Failed), "reason", reason)
	if !j.Started.IsZero() {
		add("status_start_time", unix(j.Started))
	}
	if !j.Completed.IsZero() {
		add("status_completion_time", unix(j.Completed))
	}
	for _, st := range statuses {
		switch {
		case j.Complete:
			add("complete", flag(st.label == "true"), "condition", st.label)
		case j.Broken != nil && j.Broken.Type == string(batchv1.JobFailed):
			add("failed", flag(st.label == "true"), "condition", st.label)
		}
	}
}

// unix is an instant as a sample's value, in seconds.
func unix(t time.Time) float64 { return float64(t.Unix()) }

// instant sets a label to an instant, where there is one.
func instant(labels map[string]string, name string, t time.Time) {
	if !t.IsZero() {
		labels[name] = t.UTC().Format(time.RFC3339)
	}
}
