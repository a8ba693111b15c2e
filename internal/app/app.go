// Package app builds the whole program from its configuration. It is the only place where the parts meet.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"ringback/internal/config"
	"ringback/internal/engine"
	"ringback/internal/jobs"
	"ringback/internal/lifecycle"
	"ringback/internal/mail"
	"ringback/internal/policy"
	"ringback/internal/postgres"
	"ringback/internal/postgres/embedded"
	"ringback/internal/route"
	"ringback/internal/seal"
	"ringback/internal/voice"
	"ringback/internal/voice/providers"
	"ringback/internal/web"
	"ringback/internal/zoneinfo"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/riverqueue/river"
	"golang.org/x/sync/errgroup"
	"riverqueue.com/riverui"
)

// Role says what a process does.
type Role int

// The roles of a process.
const (
	// Serve answers HTTP, and works jobs unless the configuration says otherwise.
	Serve Role = iota
	// Work works jobs only.
	Work
	// Tool does neither: it reads and changes the database at an operator's word.
	Tool
)

// App is one running program.
type App struct {
	Config *config.Config
	DB     *postgres.DB
	Engine *engine.Engine
	Log    *slog.Logger

	role Role
	// shopifyURL is empty for the real Shopify. It is not part of the configuration: whoever set it there would receive
	// the shops' tokens.
	shopifyURL string
	// tracer is told of every statement. Only a test sets it.
	tracer   pgx.QueryTracer
	pool     *pgxpool.Pool
	intake   *pgxpool.Pool
	database *embedded.Server
	writable *postgres.Writable
	client   *river.Client[pgx.Tx]
	works    bool
	ui       *riverui.Handler
	http     *http.Server
	listener net.Listener
}

// stopWithin bounds how long requests and jobs that are under way may take to finish once the program is told to stop.
const stopWithin = 25 * time.Second

// Option changes how an app is built.
type Option func(*App)

// WithShopify replaces https://{shop} by another base URL, for a simulated Shopify; "{shop}" in it stands for the
// domain.
func WithShopify(baseURL string) Option { return func(a *App) { a.shopifyURL = baseURL } }

// New opens the database, brings its schema up to date and builds everything. Close must follow, whether or not Run is
// called.
func New(ctx context.Context, cfg *config.Config, role Role, log *slog.Logger, options ...Option) (*App, error) {
	a := &App{Config: cfg, Log: log, role: role}
	for _, o := range options {
		o(a)
	}
	if err := a.build(ctx); err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}

