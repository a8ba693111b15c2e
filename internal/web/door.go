package web

import (
	"context"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"ringback/internal/postgres"
	"ringback/internal/route"
	"ringback/internal/secret"
	"ringback/internal/web/guard"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
	"golang.org/x/time/rate"
)

// door lets those in who know the password, and bounds how often others may guess. Only wrong passwords count.
//
// Strangers share a common bound, so that many addresses do not make guessing cheap. Strangers can use it up, so it does
// not apply to clients that logged in before: a browser with the cookie of an earlier login, or an address of one. Each of
// these has a share of its own. When that is used up, its passwords are checked one at a time with a pause after each wrong
// one: the right one is still let in, and guessing stays slow.
type door struct {
	password secret.Secret
	proof    string

	mu sync.Mutex
	// strangers bounds the wrong passwords from one address, all those from every address together.
	strangers map[string]*rate.Limiter
	all       *rate.Limiter
	// known has the shares of those who logged in before.
	known map[string]*share
}

// share is what one known client may try.
type share struct {
	limiter *rate.Limiter
	// turn is held by the one whose password is checked although the limiter is used up.
	turn chan struct{}
	// waiting counts those who want the turn.
	waiting int
	usedAt  time.Time
}

// The wrong passwords that are permitted: at once, and then one in a while.
const (
	clientAttempts = 5
	clientEvery    = 15 * time.Second
	allAttempts    = 100
	allEvery       = time.Second
	// mostStrangers bounds the memory for addresses; at that number all are forgotten but the common bound.
	mostStrangers = 10_000
	// pauseAfterWrong is the time from one wrong password to the next check, for a known client whose share is used up.
	pauseAfterWrong = time.Second
	// mostWaiting bounds the requests that wait for such a check.
	mostWaiting = 30
	// mostKnown bounds the memory for known clients; the one not seen for longest makes room.
	mostKnown = 1000
)

// What became of an attempt to log in.
type verdict int

const (
	turnedAway verdict = iota
	wrongPassword
	letIn
)

func newDoor(db *postgres.DB, password secret.Secret) *door {
	return &door{
		password:  password,
		proof:     db.Token("dashboard password " + password.Reveal()),
		strangers: map[string]*rate.Limiter{},
		all:       rate.NewLimiter(rate.Every(allEvery), allAttempts),
		known:     map[string]*share{},
	}
}

// knock checks a password.
func (d *door) knock(ctx context.Context, who newcomer, password string, now time.Time) verdict {
	d.mu.Lock()
	defer d.mu.Unlock()
	if own := d.shareOf(who, now); own != nil {
		return d.knockKnown(ctx, own, password, now)
	}
	limiter, ok := d.strangers[who.address]
	if !ok {
		if len(d.strangers) >= mostStrangers {
			clear(d.strangers)
		}
		limiter = rate.NewLimiter(rate.Every(clientEvery), clientAttempts)
		d.strangers[who.address] = limiter
	}
	switch {
	case limiter.TokensAt(now) < 1 || d.all.TokensAt(now) < 1:
		return turnedAway
	case guard.Same(d.password, password):
		return letIn
	}
	limiter.AllowN(now, 1)
	d.all.AllowN(now, 1)
	return wrongPassword
}

// knockKnown is called with the lock held, and holds it when it returns.
func (d *door) knockKnown(ctx context.Context, own *share, password string, now time.Time) verdict {
	if own.limiter.TokensAt(now) >= 1 {
		if guard.Same(d.password, password) {
			return letIn
		}
		own.limiter.AllowN(now, 1)
		return wrongPassword
	}
	if own.waiting >= mostWaiting {
		return turnedAway
	}
	own.waiting++
	d.mu.Unlock()
	given := false
	select {
	case own.turn <- struct{}{}:
		given = true
	case <-ctx.Done():
	}
	d.mu.Lock()
	own.waiting--
	switch {
	case !given:
		return turnedAway
	case guard.Same(d.password, password):
		<-own.turn
		return letIn
	}
	// The pause holds although the client may hang up.
	time.AfterFunc(pauseAfterWrong, func() { <-own.turn })
	return turnedAway
}

