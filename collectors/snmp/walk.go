package snmp

import (
	"context"
	"errors"
	"fmt"

	"github.com/gosnmp/gosnmp"
)

// requester sends single requests to one agent. It is what a walk needs of a session.
type requester interface {
	// bulk asks for reps successors of each OID; the answer interleaves them. An SNMPv1 agent is
	// asked by GetNext and gives one of each. try counts the unanswered requests before this one. The
	// answer holds until the next request.
	bulk(ctx context.Context, oids []OID, reps, try int) ([]VarBind, error)
	// patient reports whether a try waits for the full timeout, and whether it is the last one.
	patient(try int) (full, last bool)
}

// statusError is an agent's refusal: the error-status and error-index of RFC 3416, section 3.
type statusError struct {
	status gosnmp.SNMPError
	index  int // 1-based index into the request, 0 for none
}

func (e *statusError) Error() string { return fmt.Sprintf("the agent answered %s", e.status) }

// errTimeout says that one request was not answered in time.
var errTimeout = errors.New("no answer")

// The sizes of GETBULK requests. Agents are known that skip rows above 55 repetitions and that
// time out at 50; answers of about 50 objects mostly fit into one Ethernet frame or two.
const (
	maxVarBinds    = 50
	maxColumns     = 10
	maxRepetitions = 25
	growAfter      = 16      // answers in a row before a reduced size is doubled again
	fullTries      = 4       // full timeouts in a row, each with a quarter of the size, before an agent is given up
	maxTableObject = 200_000 // of one walk: an agent that never ends is cut off
)

// pace is how much an agent bears in one answer, learnt and kept over walks.
type pace struct {
	budget  int // objects in one answer
	columns int // OIDs in one request
	good    int // answers in a row
}

func newPace() *pace { return &pace{budget: maxVarBinds, columns: maxColumns} }

func (p *pace) reps(columns int) int { return max(1, min(maxRepetitions, p.budget/columns)) }

// shrink halves the repetitions, then the columns; false when nothing is left to halve.
func (p *pace) shrink(columns int) bool {
	p.good = 0
	if reps := p.reps(columns); reps > 1 {
		p.budget = reps / 2 * columns
		return true
	}
	if columns > 1 {
		p.columns = columns / 2
		p.budget = p.columns
		return true
	}
	return false
}

// answered doubles a reduced size again after a while: what looked like a size that is too large
// may have been a lost packet.
func (p *pace) answered() {
	if p.good++; p.good >= growAfter {
		p.good = 0
		p.columns = min(maxColumns, p.columns*2)
		p.budget = min(maxVarBinds, p.budget*2)
	}
}

// column is one subtree on its way.
type column struct {
	root   OID
	cursor OID
	done   bool
}

// walk visits all objects under each root, several roots in one request. It returns warnings
// where an agent refuses, loops or never ends: what was visited is then only a part. An error
// means that the agent fell silent or spoke nonsense.
func walk(ctx context.Context, c requester, p *pace, roots []OID, visit func(col int, vb VarBind)) (warnings []string, err error) {
	cols := make([]*column, len(roots))
	at := make(map[*column]int, len(roots))
	for i, root := range roots {
		cols[i] = &column{root: root, cursor: root}
		at[cols[i]] = i
	}
	warn := func(c *column, format string, args ...any) {
		c.done = true
		warnings = append(warnings, fmt.Sprintf("%s: %s; its rows are incomplete", objectName(c.root), fmt.Sprintf(format, args...)))
	}
	objects, silent, fulls := 0, 0, 0
	for {
		active := unfinished(cols, p.columns)
		if len(active) == 0 {
			return warnings, nil
		}
		if err := ctx.Err(); err != nil {
			return warnings, err
		}
		answer, err := c.bulk(ctx, cursors(active), p.reps(len(active)), silent)
		var refused *statusError
		switch {
		case errors.Is(err, errTimeout):
			full, last := c.patient(silent)
			if full { // not just a lost packet: perhaps the answer is too much for the agent
				fulls++
				p.shrink(len(active))
				p.shrink(min(len(active), p.columns))
			}
			if last && fulls >= fullTries {
				return warnings, err
			}
			silent++
			continue
		case errors.As(err, &refused) && refused.status == gosnmp.TooBig, err == nil && len(answer) == 0:
			if !p.shrink(len(active)) {
				warn(active[0], "one row alone is too big for the agent")
			}
			continue
		case errors.As(err, &refused):
			refuse(active, refused, p, warn)
			continue
		case err != nil:
			return warnings, err
		}
		silent, fulls = 0, 0
		p.answered()
		for i, vb := range answer {
			col := active[i%len(active)]
			switch {
			case col.done:
			case vb.Value.Exception() || !vb.OID.Under(col.root):
				col.done = true
			case vb.OID.Compare(col.cursor) <= 0:
				warn(col, "the agent goes back from %s to %s", col.cursor, vb.OID)
			default:
				col.cursor = vb.OID
				objects++
				if vb.Value.Exists() {
					visit(at[col], vb)
				}
			}
		}
		if objects > maxTableObject {
			for _, col := range unfinished(cols, len(cols)) {
				warn(col, "more than %d objects", maxTableObject)
			}
		}
	}
}

// refuse ends the column that the agent will not go on with. SNMPv1 says noSuchName where a table
// is the last of the agent's objects: that is its regular end.
func refuse(active []*column, e *statusError, p *pace, warn func(*column, string, ...any)) {
	i := e.index - 1
	if i < 0 || i >= len(active) {
		if len(active) > 1 { // which of them it was shows when they are asked one by one
			p.columns, p.good = 1, 0
			return
		}
		i = 0
	}
	if e.status == gosnmp.NoSuchName {
		active[i].done = true
		return
	}
	warn(active[i], "the agent answered %s after %s", e.status, active[i].cursor)
}

func unfinished(cols []*column, limit int) []*column {
	active := make([]*column, 0, limit)
	for _, c := range cols {
		if !c.done && len(active) < limit {
			active = append(active, c)
		}
	}
	return active
}

func cursors(cols []*column) []OID {
	oids := make([]OID, len(cols))
	for i, c := range cols {
		oids[i] = c.cursor
	}
	return oids
}
