package store

import (
	"context"
	"testing"

	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/nocturne-noc/nocturne/store/model"
)

// FuzzReplay feeds frames of a write-ahead file whose checksum is right and whose content is not.
func FuzzReplay(f *testing.F) {
	c := newClock()
	s := open(f, Options{Now: c.Now, Tick: never})
	for i := range 5 {
		round(f, s, c, i)
	}
	frames, err := s.snapshot()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(frames[8:])
	round(f, s, c, 6)
	f.Add(s.journal.take()[8:])
	f.Fuzz(func(t *testing.T, frame []byte) {
		s := &Store{}
		s.reset()
		s.journal.begin()
		p := &replay{s: s}
		if err := p.frame(frame); err != nil {
			return
		}
		s.world.Entities(model.Filter{}, c.now)
		s.world.Links(model.Filter{}, c.now)
		if _, err := s.load(context.Background(), 0, 1<<62, whole, nil); err != nil {
			t.Error(err)
		}
		if _, err := s.snapshot(); err != nil {
			t.Errorf("what was read cannot be written: %v", err)
		}
	})
}

// FuzzChunk reads chunks that are not what they should be.
func FuzzChunk(f *testing.F) {
	x := chunkenc.NewXORChunk()
	app, err := x.Appender()
	if err != nil {
		f.Fatal(err)
	}
	for i := range 100 {
		app.Append(0, int64(i*1000), float64(i)/3)
	}
	f.Add(x.Bytes(), int64(5000))
	f.Fuzz(func(t *testing.T, data []byte, seek int64) {
		if len(data) < 2 {
			return // bolt does not hand out such
		}
		d := &seriesData{chunks: []chunkData{{maxT: 1 << 40, encoding: 1, data: data}, {minT: 1 << 40, maxT: 1 << 41, encoding: 1, data: data}}, mint: 0, maxt: 1 << 50}
		it := d.Iterator(nil)
		for n := 0; it.Next() != chunkenc.ValNone; n++ {
			if at := it.AtT(); at < d.mint || at > d.maxt || n > 1<<17 {
				t.Fatalf("sample %d at %d", n, at)
			}
		}
		it = d.Iterator(it)
		if it.Seek(seek) != chunkenc.ValNone && it.AtT() < seek {
			t.Errorf("seek to %d found %d", seek, it.AtT())
		}
	})
}
