package web

import (
	"context"

	"ringback/internal/cart"
	"ringback/internal/engine"
	"ringback/internal/postgres"

	"github.com/prometheus/client_golang/prometheus"
)

// loadCollector counts, when scraped, what is under way.
type loadCollector struct {
	engine *engine.Engine

	up, carts, ready, busy, lines, jobs *prometheus.Desc

	load *costly[postgres.Load]
}

func newLoadCollector(load *costly[postgres.Load], engine *engine.Engine) *loadCollector {
	assistant := []string{"provider", "assistant"}
	return &loadCollector{
		engine: engine,
		up:     prometheus.NewDesc("ringback_database_up", "1 when the counts below could be read, 0 when they are missing.", nil, nil),
		carts:  prometheus.NewDesc("ringback_carts", "Carts by state.", []string{"state"}, nil),
		ready:  prometheus.NewDesc("ringback_ready_carts", "Carts that wait for a line, by assistant.", assistant, nil),
		busy:   prometheus.NewDesc("ringback_lines_busy", "Lines that a call occupies, by assistant.", assistant, nil),
		lines:  prometheus.NewDesc("ringback_lines", "Lines configured, by assistant.", assistant, nil),
		load:   load,
		jobs:   prometheus.NewDesc("ringback_jobs", "Jobs that are not finished, by queue and state.", []string{"queue", "state"}, nil),
	}
}

// Describe implements prometheus.Collector.
func (l *loadCollector) Describe(descriptions chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{l.up, l.carts, l.ready, l.busy, l.lines, l.jobs} {
		descriptions <- d
	}
}

// Collect implements prometheus.Collector.
func (l *loadCollector) Collect(metrics chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, n int, labels ...string) {
		metrics <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(n), labels...)
	}
	load, err := l.load.get(context.Background())
	if err != nil {
		gauge(l.up, 0)
		return
	}
	gauge(l.up, 1)
	for _, state := range cart.States() {
		gauge(l.carts, load.Carts[state], string(state))
	}
	for _, a := range assistants(l.engine.Stores(), load) {
		gauge(l.ready, a.ready, a.provider, a.name)
		gauge(l.busy, a.busy, a.provider, a.name)
		gauge(l.lines, a.lines, a.provider, a.name)
	}
	for _, j := range load.Jobs {
		gauge(l.jobs, j.Count, j.Queue, j.State)
	}
}

// assistant is a pool of lines and how it is used. Workspaces and addresses are left out of its name: they are the account's.
type assistant struct {
	provider, name     string
	lines, busy, ready int
}

// assistants lists the configured assistants in the order of the shops that use them. Two with one name, in two workspaces,
// count as one.
func assistants(stores []*engine.Store, load postgres.Load) []*assistant {
	var list []*assistant
	byName := map[[2]string]*assistant{}
	seen := map[string]bool{}
	for _, store := range stores {
		voice := store.Config.Voice
		key := voice.AssistantKey()
		if seen[key] {
			continue
		}
		seen[key] = true
		name := [2]string{voice.Provider, voice.Assistant}
		a := byName[name]
		if a == nil {
			a = &assistant{provider: voice.Provider, name: voice.Assistant}
			byName[name] = a
			list = append(list, a)
		}
		a.lines += voice.Lines
		a.busy += load.Busy[key]
		a.ready += load.Ready[key]
	}
	return list
}
