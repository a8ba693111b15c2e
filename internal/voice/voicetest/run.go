package voicetest

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"ringback/internal/cart"
	"ringback/internal/config"
	"ringback/internal/voice"
	"ringback/internal/voice/contract"
	"ringback/internal/voice/wire"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Subject is a provider under test.
type Subject struct {
	// New makes the provider for a server at cfg.BaseURL with cfg.Timeout; the subject fills in the rest.
	New func(cfg config.Voice, network wire.Network) (voice.Provider, error)
	// Document names the published API, as package contract does.
	Document string
	// Successes are the documented answers to a placement, each naming the call "call-1"; WithoutID names none.
	Successes []string
	WithoutID string
	// Secrets must never show.
	Secrets []string
	// Abilities are what the account is to be able to do.
	Abilities voice.Abilities
}

// Run holds the provider to the contract.
func Run(t *testing.T, s Subject) {
	t.Run("abilities", func(t *testing.T) {
		t.Parallel()
		p := s.provider(t, scene{url: "https://voice.example"})
		assert.Equal(t, s.Abilities, p.Abilities())
		if !s.Abilities.CanAbort {
			require.ErrorIs(t, p.Abort(t.Context(), "call-1"), voice.ErrUnsupported)
		}
		if !s.Abilities.CanUpdate {
			require.ErrorIs(t, p.Update(t.Context(), "call-1", Request()), voice.ErrUnsupported)
		}
	})
	t.Run("places", s.places)
	t.Run("refuses what cannot be dialled", s.refusesBadNumbers)
	t.Run("keeps secrets and personal data out of errors", s.keepsQuiet)
	t.Run("survives rubbish callbacks", s.survivesRubbish)
	t.Run("faults of placing", func(t *testing.T) {
		faults := placing(s.Successes[0], s.WithoutID)
		s.everyRow(t, "Placing a call", faults, func(ctx context.Context, p voice.Provider) string {
			_, err := p.Place(ctx, Request())
			return placed(err)
		})
	})
	if s.Abilities.CanAbort {
		t.Run("faults of aborting", func(t *testing.T) {
			s.everyRow(t, "Aborting a call", aborting(), func(ctx context.Context, p voice.Provider) string {
				return aborted(p.Abort(ctx, "call-1"))
			})
		})
	}
}

func (s Subject) provider(t *testing.T, sc scene) voice.Provider {
	t.Helper()
	cfg := config.Voice{BaseURL: sc.url, Timeout: sc.timeout}
	if cfg.Timeout == 0 {
		cfg.Timeout = ample
	}
	p, err := s.New(cfg, sc.network)
	require.NoError(t, err)
	return p
}

// everyRow sets up every fault, and compares how it is told with the document. The two lists must be the same.
func (s Subject) everyRow(t *testing.T, heading string, faults map[string]func(*testing.T) scene, do func(context.Context, voice.Provider) string) {
	want := matrix(t, heading)
	require.ElementsMatch(t, slices.Collect(maps.Keys(want)), slices.Collect(maps.Keys(faults)), "docs/voice-faults.md and the faults tried differ")
	for fault, setUp := range faults {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			sc := setUp(t)
			ctx := sc.ctx
			if ctx == nil {
				ctx = t.Context()
			}
			assert.Equal(t, want[fault], do(ctx, s.provider(t, sc)))
			if sc.lab == nil {
				return
			}
			assert.LessOrEqual(t, sc.lab.Conns(), 1, "connections")
			assert.LessOrEqual(t, len(sc.lab.Requests()), 1, "requests")
			if want[fault] == "not placed" && !strings.HasPrefix(fault, "4") {
				assert.Zero(t, sc.lab.Bytes(), "a byte of the request reached a provider that surely placed nothing")
			}
			if sc.elsewhere != nil {
				assert.Zero(t, sc.elsewhere.Conns(), "a redirect was followed")
			}
		})
	}
}

func (s Subject) places(t *testing.T) {
	doc, err := contract.Load(s.Document)
	require.NoError(t, err)
	for i, success := range s.Successes {
		for name, start := range map[string]func(*testing.T, func(*Lab, net.Conn)) *Lab{"plain": NewLab, "TLS": NewTLSLab} {
			t.Run(fmt.Sprintf("%s answer %d", name, i+1), func(t *testing.T) {
				t.Parallel()
				lab := start(t, Answer(200, success))
				p := s.provider(t, scene{url: lab.URL, network: wire.Network{RootCAs: lab.RootCAs}})
				receipt, err := p.Place(t.Context(), Request())
				require.NoError(t, err)
				assert.Equal(t, "call-1", receipt.ProviderCallID)
				require.Len(t, lab.Requests(), 1)
				seen := lab.Requests()[0]
				require.NoError(t, doc.Request(seen.Request, seen.Body))
				assert.NotContains(t, seen.Request.URL.String(), Request().Phone)
				assert.True(t, seen.Request.Close, "the connection is not kept for a second request")
			})
		}
	}
}

