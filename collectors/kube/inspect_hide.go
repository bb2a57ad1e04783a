package kube

import (
	"encoding/base64"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"unicode"
)

// hidden stands in a document for what is secret.
const hidden = "(hidden)"

// copies are annotations in which tools keep a whole object, with all that it had in it.
var copies = []string{
	"kubectl.kubernetes.io/last-applied-configuration", "kapp.k14s.io/original", "objectset.rio.cattle.io/applied",
	"banzaicloud.com/last-applied",
}

// bare takes out of an object what machines keep in it for themselves.
func bare(object map[string]any) {
	metadata, _ := object["metadata"].(map[string]any)
	delete(metadata, "managedFields")
	annotations, _ := metadata["annotations"].(map[string]any)
	for _, name := range copies {
		delete(annotations, name)
	}
	if metadata != nil && annotations != nil && len(annotations) == 0 {
		delete(metadata, "annotations")
	}
}

// hideSecrets replaces what is secret in an object: all values of a Secret by their length, and elsewhere
// what is named like a password or a token, or written like one.
func hideSecrets(object map[string]any) {
	if object["kind"] != "Secret" {
		hideIn(object)
		return
	}
	lengths := map[string]any{}
	for _, field := range []string{"data", "stringData"} {
		if values, ok := object[field].(map[string]any); ok {
			for name, value := range values {
				values[name] = length(value, field == "data")
			}
			lengths[field] = values
			delete(object, field)
		}
	}
	hideIn(object)
	maps.Copy(object, lengths)
}

// length is how long a secret's value is: "(12 bytes)".
func length(value any, encoded bool) string {
	s, ok := value.(string)
	if !ok {
		return hidden
	}
	if raw, err := base64.StdEncoding.DecodeString(s); encoded && err == nil {
		s = string(raw)
	}
	return fmt.Sprintf("(%d bytes)", len(s))
}

// hideIn goes through a value of JSON, and returns what is to stand in its place.
func hideIn(value any) any {
	switch v := value.(type) {
	case map[string]any:
		if name, ok := v["name"].(string); ok && secretVariable.MatchString(name) { // {name: DB_PASSWORD, value: ...}
			if s, ok := v["value"].(string); ok && s != "" {
				v["value"] = hidden
			}
		}
		for key, inner := range v {
			if s, ok := inner.(string); ok && s != "" && secretField.MatchString(key) {
				v[key] = hidden
				continue
			}
			v[key] = hideIn(inner)
		}
	case []any:
		for i, inner := range v {
			v[i] = hideIn(inner)
		}
		hideArguments(v)
	case string:
		return hideInText(v)
	}
	return value
}

var (
	// secretVariable matches names of environment variables and parameters whose values are secret.
	secretVariable = regexp.MustCompile(`(?i)PASSW|PASSPHRASE|TOKEN|SECRET|KEY|CREDENTIAL|(^|_)DSN$`)
	// secretField matches names of fields that hold a secret themselves, and not where one is to be found,
	// as secretName and tokenPath do.
	secretField = regexp.MustCompile(`(?i)(passw(or)?d|passphrase|token|api[-_.]?key|access[-_.]?key|private[-_.]?key|secret[-_.]?key|client[-_.]?secret|credentials?)$`)
	// secretFlag matches a flag whose value is secret, with the value where it has one.
	secretFlag = regexp.MustCompile(`(?i)^(--?[\w.-]*(?:passw(?:or)?d|passphrase|token|secret|api-?key|access-?key|private-?key|credentials?))(=)?(.*)$`)
)

// hideArguments hides the values of flags in a command line: --password=... and --password ...
func hideArguments(args []any) {
	for i := range args {
		s, ok := args[i].(string)
		if !ok {
			continue
		}
		m := secretFlag.FindStringSubmatch(s)
		switch {
		case m == nil || m[2] == "" && m[3] != "": // --token-file
		case m[2] == "=":
			args[i] = m[1] + "=" + hidden
		case i+1 < len(args):
			if next, ok := args[i+1].(string); ok && !strings.HasPrefix(next, "-") {
				args[i+1] = hidden
			}
		}
	}
}

// written are secrets that can be told by how they are written.
var written = []struct {
	pattern *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(`(://[^/\s:@]*):[^/\s@]+@`), "${1}:" + hidden + "@"}, // a password in an address
	{regexp.MustCompile(`eyJ[\w-]{8,}\.[\w-]+\.[\w-]*`), hidden},             // a JSON web token
	{regexp.MustCompile(`(?s)(-----BEGIN [A-Z ]*PRIVATE KEY-----).*?(-----END [A-Z ]*PRIVATE KEY-----|$)`), "${1}" + hidden + "${2}"},
	{regexp.MustCompile(`(?i)(authorization["']?\s*[:=]\s*["']?(?:bearer|basic)\s+)[\w+/=.~-]+`), "${1}" + hidden},
}

func hideInText(s string) string {
	for _, w := range written {
		s = w.pattern.ReplaceAllString(s, w.instead)
	}
	return s
}

// printableText makes a text of several lines fit for a wall: what cannot be seen, or would turn the
// writing round, is left out.
func printableText(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || unicode.IsPrint(r) {
			return r
		}
		if r == '\t' {
			return ' '
		}
		return -1
	}, strings.ToValidUTF8(s, "�"))
}
