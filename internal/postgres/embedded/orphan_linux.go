package embedded

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

// startBound starts a process that the kernel sends a signal to when the calling thread ends, be it by kill -9. The
// caller has locked its goroutine to the thread, and calls ended once it has waited for the process.
func startBound(cmd *exec.Cmd, signal syscall.Signal) (ended func(), err error) {
	cmd.SysProcAttr.Pdeathsig = signal
	return func() {}, cmd.Start()
}

// runBound runs a process to its end; it does not outlive us.
func runBound(cmd *exec.Cmd) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	return cmd.Run()
}

// commandLine is how a process was started.
func commandLine(_ context.Context, pid int) (string, error) {
	args, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return string(bytes.ReplaceAll(args, []byte{0}, []byte{' '})), err
}
