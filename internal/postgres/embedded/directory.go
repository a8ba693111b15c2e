//go:build unix

package embedded

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// logLimit is the size in bytes from which a log is set aside at the next start.
const logLimit = 10 << 20

// errLocked means that another process, or another Start in this one, holds the lock.
var errLocked = errors.New("the data directory is locked")

// directory is the data directory; path is absolute and free of symbolic links.
type directory struct{ path string }

func openDirectory(path string) (directory, error) {
	if path == "" {
		return directory{}, errors.New("data_dir is empty: name a directory for the embedded Postgres, such as ./data")
	}
	// A server that runs as another user must be able to pass through.
	if err := os.MkdirAll(path, 0o755); err != nil {
		return directory{}, fmt.Errorf("create data_dir: %w", err)
	}
	path, err := filepath.Abs(path)
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if err != nil {
		return directory{}, fmt.Errorf("resolve data_dir: %w", err)
	}
	return directory{path}, nil
}

func (d directory) cluster() string        { return filepath.Join(d.path, "postgres") }
func (d directory) logFile() string        { return filepath.Join(d.path, "postgres.log") }
func (d directory) lockFile() string       { return filepath.Join(d.path, "postgres.lock") }
func (d directory) connectionFile() string { return filepath.Join(d.path, "postgres.url") }

// lock takes the directory's lock without waiting; closing the file releases it, as does the end of the process.
func (d directory) lock() (*os.File, error) {
	file, err := d.create(d.lockFile(), os.O_RDWR)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errLocked
		}
		return nil, fmt.Errorf("lock %s: %w", d.lockFile(), err)
	}
	if err := errors.Join(file.Truncate(0), writeAll(file, strconv.Itoa(os.Getpid())+"\n")); err != nil {
		return nil, errors.Join(fmt.Errorf("write %s: %w", d.lockFile(), err), file.Close())
	}
	return file, nil
}

// lockedBy is the process id of the lock's holder, for people.
func (d directory) lockedBy() string {
	pid, err := os.ReadFile(d.lockFile())
	if err != nil || len(pid) == 0 {
		return "unknown"
	}
	return strings.TrimSpace(string(pid))
}

// rotateLog sets a log that has grown aside, over the one set aside before.
func (d directory) rotateLog() error {
	info, err := os.Stat(d.logFile())
	if errors.Is(err, os.ErrNotExist) || err == nil && info.Size() < logLimit {
		return nil
	}
	if err == nil {
		err = os.Rename(d.logFile(), d.logFile()+".1")
	}
	if err != nil {
		return fmt.Errorf("set the Postgres log aside: %w", err)
	}
	return nil
}

// openLog opens the log to append to it and returns its present size.
func (d directory) openLog() (*os.File, int64, error) {
	file, err := d.create(d.logFile(), os.O_RDWR|os.O_APPEND)
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, file.Close())
	}
	return file, info.Size(), nil
}

// readConnection reads how to connect; the error is os.ErrNotExist before the first start.
func (d directory) readConnection() (connection, error) {
	text, err := os.ReadFile(d.connectionFile())
	if err != nil {
		return connection{}, err
	}
	url, err := parseConnection(strings.TrimSpace(string(text)))
	if err != nil {
		return connection{}, fmt.Errorf("%s: %w; delete the file to have it written anew", d.connectionFile(), err)
	}
	return url, nil
}

// writeConnection replaces the file as a whole, so that a reader never sees half of it.
func (d directory) writeConnection(url connection) error {
	next := d.connectionFile() + ".new"
	if err := os.Remove(next); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	file, err := d.create(next, os.O_WRONLY)
	if err != nil {
		return err
	}
	if err := errors.Join(writeAll(file, url.String()+"\n"), file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("write %s: %w", next, err)
	}
	return os.Rename(next, d.connectionFile())
}

// create opens a file of the directory for its owner alone, made if need be. What root makes in somebody's directory is
// given to them, so that they can go on with it.
func (d directory) create(path string, flag int) (*os.File, error) {
	file, err := os.OpenFile(path, flag|os.O_CREATE, 0o600)
	if errors.Is(err, os.ErrPermission) {
		return nil, fmt.Errorf("%w: the data_dir belongs to another user; choose another one, or give it away with chown -R", err)
	}
	if err != nil {
		return nil, err
	}
	if os.Geteuid() != 0 {
		return file, nil
	}
	uid, gid, err := ownerOf(d.path)
	if err == nil {
		err = file.Chown(uid, gid)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("give %s to the owner of the data_dir: %w", path, err), file.Close())
	}
	return file, nil
}

func writeAll(file *os.File, text string) error {
	_, err := file.WriteString(text)
	return err
}

// ownerOf is the user and the group that path belongs to.
func ownerOf(path string) (uid, gid int, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, 0, err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, fmt.Errorf("%s: this system does not tell who owns a file", path)
	}
	return int(stat.Uid), int(stat.Gid), nil
}
