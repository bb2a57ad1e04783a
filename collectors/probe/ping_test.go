package probe

import (
	"testing"
	"time"

	"github.com/nocturne-noc/nocturne/collectors/icmp"
	"github.com/nocturne-noc/nocturne/store/model"
)

// permitted skips where the system lets nobody ping.
func permitted(t *testing.T) {
	t.Helper()
	_, release, err := new(icmp.Shared).Take(false)
	if err != nil {
		t.Skip(err)
	}
	release()
}

func TestPingOfThisMachine(t *testing.T) {
	permitted(t)
	b := probed(t, "{ping: 127.0.0.1, echoes: 3}")
	if e := b.Entities[0]; e.State != model.OK || e.ID != "probe/127.0.0.1" {
		t.Errorf("%+v", e)
	}
	rtt, jitter := value(t, b, "probe_icmp_duration_seconds", "phase", "rtt"), value(t, b, "nocturne_probe_jitter_seconds")
	if value(t, b, "probe_success") != 1 || value(t, b, "nocturne_probe_loss_ratio") != 0 || rtt <= 0 || jitter < 0 {
		t.Errorf("%v", b.Samples)
	}
	if got := value(t, b, "probe_icmp_reply_hop_limit"); got != 64 {
		t.Errorf("hop limit %v", got)
	}
}

func TestBurstsAreSummedUp(t *testing.T) {
	ms := func(n int) *icmp.Answer { return &icmp.Answer{RTT: time.Duration(n) * time.Millisecond, Hops: 60} }
	refused := &icmp.Answer{Err: icmp.ErrUnreachable}
	for _, c := range []struct {
		name         string
		answers      []*icmp.Answer
		state        model.State
		reason       string
		mean, jitter float64 // ms
	}{
		{"all", []*icmp.Answer{ms(1), ms(3), ms(2)}, model.OK, "", 2, 1.5},
		{"one of five lost", []*icmp.Answer{ms(1), nil, ms(1), ms(1), ms(1)}, model.OK, "", 1, 0},
		{"two of five lost", []*icmp.Answer{ms(1), nil, ms(1), nil, ms(4)}, model.Warning, "loss 40 %", 2, 1.5},
		{"one answer", []*icmp.Answer{nil, ms(7), nil}, model.Warning, "loss 67 %", 7, 0},
		{"none", []*icmp.Answer{nil, nil}, model.Critical, "timed out after 2 s while waiting for an echo", 0, 0},
		{"no route", []*icmp.Answer{nil, refused}, model.Critical, "no route to it: a router says that it is unreachable", 0, 0},
		{"one route of two", []*icmp.Answer{ms(2), refused}, model.Warning, "loss 50 %", 2, 0},
	} {
		r := newReport()
		r.phase = "waiting for an echo"
		err := (&pingCheck{maxLoss: defaultMaxLoss}).judge(r, c.answers)
		state, reason := r.state, r.reason
		if err != nil {
			state, reason = model.Critical, explain(err, r.phase, 2*time.Second)
		}
		b := sumUp(c.answers)
		if state != c.state || reason != c.reason || b.mean.Seconds()*1000 != c.mean || b.jitter.Seconds()*1000 != c.jitter {
			t.Errorf("%s: %s %q mean %v jitter %v", c.name, state, reason, b.mean, b.jitter)
		}
	}
}
