package app

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml"

	"github.com/nocturne-noc/nocturne/collectors/snmp"
)

// SaveSources writes what discovery found into a new file that people review and then run with, or copy into
// their configuration: one source with a line for each device, and those that accept no credentials
// as comments. Secrets are written as the references they were given as, and never themselves. What exists
// already is not written over.
func SaveSources(path, name string, f SNMPFlags, results []SNMPResult) error {
	text, err := sourcesText(name, f, results)
	if err != nil {
		return err
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("--save: %w", err)
	}
	if _, err := os.Stat(abs); err == nil {
		return fmt.Errorf("--save: %s exists already: name another file, or remove it", path)
	}
	if err := writeFile(abs, []byte(text)); err != nil {
		return fmt.Errorf("--save: %w", err)
	}
	return nil
}

// sourcesText is the content of that file.
func sourcesText(name string, f SNMPFlags, results []SNMPResult) (string, error) {
	logins, _, err := f.logins()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# Found by discovery. Review it, remove what is not to be polled, and run nocturne check config on it.")
	line("sources:")
	line("- kind: snmp")
	line("  name: %s", quoted(name))
	if logins, err := referenced(logins); err != nil {
		return "", err
	} else if logins != "" {
		b.WriteString(logins)
	}
	var polled, refused []string
	for _, r := range results {
		if r.Err != nil {
			refused = append(refused, fmt.Sprintf("  # - %s # %s", quoted(r.Target.String()), comment(r.Err.Error())))
			continue
		}
		d := r.Report.Device
		polled = append(polled, strings.TrimRight(fmt.Sprintf("  - %s # %s", quoted(r.Target.String()),
			comment(strings.Join([]string{d.SysName, d.Vendor, d.Hardware, d.OS, d.Version}, " "))), " #"))
	}
	if len(polled) == 0 {
		return "", fmt.Errorf("--save: no device told what it is: nothing is written")
	}
	line("  targets:")
	line("%s", strings.Join(polled, "\n"))
	if len(refused) > 0 {
		line("  # These gave no answer to any of the credentials:")
		line("%s", strings.Join(refused, "\n"))
	}
	return b.String(), nil
}

// referenced writes the credentials with references in place of secrets that were given as such.
func referenced(logins []snmp.Login) (string, error) {
	for i := range logins {
		l := &logins[i]
		for _, s := range []struct {
			secret *string
			name   string
		}{
			{&l.Community, "COMMUNITY"}, {&l.Auth.Password, "AUTH"}, {&l.Priv.Password, "PRIV"},
		} {
			if *s.secret != "" && !isReference(*s.secret) {
				*s.secret = fmt.Sprintf("env:SNMP_%s_%d", s.name, i+1)
			}
		}
	}
	if len(logins) == 1 && logins[0] == (snmp.Login{}) {
		return "", nil
	}
	text, err := yaml.MarshalWithOptions(map[string][]snmp.Login{"credentials": logins}, yaml.IndentSequence(true))
	if err != nil {
		return "", fmt.Errorf("--save: credentials: %w", err)
	}
	return "  " + strings.ReplaceAll(strings.TrimRight(string(text), "\n"), "\n", "\n  ") + "\n", nil
}

// quoted is a text as YAML.
func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(comment(s)) + `"`
}

const maxComment = 300

// comment makes foreign text fit for one line: it must not end it.
func comment(s string) string {
	s = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, strings.ToValidUTF8(s, ""))), " ")
	if r := []rune(s); len(r) > maxComment {
		s = string(r[:maxComment]) + "…"
	}
	return s
}