func (a *App) build(ctx context.Context) error {
	if a.role == Serve {
		if err := a.listen(); err != nil {
			return err
		}
	}
	if public, err := url.Parse(a.Config.Server.PublicURL); a.role == Work && err == nil && public.Port() == "0" {
		return fmt.Errorf("server.public_url: a worker cannot know which port %s stands for; write the port that the server listens on", a.Config.Server.PublicURL)
	}
	if err := a.openDatabase(ctx); err != nil {
		return err
	}
	stores, err := Stores(a.Config)
	if err != nil {
		return err
	}
	sender, err := mail.Sender(a.Config.Alerts.Mail)
	if err != nil {
		return err
	}
	endpoints, err := engine.NewEndpoints(a.Config.Integrations.Endpoints)
	if err != nil {
		return err
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	a.Engine = engine.New(engine.Options{
		DB:        a.DB,
		Stores:    stores,
		PublicURL: a.Config.Server.PublicURL,
		Retention: a.Config.Retention,
		Forwarding: engine.Forwarding{
			URL:    a.Config.Integrations.WebhookURL,
			Secret: a.Config.Integrations.WebhookSecret,
		},
		Endpoints: endpoints,
		Shopify:   engine.Shopify{Shopify: a.Config.Shopify, BaseURL: a.shopifyURL},
		Mail:      sender,
		Log:       a.Log,
		Metrics:   engine.NewMetrics(registry),
	})
	registry.MustRegister(engine.NewConnectionCollector(a.Engine), engine.NewIntakeCollector(a.Engine), zoneAge())
	concurrency := 0
	if a.role == Work || a.role == Serve && a.Config.Worker.Enabled {
		concurrency, a.works = a.Config.Worker.Concurrency, true
	}
	var options []jobs.Option
	if a.Config.Database.PollOnly {
		options = append(options, jobs.PollOnly)
	}
	if a.client, err = jobs.NewClient(a.Engine, a.pool, concurrency, a.Log, options...); err != nil {
		return fmt.Errorf("set up jobs: %w", err)
	}
	domains := make([]string, 0, len(stores))
	for d := range stores {
		domains = append(domains, d)
	}
	if err := a.DB.EnsureShops(ctx, domains); err != nil {
		return err
	}
	if err := a.Engine.NoteAssistants(ctx); err != nil {
		return err
	}
	if err := a.Engine.NoteEndpoints(ctx); err != nil {
		return err
	}
	for domain, store := range stores {
		if err := a.DB.MoveReadyCarts(ctx, domain, store.Rules.Voice.Assistant); err != nil {
			return err
		}
	}
	if a.role == Serve {
		return a.buildServer(registry)
	}
	return nil
}

// zoneAge is a metric of how old the time zone data is.
func zoneAge() prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name:        "ringback_timezone_data_age_seconds",
		Help:        "Time since the release of the embedded time zone data, by its version.",
		ConstLabels: prometheus.Labels{"version": zoneinfo.Version()},
	}, func() float64 { return time.Since(zoneinfo.Released()).Seconds() })
}

// listen takes the server's address first, so that a second server on it ends before it touches anything. A public URL
// with port 0 gets the port that was found free, which is of use on one machine only.
func (a *App) listen() error {
	listener, err := net.Listen("tcp", a.Config.Server.Listen)
	if err != nil {
		return fmt.Errorf("server.listen: %w", err)
	}
	a.listener = listener
	public, err := url.Parse(a.Config.Server.PublicURL)
	if err != nil || public.Port() != "0" {
		return nil
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		return err
	}
	public.Host = net.JoinHostPort(public.Hostname(), port)
	own := *a.Config
	own.Server.PublicURL = public.String()
	a.Config = &own
	return nil
}

// openDatabase connects to the configured Postgres, or starts one of our own, and migrates it.
func (a *App) openDatabase(ctx context.Context) error {
	address := a.Config.Database.URL
	if address == "" {
		server, err := embedded.Start(ctx, embedded.Options{DataDir: a.Config.Database.DataDir, Logger: a.Log})
		if err != nil {
			return err
		}
		a.database, address = server, server.URL()
		a.Log.Info("embedded Postgres", "data_dir", a.Config.Database.DataDir, "started_here", server.Owned())
	}
	poolConfig, err := pgxpool.ParseConfig(address)
	if err != nil {
		// The library's message repeats the URL, password and all.
		return errors.New("database.url is not a usable postgres:// URL")
	}
	poolConfig.ConnConfig.Tracer = a.tracer
	if a.database != nil {
		poolConfig.BeforeConnect = a.reachEmbedded
	}
	if a.Config.Database.MaxConns > 0 {
		poolConfig.MaxConns = int32(min(a.Config.Database.MaxConns, 1000))
	}
	if a.Config.Database.PollOnly {
		// A statement that was prepared in one session is unknown in the next.
		poolConfig.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	}
	if a.pool, err = pgxpool.NewWithConfig(ctx, poolConfig); err != nil {
		return fmt.Errorf("connect to the database: %w", err)
	}
	if err := a.migrate(ctx); err != nil {
		return err
	}
	keys := make([]string, len(a.Config.Security.EncryptionKey))
	for i, k := range a.Config.Security.EncryptionKey {
		keys[i] = k.Reveal()
	}
	box, err := seal.NewBox(keys...)
	if err != nil {
		return fmt.Errorf("security.encryption_key: %w", err)
	}
	if a.DB, err = postgres.Open(ctx, a.pool, box, time.Now); err != nil {
		return err
	}
	intake := poolConfig.Copy()
	intake.MaxConns, intake.MinConns = engine.IntakeConns, 0
	if a.intake, err = pgxpool.NewWithConfig(ctx, intake); err != nil {
		return fmt.Errorf("connect the intake to the database: %w", err)
	}
	a.DB.KeepApart(a.intake)
	a.writable = postgres.NewWritable(a.DB)
	return err
}

