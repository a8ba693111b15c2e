package intake

import (
	"errors"
	"io"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// A body is read before anything is known of its sender, so the memory that all bodies together may hold is bounded.
// A body takes memory as its bytes arrive: its first bytes from one pool, the rest from another, so that a few large
// bodies do not keep out the many small ones. One sender may hold a share of a pool only. When a pool is used up,
// bodies that arrive too slowly are cut off; when that frees nothing, the new body is refused.
const (
	firstBytes = 64 << 10
	firstPool  = 32 << 20
	restPool   = 96 << 20
	// peerShare divides a pool: one sender may hold a half.
	peerShare = 2
)

// How fast a body must arrive. An honest sender needs a moment; Shopify itself gives up after five seconds.
const (
	// bodyIdle is the longest time without a byte, bodyWithin the longest time for the whole body.
	bodyIdle   = 5 * time.Second
	bodyWithin = 20 * time.Second
	// A body that averages fewer bytes a second than slowBelow is slow, once slowAfter has passed.
	slowAfter = 500 * time.Millisecond
	slowBelow = 128 << 10
	// memoryWithin is how long a body waits for memory; every checkEvery it looks for slow bodies to cut off.
	memoryWithin = 2 * time.Second
	checkEvery   = 50 * time.Millisecond
)

// memory is what the bodies being received hold.
type memory struct {
	mu    sync.Mutex
	pools [2]pool
	// reading are the bodies that are not complete.
	reading map[*body]struct{}
	// freed is closed, and replaced, whenever memory is released.
	freed chan struct{}
}

// pool is a part of the memory.
type pool struct {
	size, used int
	peers      map[netip.Prefix]int
}

func newMemory() *memory {
	return &memory{
		pools: [2]pool{
			{size: firstPool, peers: map[netip.Prefix]int{}},
			{size: restPool, peers: map[netip.Prefix]int{}},
		},
		reading: map[*body]struct{}{},
		freed:   make(chan struct{}),
	}
}

// body is one body that is being received. The lock of its memory guards its fields, except chunks.
type body struct {
	memory *memory
	peer   netip.Prefix
	// control sets the connection's deadlines.
	control *http.ResponseController
	began   time.Time
	// held is the memory taken from each pool; arrived counts the bytes.
	held    [2]int
	arrived int
	// cut is true once the body was cut off to free memory for others.
	cut bool

	chunks [][]byte
}

// peerOf is the network that an address counts for: an IPv6 host has a whole /64 to itself.
func peerOf(address string) netip.Prefix {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return netip.Prefix{}
	}
	bits := 32
	if a = a.Unmap(); a.Is6() {
		bits = 64
	}
	prefix, err := a.WithZone("").Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return prefix
}

// begin registers a body. release must follow when the body is not used any more.
func (m *memory) begin(w http.ResponseWriter, address string) *body {
	b := &body{memory: m, peer: peerOf(address), control: http.NewResponseController(w), began: time.Now()}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reading[b] = struct{}{}
	return b
}

// release gives the body's memory back.
func (b *body) release() {
	m := b.memory
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.reading, b)
	b.chunks = nil
	for i := range m.pools {
		m.pools[i].add(b.peer, -b.held[i])
		b.held[i] = 0
	}
	close(m.freed)
	m.freed = make(chan struct{})
}

func (p *pool) add(peer netip.Prefix, n int) {
	p.used += n
	if p.peers[peer] += n; p.peers[peer] == 0 {
		delete(p.peers, peer)
	}
}

// fits reports whether a sender may hold n bytes more. ofPeer is true when only the sender's own share is used up.
func (p *pool) fits(peer netip.Prefix, n int) (ok, ofPeer bool) {
	if p.used+n > p.size {
		return false, false
	}
	return p.peers[peer]+n <= p.size/peerShare, true
}

// take takes n bytes of a pool for the body and cuts slow bodies off where necessary. It reports false when no memory
// comes free in time.
func (b *body) take(which, n int) bool {
	m := b.memory
	patience := time.NewTimer(memoryWithin)
	defer patience.Stop()
	for {
		m.mu.Lock()
		if b.cut {
			m.mu.Unlock()
			return false
		}
		ok, ofPeer := m.pools[which].fits(b.peer, n)
		if ok {
			m.pools[which].add(b.peer, n)
			b.held[which] += n
			m.mu.Unlock()
			return true
		}
		m.cutSlow(b, which, n, ofPeer)
		freed := m.freed
		m.mu.Unlock()
		select {
		case <-freed:
		case <-time.After(checkEvery):
		case <-patience.C:
			return false
		}
	}
}

