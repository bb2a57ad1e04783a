package module

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v2"
)

// Auto is the name that stands for all modules whose rule fits the device.
const Auto = "auto"

const (
	// DefaultEvery is how often a module is read that has no rule.
	DefaultEvery = time.Minute
	// maxEvery is below the five minutes that PromQL looks back: what is read more seldom would come and go.
	maxEvery = 4 * time.Minute
)

// rule is one entry of match.yaml: the devices that a module is for.
type rule struct {
	Module   string        `yaml:"module"`
	ObjectID []string      `yaml:"sysObjectID"` // prefixes, one of which fits; empty fits all
	Answers  string        `yaml:"answers"`     // a subtree in which the agent has an object
	Every    time.Duration `yaml:"every"`
}

// Choice is a module that a source may run, with the devices that it is for.
type Choice struct {
	*Module
	Every     time.Duration
	Answers   OID   // nil: need not be asked
	objectIDs []OID // empty: all
}

// Fits reports whether a device's sysObjectID lets the module apply. Answers is for the caller to ask.
func (c *Choice) Fits(objectID OID) bool {
	return len(c.objectIDs) == 0 || slices.ContainsFunc(c.objectIDs, func(p OID) bool { return hasPrefix(objectID, p) })
}

// Set is modules and the rules that say when each applies.
type Set struct {
	lib   Library
	rules []Choice // in the order of the rules
}

// Open reads our own set: *.yml in dir of files, and the rules of match.yaml there.
func Open(files fs.FS, dir string) (*Set, error) {
	s := &Set{lib: Library{}}
	names, err := fs.Glob(files, path.Join(dir, "*.yml"))
	if err != nil {
		return nil, fmt.Errorf("modules: %w", err)
	}
	for _, name := range names {
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("modules: %w", err)
		}
		lib, _, err := Parse(name, data)
		if err != nil {
			return nil, err
		}
		if err := s.Add(name, lib); err != nil {
			return nil, err
		}
	}
	name := path.Join(dir, "match.yaml")
	data, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, fmt.Errorf("modules: %w", err)
	}
	return s, s.match(name, data)
}

// match reads the rules.
func (s *Set) match(name string, data []byte) error {
	var rules []rule
	if err := yaml.UnmarshalStrict(data, &rules); err != nil {
		return located(name, err)
	}
	for _, r := range rules {
		m := s.lib[r.Module]
		if m == nil {
			return fmt.Errorf("%s: %w", name, s.unknown(r.Module))
		}
		if r.Every == 0 {
			r.Every = DefaultEvery
		}
		if r.Every < 0 || r.Every > maxEvery {
			return fmt.Errorf("%s: module %s: every %s: want at most %s, or its values come and go", name, r.Module, r.Every, maxEvery)
		}
		c := Choice{Module: m, Every: r.Every}
		var err error
		if c.objectIDs, err = parseOIDs(r.ObjectID); err != nil {
			return fmt.Errorf("%s: module %s: sysObjectID: %w", name, r.Module, err)
		}
		if r.Answers != "" {
			if c.Answers, err = parseOID(r.Answers); err != nil {
				return fmt.Errorf("%s: module %s: answers: %w", name, r.Module, err)
			}
		}
		s.rules = append(s.rules, c)
	}
	return nil
}

// Add adds the modules of a file. A name may be in one file only.
func (s *Set) Add(name string, lib Library) error {
	for key, m := range lib {
		if s.lib[key] != nil {
			return fmt.Errorf("%s: module %s is there already, in another file: rename one of them", name, key)
		}
		s.lib[key] = m
	}
	return nil
}

// Replace is Add for a user's file, whose modules stand in for ours of the same name.
func (s *Set) Replace(lib Library) {
	for key, m := range lib {
		s.lib[key] = m
		for i := range s.rules {
			if s.rules[i].Name == key {
				s.rules[i].Module = m
			}
		}
	}
}

// Choose returns the modules of the given names. One that is named applies to all devices, one that
// comes by Auto to those that its rule says.
func (s *Set) Choose(names []string) ([]Choice, error) {
	var out []Choice
	for _, name := range names {
		if name == Auto {
			for _, r := range s.rules {
				if !slices.Contains(names, r.Name) {
					out = append(out, r)
				}
			}
			continue
		}
		m := s.lib[name]
		if m == nil {
			return nil, s.unknown(name)
		}
		c := Choice{Module: m, Every: DefaultEvery}
		if i := slices.IndexFunc(s.rules, func(r Choice) bool { return r.Name == name }); i >= 0 {
			c.Every = s.rules[i].Every
		}
		out = append(out, c)
	}
	return out, nil
}

func (s *Set) unknown(name string) error {
	known := sortedKeys(s.lib)
	if near := hint(name, append(known, Auto)); near != "" {
		return fmt.Errorf("module %.80q is unknown%s", name, near)
	}
	const some = 60
	list := strings.Join(known[:min(len(known), some)], ", ")
	return fmt.Errorf("module %.80q is unknown: there are auto, %s; further ones come from module_files", name, list)
}
