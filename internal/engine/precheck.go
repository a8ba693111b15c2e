package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"

	"ringback/internal/cart"
	"ringback/internal/config"
	"ringback/internal/policy"
	"ringback/internal/postgres"

	"github.com/google/uuid"
)

// Prechecker asks a store's own system before a call.
type Prechecker struct {
	endpoint *Endpoint
	timeout  time.Duration
	cache    time.Duration
	// onError is what is done without an answer.
	onError policy.PrecheckVerdict
}

// NewPrechecker makes the prechecker of a store; nil when it has none.
func NewPrechecker(c config.Precheck) (*Prechecker, error) {
	if c.URL == "" {
		return nil, nil
	}
	endpoints, err := NewEndpoints([]config.Endpoint{{URL: c.URL, Secret: c.Secret, Private: c.Private}})
	if err != nil {
		return nil, errors.New("precheck: its url or secret cannot be used")
	}
	p := &Prechecker{endpoint: endpoints.list[0], timeout: c.Timeout, cache: c.Cache, onError: policy.PrecheckWait}
	if c.OnError == config.PrecheckCall {
		p.onError = policy.PrecheckAllow
	}
	return p, nil
}

// longestPrecheck is how long an answer is kept at most.
const longestPrecheck = 30 * 24 * time.Hour

// precheckQuestion is what is asked.
type precheckQuestion struct {
	Phone     string     `json:"phone"`
	Country   string     `json:"country"`
	LineType  string     `json:"line_type"`
	Shop      string     `json:"shop"`
	Cart      uuid.UUID  `json:"cart"`
	Basis     string     `json:"basis"`
	ConsentAt *time.Time `json:"consent_at"`
}

// precheck asks the store's own system about a call that has a line, unless it was asked about the number lately. It is
// asked outside any transaction, and the line waits for no longer than its timeout. Nil when the store has none.
func (e *Engine) precheck(
	ctx context.Context, store *Store, c *postgres.Cart, call *cart.Call,
) (*policy.Precheck, error) {
	p := store.Precheck
	if p == nil {
		return nil, nil
	}
	now := e.db.Now()
	known, err := e.db.Precheck(ctx, c.Shop, call.Phone, p.endpoint.ID, now.Add(-p.cache))
	if err == nil && (known.Verdict != policy.PrecheckWait || known.Until == nil || known.Until.After(now)) {
		return &known, nil
	}
	if err != nil && !errors.Is(err, postgres.ErrNotFound) {
		return nil, err
	}
	question := precheckQuestion{
		Phone: call.Phone, Country: c.Country, LineType: policy.LineType(call.Phone), Shop: c.Shop, Cart: c.ID,
	}
	if consent := call.Consent; consent != nil {
		question.Basis, question.ConsentAt = consent.Basis, consent.At
	}
	body, err := json.Marshal(question)
	if err != nil {
		return nil, err
	}
	answer, wrong := p.ask(ctx, call.ID, now, body)
	answer.AskedAt = now
	if wrong != "" {
		e.log.WarnContext(ctx, "the precheck gave no answer", "shop", c.Shop, "cart", c.ID, "why", wrong)
		return &policy.Precheck{Verdict: p.onError, Reason: wrong, AskedAt: now, Failed: true}, nil
	}
	return &answer, e.db.KeepPrecheck(ctx, c.Shop, call.Phone, p.endpoint.ID, answer)
}

// ask posts the question and reads the answer; wrong says why there is none.
func (p *Prechecker) ask(ctx context.Context, id uuid.UUID, now time.Time, body []byte) (policy.Precheck, string) {
	var none policy.Precheck
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	late := "no answer within " + p.timeout.String()
	resp, wrong := p.endpoint.post(ctx, id.String(), now, body)
	if ctx.Err() != nil {
		wrong = late
	}
	if resp != nil {
		defer resp.Body.Close()
	}
	if wrong != "" {
		return none, wrong
	}
	if resp.StatusCode != http.StatusOK {
		return none, fmt.Sprintf("it answered %d", resp.StatusCode)
	}
	content, err := io.ReadAll(io.LimitReader(resp.Body, mostAnswer))
	if ctx.Err() != nil {
		return none, late
	}
	if err != nil {
		return none, "the answer broke off"
	}
	return readPrecheck(content)
}

// readPrecheck reads an answer: {"verdict": "allow", "reason": "clean", "until": "2026-11-27T18:00:00Z"}.
func readPrecheck(content []byte) (policy.Precheck, string) {
	var said struct {
		Verdict policy.PrecheckVerdict `json:"verdict"`
		Reason  string                 `json:"reason"`
		Until   *time.Time             `json:"until"`
	}
	if json.Unmarshal(content, &said) != nil {
		return policy.Precheck{}, "the answer cannot be read"
	}
	switch said.Verdict {
	case policy.PrecheckAllow, policy.PrecheckWait, policy.PrecheckStop:
	default:
		return policy.Precheck{}, "the answer has no verdict of allow, wait or stop"
	}
	if said.Until != nil && (said.Until.Year() < 1970 || said.Until.Year() > 9000) {
		said.Until = nil
	}
	return policy.Precheck{Verdict: said.Verdict, Reason: precheckWord(said.Reason), Until: said.Until}, ""
}

// A reason is a word such as dnc_registry. Other text may name somebody, and must not outlive their erasure.
var (
	precheckReason = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,39}$`)
	precheckNumber = regexp.MustCompile(`[0-9]{5}`)
)

func precheckWord(told string) string {
	word := strings.ToLower(strings.TrimSpace(told))
	switch {
	case word == "":
		return ""
	case precheckReason.MatchString(word) && !precheckNumber.MatchString(word):
		return word
	}
	return "other"
}
