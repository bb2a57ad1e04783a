package config

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/prometheus/common/model"
)

// decoder fills Go values from YAML nodes. It is stricter than the library's own decoder and
// finds all errors at once: every wrong key and value gets its place and the nearest known name.
type decoder struct {
	doc    *document
	errs   Errors
	budget int // nodes that may still be visited
	depth  int
	vars   map[string]string // what variables in texts stand for; nil where there are none
}

func newDecoder(doc *document) *decoder { return &decoder{doc: doc, budget: maxNodes} }

var (
	durationType = reflect.TypeFor[time.Duration]()
	rawType      = reflect.TypeFor[Raw]()
)

// decode fills into (addressable) from n. A key of a mapping that into does not know is an error
// unless it is in also.
func (d *decoder) decode(n ast.Node, into reflect.Value, also ...string) {
	d.depth++
	defer func() { d.depth-- }()
	if n = d.resolve(n); n == nil {
		return
	}
	if into.Type() == rawType {
		into.Set(reflect.ValueOf(Raw{doc: d.doc, node: n, vars: d.vars}))
		return
	}
	if _, null := n.(*ast.NullNode); null {
		return // "boards:" with nothing behind it is the same as no such key
	}
	if d.custom(n, into) {
		return
	}
	switch into.Kind() {
	case reflect.Pointer:
		into.Set(reflect.New(into.Type().Elem()))
		d.decode(n, into.Elem(), also...)
	case reflect.Struct:
		d.structure(n, into, also)
	case reflect.Map:
		d.mapping(n, into)
	case reflect.Slice:
		if items, ok := d.items(n); ok {
			into.Set(reflect.MakeSlice(into.Type(), len(items), len(items)))
			for i, item := range items {
				d.decode(item, into.Index(i))
			}
			if raws, ok := into.Interface().([]Raw); ok { // what an alias did not lead to is no part
				into.Set(reflect.ValueOf(slices.DeleteFunc(raws, func(r Raw) bool { return r.node == nil })))
			}
		}
	case reflect.Array:
		items, ok := d.items(n)
		if ok && len(items) != into.Len() {
			d.fail(n, "want a list of %d values, not %d", into.Len(), len(items))
			return
		}
		for i, item := range items {
			d.decode(item, into.Index(i))
		}
	case reflect.Interface:
		if v := d.generic(n); v != nil {
			into.Set(reflect.ValueOf(v))
		}
	default:
		d.scalar(n, into)
	}
}

// custom uses the type's own way of reading YAML or text, if it has one.
func (d *decoder) custom(n ast.Node, into reflect.Value) bool {
	if !into.CanAddr() || into.Type() == durationType {
		return false
	}
	switch u := into.Addr().Interface().(type) {
	case yaml.InterfaceUnmarshaler:
		err := u.UnmarshalYAML(func(v any) error {
			sub := &decoder{doc: d.doc, budget: d.budget, depth: d.depth, vars: d.vars}
			sub.decode(n, reflect.ValueOf(v).Elem())
			d.budget = sub.budget
			return sub.errs.orNil()
		})
		d.failWith(n, err)
	case encoding.TextUnmarshaler:
		s, ok := d.text(n)
		if !ok {
			d.fail(n, "want a text, not %s", what(n))
			return true
		}
		d.failWith(n, u.UnmarshalText([]byte(s)))
	default:
		return false
	}
	return true
}

// resolve looks through anchors, tags and aliases, and keeps the limits.
func (d *decoder) resolve(n ast.Node) ast.Node {
	for range maxDepth {
		d.budget--
		if d.budget == 0 {
			d.fail(n, "the file is too large once its aliases are expanded")
		}
		if d.budget <= 0 {
			return nil
		}
		if d.depth > maxDepth {
			d.fail(n, "is nested deeper than %d levels", maxDepth)
			return nil
		}
		switch v := n.(type) {
		case *ast.AnchorNode:
			n = v.Value
		case *ast.TagNode:
			n = v.Value
		case *ast.AliasNode:
			target, ok := d.doc.anchors[v.Value.String()]
			if !ok {
				d.fail(n, "alias *%s has no anchor &%s in this file", shorten(v.Value.String()), shorten(v.Value.String()))
				return nil
			}
			n = target
		default:
			return n
		}
		if n == nil {
			return nil
		}
	}
	d.fail(n, "the aliases go round in a circle")
	return nil
}

// entry is one key of a mapping.
type entry struct {
	name  string
	key   ast.Node
	value ast.Node
}

