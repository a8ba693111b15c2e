package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Alert is something about a shop that people are told of once.
type Alert struct {
	ID   int64
	Shop string
	// Code is the reason's.
	Code     string
	Says     string
	Remedy   string
	RaisedAt time.Time
	// ResolvedAt is nil while it goes on.
	ResolvedAt *time.Time
}

const alertColumns = `id, shop, code, says, remedy, raised_at, resolved_at`

func collectAlerts(rows pgx.Rows, err error) ([]Alert, error) {
	if err != nil {
		return nil, err
	}
	alerts, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Alert])
	for i := range alerts {
		inUTC(&alerts[i].RaisedAt, alerts[i].ResolvedAt)
	}
	return alerts, err
}

// KeepAlerts raises the alerts that are not open yet, and resolves the open ones of the shops that are not among them.
// It returns those that it raised and those that it resolved: what another process did first is in neither.
func (tx *Tx) KeepAlerts(ctx context.Context, shops []string, now []Alert) (raised, resolved []Alert, err error) {
	var ofShop, code, says, remedy []string
	for _, a := range now {
		ofShop, code = append(ofShop, a.Shop), append(code, a.Code)
		says, remedy = append(says, a.Says), append(remedy, a.Remedy)
	}
	raised, err = collectAlerts(tx.Query(ctx, `
		INSERT INTO alerts (shop, code, says, remedy, raised_at)
		SELECT shop, code, says, remedy, $5
		FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS found (shop, code, says, remedy)
		ORDER BY shop, code
		ON CONFLICT (shop, code) WHERE resolved_at IS NULL DO NOTHING
		RETURNING `+alertColumns, ofShop, code, says, remedy, tx.Now))
	if err != nil {
		return nil, nil, fmt.Errorf("raise alerts: %w", err)
	}
	resolved, err = collectAlerts(tx.Query(ctx, `
		UPDATE alerts
		SET resolved_at = $4
		WHERE resolved_at IS NULL
			AND shop = ANY ($1)
			AND NOT EXISTS (
				SELECT 1
				FROM unnest($2::text[], $3::text[]) AS found (shop, code)
				WHERE found.shop = alerts.shop AND found.code = alerts.code
			)
		RETURNING `+alertColumns, shops, ofShop, code, tx.Now))
	if err != nil {
		return nil, nil, fmt.Errorf("resolve alerts: %w", err)
	}
	return raised, resolved, nil
}

// Alert reads one alert; ErrNotFound when there is none.
func (db *DB) Alert(ctx context.Context, id int64) (Alert, error) {
	alerts, err := collectAlerts(db.pool.Query(ctx, `
		SELECT `+alertColumns+`
		FROM alerts
		WHERE id = $1`, id))
	if err != nil {
		return Alert{}, fmt.Errorf("read an alert: %w", err)
	}
	if len(alerts) == 0 {
		return Alert{}, ErrNotFound
	}
	return alerts[0], nil
}

// DropAlerts forgets the alerts that were resolved before an instant.
func (db *DB) DropAlerts(ctx context.Context, before time.Time) error {
	_, err := db.pool.Exec(ctx, `
		DELETE FROM alerts
		WHERE resolved_at < $1`, before)
	if err != nil {
		return fmt.Errorf("drop old alerts: %w", err)
	}
	return nil
}
