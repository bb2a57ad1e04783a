package kube

import (
	"encoding/json"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"

	"github.com/nocturne-noc/nocturne/store/model"
)

// keptOf is what a resource keeps of an object of the API's type A, given as the API returns it.
func keptOf[A, K any](t *testing.T, resource, object string) K {
	t.Helper()
	var o A
	if err := json.Unmarshal([]byte(object), &o); err != nil {
		t.Fatal(err)
	}
	out, err := named(t, resource).transform(&interner{}, &o)
	if err != nil {
		t.Fatal(err)
	}
	return out.(K)
}

// judged complains when a verdict is not what is wanted.
func judged(t *testing.T, got Verdict, state model.State, reason string) {
	t.Helper()
	if got.State != state || got.Reason != reason {
		t.Errorf("got %v %q, want %v %q", got.State, got.Reason, state, reason)
	}
}

func TestJudgeJob(t *testing.T) {
	const head = `{"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"import","namespace":"batch","uid":"j1","creationTimestamp":"2026-03-01T11:00:00Z",
		"ownerReferences":[{"kind":"CronJob","name":"nightly","controller":true}]},`
	failed := head + `"spec":{"backoffLimit":1},"status":{"startTime":"2026-03-01T11:00:00Z","failed":2,"conditions":[
		{"type":"FailureTarget","status":"True","reason":"BackoffLimitExceeded","message":"Job has reached the specified backoff limit","lastTransitionTime":"2026-03-01T11:04:58Z"},
		{"type":"Failed","status":"True","reason":"BackoffLimitExceeded","message":"Job has reached the specified backoff limit","lastTransitionTime":"2026-03-01T11:05:00Z"}]}}`
	for _, c := range []struct {
		name, object string
		succeeded    time.Time
		now          time.Time
		state        model.State
		reason       string
	}{
		{"completed", head + `"status":{"startTime":"2026-03-01T11:00:00Z","completionTime":"2026-03-01T11:01:00Z","succeeded":1,"conditions":[
			{"type":"SuccessCriteriaMet","status":"True"},{"type":"Complete","status":"True","lastTransitionTime":"2026-03-01T11:01:00Z"}]}}`, time.Time{}, noon, model.OK, "completed"},
		{"failed", failed, time.Time{}, noon, model.Critical, "failed, BackoffLimitExceeded: Job has reached the specified backoff limit"},
		{"failed after a success", failed, ago(time.Hour), noon, model.Critical, "failed, BackoffLimitExceeded: Job has reached the specified backoff limit"},
		{"failed, then a run succeeded", failed, ago(time.Minute), noon, model.OK, "failed at 11:05:00, BackoffLimitExceeded; a later run succeeded"},
		{"about to fail", head + `"status":{"startTime":"2026-03-01T11:00:00Z","active":1,"conditions":[{"type":"FailureTarget","status":"True","reason":"DeadlineExceeded","lastTransitionTime":"2026-03-01T11:05:00Z"}]}}`,
			time.Time{}, noon, model.Critical, "failed, DeadlineExceeded"},
		{"suspended", head + `"spec":{"suspend":true},"status":{"conditions":[{"type":"Suspended","status":"True"}]}}`, time.Time{}, noon, model.OK, "suspended"},
		{"not started", head + `"status":{}}`, time.Time{}, noon, model.OK, "not started yet"},
		{"active", head + `"status":{"startTime":"2026-03-01T11:00:00Z","active":1}}`, time.Time{}, noon, model.OK, "active"},
		{"tries again", head + `"status":{"startTime":"2026-03-01T11:00:00Z","active":1,"failed":1}}`, time.Time{}, noon, model.OK, "active, after 1 failed pod"},
		{"active for twelve hours", head + `"status":{"startTime":"2026-03-01T11:00:00Z","active":1}}`, time.Time{}, noon.Add(11 * time.Hour), model.OK, "active"},
		{"active for longer", head + `"status":{"startTime":"2026-03-01T11:00:00Z","active":1}}`, time.Time{}, noon.Add(11*time.Hour + time.Second), model.Warning, "active since 11:00:00"},
		{"long, but within its deadline", head + `"spec":{"activeDeadlineSeconds":86400},"status":{"startTime":"2026-03-01T11:00:00Z","active":1}}`, time.Time{}, noon.Add(20 * time.Hour), model.OK, "active"},
		{"nobody ends it", head + `"spec":{"activeDeadlineSeconds":60},"status":{"startTime":"2026-03-01T11:00:00Z","active":1}}`, time.Time{}, noon, model.Warning, "past its deadline, active since 11:00:00"},
		{"a deadline beyond all time", head + `"spec":{"activeDeadlineSeconds":9223372036854775807},"status":{"startTime":"2026-03-01T11:00:00Z","active":1}}`, time.Time{}, noon, model.OK, "active"},
	} {
		t.Run(c.name, func(t *testing.T) {
			judged(t, JudgeJob(keptOf[batchv1.Job, *Job](t, "jobs", c.object), c.succeeded, c.now), c.state, c.reason)
		})
	}
}

