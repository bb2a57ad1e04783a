package kube

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// A kubelet's own statistics, GET /api/v1/nodes/NAME/proxy/stats/summary, in the structure of
// k8s.io/kubelet/pkg/apis/stats/v1alpha1. The permission for it (nodes/proxy) reaches far, so it is
// asked for only where the source says kubelet_summary: true.
const (
	summaryEvery  = time.Minute
	summaryLimit  = 10 * time.Second // deadline of one kubelet
	summaryAtOnce = 10
	maxSummary    = 16 << 20 // bytes of one answer
)

// nodeSummary is what a kubelet says of its node. A nil number was not said.
type nodeSummary struct {
	Node struct {
		Name   string   `json:"nodeName"`
		CPU    cpuStats `json:"cpu"`
		Memory memStats `json:"memory"`
	} `json:"node"`
	Pods []podSummary `json:"pods"`
}

type podSummary struct {
	Ref        objectRef          `json:"podRef"`
	Containers []containerSummary `json:"containers"`
	Network    *struct {
		Name string   `json:"name"`
		Rx   *float64 `json:"rxBytes"`
		Tx   *float64 `json:"txBytes"`
	} `json:"network"`
	Volumes []struct {
		Claim *objectRef `json:"pvcRef"`
		fsStats
	} `json:"volume"`
}

type containerSummary struct {
	Name   string   `json:"name"`
	CPU    cpuStats `json:"cpu"`
	Memory memStats `json:"memory"`
	Root   fsStats  `json:"rootfs"`
	Logs   fsStats  `json:"logs"`
}

type objectRef struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
}

type cpuStats struct {
	Nanocores       *float64 `json:"usageNanoCores"`
	CoreNanoseconds *float64 `json:"usageCoreNanoSeconds"`
}

type memStats struct {
	WorkingSet *float64 `json:"workingSetBytes"`
}

type fsStats struct {
	Used      *float64 `json:"usedBytes"`
	Capacity  *float64 `json:"capacityBytes"`
	Available *float64 `json:"availableBytes"`
}

// readSummaries asks the kubelets of nodes, several at once. One that does not answer is left out: that is
// no fault of its node.
func (c *Cluster) readSummaries(ctx context.Context, nodes []string) []nodeSummary {
	var (
		mu   sync.Mutex
		out  []nodeSummary
		wg   sync.WaitGroup
		next = make(chan string)
	)
	for range min(summaryAtOnce, len(nodes)) {
		wg.Go(func() {
			for name := range next {
				s, err := c.readSummary(ctx, name)
				if err != nil {
					c.log.Debug("no statistics of a kubelet", "cluster", c.name, "node", name, "err", err)
					continue
				}
				mu.Lock()
				out = append(out, s)
				mu.Unlock()
			}
		})
	}
	for _, name := range nodes {
		if ctx.Err() != nil {
			break
		}
		next <- name
	}
	close(next)
	wg.Wait()
	slices.SortFunc(out, func(a, b nodeSummary) int { return strings.Compare(a.Node.Name, b.Node.Name) })
	return out
}

func (c *Cluster) readSummary(ctx context.Context, node string) (nodeSummary, error) {
	ctx, cancel := context.WithTimeout(ctx, summaryLimit)
	defer cancel()
	stream, err := c.api.CoreV1().RESTClient().Get().AbsPath("/api/v1/nodes", url.PathEscape(node), "proxy/stats/summary").MaxRetries(0).Stream(ctx)
	if err != nil {
		return nodeSummary{}, fmt.Errorf("statistics of node %s: %w", node, err)
	}
	defer func() { _ = stream.Close() }() // nothing was written
	return parseSummary(io.LimitReader(stream, maxSummary), node)
}

