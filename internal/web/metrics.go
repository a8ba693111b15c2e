package web

import (
	"context"
	"math"

	"ringback/internal/cart"
	"ringback/internal/engine"
	"ringback/internal/postgres"
	"ringback/internal/standing"
	"ringback/internal/web/cached"
	"ringback/internal/web/view"

	"github.com/prometheus/client_golang/prometheus"
)

// loadCollector counts, at each scrape, what is under way.
type loadCollector struct {
	engine *engine.Engine

	up, carts, ready, busy, lines, rest, jobs, shops *prometheus.Desc

	load *cached.Value[postgres.Load]
	// unfinished counts jobs.
	unfinished *cached.Value[[]postgres.JobCount]
	standings  *cached.Value[[]engine.ShopStanding]
}

func newLoadCollector(
	load *cached.Value[postgres.Load], unfinished *cached.Value[[]postgres.JobCount],
	standings *cached.Value[[]engine.ShopStanding], engine *engine.Engine,
) *loadCollector {
	assistant := []string{"provider", "assistant"}
	return &loadCollector{
		engine: engine,
		up: prometheus.NewDesc("ringback_database_up",
			"1 when the counts below could be read, 0 when they are missing.", nil, nil),
		carts: prometheus.NewDesc("ringback_carts", "Carts by state.", []string{"state"}, nil),
		ready: prometheus.NewDesc("ringback_ready_carts", "Carts that wait for a line, by assistant.", assistant, nil),
		busy:  prometheus.NewDesc("ringback_lines_busy", "Lines that a call occupies, by assistant.", assistant, nil),
		lines: prometheus.NewDesc("ringback_lines", "Lines configured, by assistant.", assistant, nil),
		rest: prometheus.NewDesc("ringback_lines_rest_seconds",
			"How long no call is placed, because the voice API answered 429, by assistant.", assistant, nil),
		shops: prometheus.NewDesc("ringback_shops", "Configured shops by how they stand.", []string{"status"}, nil),
		load:  load, unfinished: unfinished, standings: standings,
		jobs: prometheus.NewDesc("ringback_jobs",
			"Jobs that are not finished, by queue and state.", []string{"queue", "state"}, nil),
	}
}

// Describe implements prometheus.Collector.
func (l *loadCollector) Describe(descriptions chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{l.up, l.carts, l.ready, l.busy, l.lines, l.rest, l.jobs, l.shops} {
		descriptions <- d
	}
}

// Collect implements prometheus.Collector.
func (l *loadCollector) Collect(metrics chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, n int, labels ...string) {
		metrics <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(n), labels...)
	}
	load, err := l.load.Get(context.Background())
	unfinished, failed := l.unfinished.Get(context.Background())
	shops, unknown := l.standings.Get(context.Background())
	if err != nil || failed != nil || unknown != nil {
		gauge(l.up, 0)
		return
	}
	gauge(l.up, 1)
	for _, state := range cart.States() {
		gauge(l.carts, load.Carts[state], string(state))
	}
	for _, a := range view.Assistants(l.engine.Stores(), load) {
		gauge(l.ready, a.Ready, a.Provider, a.Name)
		gauge(l.busy, a.Busy, a.Provider, a.Name)
		gauge(l.lines, a.Lines, a.Provider, a.Name)
		gauge(l.rest, int(math.Ceil(max(a.RestsUntil.Sub(l.engine.Now()).Seconds(), 0))), a.Provider, a.Name)
	}
	byStatus := map[standing.Status]int{}
	for _, s := range shops {
		byStatus[s.Status]++
	}
	for _, status := range standing.Statuses() {
		gauge(l.shops, byStatus[status], string(status))
	}
	for _, j := range unfinished {
		gauge(l.jobs, j.Count, j.Queue, j.State)
	}
}