func (s Subject) refusesBadNumbers(t *testing.T) {
	t.Parallel()
	lab := NewLab(t, Answer(200, s.Successes[0]))
	p := s.provider(t, scene{url: lab.URL})
	for _, phone := range []string{"", "5550100", "+0155501000", "+1 415 555 0100", "+1415555010012345", "tel:+14155550100"} {
		r := Request()
		r.Phone = phone
		_, err := p.Place(t.Context(), r)
		assert.Equal(t, "refused: content", placed(err), phone)
	}
	assert.Zero(t, lab.Conns(), "nothing is sent for a number that cannot be dialled")
}

// keepsQuiet has the provider answer with all it was told.
func (s Subject) keepsQuiet(t *testing.T) {
	r := Request()
	private := append([]string{
		r.Phone, strings.TrimPrefix(r.Phone, "+"), "asha.rao@example.com", "Asha", "Rao", "12 Lake Road", "560001", r.Link, r.CallbackURL, "secret-token",
	}, s.Secrets...)
	for _, status := range []int{400, 401, 402, 404, 409, 429, 500, 200} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			lab := NewLab(t, func(l *Lab, conn net.Conn) {
				seen := l.Read(conn)
				if seen == nil {
					return
				}
				var told strings.Builder
				_ = seen.Request.Header.Write(&told)
				body := fmt.Sprintf(`{"message":%q}`, "cannot call: "+told.String()+string(seen.Body))
				_, _ = fmt.Fprintf(conn, "HTTP/1.1 %d %s\r\nContent-Length: %d\r\n\r\n%s", status, http.StatusText(status), len(body), body)
			})
			_, err := s.provider(t, scene{url: lab.URL}).Place(t.Context(), r)
			require.Error(t, err)
			for _, word := range private {
				assert.NotContains(t, strings.ToLower(err.Error()), strings.ToLower(word))
			}
		})
	}
}

func (s Subject) survivesRubbish(t *testing.T) {
	t.Parallel()
	p := s.provider(t, scene{url: "https://voice.example"})
	for _, body := range []string{"", "null", "[]", "{}", "42", `"event"`, `{"event":null}`, `{"event":{}}`, `{"event":{"type":5}`, "\x00", `{"a":1}{"a":2}`} {
		callbacks, err := p.Parse([]byte(body))
		require.Error(t, err, body)
		assert.Empty(t, callbacks, body)
	}
}

// Request is a call for a full cart.
func Request() voice.Request {
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	money := decimal.RequireFromString
	return voice.Request{
		CallID:    uuid.MustParse("0195a1b2-0000-7000-8000-000000000001"),
		CartID:    uuid.MustParse("0195a1b2-0000-7000-8000-000000000002"),
		Shop:      "acme.myshopify.com",
		StoreName: "Acme Teas",
		Attempt:   2,
		Phone:     "+919000012345",
		Country:   "IN",
		Link:      "https://acme.myshopify.com/1/checkouts/ac/abc/recover?key=secret-token&discount=COMEBACK10",
		Priority:  true,
		Offer:     &cart.Offer{Code: "COMEBACK10", Description: "ten per cent off", Value: money("10"), Type: "percentage", ApplyAs: "additional"},

		CallbackURL: "https://calls.example.com/webhooks/voice/x/secret-token",
		Checkout: cart.Checkout{
			Token:         "tok_1",
			ID:            "66509168181329",
			URL:           "https://acme.myshopify.com/1/checkouts/ac/abc/recover?key=secret-token",
			Email:         "asha.rao@example.com",
			Customer:      cart.Customer{ID: "7", FirstName: "Asha", LastName: "Rao"},
			Shipping:      &cart.Address{FirstName: "Asha", LastName: "Rao", Address1: "12 Lake Road", City: "Bengaluru", Province: "Karnataka", ProvinceCode: "KA", Country: "India", CountryCode: "IN", Zip: "560001", Phone: "+919000012345"},
			Billing:       &cart.Address{Country: "India", Phone: "090000 12345"},
			Currency:      "INR",
			Total:         money("1895"),
			Subtotal:      money("1804.76"),
			Discounts:     money("0"),
			TaxesIncluded: true,
			TaxLines:      []cart.TaxLine{{Title: "IGST", Rate: money("0.05"), Price: money("90.24")}},
			Items: []cart.Item{
				{Title: "Darjeeling", VariantTitle: "100 g", VariantID: "58523289485393", Quantity: 2, Price: money("600")},
				{Title: "Cup", Quantity: 1, Price: money("695")},
			},
			Codes:     []cart.DiscountCode{{Code: "WELCOME", Amount: money("0")}},
			CreatedAt: at, UpdatedAt: at,
		},
	}
}
