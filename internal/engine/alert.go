package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ringback/internal/postgres"
)

const (
	// watchEvery is how often a process looks how its shops stand.
	watchEvery = 15 * time.Second
	// alertMemory is how long an alert that is over is kept.
	alertMemory = 90 * 24 * time.Hour
)

// WatchShops raises and resolves the alerts of this process's shops, at intervals until ctx ends.
func (e *Engine) WatchShops(ctx context.Context) {
	ticks := time.NewTicker(watchEvery)
	defer ticks.Stop()
	for {
		if err := e.LookAtShops(ctx); err != nil && ctx.Err() == nil {
			e.log.WarnContext(ctx, "it was not looked how the shops stand", "error", err)
		}
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return
		}
	}
}

// LookAtShops raises an alert for each reason of a shop that people should be told of, and resolves those that are
// over. Of several processes that know a shop, one tells.
func (e *Engine) LookAtShops(ctx context.Context) error {
	standings, err := e.Standings(ctx)
	if err != nil {
		return err
	}
	var shops []string
	var now []postgres.Alert
	for _, s := range standings {
		shops = append(shops, s.Domain)
		for _, r := range s.Reasons {
			if r.Alerts() {
				now = append(now, postgres.Alert{Shop: s.Domain, Code: string(r.Code), Says: r.Says, Remedy: r.Remedy})
			}
		}
	}
	var raised, resolved []postgres.Alert
	err = e.inTx(ctx, func(ctx context.Context, u *unit) error {
		var err error
		if raised, resolved, err = u.KeepAlerts(ctx, shops, now); err != nil {
			return err
		}
		if e.mail == nil {
			return nil
		}
		for _, a := range raised {
			if err := u.insert(ctx, MailAlert{AlertID: a.ID}, time.Time{}); err != nil {
				return err
			}
		}
		for _, a := range resolved {
			if err := u.insert(ctx, MailAlert{AlertID: a.ID, Resolved: true}, time.Time{}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, a := range raised {
		e.log.WarnContext(ctx, "a shop needs attention", "shop", a.Shop, "code", a.Code, "says", a.Says, "do", a.Remedy)
	}
	for _, a := range resolved {
		e.log.InfoContext(ctx, "a shop needs attention no longer", "shop", a.Shop, "code", a.Code)
	}
	return nil
}

// Mail sends a text to the people who look after the installation. An error means that the mail server did not take it.
type Mail func(ctx context.Context, subject, text string) error

// MailAlert tells people of an alert by mail.
func (e *Engine) MailAlert(ctx context.Context, job MailAlert) error {
	if e.mail == nil {
		return nil
	}
	a, err := e.db.Alert(ctx, job.AlertID)
	if errors.Is(err, postgres.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	subject := fmt.Sprintf("Ringback: %s needs attention", a.Shop)
	text := a.Says + "\n\n" + a.Remedy
	if job.Resolved {
		subject = fmt.Sprintf("Ringback: %s needs attention no longer", a.Shop)
		text = "This is over: " + a.Says
	}
	text += fmt.Sprintf("\n\nReason: %s, since %s.\n%s/shops/%s\n",
		a.Code, a.RaisedAt.Format(time.RFC1123), e.publicURL, a.Shop)
	return e.mail(ctx, subject, text)
}
