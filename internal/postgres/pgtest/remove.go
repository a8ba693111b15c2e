package pgtest

import (
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
// that, short of a TestMain in every package.
func removeAtExit(folder string) error {
	input, held, err := os.Pipe()
	if err != nil {
		return err
	}
	remover := exec.Command("/bin/sh", "-c", removeScript, "sh", filepath.Clean(folder))
	remover.Stdin = input
	remover.Dir = "/"
	// A session of its own: an interrupt at the terminal ends the tests, and then there is work to do.
	remover.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := errors.Join(remover.Start(), input.Close()); err != nil {
		return errors.Join(fmt.Errorf("start the remover of %s: %w", folder, err), held.Close())
	}
	// held stays open until the process ends; it must not be closed by the garbage collector before.
	atExit = held
	return nil
}

// atExit keeps the remover waiting.
var atExit *os.File
