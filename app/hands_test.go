package app

import (
	"context"
	"testing"
	"time"

	"github.com/nocturne-noc/nocturne/app/board"
	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/panels"
)

// leftPanel counts how often it was left.
type leftPanel struct{ left int }

func (p *leftPanel) Load(context.Context, model.Source, panels.Env) (*panels.View, error) {
	return &panels.View{}, nil
}

func (p *leftPanel) Deps() panels.Deps { return panels.Deps{} }

func (p *leftPanel) Handle(g panels.Gesture) bool {
	if g.Kind == panels.Leave {
		p.left++
	}
	return true
}

// Panels are left once, ten minutes after the last touch.
func TestPanelsAreLeft(t *testing.T) {
	p := &leftPanel{}
	spec := board.Spec{Columns: 1, Rows: 1, Panels: []board.Placed{{At: [4]int{0, 0, 1, 1}, Panel: p}}}
	w := &Wall{pump: board.NewPump(nil, nil, time.Second), current: board.NewScreen(spec, board.Options{W: 320, H: 240})}
	pass := func(d time.Duration) {
		for range d / time.Second {
			w.ageHands(time.Second)
		}
	}
	pass(time.Hour)
	if p.left != 0 {
		t.Errorf("a panel that nobody touched was left %d times", p.left)
	}
	w.touched()
	pass(handsStand - time.Second)
	w.touched()
	pass(handsStand - time.Second)
	if p.left != 0 {
		t.Error("a panel was left while somebody handled it")
	}
	pass(time.Hour)
	if p.left != 1 {
		t.Errorf("a panel was left %d times, want once", p.left)
	}
}
