package snmp

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"github.com/nocturne-noc/nocturne/store/model"
)

// profile tells how one family of devices is recognised, what it is, and where it keeps the
// readings of its hardware. Profiles are files in profiles/, one a family; there is no code of a
// vendor's own. README.md beside them tells how one is written.
type profile struct {
	name string // of its file, without the ending

	Match  []matcher `yaml:"match"`  // any of them; none is for a profile that others use
	Use    []string  `yaml:"use"`    // profiles whose readings count after this one's own
	Alone  bool      `yaml:"alone"`  // the standard MIBs of this family say nothing of use
	Vendor string    `yaml:"vendor"` //
	OS     string    `yaml:"os"`     //

	Identity   []clue `yaml:"identity"`
	Processors []rule `yaml:"processors"`
	Memory     []rule `yaml:"memory"`
	Storage    []rule `yaml:"storage"`
	Sensors    []rule `yaml:"sensors"`
}

// matcher fits a device when all fits that it holds.
type matcher struct {
	SysObjectID []oidNode `yaml:"sysObjectID"` // subtrees, one of which it lies in
	SysDescr    pattern   `yaml:"sysDescr"`
	Answers     oidNode   `yaml:"answers"` // an object that the device has
	Vendor      string    `yaml:"vendor"`  // where it is not the profile's
	OS          string    `yaml:"os"`      // where it is not the profile's
}

// clue fills in what is not yet known of a device's identity. Without from, the fields are
// templates over the objects of get; with it, over the groups of its expression as well.
type clue struct {
	Get      map[string]oidNode `yaml:"get"`   // an instance, or a column of which the first filled cell counts
	From     textNode           `yaml:"from"`  // a template; {sysDescr}, {sysObjectID}, {sysName} and get's names are known
	Match    pattern            `yaml:"match"` // on from: its named groups are names too, and the fields of the same name
	Vendor   textNode           `yaml:"vendor"`
	OS       textNode           `yaml:"os"`
	Version  textNode           `yaml:"version"`
	Hardware textNode           `yaml:"hardware"`
	Serial   textNode           `yaml:"serial"`
	Entity   bool               `yaml:"entity"` // here ENTITY-MIB has its say, which it has at the end otherwise
}

// fields are those of an Identity by their names in a profile.
func (c *clue) fields() map[string]*template {
	return map[string]*template{
		"vendor": &c.Vendor.template, "os": &c.OS.template, "version": &c.Version.template,
		"hardware": &c.Hardware.template, "serial": &c.Serial.template,
	}
}

// rule makes one kind of reading: each row of a table, or the objects of get, makes one.
//
// The names known to its expressions are those of columns, fixed, get and the joins, and index (the
// whole instance, dotted), index1, index2, ... (its parts), and port (the name of the interface
// whose ifIndex is index1).
type rule struct {
	Table   oidNode            `yaml:"table"`   // the conceptual row
	Columns map[string]uint32  `yaml:"columns"` // read at each round
	Fixed   map[string]uint32  `yaml:"fixed"`   // read once, like names and units
	Get     map[string]oidNode `yaml:"get"`     // scalars, read at each round
	Join    []join             `yaml:"join"`    // other tables, read once

	Name     textNode `yaml:"name"`
	When     exprNode `yaml:"when"`     // else the row is left out
	Fallback bool     `yaml:"fallback"` // only if the readings before it in the list gave nothing

	// Percent is the use of a processor, 0 to 100. Of memory and storage, what the device tells of
	// the four is enough: two sizes in bytes, or the percentage alone.
	Percent exprNode `yaml:"percent"`
	Used    exprNode `yaml:"used"`
	Free    exprNode `yaml:"free"`
	Total   exprNode `yaml:"total"`

	Class   string           `yaml:"class"`    // of a sensor
	ClassOf exprNode         `yaml:"class_of"` // or a number that says the class,
	Classes map[int64]string `yaml:"classes"`  // by these; rows with another number are left out
	Value   exprNode         `yaml:"value"`    // of a sensor, in its class's unit
	States  map[int64]string `yaml:"states"`   // "ok", "warning", "critical" or "unknown", and a word if it has one
	StateOf exprNode         `yaml:"state_of"` // what States judges; Value without it
	Warn    exprNode         `yaml:"warn"`     // a condition that makes a warning
	Crit    exprNode         `yaml:"crit"`     // a condition that makes it critical

	states map[int64]verdict
}

// join adds columns of another table to each row.
type join struct {
	Table   oidNode           `yaml:"table"`
	By      exprNode          `yaml:"by"` // the index there; without it, the same index
	Columns map[string]uint32 `yaml:"columns"`
}

// verdict is what one value of an enumeration means.
type verdict struct {
	state model.State
	word  string
}

// The nodes of the file that are compiled while they are decoded, so that an error has its line.
type (
	oidNode  struct{ OID }
	exprNode struct{ *expression }
	textNode struct{ template }
	pattern  struct{ *regexp.Regexp }
)

func (o *oidNode) UnmarshalYAML(n ast.Node) (err error) {
	o.OID, err = ParseOID(scalarOf(n))
	return at(n, err)
}

func (e *exprNode) UnmarshalYAML(n ast.Node) error {
	parsed, err := parseExpression(scalarOf(n))
	e.expression = &parsed
	return at(n, err)
}

