package eventlog

import "sync"

// candidates is how many entries are looked at to find one that may go.
const candidates = 4

// Cache keeps what was unpacked, up to a number of bytes. What has not been used for long goes first,
// by and large: a few entries are drawn, and the stalest of them goes. So a search through more than
// fits does not push out each thing just before it is wanted again. Those who ask for the same thing
// at the same time wait for one of them to make it. It is safe for concurrent use.
type Cache struct {
	limit int

	mu      sync.Mutex
	used    int    // bytes
	clock   uint64 // counts uses
	entries map[any]*entry
	making  map[any]*making
}

type entry struct {
	value any
	size  int
	used  uint64 // the clock then
}

type making struct {
	value any
	err   error
	done  chan struct{}
}

// NewCache makes an empty cache for so many bytes.
func NewCache(limit int) *Cache {
	return &Cache{limit: limit, entries: map[any]*entry{}, making: map[any]*making{}}
}

// Get returns what is kept for the key, or has it made. create tells its size in bytes too. What it
// fails with is given to all who wait, and not kept.
func Get[T any](c *Cache, key any, create func() (value T, size int, err error)) (T, error) {
	c.mu.Lock()
	if value, ok := c.get(key); ok {
		c.mu.Unlock()
		return value.(T), nil
	}
	if m := c.making[key]; m != nil {
		c.mu.Unlock()
		<-m.done
		value, _ := m.value.(T)
		return value, m.err
	}
	m := &making{done: make(chan struct{}), err: ErrDamaged} // what those who wait get when create panics
	c.making[key] = m
	c.mu.Unlock()

	size := 0
	defer func() {
		close(m.done)
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.making, key)
		if m.err == nil {
			c.put(key, m.value, size)
		}
	}()
	value, size, err := create()
	m.value, m.err = value, err
	return value, err
}

// Peek returns what is kept for the key.
func Peek[T any](c *Cache, key any) (value T, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if kept, ok := c.get(key); ok {
		return kept.(T), true
	}
	return value, false
}

// Put keeps a value of so many bytes.
func (c *Cache) Put(key, value any, size int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.put(key, value, size)
}

func (c *Cache) get(key any) (any, bool) {
	e := c.entries[key]
	if e == nil {
		return nil, false
	}
	c.clock++
	e.used = c.clock
	return e.value, true
}

func (c *Cache) put(key, value any, size int) {
	if c.entries[key] != nil || size > c.limit {
		return
	}
	for c.used+size > c.limit {
		c.evict()
	}
	c.clock++
	c.entries[key] = &entry{value, size, c.clock}
	c.used += size
}

// evict lets go of the stalest of a few entries, which the order of the map draws.
func (c *Cache) evict() {
	var victim any
	var stalest *entry
	n := 0
	for key, e := range c.entries {
		if stalest == nil || e.used < stalest.used {
			victim, stalest = key, e
		}
		if n++; n == candidates {
			break
		}
	}
	delete(c.entries, victim)
	c.used -= stalest.size
}

// Used is how many bytes are kept.
func (c *Cache) Used() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.used
}
