package config

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/goccy/go-yaml/ast"
)

// Raw is a part of the file that somebody else decodes: a panel, a source, a notifier.
type Raw struct {
	doc  *document
	node ast.Node
	also []string          // keys that the frame has read and Decode therefore lets pass
	vars map[string]string // what variables in texts stand for; nil where there are none
}

// Decode strictly fills the struct that into points to: unknown keys, wrong types and duplicates
// are errors with their place, all of them at once.
func (r Raw) Decode(into any) error {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return fmt.Errorf("decode needs a pointer, not %T", into)
	}
	if r.node == nil {
		return nil
	}
	d := newDecoder(r.doc)
	d.vars = r.vars
	d.decode(r.node, v.Elem(), r.also...)
	return d.errs.orNil()
}

// Locate gives an error the place of this part of the file unless it has one.
func (r Raw) Locate(err error) error {
	if err == nil || r.doc == nil {
		return err
	}
	return r.doc.locate(r.node, err).orNil()
}

// at is the value of one of its keys, or all of it when it has no such key.
func (r Raw) at(key string) Raw {
	if r.node == nil {
		return r
	}
	list, _ := newDecoder(r.doc).entries(newDecoder(r.doc).resolve(r.node))
	for _, e := range list {
		if e.name == key {
			return Raw{doc: r.doc, node: e.value}
		}
	}
	return r
}

// Hash is the same for the same content, whatever its order, comments and place.
func (r Raw) Hash() string {
	if r.node == nil {
		return ""
	}
	content, err := json.Marshal(newDecoder(r.doc).generic(r.node))
	if err != nil { // .nan and .inf have no JSON
		content = []byte(r.node.String())
	}
	sum := sha256.Sum256(content)
	return fmt.Sprintf("%x", sum[:8])
}

// ReadRaw reads a YAML file of its own, as strictly as the configuration and with the same limits.
func ReadRaw(path string) (Raw, error) {
	data, err := readFile(path)
	if err != nil {
		return Raw{}, fmt.Errorf("%s: %w", path, err)
	}
	doc, err := parse(path, data)
	if err != nil {
		return Raw{}, err
	}
	return Raw{doc: doc, node: doc.root}, nil
}