// cutSlow cuts slow bodies off until n bytes of a pool are about to come free for b. With ofPeer set, these are
// bodies of the same sender.
func (m *memory) cutSlow(b *body, which, n int, ofPeer bool) {
	now := time.Now()
	for other := range m.reading {
		if n <= 0 {
			return
		}
		if other == b || other.held[which] == 0 || ofPeer && other.peer != b.peer || !other.cut && !other.slow(now) {
			continue
		}
		n -= other.held[which]
		if !other.cut {
			other.cut = true
			_ = other.control.SetReadDeadline(now)
		}
	}
}

func (b *body) slow(now time.Time) bool {
	took := now.Sub(b.began)
	return took > slowAfter && float64(b.arrived) < slowBelow*took.Seconds()
}

// next counts the bytes that arrived and sets the connection's deadline for the next ones; false once the body was
// cut off.
func (b *body) next(arrived int) bool {
	b.memory.mu.Lock()
	defer b.memory.mu.Unlock()
	b.arrived += arrived
	if b.cut {
		return false
	}
	deadline := time.Now().Add(bodyIdle)
	if last := b.began.Add(bodyWithin); last.Before(deadline) {
		deadline = last
	}
	// It fails only for what is no network connection.
	_ = b.control.SetReadDeadline(deadline)
	return true
}

// complete ends the reading. From now on the body cannot be cut off. It reports false when that has happened already.
func (b *body) complete() bool {
	b.memory.mu.Lock()
	defer b.memory.mu.Unlock()
	delete(b.memory.reading, b)
	if b.cut {
		return false
	}
	_ = b.control.SetReadDeadline(time.Time{})
	return true
}

// abandon ends the reading of a body that will not be used. Its remaining bytes are not waited for.
func (b *body) abandon() {
	b.memory.mu.Lock()
	defer b.memory.mu.Unlock()
	delete(b.memory.reading, b)
	_ = b.control.SetReadDeadline(time.Now())
}

// The sizes of the pieces of memory that a body takes one by one.
const (
	firstChunk = 4 << 10
	largeChunk = 1 << 20
)

// errNoMemory: there is no memory for a body.
var errNoMemory = errors.New("too many bodies are being received")

// readAll reads a body to its end and writes what it reads to sum as well. The error is errNoMemory when there is no
// memory for the body, and the connection's when it breaks off.
func (b *body) readAll(from io.Reader, sum io.Writer) error {
	size, arrived := 0, 0
	for {
		if len(b.chunks) == 0 || len(b.chunks[len(b.chunks)-1]) == cap(b.chunks[len(b.chunks)-1]) {
			chunk := max(firstChunk, min(size, largeChunk))
			if !b.take(poolOf(size+chunk), chunk) {
				return errNoMemory
			}
			b.chunks = append(b.chunks, make([]byte, 0, chunk))
		}
		if !b.next(arrived) {
			return errNoMemory
		}
		last := &b.chunks[len(b.chunks)-1]
		free := (*last)[len(*last):cap(*last)]
		var err error
		arrived, err = from.Read(free)
		_, _ = sum.Write(free[:arrived])
		*last = (*last)[:len(*last)+arrived]
		size += arrived
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// poolOf is the pool for a body of a size.
func poolOf(size int) int {
	if size > firstBytes {
		return 1
	}
	return 0
}

// bytes joins what was read. It lets go of the pieces one by one.
func (b *body) bytes() ([]byte, error) {
	if len(b.chunks) == 1 {
		return b.chunks[0], nil
	}
	size := 0
	for _, c := range b.chunks {
		size += len(c)
	}
	if !b.take(poolOf(size), size) {
		return nil, errNoMemory
	}
	whole := make([]byte, 0, size)
	for i, c := range b.chunks {
		whole = append(whole, c...)
		b.chunks[i] = nil
	}
	b.chunks = nil
	return whole, nil
}
