package snmp

import (
	"context"
	"errors"
	"fmt"

	"github.com/nocturne-noc/nocturne/collectors/snmp/module"
)

const (
	getAtOnce      = 20       // objects in one GET
	maxModuleBytes = 16 << 20 // of one module's strings: an agent that never ends is cut off
)

// moduleAgent reads for modules, by the session's own walk: sizes that the agent bears, and what is
// only a part is told as such.
type moduleAgent struct{ s *session }

// Get implements module.Agent.
func (a moduleAgent) Get(ctx context.Context, oids []module.OID) ([]module.Object, error) {
	var out []module.Object
	for len(oids) > 0 {
		n := min(len(oids), getAtOnce)
		names := make([]OID, n)
		for i, oid := range oids[:n] {
			names[i] = oid
		}
		values, err := a.s.get(ctx, names...)
		if err != nil {
			return out, err
		}
		for i, v := range values {
			if v.Exists() {
				out = append(out, object(names[i], v))
			}
		}
		oids = oids[n:]
	}
	return out, nil
}

var errTooMuch = errors.New("it answers more than a module may hold")

// Walk implements module.Agent.
func (a moduleAgent) Walk(ctx context.Context, roots []module.OID, visit func(module.Object)) ([]string, error) {
	list := make([]OID, len(roots))
	for i, root := range roots {
		list[i] = root
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	size := 0
	warnings, err := walk(ctx, a.s, a.s.pace, list, func(_ int, vb VarBind) {
		if size += len(vb.Value.Bytes()); size > maxModuleBytes {
			cancel(errTooMuch)
			return
		}
		visit(object(vb.OID, vb.Value))
	})
	if errors.Is(context.Cause(ctx), errTooMuch) {
		return append(warnings, fmt.Sprintf("more than %d MB of strings; its rows are incomplete", maxModuleBytes>>20)), nil
	}
	if err != nil {
		return warnings, a.s.explain(err)
	}
	return warnings, nil
}

// object hands a value over. Strings are bounded, and do not hold on to the whole answer.
func object(oid OID, v Value) module.Object {
	o := module.Object{OID: oid, Type: v.Type, Value: v.raw}
	if b, ok := v.raw.([]byte); ok && len(b) > maxText {
		o.Value = append([]byte(nil), b[:maxText]...)
	}
	return o
}

// answers reports for each subtree whether the agent has an object in it.
func (a moduleAgent) answers(ctx context.Context, roots []module.OID) ([]bool, error) {
	out := make([]bool, 0, len(roots))
	for len(out) < len(roots) {
		rest := roots[len(out):]
		asked := make([]OID, min(len(rest), maxColumns))
		for i := range asked {
			asked[i] = rest[i]
		}
		found, err := a.next(ctx, asked)
		var refused *statusError
		if len(found) == 0 && len(asked) > 1 && (err == nil || errors.As(err, &refused)) {
			found, err = a.next(ctx, asked[:1]) // too many at once, or SNMPv1, which refuses all for the lack of one
		}
		switch {
		case errors.As(err, &refused) || err == nil && len(found) == 0:
			out = append(out, false)
		case err != nil:
			return nil, a.s.explain(err)
		}
		for i, vb := range found[:min(len(found), len(rest))] {
			out = append(out, vb.Value.Exists() && vb.OID.Under(asked[i]))
		}
	}
	return out, nil
}

// next asks for the successor of each OID, with the session's patience.
func (a moduleAgent) next(ctx context.Context, oids []OID) ([]VarBind, error) {
	for try := 0; ; try++ {
		answer, err := a.s.bulk(ctx, oids, 1, try)
		if _, last := a.s.patient(try); errors.Is(err, errTimeout) && ctx.Err() == nil && !last {
			continue
		}
		return answer[:min(len(answer), len(oids))], err
	}
}
