package mihu_test

import (
	"testing"

	"ringback/internal/config"
	"ringback/internal/voice"
	"ringback/internal/voice/mihu"
	"ringback/internal/voice/voicetest"
	"ringback/internal/voice/wire"
)

const agent = "32d8fc98-be1e-4d32-a12e-146f397fb1cb"

// account fills in what a Mihu account needs.
func account(cfg config.Voice) config.Voice {
	cfg.Provider = "mihu"
	cfg.Token, cfg.Assistant = "mihu-bearer-token", agent
	cfg.Insights = config.Insights{OptedOut: "do_not_call", Declined: "not_interested", Callback: "callback_requested", CallbackAt: "callback_at"}
	return cfg
}

func TestConformance(t *testing.T) {
	t.Parallel()
	voicetest.Run(t, voicetest.Subject{
		New: func(cfg config.Voice, network wire.Network) (voice.Provider, error) {
			return mihu.New(account(cfg), network)
		},
		Document: "mihu",
		Successes: []string{
			`{"success":true,"message":"Call created successfully","data":{"id":"call-1","status":"success","conversation_uuid":"bfb5a86b"}}`,
			`{"success":true,"data":{"conversation_uuid":"call-1"}}`,
		},
		WithoutID: `{"success":true,"message":"Call created successfully","data":{}}`,
		Secrets:   []string{"mihu-bearer-token"},
	})
}
