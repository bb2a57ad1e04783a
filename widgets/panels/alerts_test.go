package panels

import (
	"strings"
	"testing"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/panels/paneltest"
)

// TestQuietSaysWhatIsNotSeen checks the face of an alerts panel on which nothing fires.
func TestQuietSaysWhatIsNotSeen(t *testing.T) {
	pending := []incident{{Alert: model.Alert{Pending: true}}}
	acked := []incident{{Alert: model.Alert{AckBy: "kim"}}}
	mute, never := blind(), blind()
	never.Rows[0].LastOK = time.Time{}
	env := testEnv(700, 400)
	for _, c := range []struct {
		name  string
		src   *paneltest.Source
		list  []incident
		under string
		state model.State
		why   string
	}{
		{"well", paneltest.Quiet(), nil, "", model.OK, "none fired"},
		{"pending", paneltest.Quiet(), pending, "", model.OK, "none fired"},
		{"acknowledged", paneltest.Quiet(), acked, "", model.OK, "acknowledged"},
		{"a part", paneltest.Quiet(), nil, "device", model.OK, "shown here"},
		{"silent", mute, nil, "", model.Stale, mute.Rows[0].Name},
		{"never answered", never, nil, "", model.Unknown, "connection refused"},
	} {
		q := quietOf(c.src, env, c.list, c.under)
		state, _ := q.head(env.Text)
		if why := q.why(env); state != c.state || !strings.Contains(why, c.why) {
			t.Errorf("%s: %v, %q: want %v and %q", c.name, state, why, c.state, c.why)
		}
	}
}

// rowsOfAlerts are causes of their own, in a panel that has hardly room for them: age and key stand below each other.
func rowsOfAlerts() *paneltest.Source {
	s := paneltest.New(paneltest.Quiet().At)
	for i, name := range []string{"checkout-86cb74d5df-9ntzx CrashLoopBackOff", "search-86cb74d5df-abcde ImagePullBackOff", "payment: ProgressDeadlineExceeded", "data/archive pending"} {
		al := model.Alert{ID: name, Name: "KubePod", Title: name, Severity: model.Critical, Since: s.At.Add(-time.Duration(i*i*7+2) * time.Minute), Text: "kubectl describe says more of it"}
		if i > 1 {
			al.Severity = model.Warning
		}
		s.Firing = append(s.Firing, al)
	}
	return s
}
