package app

import "slices"

// opened is a page on the stack, and which of its sheets is shown.
type opened struct {
	Page
	sheet int
}

// mostPages is how deep pages are stacked; the oldest makes room.
const mostPages = 16

// openPage shows the page of an entity over what is shown.
func (w *Wall) openPage(id string) {
	w.mu.Lock()
	pages, again := w.pages, len(w.stack) > 0 && w.stack[len(w.stack)-1].Entity == id
	w.mu.Unlock()
	if again {
		return
	}
	page, err := pages.Open(w.o.Source, id)
	if err != nil {
		w.o.Log.Warn("no page is opened", "entity", id, "error", err)
		return
	}
	w.mu.Lock()
	if len(w.stack) == mostPages {
		w.stack = slices.Delete(w.stack, 0, 1)
	}
	sheet := max(0, page.Sheet(w.sheets[page.of]))
	w.stack = append(w.stack, opened{page, sheet})
	w.hands = handsStand
	w.mu.Unlock()
	w.rebuild()
}

// back goes from a page to what it was opened on, and reports whether there was one.
func (w *Wall) back() bool {
	w.mu.Lock()
	n := len(w.stack)
	if n > 0 {
		w.stack[n-1] = opened{}
		w.stack = w.stack[:n-1]
		w.hands = handsStand
	}
	w.mu.Unlock()
	if n > 0 {
		w.rebuild()
	}
	return n > 0
}

// closePages goes back to the board.
func (w *Wall) closePages() {
	w.mu.Lock()
	open := len(w.stack) > 0
	w.stack = nil
	w.mu.Unlock()
	if open {
		w.rebuild()
	}
}

// turnSheet goes by sheets of the page that is open, round and round, and reports whether it has several.
func (w *Wall) turnSheet(by int) bool {
	w.mu.Lock()
	to := 0
	if top := len(w.stack) - 1; top >= 0 {
		n := len(w.stack[top].Sheets)
		to = ((w.stack[top].sheet+by)%n + n) % n
	}
	w.mu.Unlock()
	return w.showSheet(to)
}

// showSheet shows a sheet of the page that is open and remembers it for pages of the same kind. It reports
// whether the page has several: then arrows and digits are theirs.
func (w *Wall) showSheet(i int) bool {
	w.mu.Lock()
	top := len(w.stack) - 1
	if top < 0 || len(w.stack[top].Sheets) < 2 {
		w.mu.Unlock()
		return false
	}
	page := &w.stack[top]
	changes := i >= 0 && i < len(page.Sheets) && i != page.sheet
	if changes {
		page.sheet = i
		w.sheets[page.of] = page.Sheets[i].Name
		w.hands = handsStand
	}
	w.mu.Unlock()
	if changes {
		w.rebuild()
	}
	return true
}
