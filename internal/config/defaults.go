package config

import (
	"time"

	"ringback/internal/policy"
)

// builtin is the configuration of an empty file.
func builtin() Config {
	return Config{
		Server:   Server{Listen: "127.0.0.1:8080"},
		Database: Database{DataDir: "./data", MaxConns: 20},
		Worker:   Worker{Enabled: true, Concurrency: 100},
		Shopify: Shopify{
			APIVersion:         "2026-10",
			ReconcileEvery:     "*/10 * * * *",
			SubscriptionsEvery: "30 3 * * *",
		},
		Retention: Retention{PersonalData: 720 * time.Hour, Payloads: 168 * time.Hour},
		Alerts:    Alerts{Mail: Mail{Port: 587, TLS: MailStartTLS}},
		Log:       Log{Level: "info", Format: "text"},
		Stores:    map[string]Store{},
	}
}

// builtinStore is what a store begins with, before the file's defaults and its own keys.
func builtinStore() Store {
	return Store{
		PurchaseCheck: 10 * time.Minute,
		Precheck:      Precheck{Timeout: 800 * time.Millisecond, OnError: PrecheckWaits, Cache: 24 * time.Hour},
		Voice: Voice{
			Lines:   5,
			MaxWait: 2 * time.Hour,
			Timeout: 15 * time.Second,
			Silence: 15 * time.Minute,
			Retries: "ours",
			Insights: Insights{
				OptedOut:       "do_not_call",
				Declined:       "not_interested",
				Interested:     "interested",
				Callback:       "callback_requested",
				CallbackAt:     "callback_at",
				Voicemail:      "voicemail",
				Screened:       "screened",
				Disclosed:      "disclosed",
				OfferMentioned: "offer_mentioned",
				OfferAccepted:  "offer_accepted",
				Reason:         "abandon_reason",
			},
			Machine: Machine{ShorterThan: 12 * time.Second, HungUpWithin: 2 * time.Second},
			Keep:    []string{KeepSummary, KeepTranscript, KeepRecording},
		},
		Policy: policy.DefaultRules(),
	}
}
