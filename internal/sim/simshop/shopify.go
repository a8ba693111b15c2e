package simshop

import (
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"time"

	"ringback/internal/secret"

	"github.com/google/uuid"
)

// Config describes the simulated Shopify. Defaults are in parentheses.
type Config struct {
	// Clock tells the time of everything but HTTP time-outs; nil means time.Now.
	Clock func() time.Time
	// Seed makes ids, tokens and faults the same in every run.
	Seed uint64
	// The one app that shops may install.
	ClientID     string
	ClientSecret secret.Secret
	// RedirectURLs are the addresses that an install may return to.
	RedirectURLs []string
	// ComplianceURL gets the compliance webhooks, as the app's configuration file would say.
	ComplianceURL string
	// Points is the size of each shop's bucket of query cost (2,000); Rate is how many points a second it regains
	// (100).
	Points float64
	Rate   float64
	// Trouble makes the delivery of webhooks as unreliable as the real one.
	Trouble Trouble
	// HTTP delivers the webhooks; nil means a client with Shopify's time-out of 5 s.
	HTTP *http.Client
}

// Trouble says how often the delivery of webhooks goes wrong. Each value is a share from 0 to 1.
type Trouble struct {
	// Dropped webhooks are never sent.
	Dropped float64
	// Duplicated webhooks are sent twice, with the same webhook id.
	Duplicated float64
	// Delayed webhooks are sent later, by up to MaxDelay.
	Delayed  float64
	MaxDelay time.Duration
}

// Shopify is the simulation: an http.Handler, safe for concurrent use.
type Shopify struct {
	cfg  Config
	http *http.Client

	mu    sync.Mutex
	rand  *rand.Rand
	shops map[string]*Shop
	// grants are the codes of OAuth callbacks that were not exchanged yet.
	grants map[string]grant
	tokens []*token
	// tokenCalls counts the requests to the token endpoint.
	tokenCalls int
	queue      []*delivery
	sent       []Sent
	// failing requests to the Admin API answer with failStatus.
	failing    int
	failStatus int
	nextID     int64
}

// New returns a Shopify without shops.
func New(cfg Config) *Shopify {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Points == 0 {
		cfg.Points = 2000
	}
	if cfg.Rate == 0 {
		cfg.Rate = 100
	}
	s := &Shopify{
		cfg: cfg, http: cfg.HTTP,
		rand:   rand.New(rand.NewPCG(cfg.Seed, 0x51f0)),
		shops:  map[string]*Shop{},
		grants: map[string]grant{},
		nextID: 7_000_000_000_000,
	}
	if s.http == nil {
		s.http = &http.Client{Timeout: 5 * time.Second}
	}
	return s
}

// Serve starts a server for the simulation on a free loopback port and returns it with the base URL for clients. The
// caller closes it.
func (s *Shopify) Serve() (server *httptest.Server, baseURL string) {
	server = httptest.NewServer(s)
	return server, BaseURL(server.URL)
}

// BaseURL is the base URL that clients use instead of https://{shop}, for a server at the given address.
func BaseURL(server string) string { return server + "/{shop}" }

// ServeHTTP answers /{shop}/admin/oauth/authorize, /{shop}/admin/oauth/access_token and
// /{shop}/admin/api/{version}/graphql.json.
func (s *Shopify) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	domain, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	s.mu.Lock()
	shop := s.shops[domain]
	s.mu.Unlock()
	if shop == nil {
		http.Error(w, `{"errors":"Not Found"}`, http.StatusNotFound)
		return
	}
	version, isAPI := strings.CutPrefix(path, "admin/api/")
	version, isGraphQL := strings.CutSuffix(version, "/graphql.json")
	switch {
	case path == "admin/oauth/authorize" && r.Method == http.MethodGet:
		s.authorize(w, r, shop)
	case path == "admin/oauth/access_token" && r.Method == http.MethodPost:
		s.accessToken(w, r, shop)
	case isAPI && isGraphQL && r.Method == http.MethodPost:
		s.graphql(w, r, shop, version)
	default:
		http.Error(w, `{"errors":"Not Found"}`, http.StatusNotFound)
	}
}

// FailNext makes the next n requests to the Admin API answer with the HTTP status, before they do anything.
func (s *Shopify) FailNext(n, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failing, s.failStatus = n, status
}

// TokenCalls is how many requests reached the token endpoint.
func (s *Shopify) TokenCalls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tokenCalls
}

func (s *Shopify) now() time.Time { return s.cfg.Clock().UTC() }

// id returns a new numeric id. The caller holds the lock.
func (s *Shopify) id() int64 {
	s.nextID += 1 + s.rand.Int64N(1000)
	return s.nextID
}

// secret returns n random letters. The caller holds the lock.
func (s *Shopify) secret(n int) string {
	const letters = "0123456789abcdef"
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[s.rand.IntN(len(letters))]
	}
	return string(b)
}

// uuid returns a random UUID. The caller holds the lock.
func (s *Shopify) uuid() string {
	var u uuid.UUID
	for i := range u {
		u[i] = byte(s.rand.IntN(256))
	}
	u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
	return u.String()
}

func gid(kind string, id int64) string {
	return "gid://shopify/" + kind + "/" + strconv.FormatInt(id, 10)
}

// idOfGID returns the number of a GID of the kind, or 0.
func idOfGID(kind, g string) int64 {
	n, err := strconv.ParseInt(strings.TrimPrefix(g, "gid://shopify/"+kind+"/"), 10, 64)
	if err != nil {
		return 0
	}
	return n
}
