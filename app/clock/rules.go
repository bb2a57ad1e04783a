package clock

import "time"

const (
	// negligible is how far the system clock may be off without being told: the other rules are not for that.
	negligible = 2 * time.Second
	// pauseAfter is how long the process must have stood still for it to be a pause, and not a busy machine.
	pauseAfter = 10 * time.Second
	// correction is the most that the system clock is followed ahead at once.
	correction = 10 * time.Minute
	// mistake is the most that this clock is kept ahead of the system's.
	mistake = 3 * time.Hour
	// patience is how long a jump of the system clock must last to be believed.
	patience = 5 * time.Minute
	// slew is the part of the time that passes by which differences are made up for: 1 in 100.
	slew = 100
)

// rules turn readings into the time to use. They do nothing but compute.
type rules struct {
	last Reading       // as observed last
	own  time.Time     // the time to use then
	diff time.Duration // the system clock was ahead of it then by that much
	owed time.Duration // what of diff is to be made up for
	jump jump
	back Report // the last SetBack or Behind that is not over, else the zero Report
}

// jump is one of the system clock that is not believed yet.
type jump struct {
	seen   time.Time     // in own time; zero = there is none
	to     time.Time     // what the system clock said then
	before time.Duration // the difference before it jumped
}

func newRules(r Reading) rules { return rules{last: r, own: r.Wall} }

// at is the time to use at a reading of the boot clock that is not before the last observation.
func (c *rules) at(boot time.Duration) time.Time {
	passed := max(boot-c.last.Boot, 0)
	return c.own.Add(passed + min(max(c.owed, -passed/slew), passed/slew))
}

// resume starts from what was stored last instead of the system clock's time, if that makes sense.
func (c *rules) resume(r Reading, last time.Time) []Report {
	last = last.In(r.Wall.Location()) // people read it beside the system clock's time
	own := c.at(r.Boot)
	c.last, c.own, c.diff = r, own, r.Wall.Sub(own)
	switch ahead := last.Sub(own); {
	case ahead <= 0:
		return nil
	case ahead > mistake:
		return []Report{{Kind: Distrusted, From: last, To: r.Wall}}
	}
	c.own, c.diff = last, r.Wall.Sub(last)
	c.owed = c.diff
	if c.diff > -negligible {
		return nil
	}
	c.back = Report{Kind: Behind, From: last, To: r.Wall}
	return []Report{c.back}
}

// observe takes a reading in and says what has happened since the last one.
func (c *rules) observe(r Reading) []Report {
	var reports []Report
	own := c.at(r.Boot)
	passed := r.Boot - c.last.Boot
	if passed >= pauseAfter {
		kind := Stopped
		if ran := r.Mono - c.last.Mono; ran < passed/2 {
			kind = Slept
		}
		reports = append(reports, Report{Kind: kind, From: c.own, To: own})
	}
	before := c.diff
	c.last, c.own, c.diff = r, own, r.Wall.Sub(own)
	return append(reports, c.compare(before)...)
}

// compare judges the difference between the system clock and the time to use; before is what it was.
func (c *rules) compare(before time.Duration) (reports []Report) {
	c.owed = 0
	if c.diff > correction || c.diff < -mistake {
		return c.doubt(before)
	}
	if !c.jump.seen.IsZero() {
		reports = append(reports, Report{Kind: Glitch, From: c.jump.seen, To: c.jump.to})
		before, c.jump = c.jump.before, jump{}
	}
	switch {
	case c.diff >= negligible:
		reports = append(reports, c.follow(SetForward))
	case c.diff <= -negligible:
		c.owed = c.diff
		if c.diff <= before-negligible || c.back.Kind == "" {
			c.back = Report{Kind: SetBack, From: c.own, To: c.last.Wall}
			reports = append(reports, c.back)
		}
	default:
		c.owed = c.diff
		if c.back.Kind != "" {
			c.back = Report{}
			reports = append(reports, Report{Kind: Agreed, From: c.own, To: c.own})
		}
	}
	return reports
}

// doubt waits whether the system clock stays where it has jumped to.
func (c *rules) doubt(before time.Duration) []Report {
	if c.jump.seen.IsZero() {
		c.jump = jump{seen: c.own, to: c.last.Wall, before: before}
		return nil
	}
	if (c.diff - before).Abs() >= negligible { // it jumped on
		c.jump.seen, c.jump.to = c.own, c.last.Wall
		return nil
	}
	if c.own.Sub(c.jump.seen) < patience {
		return nil
	}
	if c.diff > 0 {
		return []Report{c.follow(SetForward)}
	}
	return []Report{c.follow(Followed)}
}

// follow takes over the system clock's time.
func (c *rules) follow(kind Kind) Report {
	report := Report{Kind: kind, From: c.own, To: c.last.Wall}
	c.own, c.diff, c.owed, c.jump, c.back = c.last.Wall, 0, 0, jump{}, Report{}
	return report
}

func (c *rules) trouble() string {
	switch {
	case !c.jump.seen.IsZero():
		return doubted(c.jump)
	case c.back.Kind != "":
		return c.back.Text()
	default:
		return ""
	}
}
