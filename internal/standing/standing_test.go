package standing

import (
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"
)

var now = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

func ago(d time.Duration) *time.Time {
	at := now.Add(-d)
	return &at
}

func credits(n int64) *decimal.Decimal {
	d := decimal.NewFromInt(n)
	return &d
}

// fine are the facts of a shop that calls.
func fine() Facts {
	return Facts{
		Domain: "acme.myshopify.com", InstallURL: "https://calls.example.com/shopify/install?shop=acme.myshopify.com",
		HasToken: true, ConnectedAt: ago(30 * 24 * time.Hour), LastWebhookAt: ago(time.Minute), LongestGap: time.Hour,
		ReconciledUntil: ago(5 * time.Minute), ReconcileEvery: 10 * time.Minute,
		Lines: 5, OpensAt: ago(0),
	}
}

func TestOf(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(*Facts)
		status Status
		codes  []Code
		says   string
		remedy string
	}{
		{"calls", func(*Facts) {}, Active, nil, "", ""},
		{"never connected", func(f *Facts) { *f = Facts{Domain: f.Domain, InstallURL: f.InstallURL, OpensAt: ago(0)} },
			NotConnected, []Code{NeverConnected}, "never been connected", "install the app, at https://calls.example.com"},
		{"custom app never connected", func(f *Facts) { *f = Facts{Domain: f.Domain, CustomApp: true, OpensAt: ago(0)} },
			NotConnected, []Code{NeverConnected}, "never been connected", "as admin_token of acme.myshopify.com"},
		{"webhooks without a token", func(f *Facts) { f.HasToken = false },
			Attention, []Code{NoToken}, "there is no token", "install the app, at"},
		{"app removed", func(f *Facts) { f.HasToken, f.UninstalledAt = false, ago(time.Hour) },
			NotConnected, []Code{AppRemoved}, "removed the app", "install the app again"},
		{"token dead", func(f *Facts) { f.HasToken, f.AccessLostAt = false, ago(time.Hour) },
			Failing, []Code{TokenDead}, "refuses the token", "install the app again"},
		{"subscriptions missing", func(f *Facts) {
			f.Subscriptions = &Fault{Since: *ago(time.Hour), Last: *ago(0), Times: 1, Detail: "address is not allowed."}
		},
			Failing, []Code{SubscriptionsMissing}, "could not be made: address is not allowed.", "server.public_url"},
		{"wrong secret from the beginning", func(f *Facts) {
			f.LastWebhookAt = nil
			f.ConnectedAt = ago(time.Hour)
			f.Signatures = &Fault{Since: *ago(10 * time.Minute), Last: *ago(time.Minute), Times: 7}
		}, Failing, []Code{SignaturesRefused}, "7 webhooks were refused", "client_secrets"},
		{"some wrong signatures among good ones", func(f *Facts) {
			f.Signatures = &Fault{Since: *ago(10 * time.Minute), Last: *ago(time.Minute), Times: 1}
		}, Attention, []Code{SignaturesRefused}, "1 webhook was refused", "client_secrets"},
		{"wrong signatures long ago", func(f *Facts) {
			f.Signatures = &Fault{Since: *ago(10 * time.Hour), Last: *ago(2 * time.Hour), Times: 1}
		}, Active, nil, "", ""},
		{"silent for longer than usual", func(f *Facts) { f.LastWebhookAt = ago(3 * time.Hour) },
			Attention, []Code{NoWebhooks}, "No webhooks for 3 h", "reachable from outside"},
		{"silent as usual", func(f *Facts) { f.LastWebhookAt, f.LongestGap = ago(12*time.Hour), 8*time.Hour },
			Active, nil, "", ""},
		{"silent, and little is known", func(f *Facts) { f.LastWebhookAt, f.LongestGap = ago(23*time.Hour), 0 },
			Active, nil, "", ""},
		{"connected, and no webhook for a day", func(f *Facts) {
			f.LastWebhookAt, f.ConnectedAt, f.LongestGap = nil, ago(25*time.Hour), 0
		},
			Attention, []Code{NoWebhooks}, "since the shop was connected", ""},
		{"just connected", func(f *Facts) { f.LastWebhookAt, f.ConnectedAt, f.LongestGap = nil, ago(time.Hour), 0 },
			Active, nil, "", ""},
		{"not compared with Shopify", func(f *Facts) { f.ReconciledUntil = ago(2 * time.Hour) },
			Attention, []Code{ReconcileBehind}, "not been compared with Shopify for 2 h", "reconcile_shop"},
		{"never compared, and that is turned off", func(f *Facts) { f.ReconciledUntil, f.ReconcileEvery = nil, 0 },
			Active, nil, "", ""},
		{"voice API down", func(f *Facts) {
			f.Voice = &Fault{Since: *ago(5 * time.Minute), Last: *ago(time.Minute), Times: 3, Detail: "no connection"}
		}, Failing, []Code{VoiceFailing}, "3 requests failed, the last 1 min ago: no connection.", "base_url"},
		{"voice API was down when last tried", func(f *Facts) {
			f.Voice = &Fault{Since: *ago(50 * time.Hour), Last: *ago(5 * time.Hour), Times: 1, Detail: "timeout"}
		}, Attention, []Code{VoiceFailing}, "1 request failed", ""},
		{"no credits", func(f *Facts) { f.Credits = credits(0) }, Failing, []Code{NoCredits}, "no credits left", "Buy"},
		{"few credits by the breaker's limit", func(f *Facts) { f.Credits, f.Below = credits(150), credits(100) },
			Attention, []Code{CreditsLow}, "150 credits left", "Buy"},
		{"enough credits", func(f *Facts) { f.Credits, f.Below = credits(201), credits(100) }, Active, nil, "", ""},
		{"breaker", func(f *Facts) { f.BreakerAt, f.BreakerReason = ago(time.Hour), "8 of 10 calls failed" },
			Paused, []Code{BreakerOpen}, "paused itself: 8 of 10 calls failed.", "resume"},
		{"breaker past its time", func(f *Facts) { f.BreakerAt, f.BreakerUntil = ago(time.Hour), ago(time.Minute) },
			Active, nil, "", ""},
		{"paused", func(f *Facts) { f.PausedAt, f.PausedBy = ago(time.Hour), "dashboard" },
			Paused, []Code{PausedByHand}, "by dashboard", "Resume"},
		{"paused in the configuration", func(f *Facts) { f.PausedInConfig = true },
			Paused, []Code{PausedByHand}, "paused: true", "Remove"},
		{"outside hours", func(f *Facts) { f.OpensAt = ago(-time.Hour) },
			Active, []Code{OutsideHours}, "outside the calling hours", ""},
		{"never open", func(f *Facts) { f.OpensAt = nil }, Attention, []Code{OutsideHours}, "never meet", "windows"},
		{"no free line", func(f *Facts) { f.Ready, f.Busy = 3, 5 },
			Active, []Code{NoFreeLines}, "3 carts wait for a line", ""},
		{"voice API takes none for now", func(f *Facts) { f.RestsUntil = *ago(-time.Minute) },
			Active, []Code{NoFreeLines}, "too many calls", ""},
		{"all at once, the worst first", func(f *Facts) {
			f.HasToken, f.AccessLostAt, f.OpensAt = false, ago(time.Hour), ago(-time.Hour)
			f.PausedInConfig = true
			f.Voice = &Fault{Since: *ago(time.Hour), Last: *ago(0), Times: 1}
		}, Failing, []Code{TokenDead, VoiceFailing, PausedByHand, OutsideHours}, "refuses the token", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := fine()
			tt.change(&f)
			s := Of(f, now)
			assert.Equal(t, tt.status, s.Status)
			var codes []Code
			for _, r := range s.Reasons {
				codes = append(codes, r.Code)
			}
			assert.Equal(t, tt.codes, codes)
			if len(codes) > 0 {
				assert.Contains(t, s.Reasons[0].Says, tt.says)
				assert.Contains(t, s.Reasons[0].Remedy, tt.remedy)
			}
		})
	}
}

