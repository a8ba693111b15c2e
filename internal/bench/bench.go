// Package bench measures the program on the machine that it runs on: how fast it takes webhooks in, how that
// compares with a simple intake and with none at all, how it changes with what is kept already, how late the program
// dials, and how many calls it follows. Load, program, simulated voice API and database share the machine.
package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"ringback/internal/app"
	"ringback/internal/config"
	"ringback/internal/secret"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Options says what is measured, and where.
type Options struct {
	// DatabaseURL names a Postgres server in which databases can be made; when it is empty, a server is started in Dir.
	DatabaseURL string
	// Dir is where the server that is started keeps its data until the end. It should be on a disk, not in memory.
	Dir string
	// Quick measures less and shorter: in about a minute on a machine that has nothing else to do.
	Quick bool
	// Progress is told what is being measured.
	Progress io.Writer

	sizes *sizes
}

// sizes is how much is measured.
type sizes struct {
	// repeats is how often each rate is measured; the median counts.
	repeats int
	// burst is how many webhooks are sent at once, as fast as they are answered.
	burst int
	// sustained and openLoop are how long webhooks are sent.
	sustained, openLoop time.Duration
	// yardstick is how long single rows are committed.
	yardstick time.Duration
	// kept is how many webhooks the day has in the measurement of a full day.
	kept int
	// fewCarts and manyCarts are how many carts wait while calls are made.
	fewCarts, manyCarts int
	// dials is how many carts fall due one after the other, dialEvery how far apart.
	dials     int
	dialEvery time.Duration
	// lead is how long before the first of them falls due carts are sent. River looks every five seconds for jobs that
	// will be due.
	lead time.Duration
	// calls is how many carts fall due at one instant.
	calls int
}

func (o *Options) measured() sizes {
	switch {
	case o.sizes != nil:
		return *o.sizes
	case o.Quick:
		return sizes{
			repeats: 1, burst: 2500, sustained: 5 * time.Second, openLoop: time.Second, yardstick: time.Second,
			kept: 100_000, fewCarts: 1000, manyCarts: 10_000,
			dials: 50, dialEvery: 20 * time.Millisecond, lead: 6 * time.Second, calls: 300,
		}
	}
	return sizes{
		repeats: 3, burst: 10_000, sustained: 30 * time.Second, openLoop: 10 * time.Second, yardstick: 3 * time.Second,
		kept: 1_000_000, fewCarts: 1000, manyCarts: 1_000_000,
		dials: 200, dialEvery: 20 * time.Millisecond, lead: 6 * time.Second, calls: 1000,
	}
}

// run is one measurement from its beginning to its end.
type run struct {
	sizes
	began    time.Time
	progress io.Writer
	log      *slog.Logger
	key      secret.Secret
	// pool reaches the program's database.
	pool *pgxpool.Pool
	// next is the number of the next checkout.
	next int64
	// ours, simple and bare take webhooks.
	ours, simple, bare target
	voice              *voice
	report             *Report
	// sustainedRate is how many webhooks of new checkouts the program kept a second for long.
	sustainedRate float64
	// fresh are the rates of new checkouts by the number of connections.
	fresh map[int]float64
	// disk and callRows are rows that are shown after others.
	disk, callRows []Row
}

// Run measures. When it returns, whatever it has made is gone, also when ctx ended or something failed.
func Run(ctx context.Context, o Options) (report *Report, err error) {
	// As the server does.
	app.TuneMemory()
	r := &run{
		sizes: o.measured(), began: time.Now(), progress: o.Progress, key: "secret of the benchmark", next: 1,
		fresh: map[int]float64{},
		log:   app.NewLogger(config.Log{Level: "error"}, o.Progress),
	}
	r.report = &Report{Began: r.began.UTC().Truncate(time.Second), Quick: o.Quick, Burst: r.burst, Repeats: r.repeats}
	dbs, err := openDatabases(ctx, o, r.log)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, dbs.remove(context.WithoutCancel(ctx))) }()
	err = r.inPlace(ctx, dbs, func(ctx context.Context) error {
		for _, step := range []func(context.Context) error{
			r.describe, r.yardsticks, r.callsWithFew, r.newCheckouts, r.sizesOnDisk, r.fiveVersions, r.long, r.half, r.fullDay,
			r.callsWithMany, r.memory,
		} {
			if err := step(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	r.report.SentAgain = int(r.ours.again.Load())
	r.report.Seconds = time.Since(r.began).Round(time.Second).Seconds()
	return r.report, nil
}

// inPlace runs fn while everything runs that is measured: the program, the two servers that it is compared with and
// a voice API.
func (r *run) inPlace(ctx context.Context, dbs *databases, fn func(context.Context) error) (err error) {
	if r.pool, err = pgxpool.New(ctx, dbs.url); err != nil {
		return fmt.Errorf("connect to the database: %w", err)
	}
	defer r.pool.Close()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	if r.voice, err = newVoice(); err != nil {
		return err
	}
	defer r.voice.close()
	ours, end, err := startProgram(ctx, stop, dbs.url, r.voice.url, r.key, r.log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	simpleConfig, err := pgxpool.ParseConfig(dbs.simpleURL)
	if err != nil {
		return err
	}
	simpleConfig.MaxConns = conns
	simplePool, err := pgxpool.NewWithConfig(ctx, simpleConfig)
	if err != nil {
		return fmt.Errorf("connect to the database: %w", err)
	}
	defer simplePool.Close()
	simple, endSimple, err := serveSimple(ctx, simplePool, r.key)
	if err != nil {
		return err
	}
	defer endSimple()
	bare, endBare, err := serveNothing(ctx, r.key)
	if err != nil {
		return err
	}
	defer endBare()
	for addr, t := range map[string]*target{ours: &r.ours, simple: &r.simple, bare: &r.bare} {
		t.addr, t.secret = addr, r.key
	}
	if err := fn(ctx); err != nil {
		return errors.Join(context.Cause(ctx), err)
	}
	return nil
}

// say tells what is being measured.
func (r *run) say(format string, args ...any) {
	passed := time.Since(r.began)
	at := fmt.Sprintf("%2d:%02d", int(passed.Minutes()), int(passed.Seconds())%60)
	fmt.Fprintf(r.progress, "%s  %s\n", at, fmt.Sprintf(format, args...))
}

// numbers reserves the numbers of n checkouts and returns the first.
func (r *run) numbers(n int) int64 {
	from := r.next
	r.next += int64(n)
	return from
}

// temporary makes a folder of this run's own in dir. remove also removes dir, and the folder around it, when they
// are empty.
func temporary(dir string) (path string, remove func() error, err error) {
	if dir, err = filepath.Abs(dir); err != nil {
		return "", nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", nil, err
	}
	if path, err = os.MkdirTemp(dir, "run-"); err != nil {
		return "", nil, err
	}
	return path, func() error {
		err := os.RemoveAll(path)
		// These fail where something else is inside.
		if os.Remove(dir) == nil {
			_ = os.Remove(filepath.Dir(dir))
		}
		return err
	}, nil
}
