//go:build unix

package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// restartPauses are the waits before a server that died is started again; the last one repeats.
var restartPauses = []time.Duration{0, time.Second, 2 * time.Second, 5 * time.Second, 15 * time.Second, 30 * time.Second}

// Server is a running PostgreSQL server, owned or joined. It is safe for concurrent use.
type Server struct {
	mu  sync.Mutex
	url connection
	// owner is nil when another process owns the server.
	owner *owner
	// waits is nil when this process owned the server from the start.
	waits *succession
}

// owner is what the process that runs the server keeps of it.
type owner struct {
	dir     directory
	lock    *os.File
	cluster cluster
	url     connection
	log     *slog.Logger

	// quit ends the supervision; supervised is closed when it has ended.
	quit       context.CancelFunc
	supervised chan struct{}
	stopOnce   sync.Once
	stopErr    error

	// running is the present postmaster; only the supervision writes it, and Stop reads it after supervised is closed.
	running *postmaster
}

// Start returns a server that takes connections: a new one, or the one that another process runs on the same data
// directory. It returns an error that says what to do when PostgreSQL is not installed, too old, or may not enter the
// directory. ctx bounds the start alone.
func Start(ctx context.Context, opts Options) (*Server, error) {
	log := opts.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	dir, err := openDirectory(opts.DataDir)
	if err != nil {
		return nil, err
	}
	lock, err := dir.lock()
	if errors.Is(err, errLocked) {
		return joinOrOwn(ctx, dir, opts, log)
	}
	if err != nil {
		return nil, err
	}
	return own(ctx, dir, lock, opts, log)
}

// URL is the connection string of the program's database, with the password. A process that takes the server over may
// have to give it another port: whoever connects again asks again.
func (s *Server) URL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.url.String()
}

// Owned reports whether this process runs the server; otherwise another one does, and this one takes it over when that
// ends.
func (s *Server) Owned() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.owner != nil
}

// Stop ends the server, if this process owns it: sessions are cut, everything is written to disk. When ctx ends first
// the server is killed, which loses no committed data but makes the next start slower. Stopping twice is harmless.
func (s *Server) Stop(ctx context.Context) error {
	if s.waits != nil {
		s.waits.end()
	}
	s.mu.Lock()
	owner := s.owner
	s.mu.Unlock()
	if owner == nil {
		return nil
	}
	owner.stopOnce.Do(func() { owner.stopErr = owner.stop(ctx) })
	return owner.stopErr
}

// own starts a server on a directory whose lock is held.
func own(ctx context.Context, dir directory, lock *os.File, opts Options, log *slog.Logger) (*Server, error) {
	o, err := newOwner(ctx, dir, lock, opts, log)
	if err != nil {
		return nil, err
	}
	return &Server{url: o.url, owner: o}, nil
}

func newOwner(ctx context.Context, dir directory, lock *os.File, opts Options, log *slog.Logger) (*owner, error) {
	o := &owner{dir: dir, lock: lock, log: log, supervised: make(chan struct{})}
	if err := o.start(ctx, opts); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return o, nil
}

func (o *owner) start(ctx context.Context, opts Options) error {
	if err := o.dir.endFormer(ctx, o.log); err != nil {
		return err
	}
	var err error
	if o.cluster, err = findCluster(ctx, o.dir, opts.Throwaway); err != nil {
		return err
	}
	if err := o.dir.rotateLog(); err != nil {
		return err
	}
	if o.url, err = o.cluster.prepare(ctx, o.log); err != nil {
		return err
	}
	begun := time.Now()
	if o.running, err = o.cluster.run(ctx, o.url.port); err != nil {
		return err
	}
	if err := createDatabase(ctx, o.url); err != nil {
		return errors.Join(err, o.running.end(ctx))
	}
	o.log.InfoContext(ctx, "embedded Postgres runs",
		"data_dir", o.dir.path, "port", o.url.port, "version", o.cluster.programs.major, "took", time.Since(begun).Round(time.Millisecond))
	supervision, quit := context.WithCancel(context.WithoutCancel(ctx))
	o.quit = quit
	go o.supervise(supervision)
	return nil
}

// supervise starts the server again, on the same port, when it dies by itself or was told to stop by somebody else.
func (o *owner) supervise(ctx context.Context) {
	defer close(o.supervised)
	look := time.NewTicker(stoppingPause)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
			o.endStopping(ctx)
			continue
		case <-o.running.exited:
		}
		o.log.ErrorContext(ctx, "the embedded Postgres died; starting it again", "reason", o.running.reason(), "log", o.dir.logFile())
		if !o.restart(ctx) {
			return
		}
	}
}

// A server that was told to stop takes no new sessions, but runs until the last old one ends, which pools never do.
// stoppingPause is the wait between two looks, stoppingPatience how long its sessions may take to be cut.
const (
	stoppingPause    = 500 * time.Millisecond
	stoppingPatience = 15 * time.Second
)

// endStopping ends a server that somebody else told to stop, so that it can be started again.
func (o *owner) endStopping(ctx context.Context) {
	file, err := o.dir.readPidFile()
	if err != nil || file.pid != o.running.pid || file.status != "stopping" {
		return
	}
	o.log.WarnContext(ctx, "somebody told the embedded Postgres to stop; ending it to start it again", "pid", file.pid)
	patience, cancel := context.WithTimeout(ctx, stoppingPatience)
	defer cancel()
	if err := o.running.end(patience); err != nil {
		o.log.WarnContext(ctx, "the embedded Postgres did not stop in order", "error", err)
	}
}

// restart tries until the server runs; it reports false when the supervision ended first.
func (o *owner) restart(ctx context.Context) bool {
	for try := 0; ; try++ {
		pause := time.NewTimer(restartPauses[min(try, len(restartPauses)-1)])
		select {
		case <-ctx.Done():
			pause.Stop()
			return false
		case <-pause.C:
		}
		next, err := o.cluster.run(ctx, o.url.port)
		if err == nil {
			o.running = next
			o.log.InfoContext(ctx, "the embedded Postgres runs again", "port", o.url.port)
			return true
		}
		if ctx.Err() == nil {
			o.log.ErrorContext(ctx, "the embedded Postgres did not start again", "error", err)
		}
	}
}

func (o *owner) stop(ctx context.Context) error {
	o.quit()
	<-o.supervised
	err := o.running.end(ctx)
	if err != nil {
		err = fmt.Errorf("stop the embedded Postgres: %w", err)
	}
	// Nobody owns the directory now.
	return errors.Join(err, o.lock.Truncate(0), o.lock.Close())
}