// entries lists the keys of a mapping; merge keys ("<<") give what the mapping itself has not.
func (d *decoder) entries(n ast.Node) ([]entry, bool) {
	m, ok := n.(ast.MapNode)
	if !ok {
		d.fail(n, "want keys and values, not %s", what(n))
		return nil, false
	}
	var list []entry
	var merged []ast.Node
	seen := map[string]ast.Node{}
	for it := m.MapRange(); it.Next(); {
		key := it.Key()
		if key.IsMergeKey() {
			merged = append(merged, it.Value())
			continue
		}
		name := key.GetToken().Value
		if first, twice := seen[name]; twice {
			d.fail(key, "%q stands here a second time: the first is in line %d", shorten(name), first.GetToken().Position.Line)
			continue
		}
		seen[name] = key
		list = append(list, entry{name, key, it.Value()})
	}
	for _, from := range merged {
		d.depth++
		if from = d.resolve(from); from != nil {
			inherited, _ := d.entries(from)
			for _, e := range inherited {
				if _, own := seen[e.name]; !own {
					seen[e.name] = e.key
					list = append(list, e)
				}
			}
		}
		d.depth--
	}
	return list, true
}

func (d *decoder) items(n ast.Node) ([]ast.Node, bool) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		d.fail(n, "want a list, not %s", what(n))
		return nil, false
	}
	return seq.Values, true
}

func (d *decoder) structure(n ast.Node, into reflect.Value, also []string) {
	list, ok := d.entries(n)
	if !ok {
		return
	}
	fields := map[string]field{}
	fieldsOf(into, fields)
	for _, e := range list {
		field, ok := fields[e.name]
		switch {
		case ok:
			d.decode(e.value, field.Value)
			if field.path && field.Kind() == reflect.String && field.Len() > 0 {
				field.SetString(expand(field.String(), d.doc.dir))
			}
		case !slices.Contains(also, e.name):
			known := slices.Clone(also)
			for name := range fields {
				known = append(known, name)
			}
			d.failWith(e.key, Unknown("key", e.name, known))
		}
	}
}

// field is what a key is read into.
type field struct {
	reflect.Value
	path bool // of a file: what is relative is so to the folder of the configuration. The tag's option is "path"
}

// fieldsOf lists the fields of a struct by their YAML names, inlined structs included.
func fieldsOf(v reflect.Value, fields map[string]field) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case !f.IsExported() || name == "-":
		case strings.Contains(options, "inline"):
			fieldsOf(v.Field(i), fields)
		case name == "":
			fields[strings.ToLower(f.Name)] = field{v.Field(i), strings.Contains(options, "path")}
		default:
			fields[name] = field{v.Field(i), strings.Contains(options, "path")}
		}
	}
}

func (d *decoder) mapping(n ast.Node, into reflect.Value) {
	list, ok := d.entries(n)
	if !ok {
		return
	}
	if into.Type().Key().Kind() != reflect.String {
		d.fail(n, "maps with keys other than text are not supported here")
		return
	}
	into.Set(reflect.MakeMapWithSize(into.Type(), len(list)))
	for _, e := range list {
		v := reflect.New(into.Type().Elem()).Elem()
		d.decode(e.value, v)
		into.SetMapIndex(reflect.ValueOf(e.name).Convert(into.Type().Key()), v)
	}
}

// generic turns a node into map[string]any, []any, string, bool, int64, uint64, float64 or nil.
func (d *decoder) generic(n ast.Node) any {
	d.depth++
	defer func() { d.depth-- }()
	if n = d.resolve(n); n == nil {
		return nil
	}
	switch v := n.(type) {
	case ast.MapNode:
		list, _ := d.entries(n)
		m := make(map[string]any, len(list))
		for _, e := range list {
			m[e.name] = d.generic(e.value)
		}
		return m
	case *ast.SequenceNode:
		s := make([]any, len(v.Values))
		for i, item := range v.Values {
			s[i] = d.generic(item)
		}
		return s
	case ast.ScalarNode:
		if s, ok := d.text(n); ok {
			return s
		}
		return v.GetValue()
	}
	return nil
}

func (d *decoder) scalar(n ast.Node, into reflect.Value) {
	if into.Type() == durationType {
		d.duration(n, into)
		return
	}
	switch into.Kind() {
	case reflect.String:
		s, ok := d.text(n)
		if !ok {
			d.fail(n, "want a text, not %s: put it in quotes", what(n))
			return
		}
		into.SetString(s)
	case reflect.Bool:
		b, ok := n.(*ast.BoolNode)
		if !ok {
			d.fail(n, "want true or false, not %s", what(n))
			return
		}
		into.SetBool(b.Value)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		i, ok := integer(n)
		if !ok || into.OverflowInt(i) {
			d.fail(n, "want a whole number, not %s", what(n))
			return
		}
		into.SetInt(i)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		i, ok := integer(n)
		if !ok || i < 0 || into.OverflowUint(uint64(i)) {
			d.fail(n, "want a whole number that is not negative and at most %d bits long, not %s", into.Type().Bits(), what(n))
			return
		}
		into.SetUint(uint64(i))
	case reflect.Float32, reflect.Float64:
		f, ok := n.(*ast.FloatNode)
		if ok {
			into.SetFloat(f.Value)
		} else if i, ok := integer(n); ok {
			into.SetFloat(float64(i))
		} else {
			d.fail(n, "want a number, not %s", what(n))
		}
	default:
		d.fail(n, "a value of type %s cannot be configured", into.Type())
	}
}

