package session

import (
	"context"
	"net/netip"
	"strings"
	"sync"
	"time"

	"ringback/internal/secret"
	"ringback/internal/web/guard"

	"golang.org/x/time/rate"
)

// Verdict is what became of an attempt to log in.
type Verdict int

// The verdicts. TooMany says nothing about the password.
const (
	TooMany Verdict = iota
	Wrong
	Right
)

// attempts checks passwords and limits how often they may be guessed. Only wrong passwords count.
//
// All strangers share a limit, so that an attacker gains nothing by using many addresses. An attacker can use that
// limit up, so it does not apply to clients that logged in before: a browser with the cookie of an earlier login, or
// a network of one. Each of these has a limit of its own. When it is used up, its passwords are checked one at a
// time, with a pause after each wrong one: the right one is still accepted, and guessing stays slow.
type attempts struct {
	password secret.Secret

	mu sync.Mutex
	// strangers limits the wrong passwords from one network, all those from every network together.
	strangers map[string]*rate.Limiter
	all       *rate.Limiter
	// known are the clients that logged in before.
	known map[string]*knownClient
}

// knownClient limits one client that logged in before.
type knownClient struct {
	limiter *rate.Limiter
	// turn is held while a password is checked although the limit is used up.
	turn chan struct{}
	// waiting counts the requests that wait for the turn.
	waiting int
	usedAt  time.Time
}

// The limits: so many wrong passwords at once, then one in each period.
const (
	clientAttempts = 5
	clientEvery    = 15 * time.Second
	allAttempts    = 100
	allEvery       = time.Second
	// mostStrangers bounds the memory: at that number all networks are forgotten. The common limit stays.
	mostStrangers = 10_000
	// pauseAfterWrong is the time from one wrong password to the next check, for a known client whose limit is used up.
	pauseAfterWrong = time.Second
	// mostWaiting bounds the requests that wait for such a check.
	mostWaiting = 30
	// mostKnown bounds the memory: the client that was not seen for longest is forgotten.
	mostKnown = 1000
)

func newAttempts(password secret.Secret) *attempts {
	return &attempts{
		password:  password,
		strangers: map[string]*rate.Limiter{},
		all:       rate.NewLimiter(rate.Every(allEvery), allAttempts),
		known:     map[string]*knownClient{},
	}
}

// try checks a password.
func (a *attempts) try(ctx context.Context, who client, password string, now time.Time) Verdict {
	a.mu.Lock()
	defer a.mu.Unlock()
	if known := a.knownClient(who, now); known != nil {
		return a.tryKnown(ctx, known, password, now)
	}
	limiter, ok := a.strangers[who.network]
	if !ok {
		if len(a.strangers) >= mostStrangers {
			clear(a.strangers)
		}
		limiter = rate.NewLimiter(rate.Every(clientEvery), clientAttempts)
		a.strangers[who.network] = limiter
	}
	switch {
	case limiter.TokensAt(now) < 1 || a.all.TokensAt(now) < 1:
		return TooMany
	case guard.Same(a.password, password):
		return Right
	}
	limiter.AllowN(now, 1)
	a.all.AllowN(now, 1)
	return Wrong
}

// tryKnown is called with the lock held and returns with the lock held.
func (a *attempts) tryKnown(ctx context.Context, known *knownClient, password string, now time.Time) Verdict {
	if known.limiter.TokensAt(now) >= 1 {
		if guard.Same(a.password, password) {
			return Right
		}
		known.limiter.AllowN(now, 1)
		return Wrong
	}
	if known.waiting >= mostWaiting {
		return TooMany
	}
	known.waiting++
	a.mu.Unlock()
	given := false
	select {
	case known.turn <- struct{}{}:
		given = true
	case <-ctx.Done():
	}
	a.mu.Lock()
	known.waiting--
	switch {
	case !given:
		return TooMany
	case guard.Same(a.password, password):
		<-known.turn
		return Right
	}
	// The pause lasts even if the client hangs up.
	time.AfterFunc(pauseAfterWrong, func() { <-known.turn })
	return TooMany
}

// knownClient returns the limits of a client that logged in before, by its browser or else by its network; nil for a
// stranger.
func (a *attempts) knownClient(who client, now time.Time) *knownClient {
	if who.browser != "" {
		return a.keep(browserKey(who.browser), now)
	}
	known := a.known[networkKey(who.network)]
	if known != nil {
		known.usedAt = now
	}
	return known
}

// remember gives the network of a client that has just logged in a limit of its own.
func (a *attempts) remember(who client, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.keep(networkKey(who.network), now)
}

// keep returns the known client of a key, a new one when there is none.
func (a *attempts) keep(key string, now time.Time) *knownClient {
	known, ok := a.known[key]
	if !ok {
		if len(a.known) >= mostKnown {
			oldest := ""
			for k, c := range a.known {
				if oldest == "" || c.usedAt.Before(a.known[oldest].usedAt) {
					oldest = k
				}
			}
			delete(a.known, oldest)
		}
		known = &knownClient{limiter: rate.NewLimiter(rate.Every(clientEvery), clientAttempts), turn: make(chan struct{}, 1)}
		a.known[key] = known
	}
	known.usedAt = now
	return known
}

func browserKey(id string) string { return "browser " + id }

func networkKey(network string) string { return "network " + network }

// client is who tries to log in.
type client struct {
	// browser is the id in the cookie of an earlier login; empty without one.
	browser string
	// network is what networkOf makes of the client's address.
	network string
}

// networkOf is what attempts are counted by: an IPv4 address, or the /64 of an IPv6 one, which one client usually has
// to itself.
func networkOf(address string) string {
	a, err := netip.ParseAddr(strings.Trim(address, "[]"))
	if err != nil {
		return address
	}
	a = a.Unmap().WithZone("")
	if a.Is4() {
		return a.String()
	}
	network, err := a.Prefix(64)
	if err != nil {
		return address
	}
	return network.String()
}
