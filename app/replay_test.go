package app

import (
	"testing"
	"time"
)

func TestPlayerClock(t *testing.T) {
	start := time.Date(2025, 11, 18, 3, 0, 0, 0, time.UTC)
	real := time.Unix(1_000_000, 0)
	p := &Player{now: func() time.Time { return real }, began: real, start: start, end: start.Add(30 * time.Minute), from: start, speed: 1}
	at := func(want time.Duration) {
		t.Helper()
		if got := p.Clock().Sub(start); got != want {
			t.Errorf("clock at %v, want %v", got, want)
		}
	}
	at(0)
	real = real.Add(time.Minute)
	at(time.Minute)
	p.Faster(4)
	real = real.Add(time.Minute)
	at(5 * time.Minute)
	p.Toggle()
	real = real.Add(time.Hour)
	at(5 * time.Minute)
	p.Skip(-10 * time.Minute) // clamped to the start
	at(0)
	p.Toggle()
	real = real.Add(time.Minute)
	at(4 * time.Minute)
	p.Seek(start.Add(time.Hour)) // clamped to the end
	real = real.Add(time.Second)
	at(4 * time.Second) // and round again
	p.Faster(1e9)
	if p.Speed() != maxSpeed {
		t.Errorf("speed %v, want %v", p.Speed(), maxSpeed)
	}
}
