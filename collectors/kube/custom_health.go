package kube

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/nocturne-noc/nocturne/store/model"
)

// healthRule says how custom resources of some kinds tell how they fare, where kstatus alone would not
// understand them. The first check that applies decides; where none does, kstatus decides.
type healthRule struct {
	Kinds  []kindPattern `yaml:"kinds"`
	Checks []healthCheck `yaml:"checks"`
}

// healthCheck applies when a condition or a field has one of some values.
type healthCheck struct {
	Condition string   `yaml:"condition"` // type of a condition in status.conditions
	Field     string   `yaml:"field"`     // or the path of a field, with dots
	Is        []string `yaml:"is"`        // statuses of the condition, or values of the field; "" for a field that is absent
	Above     *float64 `yaml:"above"`     // or the field is a number above this
	Reasons   []string `yaml:"reasons"`   // of the condition; empty for any
	State     string   `yaml:"state"`     // ok, warning, critical, unknown, or progress: fine for some minutes
	Message   string   `yaml:"message"`   // path of a field that says why; a condition has its own message
	Words     string   `yaml:"words"`     // said in place of the field's name and value

	path, messagePath []string
}

// progress is the state of what is under way: fine, unless it takes too long.
const progress = "progress"

var healthStates = map[string]model.State{
	"ok": model.OK, "warning": model.Warning, "critical": model.Critical, "unknown": model.Unknown, progress: model.OK,
}

// parseHealth reads a table of healthRules.
func parseHealth(name string, data []byte) ([]healthRule, error) {
	return parseTable(name, data, func(r *healthRule) error {
		if len(r.Kinds) == 0 || len(r.Checks) == 0 {
			return errors.New("want kinds and checks")
		}
		for i := range r.Checks {
			if err := r.Checks[i].complete(); err != nil {
				return fmt.Errorf("%s: check %d: %w", r.Kinds[0], i+1, err)
			}
		}
		return checkKinds(r.Kinds)
	})
}

func (c *healthCheck) complete() error {
	if (c.Condition == "") == (c.Field == "") {
		return errors.New("want either condition or field")
	}
	if (len(c.Is) == 0) == (c.Above == nil) || c.Above != nil && c.Field == "" {
		return errors.New("want either is, or above and a field")
	}
	if _, ok := healthStates[c.State]; !ok {
		return fmt.Errorf("state is %q, want ok, warning, critical, unknown or progress", c.State)
	}
	c.path, c.messagePath = strings.Split(c.Field, "."), strings.Split(c.Message, ".")
	return nil
}

// customHealth is how a custom resource fares, with all that judging it later needs.
type customHealth struct {
	State    model.State
	Progress bool // under way since Since
	Reason   string
	Since    time.Time
}

// healthOf computes how a custom resource fares by the rules for its kind, else by kstatus: its
// conditions Ready, Stalled and Reconciling, its generation, its deletion.
// https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md
func healthOf(u *unstructured.Unstructured, checks []healthCheck) customHealth {
	if gone := u.GetDeletionTimestamp(); gone != nil {
		reason := "being deleted"
		if f := u.GetFinalizers(); len(f) > 0 {
			reason += ", held by " + f[0]
		}
		return customHealth{Progress: true, State: model.OK, Reason: clip(reason, 160), Since: gone.Time}
	}
	for i := range checks {
		if h, ok := checks[i].apply(u); ok {
			return h
		}
	}
	return kstatusOf(u)
}

func (c *healthCheck) apply(u *unstructured.Unstructured) (customHealth, bool) {
	h := customHealth{State: healthStates[c.State], Progress: c.State == progress}
	var what, message string
	if c.Condition != "" {
		found := conditionOf(u, c.Condition)
		if found == nil || !slices.Contains(c.Is, found.Status) || len(c.Reasons) > 0 && !slices.Contains(c.Reasons, found.Reason) {
			return h, false
		}
		what, message, h.Since = found.words(), found.Message, found.Since
	} else {
		value, number := fieldOf(u.Object, c.path)
		if c.Above != nil && !(number > *c.Above) || c.Above == nil && !slices.Contains(c.Is, value) {
			return h, false
		}
		what = strings.TrimSpace(c.path[len(c.path)-1] + " " + value)
		if value == "" {
			what = "no " + c.path[len(c.path)-1]
		}
	}
	if c.Message != "" {
		message, _ = fieldOf(u.Object, c.messagePath)
	}
	h.Since = latest(h.Since, changedAt(u))
	if h.State != model.OK || h.Progress || c.Words != "" {
		h.Reason = clip(words(cmp.Or(c.Words, what), message), 160)
	}
	return h, true
}

