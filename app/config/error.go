package config

import (
	"fmt"
	"strings"
)

// Error is one thing that is wrong with a file, and where.
type Error struct {
	File      string
	Line, Col int // 1-based; 0 when the place is the file as a whole
	Msg       string
}

// Error returns "file:line:col: message".
func (e *Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.File, e.Msg)
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Col, e.Msg)
}

// Errors is everything that is wrong with a file, in the order of its lines.
type Errors []*Error

// Error returns one line per error.
func (es Errors) Error() string {
	lines := make([]string, len(es))
	for i, e := range es {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap lets errors.As find a single Error.
func (es Errors) Unwrap() []error {
	list := make([]error, len(es))
	for i, e := range es {
		list[i] = e
	}
	return list
}

// orNil keeps an empty list from becoming an error that is not nil.
func (es Errors) orNil() error {
	if len(es) == 0 {
		return nil
	}
	return es
}
