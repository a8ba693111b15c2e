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

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// subject is an account under test.
type subject struct {
	d       voice.Descriptor
	sample  Sample
	api     *contract.Document
	account Account
	section config.Voice
	// can are the account's abilities.
	can voice.Abilities
}

// Run holds a provider to the contract, with each kind of account in the sample of its folder.
func Run(t *testing.T, d voice.Descriptor, folder string) {
	sample, api := ReadSample(t, folder)
	t.Run("description", func(t *testing.T) { describes(t, d, sample) })
	for name, account := range sample.Accounts {
		t.Run(name, func(t *testing.T) {
			section, err := load(t, d, account.Voice)
			require.NoError(t, err)
			s := subject{d: d, sample: sample, api: api, account: account, section: section}
			s.can = s.provider(t, scene{url: "https://voice.example"}).Abilities()
			s.run(t)
		})
	}
}

func (s subject) run(t *testing.T) {
	t.Run("abilities", s.hasItsAbilities)
	t.Run("required keys", s.needsItsKeys)
	t.Run("places", s.places)
	t.Run("refuses what cannot be dialled", s.refusesBadNumbers)
	t.Run("keeps secrets and personal data out of errors", s.keepsQuiet)
	t.Run("survives rubbish callbacks", s.survivesRubbish)
	t.Run("checks signatures", s.checksSignatures)
	t.Run("faults of placing", func(t *testing.T) {
		faults := placing(s.sample.Successes[0], s.sample.WithoutID)
		s.everyRow(t, "Placing a call", faults, func(ctx context.Context, p voice.Provider) string {
			_, err := p.Place(ctx, Request())
			return placed(err)
		})
	})
	if s.can.CanAbort {
		t.Run("faults of aborting", func(t *testing.T) {
			s.everyRow(t, "Aborting a call", aborting(), func(ctx context.Context, p voice.Provider) string {
				return aborted(p.Abort(ctx, "call-1"))
			})
		})
	}
}

func (s subject) provider(t *testing.T, sc scene) voice.Provider {
	t.Helper()
	cfg := s.section
	cfg.BaseURL, cfg.Timeout = sc.url, sc.timeout
	if cfg.Timeout == 0 {
		cfg.Timeout = ample
	}
	p, err := s.d.Open(cfg, sc.network)
	require.NoError(t, err)
	return p
}

// describes checks a description against what it describes.
func describes(t *testing.T, d voice.Descriptor, sample Sample) {
	t.Parallel()
	assert.Regexp(t, `^[a-z][a-z0-9_]*$`, d.Name)
	assert.NotEmpty(t, d.Title)
	assert.Equal(t, d.Abilities.Signs, d.Signer != nil, "a provider that signs has a Signer")
	assert.Equal(t, d.Onboard == nil, d.NoOnboarding != "", "it is either onboarded, or says why not")
	described := map[string]config.Key{}
	for _, key := range d.Keys {
		assert.NotContains(t, described, key.Name, "described twice")
		assert.NotEmpty(t, key.What, key.Name)
		described[key.Name] = key
	}
	for _, key := range d.Config().OwnKeys() {
		assert.Contains(t, described, key, "every key of the settings is described")
	}
	if d.BaseURL == "" {
		assert.True(t, described["base_url"].Required, "without a default the address is required")
	}
	_, err := load(t, d, map[string]any{"no_such_key": "x"})
	require.ErrorContains(t, err, "voice.no_such_key: unknown key; the keys here are provider, base_url")
	for key := range described {
		section := map[string]any{key + "x": "value"}
		_, err := load(t, d, section)
		require.ErrorContains(t, err, fmt.Sprintf("voice.%sx: unknown key; did you mean %q?", key, key))
	}
	can := map[string]bool{}
	for _, account := range sample.Accounts {
		for _, ability := range account.Abilities {
			can[ability] = true
		}
	}
	assert.ElementsMatch(t, slices.Collect(maps.Keys(can)), has(d.Abilities),
		"the description has what any account can do")
}

