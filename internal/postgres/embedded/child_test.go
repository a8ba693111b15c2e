//go:build unix

package embedded

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// childVariable makes the test binary a program that runs a server on the directory it names until its input ends.
const childVariable = "RINGBACK_EMBEDDED_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childVariable); dir != "" {
		if err := beChild(dir); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func beChild(dir string) error {
	server, err := Start(context.Background(), Options{DataDir: dir})
	if err != nil {
		return err
	}
	fmt.Println(server.URL())
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	return server.Stop(context.Background())
}

// child is another process that runs a server.
type child struct {
	*exec.Cmd
	url   string
	input io.Closer
}

// startChild runs a server on dir in another process, as the given user if there is one.
func startChild(t *testing.T, dir string, as *syscall.Credential) child {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), testProgram(t))
	cmd.Env = append(os.Environ(), childVariable+"="+dir)
	cmd.Stderr = os.Stderr
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	input, err := cmd.StdinPipe()
	require.NoError(t, err)
	output, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line, err := bufio.NewReader(output).ReadString('\n')
	require.NoError(t, err)
	require.NotContains(t, line, "error:")
	return child{Cmd: cmd, url: strings.TrimSpace(line), input: input}
}

// testProgram copies the test binary to where every user may run it.
func testProgram(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	require.NoError(t, err)
	from, err := os.Open(path)
	require.NoError(t, err)
	defer func() { _ = from.Close() }()
	to, err := os.OpenFile(filepath.Join(sharedFolder(t), "program"), os.O_CREATE|os.O_WRONLY, 0o755)
	require.NoError(t, err)
	_, err = io.Copy(to, from)
	require.NoError(t, err)
	require.NoError(t, to.Close())
	return to.Name()
}

// sharedFolder is a temporary folder that other users may enter, unlike that of the testing package.
func sharedFolder(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "ringback-embedded-") //nolint:usetesting // t.TempDir is closed to others
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	require.NoError(t, os.Chmod(folder, 0o755))
	return folder
}
