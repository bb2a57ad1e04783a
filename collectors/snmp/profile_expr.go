package snmp

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// operand is what an expression works on: a number, a text, or nothing, which is what an object
// that the agent does not have is. Whatever is computed with nothing is nothing.
type operand struct {
	kind   operandKind
	n      float64
	s      string
	octets []byte // of an OCTET STRING as it came
}

type operandKind uint8

const (
	nothing operandKind = iota
	number
	text
)

func num(n float64) operand {
	if math.IsNaN(n) || math.IsInf(n, 0) {
		return operand{}
	}
	return operand{kind: number, n: n}
}

func truth(b bool) operand {
	if b {
		return num(1)
	}
	return num(0)
}

// operandOf takes an agent's value as it came; octets are a text.
func operandOf(v Value) operand {
	if !v.Exists() {
		return operand{}
	}
	switch f := v.raw.(type) { // an Opaque of Net-SNMP
	case float32:
		return num(float64(f))
	case float64:
		return num(f)
	}
	if n, ok := v.Int(); ok {
		return num(float64(n))
	}
	if n, ok := v.Uint(); ok {
		return num(float64(n))
	}
	return operand{kind: text, s: v.Line(), octets: v.Bytes()}
}

// number is the operand's number; a text is read up to where it ends being one ("46.9 C").
func (o operand) number() (float64, bool) {
	if o.kind != text {
		return o.n, o.kind == number
	}
	m := leadingNumber.FindString(strings.TrimSpace(o.s))
	n, err := strconv.ParseFloat(m, 64)
	return n, err == nil
}

var leadingNumber = regexp.MustCompile(`^[+-]?\d+(\.\d+)?`)

// text is the operand as people read it.
func (o operand) text() string {
	switch o.kind {
	case number:
		return strconv.FormatFloat(o.n, 'f', -1, 64)
	case text:
		return o.s
	}
	return ""
}

func (o operand) true() bool { return o.kind == number && o.n != 0 || o.kind == text && o.s != "" }

// scope resolves the names in an expression.
type scope func(name string) operand

// compute is a compiled expression.
type compute func(scope) operand

// expression is written in Go's syntax, of which it knows: names, numbers, texts, ( ), + - * / %,
// comparisons, && || !, and the functions below. Comparisons and logic give 1 or 0; && and || take
// nothing for 0, so that a condition on what is not there is false.
//
//	first(a, b, ...)    the first that is there; an empty text is not
//	has(a)              whether it is there
//	log10(x) pow10(x) abs(x) min(a, b) max(a, b)
//	dbm(watts)          optical or radio power in dBm; nothing for no power
//	signed(x)           a negative number that the agent wrote as unsigned 32 bits
//	blocks(x)           a number of blocks that overran the 31 bits of its type
//	num(text)           the number that a text begins with
//	match(text, "re")   whether the regular expression fits
//	find(text, "re")    what its first group, or all of it, fits
//	octets(x)           the number that octets are, the first the highest (BITS, dates)
//	dot(a, b, ...)      an index of several parts
type expression struct {
	source string
	names  []string // that occur, in order
	eval   compute
}

// parseExpression compiles an expression.
func parseExpression(source string) (expression, error) {
	e := expression{source: source}
	if len(source) > maxExpression {
		return e, fmt.Errorf("an expression of %d bytes: at most %d are allowed", len(source), maxExpression)
	}
	tree, err := parser.ParseExpr(source)
	if err != nil {
		return e, fmt.Errorf("%q is no expression: %w", source, err)
	}
	if e.eval, err = e.compile(tree); err != nil {
		return e, fmt.Errorf("%q: %w", source, err)
	}
	return e, nil
}

const maxExpression = 1000

func (e *expression) compile(tree ast.Expr) (compute, error) {
	switch t := tree.(type) {
	case *ast.ParenExpr:
		return e.compile(t.X)
	case *ast.Ident:
		e.names = append(e.names, t.Name)
		return func(s scope) operand { return s(t.Name) }, nil
	case *ast.BasicLit:
		return literal(t)
	case *ast.UnaryExpr:
		return e.unary(t)
	case *ast.BinaryExpr:
		return e.binary(t)
	case *ast.CallExpr:
		return e.call(t)
	}
	return nil, fmt.Errorf("%T is not understood here", tree)
}

