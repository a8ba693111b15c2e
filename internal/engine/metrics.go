package engine

import (
	"errors"
	"time"

	"ringback/internal/cart"
	"ringback/internal/voice"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/shopspring/decimal"
)

// Metrics counts what happens to carts and calls. Labels hold shops, states and reasons, never persons.
type Metrics struct {
	webhooks   *prometheus.CounterVec
	callbacks  *prometheus.CounterVec
	moves      *prometheus.CounterVec
	outcomes   *prometheus.CounterVec
	placements *prometheus.HistogramVec
	aborts     *prometheus.CounterVec
	lineWaits  *prometheus.HistogramVec
	breakers   *prometheus.CounterVec
	deliveries *prometheus.CounterVec
	balance    *prometheus.GaugeVec
	shopify    *shopifyMetrics
}

// NewMetrics makes the metrics and registers them.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{
		webhooks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ringback_webhooks_total", Help: "Shopify webhooks taken in, by topic and what became of them.",
		}, []string{"topic", "taken"}),
		callbacks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ringback_callbacks_total", Help: "Voice API callbacks taken in, by provider, kind and what became of them.",
		}, []string{"provider", "kind", "taken"}),
		moves: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ringback_cart_moves_total", Help: "Changes of a cart's state, by shop, new state and reason.",
		}, []string{"shop", "state", "reason"}),
		outcomes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ringback_calls_total", Help: "Calls that came to an outcome, by shop; an empty outcome is a call that was not placed or is uncertain.",
		}, []string{"shop", "outcome"}),
		placements: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "ringback_placement_seconds", Help: "Duration of requests that place a call, by provider and result.",
			Buckets: prometheus.ExponentialBuckets(0.02, 2, 11),
		}, []string{"provider", "result"}),
		aborts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ringback_aborts_total", Help: "Answers to requests that stop a call, by shop and result.",
		}, []string{"shop", "result"}),
		lineWaits: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "ringback_line_wait_seconds", Help: "How long ready carts waited for a line, by shop.",
			Buckets: prometheus.ExponentialBuckets(0.1, 3, 11),
		}, []string{"shop"}),
		breakers: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ringback_breaker_trips_total", Help: "How often a shop paused itself.",
		}, []string{"shop"}),
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ringback_deliveries_total", Help: "Tries to deliver an event to an endpoint, by its host and result.",
		}, []string{"endpoint", "result"}),
		balance: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "ringback_credits", Help: "The voice account's balance as last told, in the provider's credits.",
		}, []string{"shop"}),
	}
	r.MustRegister(m.webhooks, m.callbacks, m.moves, m.outcomes, m.placements, m.aborts, m.lineWaits, m.breakers)
	r.MustRegister(m.balance, m.deliveries)
	m.shopify = newShopifyMetrics(r)
	return m
}

func (m *Metrics) webhook(topic string, t Taken) { m.webhooks.WithLabelValues(topic, string(t)).Inc() }

func (m *Metrics) callback(provider, kind string, t Taken) {
	m.callbacks.WithLabelValues(provider, kind, string(t)).Inc()
}

func (m *Metrics) cartMoved(shop string, s cart.State, r cart.Reason) {
	m.moves.WithLabelValues(shop, string(s), string(r)).Inc()
}

func (m *Metrics) callSettled(shop string, o cart.Outcome) {
	m.outcomes.WithLabelValues(shop, string(o)).Inc()
}

func (m *Metrics) placed(store *Store, took time.Duration, err error) {
	result := "placed"
	var failed *voice.NotPlacedError
	var refused *voice.RefusedError
	switch {
	case err == nil:
	case errors.As(err, &failed) && failed.Throttled:
		result = "throttled"
	case errors.As(err, &failed):
		result = "not_placed"
	case errors.As(err, &refused):
		result = "refused"
	default:
		result = "uncertain"
	}
	m.placements.WithLabelValues(store.Provider.Name(), result).Observe(took.Seconds())
}

func (m *Metrics) aborted(shop string, a cart.AbortAnswered) {
	result := "too_late"
	switch {
	case a.Accepted:
		result = "aborted"
	case a.GaveUp:
		result = "unreachable"
	}
	m.aborts.WithLabelValues(shop, result).Inc()
}

func (m *Metrics) lineGiven(shop string, waited time.Duration) {
	m.lineWaits.WithLabelValues(shop).Observe(waited.Seconds())
}

func (m *Metrics) delivered(endpoint, result string) {
	m.deliveries.WithLabelValues(endpoint, result).Inc()
}

func (m *Metrics) tripped(shop string) { m.breakers.WithLabelValues(shop).Inc() }

func (m *Metrics) credits(shop string, left decimal.Decimal) {
	m.balance.WithLabelValues(shop).Set(left.InexactFloat64())
}
