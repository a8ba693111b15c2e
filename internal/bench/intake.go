package bench

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// The groups of rows.
const (
	groupLimits    = "Limits of this machine"
	groupNew       = "Burst: new checkouts"
	groupFive      = "Burst: five versions of each checkout"
	groupSustained = "Sustained, workers on, 32 connections"
	groupFullDay   = "With many webhooks of the day already kept"
	groupDisk      = "Memory and disk"
)

// versionsOfOne is how many versions of a checkout are sent where there are several.
const versionsOfOne = 5

// connectionsTried are the numbers of connections that send bursts.
func connectionsTried() []int { return []int{8, 32, 128} }

// yardstickConns is how many connections commit single rows.
const yardstickConns = 8

// yardsticks measures what the machine can do at most.
func (r *run) yardsticks(ctx context.Context) error {
	r.say("single-row commits")
	perSecond, err := r.commits(ctx)
	if err != nil {
		return err
	}
	r.report.add(Row{
		ID: "commits", Group: groupLimits, What: fmt.Sprintf("single-row commits, %d connections", yardstickConns),
		Value: perSecond, Unit: "commits/s",
	})
	for _, c := range connectionsTried() {
		r.say("HTTP and HMAC alone, %d connections", c)
		var all bursts
		for range r.repeats {
			s, err := r.burstAt(ctx, &r.bare, c, 1)
			if err != nil {
				return err
			}
			all.add(s)
		}
		r.report.add(all.row(Row{
			ID: fmt.Sprintf("http-%d", c), Group: groupLimits, What: fmt.Sprintf("HTTP + HMAC alone, %d connections", c),
		}))
	}
	return nil
}

// commits is how many rows a second are committed one by one.
func (r *run) commits(ctx context.Context) (perSecond float64, err error) {
	cfg := r.pool.Config()
	cfg.MaxConns = yardstickConns
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return 0, err
	}
	defer pool.Close()
	if _, err := pool.Exec(ctx, `CREATE TABLE bench_commits (id BIGINT PRIMARY KEY, text TEXT NOT NULL)`); err != nil {
		return 0, fmt.Errorf("make a table: %w", err)
	}
	var next atomic.Int64
	errs := make([]error, yardstickConns)
	began := time.Now()
	var group sync.WaitGroup
	for i := range yardstickConns {
		group.Go(func() {
			for errs[i] == nil && time.Since(began) < r.yardstick {
				_, errs[i] = pool.Exec(ctx, `INSERT INTO bench_commits (id, text) VALUES ($1, 'a short text')`, next.Add(1))
			}
		})
	}
	group.Wait()
	took := time.Since(began)
	for _, err := range errs {
		if err != nil {
			return 0, fmt.Errorf("commit single rows: %w", err)
		}
	}
	_, err = pool.Exec(ctx, `DROP TABLE bench_commits`)
	return float64(next.Load()) / took.Seconds(), err
}

// bursts are several bursts of one kind.
type bursts struct {
	rates    []float64
	p50, p99 []time.Duration
}

func (b *bursts) add(s *sent) {
	b.rates = append(b.rates, s.perSecond())
	b.p50, b.p99 = append(b.p50, s.quantile(0.5)), append(b.p99, s.quantile(0.99))
}

// row completes a row with the medians of the bursts.
func (b *bursts) row(row Row) Row {
	row.Value, row.Unit = median(b.rates), "webhooks/s"
	row.P50, row.P99 = milliseconds(median(b.p50)), milliseconds(median(b.p99))
	return row
}

// burstAt sends one burst to a target.
func (r *run) burstAt(ctx context.Context, t *target, connections, versions int) (*sent, error) {
	return t.send(ctx, load{
		shop: waitingShop, connections: connections, webhooks: r.burst, versions: versions, from: r.numbers(r.burst),
	})
}

