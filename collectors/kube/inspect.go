package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/nocturne-noc/nocturne/collectors"
	"github.com/nocturne-noc/nocturne/store/model"
)

const (
	inspectLimit  = 5 * time.Second // deadline of reading one object
	documentFresh = 5 * time.Second // an answer is given again for so long
	maxObject     = 4 << 20         // bytes of an object that are read: etcd keeps 1.5 MiB
	maxDocument   = 1 << 20         // bytes of a document
	maxDocuments  = 16              // that are held or asked for at a time
)

var errNotRunning = errors.New("its collector is not running")

// inspector answers what people ask of single objects of a cluster: their documents and their logs. It
// works while run runs, which owns all of its goroutines.
type inspector struct {
	c        *Cluster
	patience patience

	mu        sync.Mutex
	ctx       context.Context // nil unless run runs
	owned     sync.WaitGroup
	documents map[string]*asked // by entity
	versions  map[string]string // that API groups prefer, by group
	logs      map[model.LogRequest]*follower
	questions uint64 // for logs
}

func newInspector(c *Cluster) *inspector {
	return &inspector{
		c: c, patience: patience{reconnect: reconnect, look: lookAgain},
		documents: map[string]*asked{}, versions: map[string]string{}, logs: map[model.LogRequest]*follower{},
	}
}

// run lets questions be asked until ctx ends, and ends what came of them.
func (i *inspector) run(ctx context.Context, _ collectors.Emit) error {
	i.mu.Lock()
	i.ctx = ctx
	i.mu.Unlock()
	<-ctx.Done()
	i.mu.Lock()
	i.ctx = nil
	clear(i.documents)
	for key, f := range i.logs {
		f.lease.Stop()
		delete(i.logs, key)
	}
	i.mu.Unlock()
	i.owned.Wait()
	return ctx.Err()
}

// Owns implements collectors.Inspector.
func (i *inspector) Owns(entity string) bool {
	_, _, labels, ok := model.ParseID(entity)
	return ok && labels["cluster"] == i.c.name
}

// asked is a question for a document: done is closed when it is answered.
type asked struct {
	done chan struct{}
	doc  model.Document
	err  error
	at   time.Time // when it was answered
}

// Document implements model.Inspector. The object is read anew each time but for a few seconds, and never
// kept beyond them.
func (i *inspector) Document(ctx context.Context, entity string) (model.Document, error) {
	place, err := placeOf(entity)
	if err != nil {
		return model.Document{}, err
	}
	a, err := i.ask(entity, place)
	if err != nil {
		return model.Document{}, err
	}
	select {
	case <-a.done:
		return a.doc, a.err
	case <-ctx.Done():
		return model.Document{}, fmt.Errorf("%s: %w", place, ctx.Err())
	}
}

// ask begins to read an object unless that is being done, or has just been done.
func (i *inspector) ask(entity string, place place) (*asked, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.ctx == nil {
		return nil, fmt.Errorf("%s: %w", place, errNotRunning)
	}
	now := i.c.now()
	for id, a := range i.documents {
		select {
		case <-a.done:
			if now.Sub(a.at).Abs() >= documentFresh {
				delete(i.documents, id)
			}
		default:
		}
	}
	if a := i.documents[entity]; a != nil {
		return a, nil
	}
	if len(i.documents) >= maxDocuments {
		return nil, fmt.Errorf("%s: %d documents are being read already: try again in a moment", place, maxDocuments)
	}
	a := &asked{done: make(chan struct{})}
	i.documents[entity] = a
	limited, cancel := context.WithTimeout(i.ctx, inspectLimit)
	i.owned.Go(func() {
		defer cancel()
		text, err := i.read(limited, place)
		i.mu.Lock()
		a.at = i.c.now()
		i.mu.Unlock()
		a.doc, a.err = model.Document{Text: text, At: a.at}, err
		close(a.done)
	})
	return a, nil
}

