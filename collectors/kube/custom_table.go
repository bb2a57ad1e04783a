package kube

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// kindPattern names kinds of custom resources: "group", "*.group" for its subdomains too, or either
// with "/Kind"; "*" is all.
type kindPattern string

func (p kindPattern) matches(gk schema.GroupKind) bool {
	group, kind, one := strings.Cut(string(p), "/")
	if one && kind != gk.Kind {
		return false
	}
	if domain, wild := strings.CutPrefix(group, "*."); wild {
		return gk.Group == domain || strings.HasSuffix(gk.Group, "."+domain)
	}
	return group == "*" || group == gk.Group
}

func (p kindPattern) check() error {
	group, kind, one := strings.Cut(string(p), "/")
	if group == "" || one && kind == "" || strings.ContainsAny(kind, "/*") || strings.Contains(strings.TrimPrefix(group, "*"), "*") {
		return fmt.Errorf("%q: want a group such as example.com, *.example.com, or one kind of it such as example.com/Widget", p)
	}
	return nil
}

// matchesAny reports whether one of the patterns names the kind.
func matchesAny(patterns []kindPattern, gk schema.GroupKind) bool {
	return slices.ContainsFunc(patterns, func(p kindPattern) bool { return p.matches(gk) })
}

func checkKinds(patterns []kindPattern) error {
	var failed []error
	for _, p := range patterns {
		failed = append(failed, p.check())
	}
	return errors.Join(failed...)
}

// parseTable decodes a YAML list strictly, one entry after the other. check completes an entry and
// says what is wrong with it. Errors carry file:line.
func parseTable[T any](name string, data []byte, check func(*T) error) ([]T, error) {
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	var out []T
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		list, ok := doc.Body.(*ast.SequenceNode)
		if !ok {
			return nil, fmt.Errorf("%s:%d: want a list", name, doc.Body.GetToken().Position.Line)
		}
		for _, node := range list.Values {
			var entry T
			err := yaml.NodeToValue(node, &entry, yaml.Strict())
			if err == nil {
				err = check(&entry)
			}
			if err != nil {
				return nil, fmt.Errorf("%s:%d: %w", name, lineOf(node, err), err)
			}
			out = append(out, entry)
		}
	}
	return out, nil
}

// lineOf is where an entry is wrong, as exactly as the error knows.
func lineOf(node ast.Node, err error) int {
	var at yaml.Error
	if errors.As(err, &at) && at.GetToken() != nil {
		return at.GetToken().Position.Line
	}
	return node.GetToken().Position.Line
}
