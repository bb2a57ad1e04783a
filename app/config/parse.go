package config

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Limits on what is read: a wall of any size is far below them, and a hostile file is not allowed
// to eat the memory.
const (
	maxFileBytes = 1 << 20
	maxDepth     = 40      // of nesting
	maxNodes     = 200_000 // visited while decoding, aliases expanded
	maxAliases   = 1_000
)

// document is one parsed YAML file.
type document struct {
	file    string
	dir     string   // which relative paths start from
	root    ast.Node // nil for an empty file
	anchors map[string]ast.Node
}

// parse reads the one YAML document of a file.
func parse(file string, data []byte) (doc *document, err error) {
	fail := func(format string, args ...any) error {
		return Errors{{File: file, Msg: fmt.Sprintf(format, args...)}}
	}
	if len(data) > maxFileBytes {
		return nil, fail("has %d bytes: a configuration has at most %d", len(data), maxFileBytes)
	}
	if line, ok := nestsTooDeep(string(data)); ok {
		return nil, Errors{{File: file, Line: line, Col: 1, Msg: fmt.Sprintf("is nested deeper than %d levels", maxDepth)}}
	}
	// The parser is foreign code on foreign bytes: a bug of its own must not end the wall.
	defer func() {
		if r := recover(); r != nil {
			doc, err = nil, fail("is not YAML that can be read (%v)", r)
		}
	}()
	// Duplicate keys are found while decoding, so that all of them are reported.
	tree, err := parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, Errors{syntaxError(file, err)}
	}
	doc = &document{file: file, anchors: map[string]ast.Node{}}
	for _, d := range tree.Docs {
		if d.Body == nil {
			continue
		}
		if doc.root != nil {
			return nil, fail("holds more than one YAML document: remove the \"---\" between them")
		}
		doc.root = d.Body
	}
	if doc.root != nil {
		aliases := 0
		ast.Walk(visit(func(n ast.Node) {
			switch n := n.(type) {
			case *ast.AnchorNode:
				doc.anchors[n.Name.String()] = n.Value
			case *ast.AliasNode:
				aliases++
			}
		}), doc.root)
		if aliases > maxAliases {
			return nil, fail("uses %d aliases: at most %d are allowed", aliases, maxAliases)
		}
	}
	return doc, nil
}

// visit adapts a function to ast.Visitor.
type visit func(ast.Node)

func (v visit) Visit(n ast.Node) ast.Visitor {
	v(n)
	return v
}

// syntaxError turns the parser's error into one with a place.
func syntaxError(file string, err error) *Error {
	var located yaml.Error
	if errors.As(err, &located) && located.GetToken() != nil {
		at := located.GetToken().Position
		return &Error{File: file, Line: at.Line, Col: at.Column, Msg: "is not YAML: " + located.GetMessage()}
	}
	return &Error{File: file, Msg: "is not YAML: " + err.Error()}
}

// nestsTooDeep finds, before the recursive parser runs, a file whose nesting would exhaust the
// stack. It counts openers naively, also in quoted text: real files are far below the limit.
func nestsTooDeep(data string) (line int, deep bool) {
	open, line := 0, 0
	for text := range strings.Lines(data) {
		line++
		markers := 0 // of block sequences, explicit keys, tags and anchors that start a line
		for _, word := range strings.Fields(text) {
			if c := word[0]; word == "-" || word == "?" || word == ":" || c == '!' || c == '&' {
				markers++
			} else {
				break
			}
		}
		for _, c := range []byte(text) {
			switch c {
			case '[', '{':
				open++
			case ']', '}':
				open = max(0, open-1)
			}
			if open+markers > maxDepth {
				return line, true
			}
		}
		if indent := len(text) - len(strings.TrimLeft(text, " ")); indent > 20*maxDepth {
			return line, true
		}
	}
	return 0, false
}