func (s subject) hasItsAbilities(t *testing.T) {
	t.Parallel()
	p := s.provider(t, scene{url: "https://voice.example"})
	assert.Equal(t, s.d.Name, p.Name())
	assert.ElementsMatch(t, s.account.Abilities, has(s.can))
	if !s.can.CanAbort {
		require.ErrorIs(t, p.Abort(t.Context(), "call-1"), voice.ErrUnsupported)
	}
	if !s.can.CanUpdate {
		require.ErrorIs(t, p.Update(t.Context(), "call-1", Request()), voice.ErrUnsupported)
	}
}

// needsItsKeys leaves each required key out: the check of the configuration and Open both name it.
func (s subject) needsItsKeys(t *testing.T) {
	t.Parallel()
	for _, key := range s.d.Keys {
		if !key.Required {
			continue
		}
		section := maps.Clone(s.account.Voice)
		require.Contains(t, section, key.Name, "the account has every required key")
		delete(section, key.Name)
		_, err := load(t, s.d, section)
		require.ErrorContains(t, err, fmt.Sprintf("voice.%s: is missing; %s needs %s", key.Name, s.d.Name, key.What))
	}
	_, err := s.d.Open(config.Voice{Provider: s.d.Name, BaseURL: "https://voice.example"}, voice.Network{})
	require.ErrorContains(t, err, "voice.")
	require.ErrorContains(t, err, ": missing; "+s.d.Name+" needs ")
}

// checksSignatures sends a callback without a signature. Accounts that cannot check one accept it.
func (s subject) checksSignatures(t *testing.T) {
	t.Parallel()
	p := s.provider(t, scene{url: "https://voice.example"})
	err := p.Verify(http.Header{}, []byte(`{"event":{}}`))
	if !s.can.Signs {
		require.NoError(t, err)
		return
	}
	require.ErrorIs(t, err, voice.ErrSignature)
	signer, own := s.d.Signer(s.section.Settings), p.(voice.Signer)
	require.ErrorIs(t, signer.Verify(http.Header{}, []byte(`{"event":{}}`)), voice.ErrSignature)
	require.NotEmpty(t, own.KeyIDs(), "without a key, the engine takes callbacks unsigned")
	require.NotEmpty(t, own.PublicKeys(), "without a name, the engine takes callbacks unsigned")
	assert.Equal(t, own.KeyIDs(), signer.KeyIDs())
	assert.Equal(t, own.PublicKeys(), signer.PublicKeys())
}