// read reads an object and writes it as a document. What an API server sends may make a decoder panic.
func (i *inspector) read(ctx context.Context, place place) (text string, err error) {
	defer func() {
		if p := recover(); p != nil {
			text, err = "", fmt.Errorf("%s: reading it panicked: %v", place, p)
		}
	}()
	body, err := i.body(ctx, place)
	if err != nil {
		return "", err
	}
	var object map[string]any
	if err := json.Unmarshal(body, &object); err != nil {
		return "", fmt.Errorf("%s: the API server's answer is no JSON: %w", place, err)
	}
	return document(object, place)
}

// body reads the JSON of an object.
func (i *inspector) body(ctx context.Context, place place) ([]byte, error) {
	path, err := i.path(ctx, place)
	if err != nil {
		return nil, err
	}
	body, err := i.c.read(ctx, path, maxObject)
	if place.kind == model.KindCertificate && apierrors.IsNotFound(err) { // then it is one that a TLS secret holds
		place.resource, place.group, place.version = "secrets", "", "v1"
		if path, err = i.path(ctx, place); err == nil {
			body, err = i.c.read(ctx, path, maxObject)
		}
	}
	if err != nil {
		i.mu.Lock()
		delete(i.versions, place.group) // it may be served under another one by now
		i.mu.Unlock()
		return nil, i.c.notRead(place.String(), "get", place.resource, err)
	}
	return body, nil
}

// path is where the API has an object. For groups that are not Kubernetes' own the server is asked which
// version it prefers.
func (i *inspector) path(ctx context.Context, place place) (string, error) {
	if place.version == "" {
		i.mu.Lock()
		place.version = i.versions[place.group]
		i.mu.Unlock()
	}
	if place.version != "" {
		return place.path(), nil
	}
	body, err := i.c.read(ctx, "/apis/"+place.group, maxBody)
	if place.kind == model.KindCertificate && apierrors.IsNotFound(err) { // no cert-manager here
		place.resource, place.group, place.version = "secrets", "", "v1"
		return place.path(), nil
	}
	if err != nil {
		return "", i.c.notRead("API group "+place.group, "get", place.resource, err)
	}
	var group metav1.APIGroup
	if err := json.Unmarshal(body, &group); err != nil || !validSegment(group.PreferredVersion.Version) {
		return "", fmt.Errorf("API group %s: the API server does not say which versions it has", place.group)
	}
	place.version = group.PreferredVersion.Version
	i.mu.Lock()
	i.versions[place.group] = place.version
	i.mu.Unlock()
	return place.path(), nil
}

// read reads a document of the API as JSON, of at most limit bytes.
func (c *Cluster) read(ctx context.Context, path string, limit int64) ([]byte, error) {
	stream, err := c.api.Discovery().RESTClient().Get().AbsPath(path).SetHeader("Accept", "application/json").MaxRetries(0).Stream(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = stream.Close() }() // nothing was written
	body, err := io.ReadAll(io.LimitReader(stream, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if int64(len(body)) > limit {
		return nil, fmt.Errorf("read %s: more than %d MiB: not shown", path, limit>>20)
	}
	return body, nil
}

// notRead says why an object cannot be read, and what to do.
func (c *Cluster) notRead(what, verb, resource string, err error) error {
	switch {
	case isForbidden(err):
		return fmt.Errorf("%s: no permission to %s %s: ask for a role with %s on %s", what, verb, resource, verb, resource)
	case apierrors.IsNotFound(err):
		return fmt.Errorf("%s: the cluster does not have it, or not any more", what)
	}
	var status apierrors.APIStatus
	if errors.As(err, &status) && !apierrors.IsUnauthorized(err) {
		return fmt.Errorf("%s: %s", what, clip(status.Status().Message, 300))
	}
	return fmt.Errorf("%s: %w", what, explain(c.host, err))
}

// document writes an object as YAML, without what machines keep in it and without what is secret.
func document(object map[string]any, place place) (string, error) {
	bare(object)
	hideSecrets(object)
	text, err := yaml.Marshal(object)
	if err != nil {
		return "", fmt.Errorf("%s: it cannot be written as YAML: %w", place, err)
	}
	if len(text) > maxDocument {
		text = append(text[:maxDocument-80], fmt.Sprintf("\n# cut off here: the document has %d bytes\n", len(text))...)
	}
	return printableText(string(text)), nil
}
