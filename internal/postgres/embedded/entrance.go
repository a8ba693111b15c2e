//go:build unix

package embedded

import (
	"context"
	"os"
	"os/exec"
)

// entrance is a way to let a process into a folder.
type entrance int

const (
	// byPath: the process goes there by itself.
	byPath entrance = iota
	// byHandle: the process is given the open folder, whatever the folders above it permit.
	byHandle
)

// inherited is where a process finds the first file handed to it. Its children have it too.
const inherited = "/proc/self/fd/3"

// way is how a process reaches a folder.
type way struct {
	path string
	// handle is handed to the process; nil when the path is enough.
	handle *os.File
}

// open makes a way to a folder; close must follow once the process has started.
func (e entrance) open(folder string) (way, error) {
	if e == byPath {
		return way{path: folder}, nil
	}
	handle, err := os.Open(folder)
	return way{path: inherited, handle: handle}, err
}

func (w way) close() {
	if w.handle != nil {
		// It was never written to.
		_ = w.handle.Close()
	}
}

// command prepares one of PostgreSQL's programs to run as the server's user.
func (c cluster) command(ctx context.Context, w way, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = "/"
	cmd.Env = environment()
	cmd.SysProcAttr = c.account.attributes()
	if w.handle != nil {
		cmd.ExtraFiles = []*os.File{w.handle}
	}
	return cmd
}