func (t *textNode) UnmarshalYAML(n ast.Node) (err error) {
	t.template, err = parseTemplate(scalarOf(n))
	return at(n, err)
}

func (p *pattern) UnmarshalYAML(n ast.Node) (err error) {
	p.Regexp, err = regexp.Compile(scalarOf(n))
	return at(n, err)
}

func scalarOf(n ast.Node) string {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value
	case *ast.LiteralNode:
		return n.Value.Value
	case *ast.AnchorNode:
		return scalarOf(n.Value)
	}
	return n.String()
}

func at(n ast.Node, err error) error {
	if err == nil {
		return nil
	}
	return &yaml.SyntaxError{Message: err.Error(), Token: n.GetToken()}
}

// maxProfile bounds a profile's file, in bytes.
const maxProfile = 1 << 18

// parseProfile reads one profile strictly. Errors carry the file's name, line and column.
func parseProfile(file string, data []byte) (*profile, error) {
	if len(data) > maxProfile {
		return nil, fmt.Errorf("%s: %d bytes: a profile has at most %d", file, len(data), maxProfile)
	}
	p := &profile{name: strings.TrimSuffix(path.Base(file), path.Ext(file))}
	if err := yaml.UnmarshalWithOptions(data, p, yaml.Strict()); err != nil {
		var detail yaml.Error
		if errors.As(err, &detail) && detail.GetToken() != nil {
			pos := detail.GetToken().Position
			return nil, fmt.Errorf("%s:%d:%d: %s", file, pos.Line, pos.Column, detail.GetMessage())
		}
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if err := p.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return p, nil
}

//go:embed profiles/*.yaml
var profileFiles embed.FS

// catalogue is all profiles by name, those of the standard MIBs apart.
type catalogue struct {
	byName   map[string]*profile
	standard []*profile // in the order in which they are asked
}

// standardProfiles are asked of every device, after the profile of its family.
var standardProfiles = []string{"host_resources", "ucd_snmp", "entity_sensor", "entity_state", "ups_mib", "printer_mib", "poe_mib"}

// builtin is the catalogue of this program. That it loads is what its test holds.
var builtin = sync.OnceValues(func() (*catalogue, error) { return loadCatalogue(profileFiles, standardProfiles) })

// loadCatalogue reads all profiles of a folder.
func loadCatalogue(files fs.FS, standard []string) (*catalogue, error) {
	c := &catalogue{byName: map[string]*profile{}}
	names, err := fs.Glob(files, "profiles/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("profiles: %w", err)
	}
	for _, name := range names {
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("profiles: %w", err)
		}
		p, err := parseProfile(name, data)
		if err != nil {
			return nil, err
		}
		c.byName[p.name] = p
	}
	for _, p := range c.byName {
		for _, used := range p.Use {
			if c.byName[used] == nil {
				return nil, fmt.Errorf("profile %s uses %q, which does not exist", p.name, used)
			}
		}
	}
	for _, name := range standard {
		p := c.byName[name]
		if p == nil {
			return nil, fmt.Errorf("there is no profile %s of the standard MIBs", name)
		}
		c.standard = append(c.standard, p)
	}
	return c, nil
}

// candidate is a matcher that fits a device by what it said, and its profile.
type candidate struct {
	profile *profile
	matcher *matcher
}

// candidates are the profiles that fit what a device says it is, the most specific first: the one
// that asks for more than sysObjectID, then the one with the longest of that.
func (c *catalogue) candidates(s System) []candidate {
	type ranked struct {
		candidate
		rank [2]int
	}
	var list []ranked
	for _, p := range c.byName {
		for i := range p.Match {
			m := &p.Match[i]
			if rank, ok := m.fits(s); ok {
				list = append(list, ranked{candidate{p, m}, rank})
			}
		}
	}
	slices.SortFunc(list, func(a, b ranked) int {
		return cmp.Or(slices.Compare(b.rank[:], a.rank[:]), strings.Compare(a.profile.name, b.profile.name))
	})
	out := make([]candidate, len(list))
	for i := range list {
		out[i] = list[i].candidate
	}
	return out
}

func (m *matcher) fits(s System) (rank [2]int, ok bool) {
	for _, root := range m.SysObjectID {
		if slices.Equal(s.ObjectID, root.OID) || s.ObjectID.Under(root.OID) {
			rank[1] = max(rank[1], len(root.OID))
		}
	}
	if len(m.SysObjectID) > 0 && rank[1] == 0 {
		return rank, false
	}
	if m.SysDescr.Regexp != nil {
		if !m.SysDescr.MatchString(s.Descr) {
			return rank, false
		}
		rank[0]++
	}
	if m.Answers.OID != nil {
		rank[0]++
	}
	return rank, true
}

// chain is the profile, those it uses, and those of the standard MIBs, each once.
func (c *catalogue) chain(p *profile) []*profile {
	var list []*profile
	var add func(p *profile)
	add = func(p *profile) {
		if slices.Contains(list, p) {
			return
		}
		list = append(list, p)
		for _, used := range p.Use {
			add(c.byName[used])
		}
	}
	if p != nil {
		add(p)
		if p.Alone {
			return list
		}
	}
	for _, s := range c.standard {
		add(s)
	}
	return list
}
