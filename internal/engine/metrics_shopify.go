package engine

import (
	"context"
	"errors"
	"time"

	"ringback/internal/postgres"
	"ringback/internal/shopify"

	"github.com/prometheus/client_golang/prometheus"
)

// shopifyMetrics count our errands to Shopify.
type shopifyMetrics struct {
	renewals     *prometheus.CounterVec
	drift        *prometheus.CounterVec
	found        *prometheus.CounterVec
	scanProblems *prometheus.CounterVec
	discounts    *prometheus.CounterVec
	checks       *prometheus.CounterVec
}

func newShopifyMetrics(r prometheus.Registerer) *shopifyMetrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		r.MustRegister(v)
		return v
	}
	return &shopifyMetrics{
		renewals:     counter("ringback_token_renewals_total", "Renewals of shops' tokens, by result.", "result"),
		drift:        counter("ringback_subscription_drift_total", "Webhook subscriptions that had to be put right, by shop, topic and what was done.", "shop", "topic", "repair"),
		found:        counter("ringback_reconcile_found_total", "Checkouts and orders that were missing or newer than any webhook told, by shop and kind.", "shop", "kind"),
		scanProblems: counter("ringback_reconcile_problems_total", "Errors that came beside the data of a reconciling, by shop.", "shop"),
		discounts:    counter("ringback_discounts_total", "Single-use codes wanted for a call, by shop and what the customer was given.", "shop", "result"),
		checks:       counter("ringback_purchase_checks_total", "Questions to Shopify just before a call, by shop and answer.", "shop", "answer"),
	}
}

func (m *shopifyMetrics) renewed(err error) {
	result := "renewed"
	switch {
	case errors.Is(err, shopify.ErrReinstall):
		result = "reinstall"
	case err != nil:
		result = "failed"
	}
	m.renewals.WithLabelValues(result).Inc()
}

func (m *shopifyMetrics) drifted(shop string, r shopify.Repair) {
	for _, t := range r.Created {
		m.drift.WithLabelValues(shop, t, "created").Inc()
	}
	for _, t := range r.Removed {
		m.drift.WithLabelValues(shop, t, "removed").Inc()
	}
}

// connectionCollector tells, at each scrape, how the shops' connections to Shopify stand.
type connectionCollector struct {
	engine *Engine
	lost   *prometheus.Desc
	lag    *prometheus.Desc
	due    *prometheus.Desc
}

// NewConnectionCollector tells of every shop whether Shopify refuses our access and how long ago it was last
// reconciled, and when the next privacy request is due.
func NewConnectionCollector(e *Engine) prometheus.Collector {
	return &connectionCollector{
		engine: e,
		lost:   prometheus.NewDesc("ringback_shop_access_lost", "1 when Shopify refuses our token for the shop, else 0.", []string{"shop"}, nil),
		lag: prometheus.NewDesc("ringback_reconcile_lag_seconds",
			"How long ago the instant is up to which the shop's checkouts and orders have been reconciled.", []string{"shop"}, nil),
		due: prometheus.NewDesc("ringback_privacy_requests_open", "Privacy requests that are not done, by kind and whether their deadline has passed.",
			[]string{"kind", "overdue"}, nil),
	}
}

// Describe implements prometheus.Collector.
func (c *connectionCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.lost
	ch <- c.lag
	ch <- c.due
}

// scrapeWithin bounds the queries of one scrape.
const scrapeWithin = 5 * time.Second

// Collect implements prometheus.Collector.
func (c *connectionCollector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeWithin)
	defer cancel()
	shops, err := c.engine.db.Shops(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(c.lost, err)
		return
	}
	now := c.engine.db.Now()
	for _, s := range shops {
		if c.engine.stores[s.Domain] == nil {
			continue
		}
		lost := 0.0
		if s.AccessLostAt != nil {
			lost = 1
		}
		ch <- prometheus.MustNewConstMetric(c.lost, prometheus.GaugeValue, lost, s.Domain)
		if s.ReconciledUntil != nil && s.UninstalledAt == nil {
			ch <- prometheus.MustNewConstMetric(c.lag, prometheus.GaugeValue, now.Sub(*s.ReconciledUntil).Seconds(), s.Domain)
		}
	}
	open, err := c.engine.db.OpenPrivacyRequests(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(c.due, err)
		return
	}
	for _, kind := range []string{postgres.PrivacyDataRequest, postgres.PrivacyRedactCustomer, postgres.PrivacyRedactShop} {
		ch <- prometheus.MustNewConstMetric(c.due, prometheus.GaugeValue, float64(open[kind].Open-open[kind].Overdue), kind, "false")
		ch <- prometheus.MustNewConstMetric(c.due, prometheus.GaugeValue, float64(open[kind].Overdue), kind, "true")
	}
}
