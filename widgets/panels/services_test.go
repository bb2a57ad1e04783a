package panels

import (
	"fmt"
	"testing"

	"github.com/nocturne-noc/nocturne/store/model"
	"github.com/nocturne-noc/nocturne/widgets/plot"
)

// TestServicesFlow checks that no two boxes overlap, that all is drawn or counted, and that trouble comes first.
func TestServicesFlow(t *testing.T) {
	for _, n := range []int{1, 14, 40, 3000} {
		list := []namespace{{name: "a"}, {name: "b"}, {name: "c"}}
		for i := range n {
			s := model.OK
			if i < 9 && i/3 < 3 {
				s = model.Warning
			}
			g := &list[i/3%3]
			g.services = append(g.services, service{id: fmt.Sprint(i), state: s})
		}
		size := plot.Rect{W: 746, H: 412}
		lay := layServices(list, size, 1)
		counted, warned := lay.more, 0
		for _, title := range lay.titles {
			counted += title.more
		}
		for i, b := range lay.boxes {
			if b.state == model.Warning {
				warned++
			}
			if b.Right() > size.W+1 || b.Bottom() > size.H+1 {
				t.Errorf("%d services: box %d stands out of the panel: %v", n, i, b.Rect)
			}
			for _, c := range lay.boxes[:i] {
				if b.X < c.Right() && c.X < b.Right() && b.Y < c.Bottom() && c.Y < b.Bottom() {
					t.Errorf("%d services: %v and %v overlap", n, b.Rect, c.Rect)
				}
			}
		}
		if counted += len(lay.boxes); counted != n || warned != min(n, 9) {
			t.Errorf("%d services: %d drawn or counted, %d of %d in trouble drawn", n, counted, warned, min(n, 9))
		}
	}
}
