package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
)

// errProbe ends the transaction of a probe without keeping anything.
var errProbe = errors.New("only a probe")

// probeSize is the size of what a probe writes: enough that it seldom fits into what is left of a page, so that it
// finds a full disk.
const probeSize = 1800

// CheckWritable finds out whether webhooks can be kept, by keeping one and taking it back. The error begins with what
// is wrong: a full disk, a server that is read-only, a right that is missing.
func (db *DB) CheckWritable(ctx context.Context) error {
	noise := make([]byte, probeSize)
	// Read never fails: it ends the program if the system has no randomness.
	_, _ = rand.Read(noise)
	err := db.InTx(ctx, func(ctx context.Context, tx *Tx) error {
		if _, _, err := tx.KeepWebhook(ctx, "", uuid.NewString(), "probe", noise, false); err != nil {
			return err
		}
		return errProbe
	})
	switch {
	case errors.Is(err, errProbe):
		return nil
	case hasState(err, diskFull):
		return fmt.Errorf("the disk of the database is full: %w", err)
	case hasState(err, readOnlyTransaction):
		return fmt.Errorf("the database is read-only: %w", err)
	}
	return fmt.Errorf("nothing can be written to the database: %w", err)
}

// Writable remembers for a while whether the database can be written to.
type Writable struct {
	db    *DB
	mu    sync.Mutex
	until time.Time
	last  error
}

// writableHolds is how long an answer holds: the probe writes, if little.
const writableHolds = 5 * time.Second

// NewWritable watches whether a database can be written to.
func NewWritable(db *DB) *Writable { return &Writable{db: db} }

// Check is CheckWritable, asked at most every five seconds.
func (w *Writable) Check(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if time.Now().Before(w.until) {
		return w.last
	}
	w.last = w.db.CheckWritable(ctx)
	w.until = time.Now().Add(writableHolds)
	return w.last
}
