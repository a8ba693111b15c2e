//go:build unix

package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// joinPatience bounds the wait for a server that another process is starting.
	joinPatience = 2 * time.Minute
	// joinPause is the wait between two looks at it.
	joinPause = 100 * time.Millisecond
	// connectPatience bounds one attempt to connect.
	connectPatience = 5 * time.Second
)

// joinOrOwn waits for the server of the process that holds the lock, and takes its place should it let go meanwhile.
func joinOrOwn(ctx context.Context, dir directory, opts Options, log *slog.Logger) (*Server, error) {
	patience := time.NewTimer(joinPatience)
	defer patience.Stop()
	tick := time.NewTicker(joinPause)
	defer tick.Stop()
	for {
		url, err := dir.readConnection()
		if err == nil {
			err = answers(ctx, url, dir.cluster())
		}
		if err == nil {
			log.InfoContext(ctx, "joined the Postgres that another process runs", "data_dir", dir.path, "port", url.port, "owner", dir.lockedBy())
			return join(dir, url, opts, log), nil
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), inUse(dir, err))
		case <-patience.C:
			return nil, inUse(dir, err)
		case <-tick.C:
		}
		lock, err := dir.lock()
		if err == nil {
			return own(ctx, dir, lock, opts, log)
		}
		if !errors.Is(err, errLocked) {
			return nil, err
		}
	}
}

func inUse(dir directory, err error) error {
	return fmt.Errorf("data_dir %s is in use by process %s, whose Postgres does not answer (%w); end that process or choose another data_dir",
		dir.path, dir.lockedBy(), err)
}

// answers reports whether the server at url takes connections and is the one that keeps its data in dir. A port that is
// left over from an earlier run may meanwhile belong to anybody.
func answers(ctx context.Context, url connection, dir string) error {
	ctx, cancel := context.WithTimeout(ctx, connectPatience)
	defer cancel()
	conn, err := pgx.Connect(ctx, url.String())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	var serves string
	if err := conn.QueryRow(ctx, `SELECT coalesce(current_setting($1, true), 'a place of its own')`, nameSetting).Scan(&serves); err != nil {
		return err
	}
	if serves != dir {
		return fmt.Errorf("the server on port %d keeps its data in %s", url.port, serves)
	}
	return nil
}

// createDatabase makes the program's database in a new cluster.
func createDatabase(ctx context.Context, url connection) error {
	conn, err := pgx.Connect(ctx, url.maintenance())
	if err != nil {
		return fmt.Errorf("connect to the embedded Postgres: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	var exists bool
	if err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`, databaseName).Scan(&exists); err != nil {
		return fmt.Errorf("look for the database %s: %w", databaseName, err)
	}
	if exists {
		return nil
	}
	if _, err := conn.Exec(ctx, `CREATE DATABASE `+databaseName); err != nil {
		return fmt.Errorf("create the database %s: %w", databaseName, err)
	}
	return nil
}
