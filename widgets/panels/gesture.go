package panels

import "github.com/nocturne-noc/nocturne/widgets/plot"

// Interactive is a panel that people handle: with the mouse, a finger, the keyboard.
type Interactive interface {
	Panel
	// Handle takes a gesture and reports whether the panel made use of it; what it shows is then out
	// of date. It returns at once, is safe beside Load, and is called from the main thread.
	Handle(g Gesture) bool
}

// Opener is a panel that people choose an entity within, and whose page they can ask for there.
type Opener interface {
	Interactive
	// Open returns the entity whose page the last gesture asked for, once; "" for none.
	Open() (entity string)
}

// GestureKind says what somebody did.
type GestureKind int

// The kinds of gestures.
const (
	Tap    GestureKind = iota // at a place
	Drag                      // to a place, by so much since the last one
	Drop                      // the end of a drag
	Scroll                    // the wheel at a place; By.Y above 0 is away from the person
	Key                       // a key, or a letter
	Leave                     // nobody has touched the wall for long: show what the board was made for
)

// Gesture is one thing that somebody did to a panel, in pixels of its body.
type Gesture struct {
	Kind   GestureKind
	At, By plot.Point
	Key    string // of a key: "Escape", "Return", "Left", ... as Fyne names them
	Rune   rune   // of a letter
}
