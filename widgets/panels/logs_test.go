package panels

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/panels/paneltest"
)

// slowLog is a log whose first lines come a while after it was first asked for, in two parts.
type slowLog struct {
	model.Inspector
	asked time.Time
	state model.LogState // in the end
	why   string
	lines int
}

func (s *slowLog) Tail(context.Context, model.LogRequest) (model.Log, error) {
	if s.asked.IsZero() {
		s.asked = time.Now()
	}
	since := time.Since(s.asked)
	if since < time.Second {
		return model.Log{Container: "app", State: model.LogConnecting}, nil
	}
	n := s.lines
	if since < time.Second+lookEvery {
		n /= 2
	}
	log := model.Log{Container: "app", State: s.state, Why: s.why}
	for range n {
		log.Lines = append(log.Lines, model.LogLine{Time: s.asked, Text: "line"})
	}
	return log, nil
}

// A picture has no next time: it waits for the first page of a log, but not for one that never comes. A wall does not.
func TestPictureOfALog(t *testing.T) {
	for _, c := range []struct {
		name  string
		log   slowLog
		fixed bool
		lines int
		head  string
		took  time.Duration // at most
	}{
		{"its first page", slowLog{state: model.LogFollowing, lines: 40}, true, 40, "", 2 * time.Second},
		{"no line", slowLog{state: model.LogFollowing}, true, 0, "No line", pictureWait + time.Second},
		{"a log that has ended", slowLog{state: model.LogEnded, why: "the pod is gone"}, true, 0, "No line", 2 * time.Second},
		{"no permission", slowLog{state: model.LogWaiting, why: "no permission to get pods/log"}, true, 0, "No permission", 2 * time.Second},
		{"a wall", slowLog{state: model.LogFollowing, lines: 40}, false, 0, "Being read", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := testEnv(600, 300)
				env.Fixed, env.Live = c.fixed, &c.log
				l := newPanel(t, "logs", "{of: kube/c/ns/n/pod/p}").(*logs)
				began := time.Now()
				v, err := l.Load(t.Context(), paneltest.New(began), env)
				if err != nil {
					t.Fatal(err)
				}
				if took := time.Since(began); took > c.took {
					t.Errorf("it took %v, want %v at most", took, c.took)
				}
				switch {
				case c.head == "" && (v.Notice != nil || len(l.shown.Lines) != c.lines):
					t.Errorf("%d lines and %+v, want %d lines", len(l.shown.Lines), v.Notice, c.lines)
				case c.head != "" && (v.Notice == nil || !strings.Contains(v.Notice.Head, c.head)):
					t.Errorf("it says %+v, want %q", v.Notice, c.head)
				}
			})
		})
	}
}
