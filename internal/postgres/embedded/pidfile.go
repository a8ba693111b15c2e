//go:build unix

package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	// formerPatience is how long a server whose owner died may run before it is told to end.
	formerPatience = 3 * time.Second
	// formerPause is the wait between two looks at it.
	formerPause = 50 * time.Millisecond
)

// pidFile is what a running server says of itself in postmaster.pid.
type pidFile struct {
	pid int
	// status is "starting", "ready", "stopping" or "standby"; empty in the first moments.
	status string
}

func (d directory) pidFilePath() string { return filepath.Join(d.cluster(), "postmaster.pid") }

func (d directory) readPidFile() (pidFile, error) {
	text, err := os.ReadFile(d.pidFilePath())
	if err != nil {
		return pidFile{}, err
	}
	lines := strings.Split(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(lines[0]))
	if err != nil || pid <= 0 {
		return pidFile{}, fmt.Errorf("%s does not begin with a process id", d.pidFilePath())
	}
	file := pidFile{pid: pid}
	// The lines are: pid, data directory, start, port, socket folder, address, shared memory, status.
	if len(lines) > 7 {
		file.status = strings.TrimSpace(lines[7])
	}
	return file, nil
}

// endFormer waits for the server of a process that died to end too, and ends it if it does not by itself.
// The caller holds the lock, so nobody else can be its owner.
func (d directory) endFormer(ctx context.Context, log *slog.Logger) error {
	tick := time.NewTicker(formerPause)
	defer tick.Stop()
	patience := time.NewTimer(formerPatience)
	defer patience.Stop()
	for {
		former, err := d.readPidFile()
		if err != nil || !d.isPostmaster(ctx, former.pid) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the Postgres that a former process left on %s (process %d) to end: %w", d.cluster(), former.pid, ctx.Err())
		case <-patience.C:
			if former.status == "stopping" {
				continue
			}
			log.WarnContext(ctx, "ending the Postgres that a former process left", "data_dir", d.path, "pid", former.pid)
			if err := syscall.Kill(former.pid, syscall.SIGINT); err != nil && !errors.Is(err, syscall.ESRCH) {
				return fmt.Errorf("end the Postgres that a former process left on %s (process %d): %w; end it by hand", d.cluster(), former.pid, err)
			}
		case <-tick.C:
		}
	}
}

// disownPidFile makes a left-over postmaster.pid harmless whose process id meanwhile belongs to another program:
// PostgreSQL would take that for a running server. It ignores a file that names its own parent, and still looks at the
// rest of the file, which tells whether processes of the former server hold its memory. Removing the file would lose
// that check. The caller has made sure that no former server runs.
func (d directory) disownPidFile() error {
	text, err := os.ReadFile(d.pidFilePath())
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, rest, found := strings.Cut(string(text), "\n")
	if !found {
		// The former server died before it wrote anything of use.
		return os.Remove(d.pidFilePath())
	}
	file, err := os.OpenFile(d.pidFilePath(), os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	return errors.Join(writeAll(file, strconv.Itoa(os.Getpid())+"\n"+rest), file.Close())
}

// isPostmaster reports whether a process is a server that was started on this directory (see serverArguments), and not
// a program that was given the process id of one that is gone.
func (d directory) isPostmaster(ctx context.Context, pid int) bool {
	command, err := commandLine(ctx, pid)
	return err == nil && strings.Contains(command, nameSetting+"="+d.cluster()+" ")
}
