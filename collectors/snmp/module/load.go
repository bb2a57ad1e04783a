package module

import (
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/snmp_exporter/config"
	"go.yaml.in/yaml/v2"
)

// maxFile is far above the published file's 2 MB and far below what would hurt.
const maxFile = 32 << 20

// Library is modules by name.
type Library map[string]*Module

// file is snmp.yml. Its credentials are not ours: whatever is in auths is passed over.
type file struct {
	Auths   any                    `yaml:"auths"`
	Modules map[string]*moduleFile `yaml:"modules"`
	Version int                    `yaml:"version"`
}

// moduleFile is config.Module with the lookups of the newest published files. The sizes and the
// patience of its walk are read, but not used: ours adapt to the agent.
type moduleFile struct {
	Walk       []string               `yaml:"walk"`
	Get        []string               `yaml:"get"`
	Metrics    []*metricFile          `yaml:"metrics"`
	WalkParams config.WalkParams      `yaml:",inline"`
	Filters    []config.DynamicFilter `yaml:"filters"`
}

// metricFile is config.Metric.
type metricFile struct {
	Name            string                            `yaml:"name"`
	OID             string                            `yaml:"oid"`
	Type            string                            `yaml:"type"`
	Help            string                            `yaml:"help"`
	Indexes         []*config.Index                   `yaml:"indexes"`
	Lookups         []*lookupFile                     `yaml:"lookups"`
	RegexpExtracts  map[string][]config.RegexpExtract `yaml:"regex_extracts"`
	DateTimePattern string                            `yaml:"datetime_pattern"`
	EnumValues      map[int]string                    `yaml:"enum_values"`
	Offset          float64                           `yaml:"offset"`
	Scale           float64                           `yaml:"scale"`
	DisplayHint     string                            `yaml:"display_hint"`
}

// lookupFile is config.Lookup with what newer files have than the library of v0.30.1 knows: the names of
// an enumeration and, as in metrics, a DISPLAY-HINT.
type lookupFile struct {
	config.Lookup `yaml:",inline"`
	EnumValues    map[int]string `yaml:"enum_values"`
	DisplayHint   string         `yaml:"display_hint"`
}

// Load reads a module file from disk; see Parse.
func Load(path string) (lib Library, notes []string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, fmt.Errorf("module file: %w (is the path right? it is relative to where nocturne was started)", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, nil, fmt.Errorf("module file %s: %w", path, err)
	}
	return Parse(path, data)
}

// Parse reads a file in the format of snmp_exporter's snmp.yml
// (https://github.com/prometheus/snmp_exporter) and compiles its modules. It is strict: an unknown
// key, type or a malformed OID is an error, "name:line: ..." where the line is known. notes say what
// the file has that is not used.
func Parse(name string, data []byte) (lib Library, notes []string, err error) {
	if len(data) > maxFile {
		return nil, nil, fmt.Errorf("%s: larger than %d MB: split it", name, maxFile>>20)
	}
	var f file
	if err := unmarshal(data, &f); err != nil {
		return nil, nil, located(name, err)
	}
	if len(f.Modules) == 0 {
		return nil, nil, fmt.Errorf("%s: no modules: want a file as snmp_exporter's generator writes it, with modules: at its top", name)
	}
	if f.Auths != nil {
		notes = append(notes, name+": auths is not used: credentials are those of the source")
	}
	lib = make(Library, len(f.Modules))
	var errs []error
	for _, key := range sortedKeys(f.Modules) {
		m, err := compile(key, f.Modules[key])
		if err != nil {
			errs = append(errs, atLine(name, data, err))
			continue
		}
		lib[key] = m
	}
	return lib, notes, errors.Join(errs...)
}

// unmarshal is yaml.UnmarshalStrict; the library's panics on foreign bytes are errors.
func unmarshal(data []byte, into *file) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("yaml: %v", r)
		}
	}()
	return yaml.UnmarshalStrict(data, into)
}

var (
	yamlLine     = regexp.MustCompile(`^(?:yaml: )?line (\d+): ([\s\S]*)$`)
	unknownField = regexp.MustCompile(`^field (.+) not found in type \S+$`)
	fieldTwice   = regexp.MustCompile(`^(?:field|key) (.+) already set in (?:type|map).*$`)
)

