package plot

import "sync"

// cache is a bounded map for many readers. When its entries' cost passes the
// limit, the newer half becomes the older one and what the older one held is
// forgotten unless it is asked for again: close to least recently used, with no
// list to keep.
type cache[K comparable, V any] struct {
	mu       sync.RWMutex
	cur, old map[K]V
	cost     int
	limit    int // cost of one half
}

// get returns the value of k.
func (c *cache[K, V]) get(k K) (v V, ok bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	v, ok = c.cur[k]
	return v, ok
}

// getOld looks for k in the older half, for callers that then put it again.
func (c *cache[K, V]) getOld(k K) (v V, ok bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	v, ok = c.old[k]
	return v, ok
}

// put keeps v, which counts as cost.
func (c *cache[K, V]) put(k K, v V, cost int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cur == nil || c.cost+cost > c.limit {
		c.old, c.cur, c.cost = c.cur, make(map[K]V), 0
	}
	c.cur[k] = v
	c.cost += cost
}
