package bench

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"

	"ringback/internal/postgres/embedded"

	"github.com/jackc/pgx/v5"
)

// databases are those of one run: the program's and the simple intake's, whose jobs must not be in the program's way.
type databases struct {
	url, simpleURL string
	// admin reaches the server, names are the databases that were made in it.
	admin *url.URL
	names []string
	// server and folder are set when the server is ours.
	server *embedded.Server
	folder func() error
}

// openDatabases makes two databases in the server that the options name, or in one that it starts.
func openDatabases(ctx context.Context, o Options, log *slog.Logger) (_ *databases, err error) {
	d := &databases{}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.remove(context.WithoutCancel(ctx)))
		}
	}()
	address := o.DatabaseURL
	if address == "" {
		if address, err = d.start(ctx, o.Dir, log); err != nil {
			return nil, err
		}
	}
	if d.admin, err = url.Parse(address); err != nil || !strings.HasPrefix(d.admin.Scheme, "postgres") {
		// The library's message repeats the URL, password and all.
		return nil, errors.New("-database is not a usable postgres:// URL")
	}
	var raw [5]byte
	_, _ = rand.Read(raw[:])
	name := "ringback_bench_" + hex.EncodeToString(raw[:])
	if d.url, err = d.make(ctx, name); err != nil {
		return nil, err
	}
	d.simpleURL, err = d.make(ctx, name+"_simple")
	return d, err
}

// start starts a server on a folder that goes at the end.
func (d *databases) start(ctx context.Context, dir string, log *slog.Logger) (address string, err error) {
	path, remove, err := temporary(dir)
	if err != nil {
		return "", err
	}
	d.folder = remove
	if d.server, err = embedded.Start(ctx, embedded.Options{DataDir: path, Logger: log}); err != nil {
		return "", err
	}
	return d.server.URL(), nil
}

// make makes a database and returns its URL.
func (d *databases) make(ctx context.Context, name string) (address string, err error) {
	if err := d.administer(ctx, `CREATE DATABASE `+pgx.Identifier{name}.Sanitize()); err != nil {
		return "", fmt.Errorf("make a database: %w", err)
	}
	d.names = append(d.names, name)
	own := *d.admin
	own.Path = "/" + name
	return own.String(), nil
}

// administer runs one statement on a connection of its own.
func (d *databases) administer(ctx context.Context, statement string) error {
	conn, err := pgx.Connect(ctx, d.admin.String())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, statement)
	return err
}

// remove drops the databases, or ends the server and removes its folder.
func (d *databases) remove(ctx context.Context) error {
	var errs []error
	if d.server == nil {
		for _, name := range d.names {
			errs = append(errs, d.administer(ctx, `DROP DATABASE `+pgx.Identifier{name}.Sanitize()+` WITH (FORCE)`))
		}
	} else {
		errs = append(errs, d.server.Stop(ctx))
	}
	if d.folder != nil {
		errs = append(errs, d.folder())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("clean up: %w", err)
	}
	return nil
}
