package alert

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

const (
	maxRuleFileBytes = 1 << 20
	builtinPrefix    = "builtin:" // before the name of an embedded rule file
)

// loader is a rules.GroupLoader for files on disk and for the embedded ones.
type loader struct {
	builtin fs.FS
	parser  parser.Parser
	log     *slog.Logger
}

// Load reads one rule file. Its errors carry file:line:column.
func (l loader) Load(name string, _ bool, scheme model.ValidationScheme) (*rulefmt.RuleGroups, []error) {
	content, err := l.read(name)
	if err != nil {
		return nil, []error{err}
	}
	groups, errs := rulefmt.Parse(content, false, scheme, l.parser, l.log)
	for i, err := range errs {
		errs[i] = fmt.Errorf("%s:%w", name, err)
	}
	return groups, errs
}

// Parse parses one PromQL expression.
func (l loader) Parse(query string) (parser.Expr, error) { return l.parser.ParseExpr(query) }

func (l loader) read(name string) ([]byte, error) {
	if embedded, ok := strings.CutPrefix(name, builtinPrefix); ok {
		return fs.ReadFile(l.builtin, embedded)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("rule file: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	if info, err := f.Stat(); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("rule file %s: is not a regular file", name)
	}
	content, err := io.ReadAll(io.LimitReader(f, maxRuleFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("rule file %s: %w", name, err)
	}
	if len(content) > maxRuleFileBytes {
		return nil, fmt.Errorf("rule file %s: is longer than %d bytes", name, maxRuleFileBytes)
	}
	return content, nil
}

// files lists the embedded rule files.
func (l loader) files() ([]string, error) {
	if l.builtin == nil {
		return nil, nil
	}
	var list []string
	for _, pattern := range []string{"*.yml", "*.yaml"} {
		names, err := fs.Glob(l.builtin, pattern)
		if err != nil {
			return nil, err
		}
		list = append(list, names...)
	}
	slices.Sort(list)
	for i, name := range list {
		list[i] = builtinPrefix + path.Clean(name)
	}
	return list, nil
}

// CheckFile validates a Prometheus rule file and returns how many rules it holds. Errors carry
// file:line:column, all of them joined.
func CheckFile(name string) (int, error) {
	l := loader{parser: parser.NewParser(parser.Options{}), log: slog.New(slog.DiscardHandler)}
	groups, errs := l.Load(name, false, model.UTF8Validation)
	if len(errs) > 0 {
		return 0, errors.Join(errs...)
	}
	rules := 0
	for _, g := range groups.Groups {
		rules += len(g.Rules)
	}
	return rules, nil
}