func TestOf_EveryReasonIsToldInFull(t *testing.T) {
	t.Parallel()
	maybe := func(t *rapid.T, name string) *time.Time {
		if rapid.Bool().Draw(t, name) {
			return nil
		}
		return ago(time.Duration(rapid.Int64Range(-200, 2000).Draw(t, name+" minutes ago")) * time.Minute)
	}
	fault := func(t *rapid.T, name string) *Fault {
		since := maybe(t, name)
		if since == nil {
			return nil
		}
		return &Fault{Since: *since, Last: *since, Times: 1, Detail: "broken"}
	}
	rapid.Check(t, func(t *rapid.T) {
		f := Facts{
			Domain: "acme.myshopify.com", HasToken: rapid.Bool().Draw(t, "token"), CustomApp: rapid.Bool().Draw(t, "custom"),
			UninstalledAt: maybe(t, "uninstalled"), AccessLostAt: maybe(t, "lost"), LastWebhookAt: maybe(t, "webhook"),
			ReconciledUntil: maybe(t, "reconciled"), ConnectedAt: maybe(t, "connected"), PausedAt: maybe(t, "paused"),
			BreakerAt: maybe(t, "breaker"), BreakerUntil: maybe(t, "breaker until"), OpensAt: maybe(t, "opens"),
			Signatures: fault(t, "signatures"), Subscriptions: fault(t, "subscriptions"), Voice: fault(t, "voice"),
			ReconcileEvery: 10 * time.Minute,
		}
		s := Of(f, now)
		assert.Contains(t, Statuses(), s.Status)
		seen := map[Code]bool{}
		for i, r := range s.Reasons {
			assert.Contains(t, Codes(), r.Code)
			assert.False(t, seen[r.Code], "told once")
			seen[r.Code] = true
			assert.NotEmpty(t, r.Label)
			assert.NotEmpty(t, r.Says)
			if r.status != Active {
				assert.NotEmpty(t, r.Remedy, "%s needs a remedy", r.Code)
			}
			if i == 0 {
				assert.Equal(t, r.status, s.Status)
			}
		}
	})
}
