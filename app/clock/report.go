package clock

import (
	"fmt"
	"time"
)

// Kind says what happened to the clocks.
type Kind string

// What can happen. From and To are those of a Report.
const (
	Slept      Kind = "slept"       // the machine slept from From to To
	Stopped    Kind = "stopped"     // the machine ran from From to To, this process did not
	SetForward Kind = "set-forward" // the system clock was set ahead and is followed, from From to To
	SetBack    Kind = "set-back"    // the system clock was set back, at From, to To; it is not followed
	Followed   Kind = "followed"    // the same, by hours: it is followed, and time ran backwards
	Glitch     Kind = "glitch"      // the system clock was at To for a while, from From on, and is back
	Agreed     Kind = "agreed"      // a system clock that had been set back has caught up, at From
	Behind     Kind = "behind"      // at a start: the system clock says To, what was stored last is of From
	Distrusted Kind = "distrusted"  // the same, by hours: the system clock is followed
)

// Report is something that happened to the clocks.
type Report struct {
	Kind     Kind
	From, To time.Time
}

// Gap is the stretch of time in which nobody observed anything because of this.
func (r Report) Gap() (from, to time.Time, ok bool) {
	switch r.Kind {
	case Slept, Stopped, SetForward:
		return r.From, r.To, true
	default:
		return time.Time{}, time.Time{}, false
	}
}

// Over reports whether this is the end of something, and good news.
func (r Report) Over() bool { return r.Kind == Agreed }

// Text says it in plain words, in English, times in the zone of From.
func (r Report) Text() string {
	by := span(r.To.Sub(r.From))
	switch r.Kind {
	case Slept:
		return fmt.Sprintf("the machine slept for %s, until %s: nothing is known of that time", by, clockTime(r.To))
	case Stopped:
		return fmt.Sprintf("Nocturne was stopped for %s, until %s: nothing is known of that time", by, clockTime(r.To))
	case SetForward:
		return fmt.Sprintf("system clock was set ahead %s at %s: Nocturne follows it, nothing is known of the time between", by, clockTime(r.From))
	case SetBack:
		return fmt.Sprintf("system clock was set back %s at %s: Nocturne's own time goes on evenly, and slows by 1 %% until the system clock has caught up. If it is wrong, set it right", by, clockTime(r.From))
	case Followed:
		return fmt.Sprintf("system clock was set back %s at %s: Nocturne follows it, what it has kept of the time ahead stays", by, clockTime(r.From))
	case Glitch:
		return fmt.Sprintf("system clock jumped to %s at %s and is back: Nocturne did not follow. Look at what sets the clock", dateTime(r.To), clockTime(r.From))
	case Agreed:
		return "system clock and Nocturne's own time agree again"
	case Behind:
		return fmt.Sprintf("system clock is %s behind what was stored last, at %s: Nocturne's own time goes on from there, and slows by 1 %% until the system clock has caught up. If it is wrong, set it right", by, dateTime(r.From))
	case Distrusted:
		return fmt.Sprintf("system clock is %s behind what was stored last, at %s: Nocturne takes the system clock to be right", by, dateTime(r.From))
	default:
		return string(r.Kind)
	}
}

// doubted says what is the matter while a jump is not believed yet.
func doubted(j jump) string {
	return fmt.Sprintf("system clock jumped to %s at %s: Nocturne's own time goes on evenly, and follows if it stays for %s", dateTime(j.to), clockTime(j.seen), span(patience))
}

func clockTime(t time.Time) string { return t.Format(time.TimeOnly) }

func dateTime(t time.Time) string { return t.Format(time.DateTime) }

// span is a duration as people say it, in its two largest units.
func span(d time.Duration) string {
	d = d.Abs().Round(time.Second)
	days, hours, minutes, seconds := d/(24*time.Hour), d/time.Hour%24, d/time.Minute%60, d/time.Second%60
	switch {
	case days > 0:
		return fmt.Sprintf("%d d %d h", days, hours)
	case hours > 0:
		return fmt.Sprintf("%d h %d min", hours, minutes)
	case minutes > 0:
		return fmt.Sprintf("%d min %d s", minutes, seconds)
	default:
		return fmt.Sprintf("%d s", seconds)
	}
}
