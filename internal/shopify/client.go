package shopify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"time"

	"ringback/internal/secret"
)

// Access says how to reach one shop's Admin API.
type Access struct {
	// Shop is the shop's *.myshopify.com domain.
	Shop string
	// Token is an access token that is good now.
	Token secret.Secret
	// Version is such as "2026-10".
	Version string
	// Metafields are the metafields to ask for with a customer, by namespace and key, as "custom.calls".
	Metafields []string
	// HTTP makes the requests; nil means a client with a timeout of 15 s. It may be shared between shops.
	HTTP *http.Client
	// BaseURL replaces https://{shop}, for a simulated Shopify: "{shop}" in it stands for the domain. No trailing slash.
	BaseURL string
	// Log gets warnings, such as another API version than asked for; nil means none.
	Log *slog.Logger
}

// Client asks one shop's GraphQL Admin API. It is safe for concurrent use, keeps to the shop's rate limit, makes
// requests again where that is safe and may help, and never waits past its context.
//
// It is our own thin one rather than go-shopify's, which is not safe for concurrent use, sleeps past its context when
// throttled, treats a partial answer as none, and with a malformed version silently asks the unversioned endpoint.
type Client struct {
	access   Access
	http     *http.Client
	endpoint string
	bucket   bucket
	warnOnce sync.Once

	mu sync.Mutex
	// pageSizes are smaller than an operation's own once Shopify found it too costly.
	pageSizes map[string]int
}

var versionPattern = regexp.MustCompile(`^20[0-9]{2}-(01|04|07|10)$`)

// NewClient checks the access and returns a client for it.
func NewClient(a Access) (*Client, error) {
	shop, err := ParseShop(a.Shop)
	if err != nil {
		return nil, err
	}
	a.Shop = shop
	if !versionPattern.MatchString(a.Version) {
		return nil, fmt.Errorf("api version %.20q is not of the form 2026-10 (01, 04, 07 or 10)", a.Version)
	}
	if !a.Token.Set() {
		return nil, fmt.Errorf("no access token for %s: %w", shop, ErrUnauthorized)
	}
	return &Client{
		access:    a,
		http:      noRedirects(a.HTTP),
		endpoint:  baseURL(a.BaseURL, shop) + "/admin/api/" + a.Version + "/graphql.json",
		pageSizes: map[string]int{},
	}, nil
}

// defaultHTTP makes requests that take no longer than 15 s.
var defaultHTTP = &http.Client{Timeout: 15 * time.Second}

// noRedirects returns a client that follows no redirect: it would carry the token to wherever the redirect points.
func noRedirects(c *http.Client) *http.Client {
	if c == nil {
		c = defaultHTTP
	}
	strict := *c
	strict.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &strict
}

// operation is one of the requests we make. Every one of them may be made again: the mutations find what they made
// before.
type operation struct {
	name string
	text string
	// background operations leave a part of the rate limit to others.
	background bool
	// page is how many objects a page asks for, unless Shopify finds that too costly.
	page int
}

// FieldError is one error of a GraphQL answer, which may have come beside data.
type FieldError struct {
	// Code is such as ACCESS_DENIED; may be empty.
	Code    string
	Message string
	// Path names the field, such as abandonedCheckouts.nodes.0.customer.
	Path string
}

type answer struct {
	Data   json.RawMessage `json:"data"`
	Errors list[struct {
		Message    text         `json:"message"`
		Path       list[scalar] `json:"path"`
		Extensions object[struct {
			Code text `json:"code"`
		}] `json:"extensions"`
	}] `json:"errors"`
	Extensions object[struct {
		Cost object[cost] `json:"cost"`
	}] `json:"extensions"`
}

func (a answer) fieldErrors() []FieldError {
	var out []FieldError
	for _, e := range a.Errors {
		f := FieldError{Code: string(e.Extensions.value.Code), Message: shorten(string(e.Message))}
		for i, p := range e.Path {
			if i > 0 {
				f.Path += "."
			}
			f.Path += string(p)
		}
		out = append(out, f)
	}
	return out
}

// The codes of GraphQL errors that are handled apart (Shopify, "Status and error codes").
const (
	codeThrottled  = "THROTTLED"
	codeMaxCost    = "MAX_COST_EXCEEDED"
	codeDenied     = "ACCESS_DENIED"
	codeInternal   = "INTERNAL_SERVER_ERROR"
	codeShopFrozen = "SHOP_INACTIVE"
)