func TestJudgeCronJob(t *testing.T) {
	const created = `{"metadata":{"name":"nightly","namespace":"batch","creationTimestamp":"2026-02-01T00:00:00Z"},`
	hourly := func(status string) string {
		return created + `"spec":{"schedule":"0 * * * *","concurrencyPolicy":"Forbid"},"status":` + status + `}`
	}
	for _, c := range []struct {
		name, object string
		now          time.Time
		state        model.State
		reason       string
	}{
		{"well", hourly(`{"lastScheduleTime":"2026-03-01T12:00:00Z","lastSuccessfulTime":"2026-03-01T11:00:30Z"}`), noon, model.OK, ""},
		{"one run failed", hourly(`{"lastScheduleTime":"2026-03-01T11:00:00Z","lastSuccessfulTime":"2026-03-01T10:00:30Z"}`), noon, model.OK, ""},
		{"two runs failed", hourly(`{"lastScheduleTime":"2026-03-01T12:00:00Z","lastSuccessfulTime":"2026-03-01T10:00:30Z"}`), noon.Add(time.Minute), model.Warning, "two runs without success, last success 10:00:30"},
		{"the second is still active", hourly(`{"active":[{"name":"x"}],"lastScheduleTime":"2026-03-01T12:00:00Z","lastSuccessfulTime":"2026-03-01T10:00:30Z"}`), noon.Add(time.Minute), model.OK, "active since 12:00:00"},
		{"each run hangs, and others are started", created + `"spec":{"schedule":"* * * * *"},"status":{"active":[{"name":"x"},{"name":"y"}],"lastScheduleTime":"2026-03-01T12:00:00Z","lastSuccessfulTime":"2026-03-01T10:57:30Z"}}`,
			noon, model.Warning, "two runs without success, last success 10:57:30"},
		{"active for too long", hourly(`{"active":[{"name":"x"}],"lastScheduleTime":"2026-03-01T11:00:00Z","lastSuccessfulTime":"2026-03-01T10:00:30Z"}`), noon.Add(time.Hour), model.Warning, "two runs without success, last success 10:00:30"},
		{"not started", hourly(`{"lastScheduleTime":"2026-03-01T09:00:00Z","lastSuccessfulTime":"2026-03-01T09:00:30Z"}`), noon, model.Warning, "not started when due at 10:00:00, last success 09:00:30"},
		{"never", hourly(`{"lastScheduleTime":"2026-03-01T12:00:00Z"}`), noon, model.Warning, "two runs without success, it never succeeded"},
		{"suspended", created + `"spec":{"schedule":"0 * * * *","suspend":true},"status":{}}`, noon, model.OK, "suspended"},
		// 03:00 in Seoul is 18:00 UTC of the day before.
		{"other zone, not due yet", created + `"spec":{"schedule":"0 3 * * *","timeZone":"Asia/Seoul"},"status":{"lastScheduleTime":"2026-02-27T18:00:00Z","lastSuccessfulTime":"2026-02-27T18:01:00Z"}}`,
			time.Date(2026, 3, 1, 17, 0, 0, 0, time.UTC), model.OK, ""},
		{"other zone, due twice", created + `"spec":{"schedule":"0 3 * * *","timeZone":"Asia/Seoul"},"status":{"lastScheduleTime":"2026-02-27T18:00:00Z","lastSuccessfulTime":"2026-02-27T18:01:00Z"}}`,
			time.Date(2026, 3, 1, 18, 1, 0, 0, time.UTC), model.Warning, "not started when due at 2026-02-28 18:00, last success 2026-02-27 18:01"},
		{"no such zone", created + `"spec":{"schedule":"0 3 * * *","timeZone":"Moon/Base"},"status":{}}`, noon, model.Unknown, `schedule "0 3 * * *": unknown time zone Moon/Base`},
		{"no schedule", created + `"spec":{"schedule":"sometimes"},"status":{}}`, noon, model.Unknown, `schedule "sometimes": expected exactly 5 fields, found 1: [sometimes]`},
		{"zone in the schedule", created + `"spec":{"schedule":"TZ=UTC"},"status":{}}`, noon, model.Unknown, `schedule "TZ=UTC": it names a time zone`},
		{"never due", created + `"spec":{"schedule":"0 0 30 2 *"},"status":{}}`, noon, model.Unknown, `schedule "0 0 30 2 *": it is never due`},
	} {
		t.Run(c.name, func(t *testing.T) {
			judged(t, JudgeCronJob(keptOf[batchv1.CronJob, *CronJob](t, "cronjobs", c.object), c.now), c.state, c.reason)
		})
	}
}

