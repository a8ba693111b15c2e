//go:build unix

package embedded

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// lockPause is the wait between two looks at whether the owner is still there.
const lockPause = 200 * time.Millisecond

// succession is a process that joined and waits for the owner to end.
type succession struct {
	quit  context.CancelFunc
	ended chan struct{}
}

// join returns the server of another process. When that process ends, this one takes the server over.
func join(dir directory, url connection, opts Options, log *slog.Logger) *Server {
	ctx, quit := context.WithCancel(context.Background())
	s := &Server{url: url, waits: &succession{quit: quit, ended: make(chan struct{})}}
	go s.succeed(ctx, dir, opts, log)
	return s
}

// end stops waiting. What was taken over by then stays.
func (w *succession) end() {
	w.quit()
	<-w.ended
}

// succeed waits for the lock that the owner holds as long as it lives, and then becomes the owner. Of several processes
// that wait one gets the lock, and the others go on waiting. A start that fails is tried again, by whoever gets the
// lock.
func (s *Server) succeed(ctx context.Context, dir directory, opts Options, log *slog.Logger) {
	defer close(s.waits.ended)
	for try := 0; ; {
		pause := time.NewTimer(max(lockPause, restartPauses[min(try, len(restartPauses)-1)]))
		select {
		case <-ctx.Done():
			pause.Stop()
			return
		case <-pause.C:
		}
		lock, err := dir.lock()
		if errors.Is(err, errLocked) {
			s.follow(dir)
			try = 0
			continue
		}
		if err == nil {
			log.WarnContext(ctx, "the process that ran the embedded Postgres has ended; taking it over", "data_dir", dir.path)
			var o *owner
			if o, err = newOwner(ctx, dir, lock, opts, log); err == nil {
				s.mu.Lock()
				s.url, s.owner = o.url, o
				s.mu.Unlock()
				return
			}
		}
		if ctx.Err() == nil {
			log.ErrorContext(ctx, "could not take over the embedded Postgres; trying again", "error", err)
		}
		try++
	}
}

// follow notes where the owner's server is reached: a new owner may have had to give it another port.
func (s *Server) follow(dir directory) {
	url, err := dir.readConnection()
	if err != nil {
		// It is being written, or its owner has yet to begin.
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.url = url
}