// shareOf returns the share of a client that logged in before, the cookie's before the address's; nil for a stranger.
func (d *door) shareOf(who newcomer, now time.Time) *share {
	if who.browser != "" {
		return d.keep(browserKey(who.browser), now)
	}
	own := d.known[addressKey(who.address)]
	if own != nil {
		own.usedAt = now
	}
	return own
}

// remember gives a client that has just logged in a share of its own.
func (d *door) remember(who newcomer, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.keep(addressKey(who.address), now)
}

// keep returns the share of a key and makes it when there is none.
func (d *door) keep(key string, now time.Time) *share {
	own, ok := d.known[key]
	if !ok {
		if len(d.known) >= mostKnown {
			oldest := ""
			for k, s := range d.known {
				if oldest == "" || s.usedAt.Before(d.known[oldest].usedAt) {
					oldest = k
				}
			}
			delete(d.known, oldest)
		}
		own = &share{limiter: rate.NewLimiter(rate.Every(clientEvery), clientAttempts), turn: make(chan struct{}, 1)}
		d.known[key] = own
	}
	own.usedAt = now
	return own
}

func browserKey(id string) string { return "browser " + id }

func addressKey(address string) string { return "address " + address }

// newcomer is who asks to be let in.
type newcomer struct {
	// browser is the id in the cookie of an earlier login; empty without one.
	browser string
	// address is the client's, see clientOf.
	address string
}

func (s *Server) newcomer(c echo.Context) newcomer {
	return newcomer{browser: s.knownBrowser(c.Request()), address: clientOf(c.RealIP())}
}

// clientOf is what attempts are counted by: an IPv4 address, or the /64 of an IPv6 one, all of which one client commonly has.
func clientOf(address string) string {
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

// The cookie that tells a browser that logged in before. It opens nothing: whoever has it must still know the password.
const (
	knownCookie = "ringback-known"
	knownPath   = route.Login
	knownLife   = 180 * 24 * time.Hour
)

func (s *Server) knownCookieName() string {
	if s.sessions.Cookie.Secure {
		return "__Secure-" + knownCookie
	}
	return knownCookie
}

// remember notes that a client knew the password, here and in its browser.
func (s *Server) remember(c echo.Context, who newcomer) {
	now := s.db.Now()
	s.door.remember(who, now)
	id := who.browser
	if id == "" {
		id = uuid.NewString()
	}
	stamp := strconv.FormatInt(now.Add(knownLife).Unix(), 10)
	cookie := &http.Cookie{
		Name: s.knownCookieName(), Value: strings.Join([]string{id, stamp, s.sealKnown(id, stamp)}, "|"),
		Path: knownPath, MaxAge: int(knownLife.Seconds()), HttpOnly: true, Secure: s.sessions.Cookie.Secure, SameSite: http.SameSiteLaxMode,
	}
	// After the session's own cookie.
	c.Response().Before(func() { c.SetCookie(cookie) })
}

// sealKnown signs the cookie. The password is part of it: with a new one, all who knew the old one are strangers.
func (s *Server) sealKnown(id, stamp string) string {
	return s.db.Token(strings.Join([]string{"known browser", s.door.proof, id, stamp}, "|"))
}

// knownBrowser is the id in a good cookie of an earlier login; empty without one.
func (s *Server) knownBrowser(r *http.Request) string {
	for _, cookie := range r.CookiesNamed(s.knownCookieName()) {
		parts := strings.Split(cookie.Value, "|")
		if len(parts) != 3 {
			continue
		}
		id, stamp, mark := parts[0], parts[1], parts[2]
		ends, err := strconv.ParseInt(stamp, 10, 64)
		if err == nil && guard.Same(secret.Secret(s.sealKnown(id, stamp)), mark) && s.db.Now().Unix() <= ends {
			return id
		}
	}
	return ""
}
