package jobs

import (
	"fmt"
	"time"

	"ringback/internal/config"
	"ringback/internal/engine"

	"github.com/riverqueue/river"
	"github.com/robfig/cron/v3"
)

const (
	sweepEvery = 15 * time.Second
	// purgeEvery is how often the retention is applied. A run that finds tables in use leaves them to the next one.
	purgeEvery = time.Hour
	// regainEvery is how often Shopify is asked whether it takes an admin_token again: a new one comes with a restart.
	regainEvery       = 5 * time.Minute
	endDiscountsEvery = time.Hour
)

// periodic are the jobs that come back: at a fixed interval, or by a cron expression of the configuration, where an
// empty one turns the job off.
func periodic(schedule config.Shopify) ([]*river.PeriodicJob, error) {
	atStart := &river.PeriodicJobOpts{RunOnStart: true}
	list := []*river.PeriodicJob{
		every(river.PeriodicInterval(sweepEvery), engine.Sweep{}, atStart),
		every(river.PeriodicInterval(purgeEvery), engine.Purge{}, atStart),
		every(river.PeriodicInterval(regainEvery), engine.RegainAccess{}, atStart),
		every(river.PeriodicInterval(endDiscountsEvery), engine.EndDiscounts{}, nil),
	}
	for _, p := range []struct {
		key, expression string
		args            river.JobArgs
	}{
		{"reconcile_every", schedule.ReconcileEvery, engine.ReconcileAll{}},
		{"subscriptions_every", schedule.SubscriptionsEvery, engine.EnsureAllSubscriptions{}},
	} {
		if p.expression == "" {
			continue
		}
		schedule, err := cron.ParseStandard(p.expression)
		if err != nil {
			return nil, fmt.Errorf("shopify.%s: %w", p.key, err)
		}
		list = append(list, every(schedule, p.args, atStart))
	}
	return list, nil
}

func every(schedule river.PeriodicSchedule, args river.JobArgs, opts *river.PeriodicJobOpts) *river.PeriodicJob {
	return river.NewPeriodicJob(schedule, func() (river.JobArgs, *river.InsertOpts) { return args, nil }, opts)
}
