package store

import (
	"fmt"
	"time"

	"github.com/nocturne-noc/nocturne/store/bolt"
	"github.com/nocturne-noc/nocturne/store/model"
)

// clean removes the files that are older than the retention of their tier, and the oldest when all
// together are larger than allowed.
func (s *Store) clean(now time.Time) error {
	for _, tier := range bolt.Tiers {
		removed, err := s.dir.Remove(tier, now.Add(-s.retention(tier)).UnixMilli())
		if removed {
			s.relist()
		}
		if err != nil {
			return err
		}
	}
	return s.capSize(now)
}

func (s *Store) retention(tier *bolt.Tier) time.Duration {
	switch tier {
	case bolt.FiveMinutes:
		return s.opts.Retention5m
	case bolt.OneHour:
		return s.opts.Retention1h
	default:
		return s.opts.Retention
	}
}

// capSize removes the oldest day of samples, and again, while all files take more than MaxBytes; when
// only the latest day is left, the oldest rollups. Each removal is an event. What is being written stays.
func (s *Store) capSize(now time.Time) error {
	for s.opts.MaxBytes > 0 {
		size, err := s.dir.Size()
		if err != nil || size.Total() <= s.opts.MaxBytes {
			return err
		}
		tier, err := s.removeOldest()
		if err != nil {
			return err
		}
		about := fmt.Sprintf("history takes %d MiB, more than store.max_size (%d MiB)", size.Total()>>20, s.opts.MaxBytes>>20)
		if tier == nil {
			s.tellOnce(now, model.Warning, about+": nothing is left that may be removed; raise store.max_size")
			return nil
		}
		s.relist()
		for _, t := range size.Tiers {
			if t.Tier == tier {
				s.tell(now, model.Warning, fmt.Sprintf("%s: the oldest file of %s is removed, from %s on",
					about, tierWords[tier], time.UnixMilli(t.Start).UTC().Format(time.DateOnly)))
			}
		}
	}
	return nil
}

var tierWords = map[*bolt.Tier]string{bolt.Raw: "samples", bolt.FiveMinutes: "5 minute rollups", bolt.OneHour: "1 hour rollups"}

// removeOldest removes one file, and returns its tier, nil when there was none to remove.
func (s *Store) removeOldest() (*bolt.Tier, error) {
	for _, tier := range bolt.Tiers {
		if removed, err := s.dir.RemoveOldest(tier); removed || err != nil {
			return tier, err
		}
	}
	return nil, nil
}

// tellOnce is tell, unless the last thing told was the same.
func (s *Store) tellOnce(now time.Time, severity model.State, text string) {
	if s.keeper.told != text {
		s.keeper.told = text
		s.tell(now, severity, text)
	}
}