// A job hangs under its cron job, and its pods under it.
func TestJobsInThePicture(t *testing.T) {
	v := shop()
	m := func(name string) meta { return meta{Name: name, Namespace: "shop", Created: ago(time.Hour)} }
	v.add("cronjobs", &CronJob{meta: m("report"), Schedule: "*/30 * * * *", LastSuccess: ago(time.Minute), LastSchedule: ago(2 * time.Minute)})
	v.add("jobs", &Job{meta: m("report-1"), OwnerKind: "CronJob", Owner: "report", Started: ago(time.Hour), Broken: &Condition{Type: "Failed", Status: "True", Reason: "BackoffLimitExceeded", Since: ago(time.Hour)}})
	v.add("pods", &Pod{meta: m("report-1-x"), Phase: "Succeeded", OwnerKind: "Job", Owner: "report-1"})
	v.index()
	pic := v.picture()
	got := byID(pic)
	for id, want := range map[string]model.Entity{
		"kube/c/ns/shop/cronjob/report": {Parent: "kube/c/ns/shop", State: model.OK},
		"kube/c/ns/shop/job/report-1":   {Parent: "kube/c/ns/shop/cronjob/report", State: model.OK, Reason: "failed at 11:00:00, BackoffLimitExceeded; a later run succeeded"},
		"kube/c/ns/shop/pod/report-1-x": {Parent: "kube/c/ns/shop/job/report-1", State: model.OK, Reason: "completed"},
	} {
		if e := got[id]; e.Parent != want.Parent || e.State != want.State || e.Reason != want.Reason {
			t.Errorf("%s is %+v, want %+v", id, e, want)
		}
	}
	wantLinks(t, pic, "owns|kube/c/ns/shop/cronjob/report||kube/c/ns/shop/job/report-1|", "owns|kube/c/ns/shop/job/report-1||kube/c/ns/shop/pod/report-1-x|")
	wantSamples(t, v, map[string]float64{
		`{__name__="kube_job_status_failed", cluster="c", job_name="report-1", namespace="shop", reason="BackoffLimitExceeded"}`:                                 0,
		`{__name__="kube_job_failed", cluster="c", condition="true", job_name="report-1", namespace="shop"}`:                                                     1,
		`{__name__="kube_job_owner", cluster="c", job_name="report-1", namespace="shop", owner_is_controller="true", owner_kind="CronJob", owner_name="report"}`: 1,
		`{__name__="kube_cronjob_spec_suspend", cluster="c", cronjob="report", namespace="shop"}`:                                                                0,
		`{__name__="kube_cronjob_status_last_successful_time", cluster="c", cronjob="report", namespace="shop"}`:                                                 float64(ago(time.Minute).Unix()),
		`{__name__="kube_cronjob_next_schedule_time", cluster="c", cronjob="report", namespace="shop"}`:                                                          float64(noon.Unix()),
	})
}