func literal(t *ast.BasicLit) (compute, error) {
	var o operand
	switch t.Kind {
	case token.INT, token.FLOAT:
		n, err := strconv.ParseFloat(t.Value, 64)
		if err != nil {
			return nil, fmt.Errorf("%s is no decimal number", t.Value)
		}
		o = num(n)
	case token.STRING:
		s, err := strconv.Unquote(t.Value)
		if err != nil {
			return nil, fmt.Errorf("%s is no text", t.Value)
		}
		o = operand{kind: text, s: s}
	default:
		return nil, fmt.Errorf("%s is neither number nor text", t.Value)
	}
	return func(scope) operand { return o }, nil
}

func (e *expression) unary(t *ast.UnaryExpr) (compute, error) {
	x, err := e.compile(t.X)
	if err != nil {
		return nil, err
	}
	switch t.Op {
	case token.NOT:
		return func(s scope) operand { return truth(!x(s).true()) }, nil
	case token.SUB:
		return numeric(func(n ...float64) float64 { return -n[0] }, x), nil
	}
	return nil, fmt.Errorf("%s is not understood here", t.Op)
}

// arithmetic are the operators on two numbers. A division by zero is nothing.
var arithmetic = map[token.Token]func(n ...float64) float64{
	token.ADD: func(n ...float64) float64 { return n[0] + n[1] },
	token.SUB: func(n ...float64) float64 { return n[0] - n[1] },
	token.MUL: func(n ...float64) float64 { return n[0] * n[1] },
	token.QUO: func(n ...float64) float64 { return n[0] / n[1] },
	token.REM: func(n ...float64) float64 { return math.Mod(n[0], n[1]) },
}

// comparisons say what the order of two operands must be.
var comparisons = map[token.Token]func(order int) bool{
	token.EQL: func(order int) bool { return order == 0 },
	token.NEQ: func(order int) bool { return order != 0 },
	token.LSS: func(order int) bool { return order < 0 },
	token.LEQ: func(order int) bool { return order <= 0 },
	token.GTR: func(order int) bool { return order > 0 },
	token.GEQ: func(order int) bool { return order >= 0 },
}

func (e *expression) binary(t *ast.BinaryExpr) (compute, error) {
	x, err := e.compile(t.X)
	if err != nil {
		return nil, err
	}
	y, err := e.compile(t.Y)
	if err != nil {
		return nil, err
	}
	switch t.Op {
	case token.LAND:
		return func(s scope) operand { return truth(x(s).true() && y(s).true()) }, nil
	case token.LOR:
		return func(s scope) operand { return truth(x(s).true() || y(s).true()) }, nil
	}
	if f, ok := arithmetic[t.Op]; ok {
		return numeric(f, x, y), nil
	}
	holds, ok := comparisons[t.Op]
	if !ok {
		return nil, fmt.Errorf("%s is not understood here", t.Op)
	}
	return func(s scope) operand {
		a, b := x(s), y(s)
		if a.kind == nothing || b.kind == nothing {
			return operand{}
		}
		if a.kind == text && b.kind == text {
			return truth(holds(strings.Compare(a.s, b.s)))
		}
		n, isA := a.number()
		m, isB := b.number()
		switch {
		case !isA || !isB:
			return operand{}
		case n < m:
			return truth(holds(-1))
		case n > m:
			return truth(holds(1))
		}
		return truth(holds(0))
	}, nil
}

// numeric lifts a function of numbers.
func numeric(f func(n ...float64) float64, args ...compute) compute {
	return func(s scope) operand {
		n := make([]float64, len(args))
		for i, arg := range args {
			var ok bool
			if n[i], ok = arg(s).number(); !ok {
				return operand{}
			}
		}
		return num(f(n...))
	}
}

// functions of numbers, by how many they take.
var functions = map[string]struct {
	args int
	f    func(n ...float64) float64
}{
	"log10":  {1, func(n ...float64) float64 { return math.Log10(n[0]) }},
	"pow10":  {1, func(n ...float64) float64 { return math.Pow(10, n[0]) }},
	"abs":    {1, func(n ...float64) float64 { return math.Abs(n[0]) }},
	"min":    {2, func(n ...float64) float64 { return min(n[0], n[1]) }},
	"max":    {2, func(n ...float64) float64 { return max(n[0], n[1]) }},
	"num":    {1, func(n ...float64) float64 { return n[0] }},
	"dbm":    {1, func(n ...float64) float64 { return 10 * math.Log10(n[0]*1000) }},
	"signed": {1, func(n ...float64) float64 { return float64(int32(uint32(int64(n[0])))) }},
	"blocks": {1, func(n ...float64) float64 {
		if n[0] < 0 && n[0] >= math.MinInt32 {
			return n[0] + 1<<32
		}
		return n[0]
	}},
}