func kstatusOf(u *unstructured.Unstructured) customHealth {
	result, err := status.Compute(u)
	if err != nil {
		return customHealth{State: model.Unknown, Reason: clip("its status cannot be read: "+err.Error(), 160)}
	}
	h := customHealth{State: model.OK, Since: changedAt(u)}
	ready := conditionOf(u, "Ready")
	switch result.Status {
	case status.CurrentStatus:
	case status.FailedStatus:
		h.State, h.Reason = model.Warning, words("Stalled", result.Message)
		if stalled := conditionOf(u, "Stalled"); stalled != nil && stalled.Status == "True" {
			h.Since = stalled.Since
		}
	default:
		reconciling := conditionOf(u, "Reconciling")
		switch {
		case reconciling != nil && reconciling.Status == "True":
			h.Progress, h.Reason, h.Since = true, words("Reconciling", reconciling.Message), reconciling.Since
		case ready != nil && ready.Status == "False" && !unobserved(u):
			h.State, h.Reason, h.Since = model.Warning, words(ready.words(), ready.Message), ready.Since
		default: // not ready yet, or its controller has not seen its last change
			h.Progress, h.Reason = true, "its controller has not finished"
			if ready != nil && !unobserved(u) {
				h.Reason, h.Since = words(ready.words(), ready.Message), ready.Since
			}
		}
	}
	h.Reason = clip(h.Reason, 160)
	return h
}

// unobserved reports whether the controller has not seen the last change of the object.
func unobserved(u *unstructured.Unstructured) bool {
	seen, found, err := unstructured.NestedInt64(u.Object, "status", "observedGeneration")
	return err == nil && found && seen != u.GetGeneration()
}

// words name a condition that is bad news.
func (c *Condition) words() string {
	what := strings.TrimSpace(c.Type + " " + c.Status) // some have no status
	if c.Reason != "" && c.Reason != c.Type {
		what += ", " + c.Reason
	}
	return what
}

// conditionOf is a condition of the object's status, nil for none.
func conditionOf(u *unstructured.Unstructured, kind string) *Condition {
	list, _, _ := unstructured.NestedFieldNoCopy(u.Object, "status", "conditions")
	conditions, _ := list.([]any)
	for _, one := range conditions {
		fields, _ := one.(map[string]any)
		if text(fields["type"]) != kind {
			continue
		}
		since, _ := time.Parse(time.RFC3339, text(fields["lastTransitionTime"]))
		return &Condition{Type: kind, Status: text(fields["status"]), Reason: clip(text(fields["reason"]), 80), Message: text(fields["message"]), Since: since}
	}
	return nil
}

// changedAt is when what is wanted of the object was last changed: by its managers' times, which its
// status does not touch, else its creation.
func changedAt(u *unstructured.Unstructured) time.Time {
	at := u.GetCreationTimestamp().Time
	for _, m := range u.GetManagedFields() {
		if m.Time != nil && m.Subresource == "" && m.Time.After(at) {
			at = m.Time.Time
		}
	}
	return at
}

// fieldOf is the value at a path as text and, where it is one, as a number; "" and 0 for none.
func fieldOf(object map[string]any, path []string) (string, float64) {
	value, _, _ := unstructured.NestedFieldNoCopy(object, path...)
	switch v := value.(type) {
	case int64:
		return strconv.FormatInt(v, 10), float64(v)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), v
	case bool:
		return strconv.FormatBool(v), 0
	}
	return text(value), 0
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

// JudgeCustom judges how a custom resource fares now: what is under way for too long is a problem.
func JudgeCustom(h customHealth, now time.Time) Verdict {
	if h.Progress && now.Sub(h.Since) > progressFor {
		return Verdict{model.Warning, h.Reason + ", since " + clock(h.Since, now)}
	}
	return Verdict{h.State, h.Reason}
}

// progressFor is how long a custom resource, or its deletion, may be under way.
const progressFor = 10 * time.Minute

// checksFor are the checks for a kind.
func checksFor(rules []healthRule, gk schema.GroupKind) []healthCheck {
	for _, r := range rules {
		if matchesAny(r.Kinds, gk) {
			return r.Checks
		}
	}
	return nil
}