// The pod of a run that failed is as bad as what became of its job.
func TestFailedPodOfJob(t *testing.T) {
	m := func(name string) meta { return meta{Name: name, Namespace: "shop", Created: ago(time.Hour)} }
	pod := &Pod{meta: m("import-1-x"), Phase: "Failed", OwnerKind: "Job", Owner: "import-1", Containers: []Container{{Name: "app", Ended: &Termination{Reason: "Error", ExitCode: 3}}}}
	broken := &Condition{Type: "Failed", Status: "True", Reason: "BackoffLimitExceeded", Since: ago(time.Hour)}
	for _, c := range []struct {
		name   string
		job    *Job
		state  model.State
		reason string
	}{
		{"the job goes on", &Job{Active: 1, Failed: 1}, model.Warning, "Failed, exit code 3 (Error), its job tries again"},
		{"the job came to its end", &Job{Complete: true, Failed: 1}, model.OK, "Failed, exit code 3 (Error), a later run succeeded"},
		{"the job failed", &Job{Failed: 1, Broken: broken}, model.Critical, "Failed, exit code 3 (Error)"},
		{"the job failed and the next one did not", &Job{Failed: 1, Broken: broken, OwnerKind: "CronJob", Owner: "import"}, model.OK, "Failed, exit code 3 (Error), a later run succeeded"},
		{"no such job", &Job{meta: m("other")}, model.Critical, "Failed, exit code 3 (Error)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := shop()
			if c.job.Name == "" {
				c.job.meta = m("import-1")
			}
			c.job.Started = ago(time.Hour)
			v.known["jobs"] = true
			v.add("cronjobs", &CronJob{meta: m("import"), LastSuccess: ago(time.Minute)})
			v.add("jobs", c.job)
			v.add("pods", pod)
			v.index()
			judged(t, v.judgePod(pod), c.state, c.reason)
			delete(v.known, "jobs")
			judged(t, v.judgePod(pod), model.Critical, "Failed, exit code 3 (Error)")
		})
	}
}

// wantLinks complains of links, given by their keys, that a picture lacks.
func wantLinks(t *testing.T, pic picture, keys ...string) {
	t.Helper()
	have := map[string]bool{}
	for _, l := range pic.links {
		have[l.Key()] = true
	}
	for _, key := range keys {
		if !have[key] {
			t.Errorf("no link %s", key)
		}
	}
}

// wantSamples complains of samples, by their labels, that are missing or have another value. A series
// that is there twice is a fault too.
func wantSamples(t *testing.T, v *view, want map[string]float64) {
	t.Helper()
	have := map[string]float64{}
	for _, s := range v.samples(v.now, 0) {
		if _, twice := have[s.Labels.String()]; twice {
			t.Errorf("%s is there twice", s.Labels)
		}
		have[s.Labels.String()] = s.V
	}
	for key, value := range want {
		if got, ok := have[key]; !ok || got != value {
			t.Errorf("%s is %v (there: %v), want %v", key, got, ok, value)
		}
	}
}

// TestRecordedJobs judges jobs of a real cluster.
func TestRecordedJobs(t *testing.T) {
	for _, o := range items[batchv1.Job](t, "jobs-test.json") {
		var in interner
		j := in.job(&o)
		verdict := JudgeJob(j, time.Time{}, noon)
		t.Logf("%s/%s: %v %q", j.Namespace, j.Name, verdict.State, verdict.Reason)
		if done := o.Status.CompletionTime != nil && o.Status.Succeeded > 0; done != (verdict.Reason == "completed") {
			t.Errorf("%s: %v, completed is %v", j.Name, verdict, done)
		}
	}
}
