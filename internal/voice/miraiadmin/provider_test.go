package miraiadmin_test

import (
	"net/http"
	"testing"

	"ringback/internal/cart"
	"ringback/internal/config"
	"ringback/internal/voice"
	"ringback/internal/voice/mirai"
	"ringback/internal/voice/miraiadmin"
	"ringback/internal/voice/voicetest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPlace_SendsTheNumberAlone(t *testing.T) {
	t.Parallel()
	lab := voicetest.NewLab(t, voicetest.Answer(200, `{"success":true,"data":{"call_id":"c_1","status":"queued"}}`))
	p, err := miraiadmin.New(account(config.Voice{BaseURL: lab.URL}), voice.Network{})
	require.NoError(t, err)
	receipt, err := p.Place(t.Context(), voicetest.Request())
	require.NoError(t, err)
	assert.Equal(t, voice.Receipt{ProviderCallID: "c_1"}, receipt)
	seen := lab.Requests()[0]
	assert.Equal(t, "/v1/admin/assistant/call", seen.Request.URL.Path)
	assert.JSONEq(t, `{"assistant_id":"68c128a658cd7d0668bce78d","to_number":"+919000012345"}`, string(seen.Body))
	assert.Equal(t, "Bearer admin-bearer-token", seen.Request.Header.Get("Authorization"))
	assert.Equal(t, "ws-68d63c", seen.Request.Header.Get("workspace"))
	assert.Equal(t, "org-68d63c", seen.Request.Header.Get("organization"))
}

func TestNew_NamesTheKeyAtFault(t *testing.T) {
	t.Parallel()
	for key, spoil := range map[string]func(*config.Voice){
		"voice.base_url":    func(c *config.Voice) { c.BaseURL = "" },
		"voice.private_key": func(c *config.Voice) { settings(c).PublicKey = "pk_1" },
		"voice.public_key":  func(c *config.Voice) { settings(c).PrivateKey = "sk_1" },
	} {
		cfg := account(config.Voice{BaseURL: "https://voice.example"})
		spoil(&cfg)
		_, err := miraiadmin.New(cfg, voice.Network{})
		require.ErrorContains(t, err, key)
	}
}

func TestVerify_NeedsThePairOfKeys(t *testing.T) {
	t.Parallel()
	body := []byte(`{"event":{"type":"call.no-answer","data":{"call":{"id":"c_1"}}}}`)
	with, err := miraiadmin.New(withKeys(config.Voice{BaseURL: "https://voice.example"}), voice.Network{})
	require.NoError(t, err)
	require.ErrorIs(t, with.Verify(http.Header{}, body), voice.ErrSignature)
	signed := http.Header{}
	signed.Set("x-public-key", "pk_0a1b2c")
	signed.Set("x-signature", mirai.Sign("sk_c2b1a0", body))
	require.NoError(t, with.Verify(signed, body))

	without, err := miraiadmin.New(account(config.Voice{BaseURL: "https://voice.example"}), voice.Network{})
	require.NoError(t, err)
	require.NoError(t, without.Verify(http.Header{}, body), "nothing to check it with: the URL's token is the guard")
	all, err := without.Parse(body)
	require.NoError(t, err)
	assert.Equal(t, "c_1", all[0].ProviderCallID)
	assert.Equal(t, cart.ReportNoAnswer, all[0].Report.Kind)
}