// located puts the library's complaints into our words, each with file and line.
func located(name string, err error) error {
	lines := []string{err.Error()}
	var typed *yaml.TypeError
	if errors.As(err, &typed) {
		lines = typed.Errors
	}
	const enough = 10
	if len(lines) > enough {
		lines = append(lines[:enough:enough], fmt.Sprintf("and %d more", len(lines)-enough))
	}
	errs := make([]error, 0, len(lines))
	for _, line := range lines {
		at, text := name, strings.TrimPrefix(line, "yaml: ")
		if m := yamlLine.FindStringSubmatch(line); m != nil {
			at, text = name+":"+m[1], m[2]
		}
		if m := unknownField.FindStringSubmatch(text); m != nil {
			text = fmt.Sprintf("unknown key %.80q%s", m[1], hint(m[1], knownKeys()))
		}
		if m := fieldTwice.FindStringSubmatch(text); m != nil {
			text = fmt.Sprintf("key %.80q is there twice: remove one", strings.Trim(m[1], `"`))
		}
		errs = append(errs, fmt.Errorf("%s: %.300s", at, text))
	}
	return errors.Join(errs...)
}

// knownKeys are all keys that the format has.
func knownKeys() []string {
	var keys []string
	for _, t := range []any{file{}, moduleFile{}, config.WalkParams{}, metricFile{}, config.Index{}, config.Lookup{}, config.RegexpExtract{}, config.DynamicFilter{}} {
		for field := range reflect.TypeOf(t).Fields() {
			if key, _, _ := strings.Cut(field.Tag.Get("yaml"), ","); key != "" && !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
		}
	}
	return keys
}

// place is an error at one metric of one module.
type place struct {
	module string
	metric string // "" for the module itself
	err    error
}

func (p *place) Error() string {
	if p.metric == "" {
		return fmt.Sprintf("module %s: %v", p.module, p.err)
	}
	return fmt.Sprintf("module %s, metric %s: %v", p.module, p.metric, p.err)
}

func (p *place) Unwrap() error { return p.err }

// atLine finds the line of a place: the parsed values do not carry it, but the file's usual layout does.
func atLine(name string, data []byte, err error) error {
	var p *place
	if !errors.As(err, &p) {
		return fmt.Errorf("%s: %w", name, err)
	}
	head := regexp.MustCompile(`^\s*["']?` + regexp.QuoteMeta(p.module) + `["']?\s*:`)
	entry := regexp.MustCompile(`(?:^|[\s{])name:\s*["']?` + regexp.QuoteMeta(p.metric) + `["']?\s*(?:[,}#]|$)`)
	inside, line := false, 0
	for text := range strings.Lines(string(data)) {
		line++
		switch text = strings.TrimRight(text, "\r\n"); {
		case !inside && head.MatchString(text):
			if inside = true; p.metric == "" {
				return fmt.Errorf("%s:%d: %w", name, line, err)
			}
		case inside && p.metric != "" && entry.MatchString(text):
			return fmt.Errorf("%s:%d: %w", name, line, err)
		}
	}
	return fmt.Errorf("%s: %w", name, err)
}

// hint names the known word that is nearest, or all of a few.
func hint(word string, known []string) string {
	best, least := "", max(2, len(word)/3)+1
	for _, k := range known {
		if d := distance(word, k); d < least {
			best, least = k, d
		}
	}
	if best != "" {
		return fmt.Sprintf(", did you mean %s?", best)
	}
	return ""
}

// distance is Levenshtein's: the single-character edits that make b of a. Long words are far.
func distance(a, b string) int {
	const longest = 64
	if len(a) > longest {
		return longest
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// parseOID reads the dotted form, with or without the leading dot.
func parseOID(s string) (OID, error) {
	text := strings.TrimPrefix(s, ".")
	oid := make(OID, 0, 16)
	for part := range strings.SplitSeq(text, ".") {
		n, err := strconv.ParseUint(part, 10, 32)
		if err != nil || len(oid) == maxOIDLen {
			return nil, fmt.Errorf("%.80q is no OID: want numbers with dots between them, such as 1.3.6.1.2.1.2", s)
		}
		oid = append(oid, uint32(n))
	}
	return oid, nil
}