func (e *expression) call(t *ast.CallExpr) (compute, error) {
	name, ok := t.Fun.(*ast.Ident)
	if !ok {
		return nil, errors.New("only functions can be called")
	}
	args := make([]compute, len(t.Args))
	for i, arg := range t.Args {
		var err error
		if args[i], err = e.compile(arg); err != nil {
			return nil, err
		}
	}
	if f, ok := functions[name.Name]; ok {
		if len(args) != f.args {
			return nil, fmt.Errorf("%s takes %d values, not %d", name.Name, f.args, len(args))
		}
		return numeric(f.f, args...), nil
	}
	if len(args) == 0 {
		return nil, fmt.Errorf("%s of nothing", name.Name)
	}
	switch name.Name {
	case "first":
		return func(s scope) operand {
			for _, arg := range args {
				if o := arg(s); o.kind == number || o.s != "" {
					return o
				}
			}
			return operand{}
		}, nil
	case "has":
		return func(s scope) operand { return truth(args[0](s).kind != nothing) }, nil
	case "octets":
		return func(s scope) operand { return bigEndian(args[0](s).octets) }, nil
	case "dot":
		return func(s scope) operand {
			parts := make([]string, len(args))
			for i, arg := range args {
				parts[i] = arg(s).text()
			}
			return operand{kind: text, s: strings.Join(parts, ".")}
		}, nil
	case "match", "find":
		return fitting(name.Name, t.Args, args)
	}
	return nil, fmt.Errorf("there is no function %s", name.Name)
}

// bigEndian reads up to six octets, which a float64 holds exactly.
func bigEndian(octets []byte) operand {
	if octets == nil || len(octets) > 6 {
		return operand{}
	}
	n := 0.0
	for _, b := range octets {
		n = n*256 + float64(b)
	}
	return num(n)
}

// fitting are the functions of a text and a regular expression.
func fitting(name string, trees []ast.Expr, args []compute) (compute, error) {
	if len(trees) != 2 {
		return nil, fmt.Errorf("%s takes a text and a regular expression", name)
	}
	lit, ok := trees[1].(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return nil, fmt.Errorf("the second of %s is a regular expression in quotes", name)
	}
	re, err := regexp.Compile(args[1](nil).s)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if name == "match" {
		return func(s scope) operand {
			o := args[0](s)
			if o.kind == nothing {
				return o
			}
			return truth(re.MatchString(o.text()))
		}, nil
	}
	return func(s scope) operand {
		m := re.FindStringSubmatch(args[0](s).text())
		if m == nil {
			return operand{}
		}
		return operand{kind: text, s: m[min(1, len(m)-1)]}
	}, nil
}

// template is a text with expressions in braces: "Fan {index1}". It is nothing but what its
// expressions are: where all of them are nothing, so is the text.
type template struct {
	source string
	names  []string
	parts  []part
}

// part is a plain text, or an expression.
type part struct {
	plain string
	eval  compute
}

func parseTemplate(source string) (template, error) {
	t := template{source: source}
	for rest := source; rest != ""; {
		before, after, found := strings.Cut(rest, "{")
		if before != "" {
			t.parts = append(t.parts, part{plain: before})
		}
		if !found {
			break
		}
		inside, after, found := strings.Cut(after, "}")
		if !found {
			return t, fmt.Errorf("%q: a brace is not closed", source)
		}
		e, err := parseExpression(inside)
		if err != nil {
			return t, err
		}
		t.parts, t.names = append(t.parts, part{eval: e.eval}), append(t.names, e.names...)
		rest = after
	}
	return t, nil
}

func (t *template) render(s scope) string {
	var b strings.Builder
	filled := len(t.names) == 0
	for _, p := range t.parts {
		if p.eval == nil {
			b.WriteString(p.plain)
			continue
		}
		value := p.eval(s).text()
		filled = filled || value != ""
		b.WriteString(value)
	}
	if !filled {
		return ""
	}
	return strings.TrimSpace(b.String())
}
