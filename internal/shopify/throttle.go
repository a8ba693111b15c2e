package shopify

import (
	"sync"
	"time"
)

// cost is what a GraphQL answer says of the rate limit (Shopify, "API limits": a leaky bucket of points per app and
// shop).
type cost struct {
	Requested money `json:"requestedQueryCost"`
	Status    object[struct {
		Maximum   money `json:"maximumAvailable"`
		Available money `json:"currentlyAvailable"`
		Rate      money `json:"restoreRate"`
	}] `json:"throttleStatus"`
}

// bucket is what we know of the shop's points, so that a request that would be refused is not made.
type bucket struct {
	mu        sync.Mutex
	maximum   float64
	available float64
	rate      float64
	at        time.Time
	// asked is the cost of each operation as it was last told.
	asked map[string]float64
}

// learn takes in what an answer told.
func (b *bucket) learn(op operation, c cost) {
	status := c.Status.value
	b.mu.Lock()
	defer b.mu.Unlock()
	if c.Requested.set {
		if b.asked == nil {
			b.asked = map[string]float64{}
		}
		b.asked[op.name] = c.Requested.value.InexactFloat64()
	}
	if !status.Maximum.set || !status.Available.set || !status.Rate.value.IsPositive() {
		return
	}
	b.maximum = status.Maximum.value.InexactFloat64()
	b.available = status.Available.value.InexactFloat64()
	b.rate = status.Rate.value.InexactFloat64()
	b.at = time.Now()
}

// reserve is the share of the bucket that background operations leave to the others: a check that is made while a line
// waits must not queue behind a scan.
const reserve = 0.2

// delay is how long to wait until the operation's cost is in the bucket, as far as we know.
func (b *bucket) delay(op operation) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rate <= 0 {
		return 0
	}
	need := b.asked[op.name]
	if op.background {
		need += b.maximum * reserve
	}
	have := b.available + b.rate*time.Since(b.at).Seconds()
	missing := min(need, b.maximum) - have
	if missing <= 0 {
		return 0
	}
	return time.Duration(missing / b.rate * float64(time.Second))
}