const (
	// mostTries bounds the requests for one operation that failed, mostThrottled those that met the rate limit.
	mostTries     = 4
	mostThrottled = 20
	// firstBackoff is the wait after the first failure; it doubles with each.
	firstBackoff = 250 * time.Millisecond
	// longestBackoff bounds the wait where Shopify does not say how long to wait.
	longestBackoff = 5 * time.Second
	// largestAnswer bounds an answer, in bytes.
	largestAnswer = 16 << 20
)

// run makes the request, again where that may help, and decodes the data into into. Errors that came beside usable data
// are returned as the first value; without usable data they are the error.
func (c *Client) run(ctx context.Context, op operation, variables map[string]any, into any) ([]FieldError, error) {
	body, err := json.Marshal(map[string]any{"query": op.text, "operationName": op.name, "variables": variables})
	if err != nil {
		return nil, err
	}
	failed, throttled := 0, 0
	for {
		if err := pause(ctx, c.bucket.delay(op), op.name); err != nil {
			return nil, err
		}
		partial, err := c.once(ctx, op, body, into)
		if err == nil || ctx.Err() != nil {
			return partial, err
		}
		wait := RetryAfter(err)
		switch {
		case errors.Is(err, ErrThrottled):
			if throttled++; throttled > mostThrottled {
				return nil, err
			}
			if wait == 0 {
				wait = min(firstBackoff<<(throttled-1), longestBackoff)
			}
		case errors.Is(err, ErrOutage):
			if failed++; failed >= mostTries {
				return nil, err
			}
			wait = max(wait, firstBackoff<<(failed-1))
		default:
			return nil, err
		}
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < wait {
			return nil, err
		}
		if pause(ctx, wait, op.name) != nil {
			return nil, err
		}
	}
}

// pause waits, or fails at once when the context ends sooner.
func pause(ctx context.Context, d time.Duration, operation string) error {
	if d <= 0 {
		return ctx.Err()
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < d {
		return &APIError{Operation: operation, Kind: ErrThrottled, RetryAfter: d}
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *Client) once(ctx context.Context, op operation, body []byte, into any) ([]FieldError, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Shopify-Access-Token", c.access.Token.Reveal())
	res, err := c.http.Do(req)
	if err != nil {
		return nil, transportError(op.name, err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, largestAnswer))
	if err != nil {
		return nil, transportError(op.name, err)
	}
	c.checkVersion(res.Header.Get(HeaderAPIVersion))
	if res.StatusCode != http.StatusOK {
		return nil, statusError(op.name, res, nil)
	}
	var a answer
	if err := decodeObject(raw, &a); err != nil {
		return nil, &APIError{Operation: op.name, Status: res.StatusCode, Kind: ErrOutage, cause: err}
	}
	c.bucket.learn(op, a.Extensions.value.Cost.value)
	return a.into(op, res.StatusCode, c.bucket.delay(op), into)
}

// into decodes the data, or makes the error.
func (a answer) into(op operation, status int, wait time.Duration, into any) ([]FieldError, error) {
	errs := a.fieldErrors()
	if len(a.Data) > 0 && a.Data[0] == '{' && !slices.ContainsFunc(errs, func(e FieldError) bool { return e.Code == codeThrottled }) {
		lenient(a.Data, into)
		return errs, nil
	}
	e := &APIError{Operation: op.name, Status: status, Kind: ErrRefused}
	if len(errs) == 0 {
		e.Kind, e.Message = ErrOutage, "the answer has neither data nor errors"
		return nil, e
	}
	e.Message = errs[0].Message
	for _, f := range errs {
		if f.Code != "" && !slices.Contains(e.Codes, f.Code) {
			e.Codes = append(e.Codes, f.Code)
		}
		switch f.Code {
		case codeThrottled:
			e.Kind, e.RetryAfter = ErrThrottled, wait
		case codeDenied:
			e.Kind = ErrDenied
		case codeInternal:
			e.Kind = ErrOutage
		case codeShopFrozen:
			e.Kind = ErrShopUnavailable
		}
	}
	return nil, e
}

// checkVersion warns, once, when Shopify served another version than asked for: the asked one is no longer supported.
func (c *Client) checkVersion(served string) {
	if served == "" || served == c.access.Version || c.access.Log == nil {
		return
	}
	c.warnOnce.Do(func() {
		c.access.Log.Warn("Shopify served another API version than asked for; set shopify.api_version to a supported one",
			"shop", c.access.Shop, "asked", c.access.Version, "served", served)
	})
}