// parseSummary reads a kubelet's statistics, which are the node's whatever name they claim.
func parseSummary(r io.Reader, node string) (nodeSummary, error) {
	var s nodeSummary
	if err := json.NewDecoder(r).Decode(&s); err != nil {
		return s, fmt.Errorf("statistics of node %s: %w", node, err)
	}
	s.Node.Name = node
	slices.SortFunc(s.Pods, func(a, b podSummary) int {
		return cmp.Or(strings.Compare(a.Ref.Namespace, b.Ref.Namespace), strings.Compare(a.Ref.Name, b.Ref.Name))
	})
	return s, nil
}

// with is the usage with the kubelets' statistics, which stand in for the metrics API where that has none.
func (u usage) with(summaries []nodeSummary) usage {
	if len(summaries) == 0 {
		return u
	}
	u.summaries = summaries
	if u.remark == "" {
		return u
	}
	u.remark, u.nodes, u.pods = "no metrics API, usage from the kubelets", map[string]Resources{}, map[podName]Resources{}
	for _, s := range summaries {
		if s.Node.CPU.Nanocores != nil && s.Node.Memory.WorkingSet != nil {
			u.nodes[s.Node.Name] = Resources{CPU: *s.Node.CPU.Nanocores / 1e9, Memory: *s.Node.Memory.WorkingSet}
		}
		for _, p := range s.Pods {
			name := podName{p.Ref.Namespace, p.Ref.Name}
			var sum Resources
			for _, c := range p.Containers {
				if c.CPU.Nanocores == nil || c.Memory.WorkingSet == nil {
					continue
				}
				r := Resources{CPU: *c.CPU.Nanocores / 1e9, Memory: *c.Memory.WorkingSet}
				sum.CPU, sum.Memory = sum.CPU+r.CPU, sum.Memory+r.Memory
				u.containers = append(u.containers, containerUsage{name, c.Name, r})
			}
			u.pods[name] = sum
		}
	}
	return u
}

// summary measures under the names of cAdvisor and the kubelet.
func (s *sampler) summary(n *nodeSummary) {
	node := n.Node.Name
	number := func(name string, value *float64, scale float64, pairs ...string) {
		if value != nil {
			s.add(name, *value*scale, append(pairs, "node", node)...)
		}
	}
	for _, p := range n.Pods {
		ns, pod := clip(p.Ref.Namespace, 253), clip(p.Ref.Name, 253)
		for _, c := range p.Containers {
			ids := []string{"namespace", ns, "pod", pod, "container", clip(c.Name, 253)}
			ids = ids[:len(ids):len(ids)]
			number("container_cpu_usage_seconds_total", c.CPU.CoreNanoseconds, 1e-9, ids...)
			number("container_memory_working_set_bytes", c.Memory.WorkingSet, 1, ids...)
			if used := sumOf(c.Root.Used, c.Logs.Used); used != nil {
				number("container_fs_usage_bytes", used, 1, ids...)
			}
		}
		if p.Network != nil {
			on := []string{"namespace", ns, "pod", pod, "interface", clip(p.Network.Name, 63)}
			on = on[:len(on):len(on)]
			number("container_network_receive_bytes_total", p.Network.Rx, 1, on...)
			number("container_network_transmit_bytes_total", p.Network.Tx, 1, on...)
		}
		for _, vol := range p.Volumes {
			if vol.Claim == nil {
				continue
			}
			claim := []string{"namespace", clip(vol.Claim.Namespace, 253), "persistentvolumeclaim", clip(vol.Claim.Name, 253)}
			claim = claim[:len(claim):len(claim)]
			number("kubelet_volume_stats_used_bytes", vol.Used, 1, claim...)
			number("kubelet_volume_stats_capacity_bytes", vol.Capacity, 1, claim...)
			number("kubelet_volume_stats_available_bytes", vol.Available, 1, claim...)
		}
	}
}

// sumOf adds what was said, nil where nothing was.
func sumOf(a, b *float64) *float64 {
	if a == nil || b == nil {
		return cmp.Or(a, b)
	}
	sum := *a + *b
	return &sum
}
