//go:build unix

package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

const (
	// lookPause is the wait between two looks at a starting or ending server.
	lookPause = 10 * time.Millisecond
	// retryPause is the wait before a server is started again whose data was still in use; retryPatience bounds them all.
	retryPause    = 250 * time.Millisecond
	retryPatience = time.Minute
	// quitPatience is how long a server that was told to drop everything may take.
	quitPatience = 5 * time.Second
)

// errStillInUse means that processes of an earlier server still hold its memory; they end by themselves.
var errStillInUse = errors.New("processes of an earlier server are still ending")

// postmaster is a running server process that we started.
type postmaster struct {
	pid     int
	logFrom int64
	logFile string
	// exited is closed when the process is gone; exit is then set.
	exited chan struct{}
	exit   error
}

// run starts a server and returns when it takes connections. A long recovery after a crash is waited for until ctx
// ends.
func (c cluster) run(ctx context.Context, port int) (*postmaster, error) {
	giveUp := time.After(retryPatience)
	for {
		server, err := c.runOnce(ctx, port)
		if !errors.Is(err, errStillInUse) {
			return server, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-giveUp:
			return nil, fmt.Errorf("%w, for over %s: look for postgres processes of %s and end them", err, retryPatience, c.dir.cluster())
		case <-time.After(retryPause):
		}
	}
}

func (c cluster) runOnce(ctx context.Context, port int) (*postmaster, error) {
	if err := c.dir.disownPidFile(); err != nil {
		return nil, err
	}
	server, err := c.launch(ctx, port)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", c.programs.postgres(), err)
	}
	tick := time.NewTicker(lookPause)
	defer tick.Stop()
	for {
		select {
		case <-server.exited:
			return nil, server.failure()
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("wait for the embedded Postgres to take connections: %w", ctx.Err()), server.end(ctx))
		case <-tick.C:
			if file, err := c.dir.readPidFile(); err == nil && file.pid == server.pid && file.status == "ready" {
				return server, nil
			}
		}
	}
}

// launch starts the process.
func (c cluster) launch(ctx context.Context, port int) (*postmaster, error) {
	log, size, err := c.dir.openLog()
	if err != nil {
		return nil, err
	}
	// The server has a handle of its own by then.
	defer func() { _ = log.Close() }()
	w, err := c.entrance.open(c.dir.cluster())
	if err != nil {
		return nil, err
	}
	defer w.close()
	// It outlives the start, so no context may end it.
	cmd := c.command(context.WithoutCancel(ctx), w, c.programs.postgres(), serverArguments(w.path, c.dir.cluster(), port, c.programs.major, c.throwaway)...)
	cmd.Stdout, cmd.Stderr = log, log
	server := &postmaster{logFrom: size, logFile: c.dir.logFile(), exited: make(chan struct{})}
	started := make(chan error)
	go server.live(cmd, endSignal(c.throwaway), started)
	return server, <-started
}

// live starts the process and waits for its end, on a thread that lives as long as the process does: on Linux the
// process is bound to that thread.
func (p *postmaster) live(cmd *exec.Cmd, end syscall.Signal, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ended, err := startBound(cmd, end)
	if err != nil {
		started <- err
		return
	}
	p.pid = cmd.Process.Pid
	started <- nil
	p.exit = cmd.Wait()
	ended()
	close(p.exited)
}

// endSignal is what ends a server whose owner is gone: an orderly stop, or for throwaway data the quickest.
func endSignal(throwaway bool) syscall.Signal {
	if throwaway {
		return syscall.SIGQUIT
	}
	return syscall.SIGINT
}

// end asks the server to cut its sessions, write everything and go. When ctx ends first the server has to drop
// everything.
func (p *postmaster) end(ctx context.Context) error {
	if p.signal(syscall.SIGINT, ctx.Done()) {
		return nil
	}
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), quitPatience)
	defer cancel()
	if p.signal(syscall.SIGQUIT, patience.Done()) {
		return fmt.Errorf("the server was still busy and had to be cut off: %w", ctx.Err())
	}
	p.signal(syscall.SIGKILL, nil)
	return fmt.Errorf("the server did not react and was killed: %w", ctx.Err())
}

// signal sends a signal and waits for the process to be gone; it reports false when giveUp came first.
func (p *postmaster) signal(signal syscall.Signal, giveUp <-chan struct{}) bool {
	select {
	case <-p.exited:
		return true
	default:
	}
	// The process has not been waited for, so its id is still its own; an error means that it is ending.
	_ = syscall.Kill(p.pid, signal)
	select {
	case <-p.exited:
		return true
	case <-giveUp:
		return false
	}
}

// reason says how the process ended.
func (p *postmaster) reason() string {
	if p.exit == nil {
		return "it was told to stop"
	}
	return p.exit.Error()
}

// failure explains why a server that should have started is gone.
func (p *postmaster) failure() error {
	said, err := p.said()
	if err != nil {
		return errors.Join(fmt.Errorf("the embedded Postgres ended at once (%s)", p.reason()), err)
	}
	if strings.Contains(said, "pre-existing shared memory block") {
		return errStillInUse
	}
	return fmt.Errorf("the embedded Postgres ended at once (%s); the end of %s: %s", p.reason(), p.logFile, lastLines(said))
}

// said is what the server logged since its start.
func (p *postmaster) said() (string, error) {
	const most = 64 << 10
	file, err := os.Open(p.logFile)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(io.NewSectionReader(file, p.logFrom, most))
	return string(text), err
}
