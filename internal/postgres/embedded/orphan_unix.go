//go:build unix && !linux

package embedded

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// watchScript waits for the end of its input, which comes when the process that holds the other end is gone, and then
// sends a signal.
const watchScript = `read -r _; kill -"$1" "$2"`

// startBound starts a process and a watcher that signals it when we are gone, be it by kill -9. The caller calls ended
// once it has waited for the process.
func startBound(cmd *exec.Cmd, signal syscall.Signal) (ended func(), err error) {
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	if ended, err = watch(cmd, signal); err != nil {
		return nil, errors.Join(err, cmd.Process.Kill(), cmd.Wait())
	}
	return ended, nil
}

func watch(cmd *exec.Cmd, signal syscall.Signal) (ended func(), err error) {
	watched, held, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer func() { _ = watched.Close() }()
	watcher := exec.CommandContext(context.Background(), "/bin/sh", "-c", watchScript, "sh", strconv.Itoa(int(signal)), strconv.Itoa(cmd.Process.Pid))
	watcher.Stdin = watched
	watcher.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: cmd.SysProcAttr.Credential}
	if err := watcher.Start(); err != nil {
		return nil, errors.Join(err, held.Close())
	}
	return func() {
		// The watcher goes first, so that it never signals a process that was given the same id.
		_ = watcher.Process.Kill()
		_ = watcher.Wait()
		_ = held.Close()
	}, nil
}

// runBound runs a process to its end.
func runBound(cmd *exec.Cmd) error { return cmd.Run() }

// commandLine is how a process was started.
func commandLine(ctx context.Context, pid int) (string, error) {
	args, err := exec.CommandContext(ctx, "ps", "-ww", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	return string(args), err
}
