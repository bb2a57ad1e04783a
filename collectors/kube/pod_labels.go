package kube

import (
	"encoding/json"
	"time"
)

const (
	maxTold      = 20  // containers of a pod that are told of
	maxToldBytes = 300 // of one container's text
)

// containerFacts is what the label container/NAME of a pod holds, as JSON.
type containerFacts struct {
	State    string `json:"state"` // "running", "waiting", "ended"
	Ready    bool   `json:"ready"`
	Restarts int32  `json:"restarts"`
	Image    string `json:"image,omitempty"`
	Last     string `json:"last,omitempty"`   // how it ended the last time
	Reason   string `json:"reason,omitempty"` // why it waits, or how it ended
	Started  string `json:"started,omitempty"`
	Role     string `json:"role,omitempty"` // "init", "sidecar", "ephemeral"
}

// tellMore adds what is asked of a pod that is or was in trouble: what it asks for, and each container. All
// pods of a large cluster would take some 100 MB for it; of a pod that is well the document tells.
func (p *Pod) tellMore(labels map[string]string) {
	requests, limits := p.asks()
	set(labels, "requests", requests.String())
	set(labels, "limits", limits.String())
	for i, c := range p.Containers {
		if i == maxTold {
			return
		}
		labels["container/"+c.Name] = c.facts()
	}
}

// facts is the container in a few words, as JSON of at most maxToldBytes.
func (c *Container) facts() string {
	f := containerFacts{State: "waiting", Ready: c.Ready, Restarts: c.Restarts, Image: c.Image, Reason: c.Waiting, Role: c.role()}
	if c.Last != nil {
		f.Last = c.Last.String()
	}
	switch {
	case c.Running:
		f.State = "running"
		if !c.Since.IsZero() {
			f.Started = c.Since.UTC().Format(time.RFC3339)
		}
	case c.Ended != nil:
		f.State, f.Reason = "ended", c.Ended.String()
	}
	for _, limit := range []int{200, 40, 0} { // runes of each foreign text
		f.Image, f.Last, f.Reason = clip(f.Image, limit), clip(f.Last, limit), clip(f.Reason, limit)
		if text, err := json.Marshal(f); err == nil && len(text) <= maxToldBytes {
			return string(text)
		}
	}
	return "{}"
}

func (c *Container) role() string {
	switch {
	case c.Ephemeral:
		return "ephemeral"
	case c.Sidecar:
		return "sidecar"
	case c.Init:
		return "init"
	}
	return ""
}
