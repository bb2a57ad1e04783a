package snmp

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// longestPause is how long a silent agent is left alone at most.
const longestPause = 5 * time.Minute

// breaker spares a silent agent, and the worker that would wait for it: the longer the agent has been
// silent, the more rarely it is asked. Its pause is a quarter of the silence, so that one who was
// gone for a few rounds is met again in the next one, and at most longestPause. The zero value lets pass.
type breaker struct {
	since time.Time // of the first round without an answer; zero while the agent answers
	again time.Time // when it is to be asked again
	err   error     // what the last question met
	now   atomic.Bool
}

// askNow lets the next round pass in any case. It is what a trap, or a person, does.
func (b *breaker) askNow() { b.now.Store(true) }

// spares reports whether the round at now is to be left out; every is the distance of rounds.
func (b *breaker) spares(now time.Time, every time.Duration) bool {
	if b.now.Swap(false) {
		return false
	}
	wait := b.again.Sub(now)
	return !b.since.IsZero() && wait > every/4 && wait <= longestPause // a longer one: the clock was set back
}

// unanswered notes a round that began at now and met silence.
func (b *breaker) unanswered(now time.Time, err error) {
	if b.since.IsZero() || now.Before(b.since) {
		b.since = now
	}
	b.again, b.err = now.Add(min(now.Sub(b.since)/4, longestPause)), err
}

// answered notes that the agent is there.
func (b *breaker) answered() { b.since, b.again, b.err = time.Time{}, time.Time{}, nil }

// reason is the error of a round that was left out.
func (b *breaker) reason() error {
	return fmt.Errorf("%w; silent since %s, asked again at %s", b.err, b.since.Format(time.TimeOnly), b.again.Format(time.TimeOnly))
}

// isSilence reports whether a round's error cost the patience of all tries. A refusal comes at once,
// and goes at once when it is mended: its agent is asked in each round.
func isSilence(err error) bool { return err != nil && (!refusal(err) || errors.Is(err, errMute)) }
