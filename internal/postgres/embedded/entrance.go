//go:build unix

package embedded

import (
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

// start starts a process that works in a folder; command gets the path by which the process reaches it.
func (e entrance) start(folder string, command func(path string) *exec.Cmd, start func(*exec.Cmd) error) error {
	if e == byPath {
		return start(command(folder))
	}
	open, err := os.Open(folder)
	if err != nil {
		return err
	}
	cmd := command(inherited)
	cmd.ExtraFiles = []*os.File{open}
	defer func() { _ = open.Close() }()
	return start(cmd)
}