// compare sends bursts to the simple intake and to ours, in turns.
func (r *run) compare(ctx context.Context, connections, versions int) (simple, ours bursts, err error) {
	for i := range r.repeats {
		s, err := r.burstAt(ctx, &r.simple, connections, versions)
		if err != nil {
			return simple, ours, fmt.Errorf("the simple intake: %w", err)
		}
		simple.add(s)
		o, err := r.burstAt(ctx, &r.ours, connections, versions)
		if err != nil {
			return simple, ours, err
		}
		ours.add(o)
		if _, err := r.applied(ctx); err != nil {
			return simple, ours, err
		}
		r.say("  %d of %d: simple %.0f/s, ringback %.0f/s", i+1, r.repeats, s.perSecond(), o.perSecond())
	}
	return simple, ours, nil
}

// newCheckouts measures bursts of checkouts that are seen for the first time.
func (r *run) newCheckouts(ctx context.Context) error { return r.kind(ctx, groupNew, "new", 1) }

// fiveVersions measures bursts in which each checkout changes several times.
func (r *run) fiveVersions(ctx context.Context) error {
	return r.kind(ctx, groupFive, "five", versionsOfOne)
}

func (r *run) kind(ctx context.Context, group, id string, versions int) error {
	for _, c := range connectionsTried() {
		r.say("%s, %d connections", group, c)
		simple, ours, err := r.compare(ctx, c, versions)
		if err != nil {
			return err
		}
		simpleRow := simple.row(Row{
			ID: fmt.Sprintf("simple-%s-%d", id, c), Group: group, What: fmt.Sprintf("simple intake, %d connections", c),
			Note: "The simple intake is echo and one transaction for each webhook, with a row that keeps duplicates out\n" +
				"and one River job, which nobody works.",
		})
		row := ours.row(Row{
			ID: fmt.Sprintf("ringback-%s-%d", id, c), Group: group, What: fmt.Sprintf("ringback, %d connections", c),
		})
		row.TimesSimple = rounded(row.Value / simpleRow.Value)
		r.report.add(simpleRow)
		r.report.add(row)
		if versions == 1 {
			r.fresh[c] = row.Value
		}
	}
	return nil
}

// appliedEvery is how often it is looked whether everything was applied.
const appliedEvery = 20 * time.Millisecond

