package web

import (
	"errors"
	"io"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// Bodies of webhooks and callbacks are read before anything is known of their sender, so the memory that they may hold is bounded.
// A body takes memory as its bytes arrive. Its first bytes come from one pool and the rest from another, so that a few large bodies
// do not keep out the many small ones. Nobody may have more than a share of a pool. Where memory is short, bodies that come too
// slowly are cut off; when there is none, the newcomer is refused.
const (
	firstBytes = 64 << 10
	firstPool  = 32 << 20
	restPool   = 96 << 20
	// peerShare is the part of a pool that one sender may have: a half.
	peerShare = 2
)

// How fast a body must come. An honest sender needs a moment; Shopify itself gives up after five seconds.
const (
	// bodyIdle is how long no byte may come, bodyWithin how long the whole body may take.
	bodyIdle   = 5 * time.Second
	bodyWithin = 20 * time.Second
	// slowAfter and slowBelow say whose body is cut off when memory is short: bytes a second on average, after a moment of grace.
	slowAfter = 500 * time.Millisecond
	slowBelow = 128 << 10
	// roomWithin is how long a body waits for others to end or to be cut off, lookAgain how often it looks for slow ones meanwhile.
	roomWithin = 2 * time.Second
	lookAgain  = 50 * time.Millisecond
)

// inFlight is the memory that bodies hold.
type inFlight struct {
	mu    sync.Mutex
	pools [2]pool
	// reading are the bodies that are not complete.
	reading map[*reading]struct{}
	// freed is closed, and replaced, whenever memory is given back.
	freed chan struct{}
}

// pool is a part of the memory.
type pool struct {
	size, used int
	peers      map[netip.Prefix]int
}

func newInFlight() *inFlight {
	return &inFlight{
		pools: [2]pool{
			{size: firstPool, peers: map[netip.Prefix]int{}},
			{size: restPool, peers: map[netip.Prefix]int{}},
		},
		reading: map[*reading]struct{}{},
		freed:   make(chan struct{}),
	}
}

// reading is one body on its way in. Its fields are guarded by the lock of inFlight, but for chunks.
type reading struct {
	in   *inFlight
	peer netip.Prefix
	// control sets the connection's deadlines.
	control *http.ResponseController
	began   time.Time
	// held is the memory taken from each pool; come is how many bytes have arrived.
	held [2]int
	come int
	// cut is true once the body was given up for others.
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

// begin takes a body in; release must follow, when the body is not used any more.
func (f *inFlight) begin(w http.ResponseWriter, address string) *reading {
	r := &reading{in: f, peer: peerOf(address), control: http.NewResponseController(w), began: time.Now()}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reading[r] = struct{}{}
	return r
}

// release gives the body's memory back.
func (r *reading) release() {
	f := r.in
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.reading, r)
	r.chunks = nil
	for i := range f.pools {
		f.pools[i].add(r.peer, -r.held[i])
		r.held[i] = 0
	}
	close(f.freed)
	f.freed = make(chan struct{})
}

func (p *pool) add(peer netip.Prefix, n int) {
	p.used += n
	if p.peers[peer] += n; p.peers[peer] == 0 {
		delete(p.peers, peer)
	}
}

// fits reports whether a sender may have n bytes more; alone is true when only the sender's own share is used up.
func (p *pool) fits(peer netip.Prefix, n int) (ok, alone bool) {
	if p.used+n > p.size {
		return false, false
	}
	return p.peers[peer]+n <= p.size/peerShare, true
}

// take takes n bytes of a pool for the body, at the cost of slow bodies where it must be. It reports false when there are none for
// a while.
func (r *reading) take(which, n int) bool {
	f := r.in
	patience := time.NewTimer(roomWithin)
	defer patience.Stop()
	for {
		f.mu.Lock()
		if r.cut {
			f.mu.Unlock()
			return false
		}
		ok, alone := f.pools[which].fits(r.peer, n)
		if ok {
			f.pools[which].add(r.peer, n)
			r.held[which] += n
			f.mu.Unlock()
			return true
		}
		f.cutSlow(r, which, n, alone)
		freed := f.freed
		f.mu.Unlock()
		select {
		case <-freed:
		case <-time.After(lookAgain):
		case <-patience.C:
			return false
		}
	}
}

// cutSlow cuts bodies off that come too slowly until n bytes of a pool will come free; where alone is set, of the same sender.
func (f *inFlight) cutSlow(r *reading, which, n int, alone bool) {
	now := time.Now()
	for other := range f.reading {
		if n <= 0 {
			return
		}
		if other == r || other.held[which] == 0 || alone && other.peer != r.peer || !other.cut && !other.slow(now) {
			continue
		}
		n -= other.held[which]
		if !other.cut {
			other.cut = true
			_ = other.control.SetReadDeadline(now)
		}
	}
}

func (r *reading) slow(now time.Time) bool {
	took := now.Sub(r.began)
	return took > slowAfter && float64(r.come) < slowBelow*took.Seconds()
}

// next counts bytes that came and gives the connection until the next ones must; false once the body was cut off.
func (r *reading) next(come int) bool {
	r.in.mu.Lock()
	defer r.in.mu.Unlock()
	r.come += come
	if r.cut {
		return false
	}
	deadline := time.Now().Add(bodyIdle)
	if last := r.began.Add(bodyWithin); last.Before(deadline) {
		deadline = last
	}
	// What cannot set deadlines is no network connection.
	_ = r.control.SetReadDeadline(deadline)
	return true
}

// complete ends the reading: the body can no longer be cut off, and nothing more is read from the connection for it.
func (r *reading) complete() bool {
	r.in.mu.Lock()
	defer r.in.mu.Unlock()
	delete(r.in.reading, r)
	if r.cut {
		return false
	}
	_ = r.control.SetReadDeadline(time.Time{})
	return true
}

// abandon ends the reading of a body that will not be used: what may still come is not waited for.
func (r *reading) abandon() {
	r.in.mu.Lock()
	defer r.in.mu.Unlock()
	delete(r.in.reading, r)
	_ = r.control.SetReadDeadline(time.Now())
}

// The sizes of the pieces of memory that a body takes one by one.
const (
	firstChunk = 4 << 10
	largeChunk = 1 << 20
)

// errNoRoom: there is no memory for a body.
var errNoRoom = errors.New("too much is being taken in at once")

// readAll reads a body to its end and lets sum see it as it comes. The error is errNoRoom when there is no memory for it, and the
// connection's when it breaks off.
func (r *reading) readAll(body io.Reader, sum io.Writer) error {
	size, come := 0, 0
	for {
		if len(r.chunks) == 0 || len(r.chunks[len(r.chunks)-1]) == cap(r.chunks[len(r.chunks)-1]) {
			room := max(firstChunk, min(size, largeChunk))
			if !r.take(poolOf(size+room), room) {
				return errNoRoom
			}
			r.chunks = append(r.chunks, make([]byte, 0, room))
		}
		if !r.next(come) {
			return errNoRoom
		}
		last := &r.chunks[len(r.chunks)-1]
		free := (*last)[len(*last):cap(*last)]
		var err error
		come, err = body.Read(free)
		_, _ = sum.Write(free[:come])
		*last = (*last)[:len(*last)+come]
		size += come
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// poolOf is the pool that a body of a size is taken from.
func poolOf(size int) int {
	if size > firstBytes {
		return 1
	}
	return 0
}

// bytes joins what was read. The pieces are let go of one by one.
func (r *reading) bytes() ([]byte, error) {
	if len(r.chunks) == 1 {
		return r.chunks[0], nil
	}
	size := 0
	for _, c := range r.chunks {
		size += len(c)
	}
	if !r.take(poolOf(size), size) {
		return nil, errNoRoom
	}
	whole := make([]byte, 0, size)
	for i, c := range r.chunks {
		whole = append(whole, c...)
		r.chunks[i] = nil
	}
	r.chunks = nil
	return whole, nil
}