// migrate brings the schema up to date. A pooler would keep the lock that it holds meanwhile in one of its sessions, so
// it is then left to another command.
func (a *App) migrate(ctx context.Context) error {
	if !a.Config.Database.PollOnly {
		if err := postgres.Migrate(ctx, a.pool); err != nil {
			return fmt.Errorf("migrate the database: %w", err)
		}
		return nil
	}
	pending, err := postgres.MigrationsPending(ctx, a.pool)
	if err != nil {
		return fmt.Errorf("compare the database with the migrations: %w", err)
	}
	if pending {
		return errors.New("database.poll_only: the schema is not up to date, and cannot be migrated through a pooler; " +
			"run `ringback migrate` with Postgres' own address in database.url and poll_only: false")
	}
	return nil
}

// reachEmbedded turns a new connection to where the embedded Postgres is now: it may have been taken over by another
// process, on another port.
func (a *App) reachEmbedded(_ context.Context, c *pgx.ConnConfig) error {
	now, err := pgx.ParseConfig(a.database.URL())
	if err != nil {
		return errors.New("the embedded Postgres has no usable URL")
	}
	c.Host, c.Port, c.Password = now.Host, now.Port, now.Password
	return nil
}

// Stores makes the shops from their configuration.
func Stores(cfg *config.Config) (map[string]*engine.Store, error) {
	stores := make(map[string]*engine.Store, len(cfg.Stores))
	for domain, sc := range cfg.Stores {
		location, err := zoneinfo.Load(sc.Timezone)
		if err != nil {
			return nil, fmt.Errorf("stores.%s.timezone: %w", domain, err)
		}
		rules := sc.Policy
		err = rules.Compile(policy.Store{
			Shop: domain, Timezone: sc.Timezone, Country: sc.Country, Currency: sc.Currency, Prechecked: sc.Precheck.URL != "",
		})
		if err != nil {
			return nil, fmt.Errorf("stores.%s.policy: %w", domain, err)
		}
		provider, err := providers.New(sc.Voice, voice.Network{})
		if err != nil {
			return nil, fmt.Errorf("stores.%s.voice: %w", domain, err)
		}
		precheck, err := engine.NewPrechecker(sc.Precheck)
		if err != nil {
			return nil, fmt.Errorf("stores.%s.%w", domain, err)
		}
		can := provider.Abilities()
		stores[domain] = &engine.Store{
			Domain:        domain,
			Config:        sc,
			Provider:      provider,
			FormerSigners: providers.FormerSigners(sc.Voice),
			Location:      location,
			Precheck:      precheck,
			Rules: lifecycle.Rules{
				Policy:  &rules,
				Country: sc.Country,
				Voice: lifecycle.Voice{
					Provider:   provider.Name(),
					Assistant:  sc.Voice.AssistantKey(),
					Silence:    sc.Voice.Silence,
					OurRetries: sc.Voice.Retries == "ours" || !can.OwnRetries,
					CanAbort:   can.CanAbort,
					CanUpdate:  can.CanUpdate,
					Machine:    lifecycle.Machine(sc.Voice.Machine),
					Drop: lifecycle.Drop{
						Summary:    !sc.Voice.Keeps(config.KeepSummary),
						Transcript: !sc.Voice.Keeps(config.KeepTranscript),
						Recording:  !sc.Voice.Keeps(config.KeepRecording),
					},
				},
			},
		}
	}
	return stores, nil
}