// applied waits until every kept webhook was applied, and returns how long that took.
func (r *run) applied(ctx context.Context) (time.Duration, error) {
	began := time.Now()
	for {
		var queued bool
		if err := r.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM intake_queue)`).Scan(&queued); err != nil {
			return 0, fmt.Errorf("look whether everything was applied: %w", err)
		}
		if !queued {
			return time.Since(began), nil
		}
		if wait(ctx, appliedEvery); ctx.Err() != nil {
			return 0, ctx.Err()
		}
	}
}

// manyNumbers is more checkouts than a load of any duration sends.
const manyNumbers = 10_000_000

// sustainedConns is how many connections send webhooks for long.
const sustainedConns = 32

func (r *run) sustain(ctx context.Context, t *target, versions int, d time.Duration) (*sent, error) {
	return t.send(ctx, load{
		shop: waitingShop, connections: sustainedConns, duration: d, versions: versions, from: r.numbers(manyNumbers),
	})
}

// long measures what is kept and applied for long. The simple intake is measured before and after it, each time for a
// fifth as long.
func (r *run) long(ctx context.Context) error {
	for _, kind := range []struct {
		id, what string
		versions int
	}{{"new", "new checkouts", 1}, {"five", "five versions of each", versionsOfOne}} {
		r.say("sustained for %s: %s", r.sustained, kind.what)
		before, err := r.sustain(ctx, &r.simple, kind.versions, r.sustained/5)
		if err != nil {
			return fmt.Errorf("the simple intake: %w", err)
		}
		ours, err := r.sustain(ctx, &r.ours, kind.versions, r.sustained)
		if err != nil {
			return err
		}
		behind, err := r.applied(ctx)
		if err != nil {
			return err
		}
		after, err := r.sustain(ctx, &r.simple, kind.versions, r.sustained/5)
		if err != nil {
			return fmt.Errorf("the simple intake: %w", err)
		}
		r.sustainedRows(kind.id, kind.what, before, after, ours, behind)
	}
	return nil
}

func (r *run) sustainedRows(id, what string, before, after, ours *sent, behind time.Duration) {
	var simple bursts
	simple.add(before)
	simple.add(after)
	row := simple.row(Row{ID: "sustained-simple-" + id, Group: groupSustained, What: "simple intake, " + what + ": kept"})
	row.Value = (before.perSecond() + after.perSecond()) / 2
	r.report.add(row)
	kept := Row{
		ID: "sustained-kept-" + id, Group: groupSustained, What: "ringback, " + what + ": kept", Value: ours.perSecond(),
		Unit: "webhooks/s", P50: milliseconds(ours.quantile(0.5)), P99: milliseconds(ours.quantile(0.99)),
		TimesSimple: rounded(ours.perSecond() / row.Value),
	}
	applied := float64(ours.webhooks) / (ours.took + behind).Seconds()
	r.report.add(kept)
	r.report.add(Row{
		ID: "sustained-applied-" + id, Group: groupSustained, What: "ringback, " + what + ": applied", Value: applied,
		Unit: "webhooks/s", TimesSimple: rounded(applied / row.Value),
	})
	r.report.add(Row{
		ID: "sustained-behind-" + id, Group: groupSustained, What: "ringback, " + what + ": applied by, after the end",
		Value: behind.Round(10 * time.Millisecond).Seconds(), Unit: "s",
	})
	r.say("  simple %.0f/s, ringback %.0f/s, all applied %s after the end",
		row.Value, kept.Value, behind.Round(time.Millisecond))
	if id == "new" {
		r.sustainedRate = kept.Value
	}
}

// half measures how soon webhooks are answered that come at half of the rate that was kept for long, whether the
// ones before were answered or not.
func (r *run) half(ctx context.Context) error {
	rate := max(r.sustainedRate/2, 1)
	r.say("open loop, %.0f webhooks a second for %s", rate, r.openLoop)
	s, err := r.ours.send(ctx, load{
		shop: waitingShop, connections: 128, duration: r.openLoop, rate: rate, from: r.numbers(manyNumbers),
	})
	if err != nil {
		return err
	}
	if _, err := r.applied(ctx); err != nil {
		return err
	}
	r.report.add(Row{
		ID: "open-loop", Group: groupSustained, What: "ringback, open loop, new checkouts at half that rate",
		Value: s.perSecond(), Unit: "webhooks/s", P50: milliseconds(s.quantile(0.5)), P99: milliseconds(s.quantile(0.99)),
	})
	return nil
}

// fullDay measures bursts when the day has many webhooks already.
func (r *run) fullDay(ctx context.Context) error {
	if err := r.fillWebhooks(ctx); err != nil {
		return err
	}
	const connections = 128
	r.say("bursts with %s webhooks of the day kept, %d connections", grouped(float64(r.kept)), connections)
	simple, ours, err := r.compare(ctx, connections, 1)
	if err != nil {
		return err
	}
	what := grouped(float64(r.kept)) + " kept"
	simpleRow := simple.row(Row{
		ID: "full-day-simple", Group: groupFullDay, What: fmt.Sprintf("simple intake, %d connections", connections),
		Note: "The simple intake has only what was sent to it before.",
	})
	row := ours.row(Row{
		ID: "full-day", Group: groupFullDay, What: fmt.Sprintf("ringback, %s, %d connections", what, connections),
	})
	row.TimesSimple = rounded(row.Value / simpleRow.Value)
	r.report.add(simpleRow)
	r.report.add(row)
	r.report.add(Row{
		ID: "full-day-share", Group: groupFullDay, What: "that rate, as a multiple of the fresh database's",
		Value: *rounded(row.Value / r.fresh[connections]), Unit: "×",
	})
	return nil
}
