package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"ringback/internal/postgres"
	"ringback/internal/postgres/embedded"
)

// urlVariable names the environment variable with the URL of a server to use instead of one of our own.
const urlVariable = "RINGBACK_TEST_DATABASE_URL"

// templateLock is the key of the advisory lock under which one test binary at a time makes the template ("pgtest" in
// ASCII).
const templateLock int64 = 0x706774657374

// shared is the test binary's one server, started at its first use.
var shared = sync.OnceValues(start)

// server is where the databases are made.
type server struct {
	// url leads to the database from which the others are made and dropped.
	url url.URL
	// template is the migrated database that is copied.
	template string
	// own is set when the server is ours.
	own *ownServer
}

// ownServer keeps what must live as long as the process.
type ownServer struct {
	server *embedded.Server
	folder *os.File
}

func start() (server, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var s server
	text := os.Getenv(urlVariable)
	if text == "" {
		own, err := startOwn(ctx)
		if err != nil {
			return server{}, err
		}
		s.own, text = own, own.server.URL()
	}
	parsed, err := url.Parse(text)
	if err != nil || parsed.Scheme == "" {
		return server{}, fmt.Errorf("%s is not a URL such as postgres://user:password@localhost:5432/postgres", urlVariable)
	}
	s.url = *parsed
	if s.template, err = templateName(); err != nil {
		return server{}, err
	}
	return s, s.makeTemplate(ctx)
}

// startOwn starts a server that ends with this process, on a folder that is removed then.
func startOwn(ctx context.Context) (*ownServer, error) {
	path, err := newFolder()
	if err != nil {
		return nil, err
	}
	folder, err := removeAtExit(ctx, path)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(path))
	}
	own, err := embedded.Start(ctx, embedded.Options{DataDir: path, Throwaway: true})
	if err != nil {
		return nil, err
	}
	return &ownServer{server: own, folder: folder}, nil
}

// makeTemplate migrates the template, unless another test binary on the same server has.
func (s server) makeTemplate(ctx context.Context) error {
	return s.administer(ctx, func(conn *pgx.Conn) error {
		// The lock goes with the connection.
		if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock($1)`, templateLock); err != nil {
			return err
		}
		var made bool
		err := conn.QueryRow(ctx, `SELECT datistemplate FROM pg_database WHERE datname = $1`, s.template).Scan(&made)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		if made {
			return nil
		}
		name := quote(s.template)
		if err := execute(ctx, conn, `DROP DATABASE IF EXISTS `+name+` WITH (FORCE)`, `CREATE DATABASE `+name); err != nil {
			return err
		}
		if err := migrate(ctx, s.database(s.template)); err != nil {
			return err
		}
		// Nobody may connect to it: a database in use cannot be copied.
		return execute(ctx, conn, `ALTER DATABASE `+name+` WITH IS_TEMPLATE true ALLOW_CONNECTIONS false`)
	})
}

func migrate(ctx context.Context, url string) error {
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		return err
	}
	defer pool.Close()
	return postgres.Migrate(ctx, pool)
}

func (s server) cloneTemplate(ctx context.Context, name string) error {
	return s.administer(ctx, func(conn *pgx.Conn) error {
		// Copying the files is ten times faster than the default, which writes every page to the log. Before 15 it was the
		// only way.
		var selectable bool
		if err := conn.QueryRow(ctx, `SELECT current_setting('server_version_num')::INTEGER >= 150000`).Scan(&selectable); err != nil {
			return err
		}
		strategy := ""
		if selectable {
			strategy = ` STRATEGY FILE_COPY`
		}
		return execute(ctx, conn, `CREATE DATABASE `+quote(name)+` TEMPLATE `+quote(s.template)+strategy)
	})
}

func (s server) createEmpty(ctx context.Context, name string) error {
	return s.administer(ctx, func(conn *pgx.Conn) error {
		return execute(ctx, conn, `CREATE DATABASE `+quote(name))
	})
}

func (s server) drop(ctx context.Context, name string) error {
	return s.administer(ctx, func(conn *pgx.Conn) error {
		return execute(ctx, conn, `DROP DATABASE `+quote(name)+` WITH (FORCE)`)
	})
}

// database is the URL of one database of the server.
func (s server) database(name string) string {
	u := s.url
	u.Path = "/" + name
	return u.String()
}

// administer works on a connection of its own. None is kept: a pool's goroutines would look like a leak to tests that
// search for one.
func (s server) administer(ctx context.Context, work func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, s.url.String())
	if err != nil {
		return fmt.Errorf("connect to the test server: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	return work(conn)
}

// execute runs statements one by one, outside a transaction: databases are not made or dropped within one.
func execute(ctx context.Context, conn *pgx.Conn, statements ...string) error {
	for _, statement := range statements {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }
