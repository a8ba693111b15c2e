package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// removeScript waits for the end of its input, which comes when the process that holds the other end is gone; gives the
// server, which ends at that moment too, up to ten seconds; and removes the folder.
const removeScript = `
read -r _
tries=0
while [ -e "$1/postgres/postmaster.pid" ] && [ "$tries" -lt 100 ]; do
	sleep 0.1
	tries=$((tries + 1))
done
rm -rf -- "$1"
`

// removeAtExit has the folder removed once this process is gone, be it by kill -9: a test binary has no other place for
// that, short of a TestMain in every package. The caller keeps the file that is returned: once it is closed, be it by
// the garbage collector, the folder goes.
func removeAtExit(ctx context.Context, folder string) (*os.File, error) {
	input, held, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	// It outlives us, so no context may end it.
	remover := exec.CommandContext(context.WithoutCancel(ctx), "/bin/sh", "-c", removeScript, "sh", filepath.Clean(folder))
	remover.Stdin = input
	remover.Dir = "/"
	// A session of its own: an interrupt at the terminal ends the tests, and then there is work to do.
	remover.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := errors.Join(remover.Start(), input.Close()); err != nil {
		return nil, errors.Join(fmt.Errorf("start the remover of %s: %w", folder, err), held.Close())
	}
	return held, nil
}