// everyRow sets up every fault and compares what the provider reports with the document. The document and the faults
// must list the same.
func (s subject) everyRow(
	t *testing.T, heading string, faults map[string]func(*testing.T) scene,
	do func(context.Context, voice.Provider) string,
) {
	want := matrix(t, heading)
	require.ElementsMatch(t, slices.Collect(maps.Keys(want)), slices.Collect(maps.Keys(faults)),
		"docs/voice-faults.md and the faults tried differ")
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

func (s subject) places(t *testing.T) {
	for i, success := range s.sample.Successes {
		for name, start := range map[string]func(*testing.T, func(*Lab, net.Conn)) *Lab{
			"plain": NewLab, "TLS": NewTLSLab,
		} {
			t.Run(fmt.Sprintf("%s answer %d", name, i+1), func(t *testing.T) {
				t.Parallel()
				lab := start(t, Answer(200, success))
				p := s.provider(t, scene{url: lab.URL, network: voice.Network{RootCAs: lab.RootCAs}})
				receipt, err := p.Place(t.Context(), Request())
				require.NoError(t, err)
				assert.Equal(t, "call-1", receipt.ProviderCallID)
				require.Len(t, lab.Requests(), 1)
				seen := lab.Requests()[0]
				require.NoError(t, s.api.Request(seen.Request, seen.Body))
				assert.Equal(t, s.can.CallbackPerCall, strings.Contains(string(seen.Body), Request().CallbackURL),
					"the callback URL")
				assert.NotContains(t, seen.Request.URL.String(), Request().Phone)
				assert.True(t, seen.Request.Close, "the connection is not kept for a second request")
			})
		}
	}
}

func (s subject) refusesBadNumbers(t *testing.T) {
	t.Parallel()
	lab := NewLab(t, Answer(200, s.sample.Successes[0]))
	p := s.provider(t, scene{url: lab.URL})
	for _, phone := range []string{
		"", "5550100", "+0155501000", "+1 415 555 0100", "+1415555010012345", "tel:+14155550100",
	} {
		r := Request()
		r.Phone = phone
		_, err := p.Place(t.Context(), r)
		assert.Equal(t, "refused: content", placed(err), phone)
	}
	assert.Zero(t, lab.Conns(), "nothing is sent for a number that cannot be dialled")
}

// keepsQuiet lets the provider answer with everything that it was sent.
func (s subject) keepsQuiet(t *testing.T) {
	r := Request()
	private := append([]string{
		r.Phone, strings.TrimPrefix(r.Phone, "+"), "asha.rao@example.com", "Asha", "Rao", "12 Lake Road", "560001",
		r.Link,
		r.CallbackURL, "secret-token",
	}, s.account.Secrets...)
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
				_, _ = fmt.Fprintf(conn, "HTTP/1.1 %d %s\r\nContent-Length: %d\r\n\r\n%s", status,
					http.StatusText(status), len(body), body)
			})
			_, err := s.provider(t, scene{url: lab.URL}).Place(t.Context(), r)
			require.Error(t, err)
			for _, word := range private {
				assert.NotContains(t, strings.ToLower(err.Error()), strings.ToLower(word))
			}
		})
	}
}

func (s subject) survivesRubbish(t *testing.T) {
	t.Parallel()
	p := s.provider(t, scene{url: "https://voice.example"})
	for _, body := range []string{
		"", "null", "[]", "{}", "42", `"event"`, `{"event":null}`, `{"event":{}}`, `{"event":{"type":5}`, "\x00",
		`{"a":1}{"a":2}`,
	} {
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
		Offer: &cart.Offer{
			Code: "COMEBACK10", Description: "ten per cent off", Value: money("10"), Type: "percentage",
			ApplyAs: "additional",
		},

		CallbackURL: "https://calls.example.com/webhooks/voice/x/secret-token",
		Checkout: cart.Checkout{
			Token:    "tok_1",
			ID:       "66509168181329",
			URL:      "https://acme.myshopify.com/1/checkouts/ac/abc/recover?key=secret-token",
			Email:    "asha.rao@example.com",
			Customer: cart.Customer{ID: "7", FirstName: "Asha", LastName: "Rao"},
			Shipping: &cart.Address{
				FirstName: "Asha", LastName: "Rao", Address1: "12 Lake Road", City: "Bengaluru", Province: "Karnataka",
				ProvinceCode: "KA", Country: "India", CountryCode: "IN", Zip: "560001", Phone: "+919000012345",
			},
			Billing:       &cart.Address{Country: "India", Phone: "090000 12345"},
			Currency:      "INR",
			Total:         money("1895"),
			Subtotal:      money("1804.76"),
			Discounts:     money("0"),
			TaxesIncluded: true,
			TaxLines:      []cart.TaxLine{{Title: "IGST", Rate: money("0.05"), Price: money("90.24")}},
			Items: []cart.Item{
				{Title: "Darjeeling", VariantTitle: "100 g", VariantID: "58523289485393", Quantity: 2,
					Price: money("600")},
				{Title: "Cup", Quantity: 1, Price: money("695")},
			},
			Codes:     []cart.DiscountCode{{Code: "WELCOME", Amount: money("0")}},
			CreatedAt: at, UpdatedAt: at,
		},
	}
}
