package engine

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
)

// intakeCollector tells how far the carts are behind the webhooks that were kept.
type intakeCollector struct {
	engine      *Engine
	queued, lag *prometheus.Desc
}

// NewIntakeCollector makes a collector of the intake's queue, which it reads at each scrape.
func NewIntakeCollector(e *Engine) prometheus.Collector {
	return &intakeCollector{
		engine: e,
		queued: prometheus.NewDesc("ringback_intake_queued_webhooks",
			"Webhooks that were kept and have yet to be applied to their carts.", nil, nil),
		lag: prometheus.NewDesc("ringback_intake_lag_seconds",
			"How long the oldest webhook has waited that was kept and has yet to be applied; 0 when there is none.", nil, nil),
	}
}

// Describe implements prometheus.Collector.
func (c *intakeCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.queued
	ch <- c.lag
}

// Collect implements prometheus.Collector.
func (c *intakeCollector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeWithin)
	defer cancel()
	lag, err := c.engine.db.IntakeLag(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(c.queued, err)
		return
	}
	ch <- prometheus.MustNewConstMetric(c.queued, prometheus.GaugeValue, float64(lag.Queued))
	ch <- prometheus.MustNewConstMetric(c.lag, prometheus.GaugeValue, lag.Oldest.Seconds())
}