// duration reads Go's ("1m30s", "1.5s") and Prometheus' ("30d", "2w") notation.
func (d *decoder) duration(n ast.Node, into reflect.Value) {
	s, ok := d.text(n)
	if !ok {
		d.fail(n, "want a duration with its unit such as 30s or 5m, not %s", what(n))
		return
	}
	v, err := time.ParseDuration(s)
	if err != nil {
		days, perr := model.ParseDuration(s)
		if perr != nil {
			d.fail(n, "%q is not a duration: write it like 30s, 5m or 30d", shorten(s))
			return
		}
		v = time.Duration(days)
	}
	if v < 0 {
		d.fail(n, "a duration cannot be negative")
		return
	}
	into.SetInt(int64(v))
}

// text is a node's text with its variables filled in.
func (d *decoder) text(n ast.Node) (string, bool) {
	s, ok := text(n)
	if !ok || d.vars == nil {
		return s, ok
	}
	filled, err := substitute(s, d.vars)
	d.failWith(n, err)
	return filled, true
}

func text(n ast.Node) (string, bool) {
	switch v := n.(type) {
	case *ast.StringNode:
		return v.Value, true
	case *ast.LiteralNode:
		return v.Value.Value, true
	case *ast.MappingNode:
		if len(v.Values) == 1 && v.Start != nil && v.Start.Value == ":" { // without braces
			return text(v.Values[0])
		}
	case *ast.MappingValueNode:
		return colonText(v)
	}
	return "", false
}

// colonText mends how the parser reads host:port inside of flow braces: as a key and its value,
// although YAML 1.2 (7.3.3) wants a space behind the colon for that.
func colonText(v *ast.MappingValueNode) (string, bool) {
	value, ok := v.Value.(ast.ScalarNode)
	if !ok || v.Start == nil {
		return "", false
	}
	key, colon, val := v.Key.GetToken(), v.Start, value.GetToken()
	if colon.Position.Offset != key.Position.Offset+len(key.Value) || val.Position.Offset != colon.Position.Offset+1 {
		return "", false
	}
	return key.Value + ":" + val.Value, true
}

func integer(n ast.Node) (int64, bool) {
	v, ok := n.(*ast.IntegerNode)
	if !ok {
		return 0, false
	}
	switch i := v.Value.(type) {
	case int64:
		return i, true
	case uint64:
		return int64(i), i <= 1<<63-1
	}
	return 0, false
}

// what names a node's type and value for an error.
func what(n ast.Node) string {
	switch v := n.(type) {
	case ast.MapNode:
		return "keys and values"
	case *ast.SequenceNode:
		return "a list"
	case *ast.StringNode:
		return fmt.Sprintf("the text %q", shorten(v.Value))
	case *ast.LiteralNode:
		return "a text of several lines"
	case *ast.BoolNode:
		return fmt.Sprint(v.Value)
	case ast.ScalarNode:
		return "the number " + shorten(n.GetToken().Value)
	}
	return strings.ToLower(n.Type().String())
}

// fail notes an error at a node.
func (d *decoder) fail(n ast.Node, format string, args ...any) {
	d.errs = append(d.errs, d.doc.errorAt(n, fmt.Sprintf(format, args...)))
}

// failWith notes an error at a node unless it already knows its own place.
func (d *decoder) failWith(n ast.Node, err error) {
	if err == nil {
		return
	}
	d.errs = append(d.errs, d.doc.locate(n, err)...)
}

func (doc *document) errorAt(n ast.Node, msg string) *Error {
	e := &Error{File: doc.file, Msg: msg}
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return e
	}
	at := n.GetToken().Position
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 { // its own token is the first colon
		at = m.Values[0].Key.GetToken().Position
	}
	e.Line, e.Col = at.Line, at.Column
	return e
}

// locate gives err the place of n unless it has one.
func (doc *document) locate(n ast.Node, err error) Errors {
	var many Errors
	var one *Error
	switch {
	case errors.As(err, &many):
		return many
	case errors.As(err, &one):
		return Errors{one}
	}
	return Errors{doc.errorAt(n, err.Error())}
}

// list joins names for an error.
func list(names []string) string {
	return strings.Join(slices.Sorted(slices.Values(names)), ", ")
}