func (a *App) buildServer(registry *prometheus.Registry) error {
	ui, err := riverui.NewHandler(&riverui.HandlerOpts{
		Endpoints: riverui.NewEndpoints(a.client, nil),
		Logger:    a.Log,
		Prefix:    route.Jobs,
	})
	if err != nil {
		return fmt.Errorf("set up the job pages: %w", err)
	}
	a.ui = ui
	site, err := web.New(web.Options{
		Engine:  a.Engine,
		DB:      a.DB,
		Config:  a.Config,
		Metrics: registry,
		RiverUI: ui,
		Ready:   a.ready,
		Logger:  a.Log,
	})
	if err != nil {
		return err
	}
	a.http = &http.Server{
		Handler:           site,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(a.Log.Handler(), slog.LevelWarn),
	}
	return nil
}

// ready reports whether the program can do its work: the database answers, its schema is complete, and webhooks can be
// kept.
func (a *App) ready(ctx context.Context) error {
	pending, err := postgres.MigrationsPending(ctx, a.pool)
	if err != nil {
		return fmt.Errorf("the database does not answer: %w", err)
	}
	if pending {
		return errors.New("migrations are pending")
	}
	return a.writable.Check(ctx)
}

// Addr is the address that the server listens on.
func (a *App) Addr() string { return a.listener.Addr().String() }

// Run serves and works until ctx ends, then finishes what is under way. It returns nil after an orderly stop.
func (a *App) Run(ctx context.Context) error {
	if a.works {
		// River stops by Stop below, so that jobs under way can finish; its own context must outlive ctx.
		if err := a.client.Start(context.WithoutCancel(ctx)); err != nil {
			return fmt.Errorf("start jobs: %w", err)
		}
	}
	group, running := errgroup.WithContext(ctx)
	if a.http != nil {
		if err := a.ui.Start(running); err != nil {
			return fmt.Errorf("start the job pages: %w", err)
		}
		group.Go(func() error {
			a.Log.Info("listening", "addr", a.Addr(), "public_url", a.Config.Server.PublicURL)
			if err := a.http.Serve(a.listener); !errors.Is(err, http.ErrServerClosed) {
				return fmt.Errorf("serve: %w", err)
			}
			return nil
		})
	}
	// The intake outlives the requests that wait for it.
	intake, stopIntake := context.WithCancel(context.WithoutCancel(ctx))
	defer stopIntake()
	group.Go(func() error {
		a.Engine.RunIntake(intake)
		return nil
	})
	group.Go(func() error {
		a.Engine.ActOnWaitingWebhooks(running)
		return nil
	})
	group.Go(func() error {
		a.Engine.GiveLines(running, a.works)
		return nil
	})
	if a.works {
		left := jobs.NewLeft(a.Engine, a.Log)
		group.Go(func() error {
			left.Run(running)
			return nil
		})
		group.Go(func() error {
			a.Engine.WatchShops(running)
			return nil
		})
	}
	group.Go(func() error {
		a.Engine.AskForDeliveries(running, a.works)
		return nil
	})
	group.Go(func() error {
		defer stopIntake()
		<-running.Done()
		return a.stop()
	})
	return group.Wait()
}

// stop lets requests and jobs that are under way finish, within bounds.
func (a *App) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	var errs []error
	if a.http != nil {
		if err := a.http.Shutdown(ctx); err != nil {
			errs = append(errs, fmt.Errorf("stop serving: %w", err), a.http.Close())
		}
	}
	if a.works {
		if err := a.client.Stop(ctx); err != nil {
			cut, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			errs = append(errs, fmt.Errorf("stop jobs: %w", err), a.client.StopAndCancel(cut))
		}
	}
	a.Log.Info("stopped")
	return errors.Join(errs...)
}

// Close gives back what New took.
func (a *App) Close() {
	if a.listener != nil {
		_ = a.listener.Close()
	}
	if a.intake != nil {
		a.intake.Close()
	}
	if a.pool != nil {
		a.pool.Close()
	}
	if a.database != nil {
		ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
		defer cancel()
		if err := a.database.Stop(ctx); err != nil {
			a.Log.Error("stop the embedded Postgres", "error", err)
		}
	}
}
