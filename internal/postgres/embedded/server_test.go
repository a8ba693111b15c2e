//go:build unix

package embedded

import (
	"context"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDataSurvivesARestart(t *testing.T) {
	t.Parallel()
	dir := sharedFolder(t)
	first := start(t, dir)
	write(t, first.URL(), "kept")
	require.NoError(t, first.Stop(t.Context()))
	require.NoError(t, first.Stop(t.Context()), "stopping twice is harmless")

	second := start(t, dir)
	assert.Equal(t, "kept", read(t, second.URL()))
	assert.Equal(t, first.URL(), second.URL(), "programs that joined find the server again")
}

func TestAKilledOwnerLeavesNoServer(t *testing.T) {
	t.Parallel()
	dir := sharedFolder(t)
	owner := startChild(t, dir, nil)
	write(t, owner.url, "kept")
	postmaster := serverProcess(t, dir)

	require.NoError(t, owner.Process.Kill())
	// At once: the former server is still ending.
	next := start(t, dir)
	assert.Equal(t, "kept", read(t, next.URL()))
	assert.NotEqual(t, postmaster, serverProcess(t, dir))
	assert.False(t, directory{dir}.isPostmaster(t.Context(), postmaster), "the former server is gone")

	require.NoError(t, next.Stop(t.Context()))
}

func TestAServerEndsWithItsKilledOwner(t *testing.T) {
	t.Parallel()
	dir := sharedFolder(t)
	owner := startChild(t, dir, nil)
	postmaster := serverProcess(t, dir)
	require.NoError(t, owner.Process.Kill())
	require.Eventually(t, func() bool { return !(directory{dir}).isPostmaster(t.Context(), postmaster) }, 20*time.Second, 20*time.Millisecond)
}

func TestOthersJoinTheOwner(t *testing.T) {
	t.Parallel()
	dir := sharedFolder(t)
	owner := startChild(t, dir, nil)
	joined := start(t, dir)
	assert.False(t, joined.Owned())
	assert.Equal(t, owner.url, joined.URL())
	write(t, joined.URL(), "kept")
	require.NoError(t, joined.Stop(t.Context()))
	assert.Equal(t, "kept", read(t, owner.url), "who joined does not stop the server")

	require.NoError(t, owner.input.Close())
	require.NoError(t, owner.Wait())
	_, err := pgx.Connect(t.Context(), joined.URL())
	require.ErrorIs(t, err, syscall.ECONNREFUSED)

	heir := start(t, dir)
	assert.True(t, heir.Owned())
	assert.Equal(t, "kept", read(t, joined.URL()), "the address stays")
}

func TestManyStartAtOnce(t *testing.T) {
	t.Parallel()
	dir := sharedFolder(t)
	servers := make([]*Server, 5)
	var starts sync.WaitGroup
	for i := range servers {
		starts.Go(func() {
			server, err := Start(t.Context(), Options{DataDir: dir, Throwaway: true})
			if assert.NoError(t, err) {
				servers[i] = server
			}
		})
	}
	starts.Wait()
	owners := 0
	for _, server := range servers {
		require.NotNil(t, server)
		assert.Equal(t, servers[0].URL(), server.URL())
		if server.Owned() {
			owners++
		}
	}
	assert.Equal(t, 1, owners)
	// One after the other, each that is left takes the server over.
	for _, server := range servers {
		stop(t, server)
	}
}

// Whoever runs the tests, an ordinary user must be able to run a server too.
func TestAnOrdinaryUserRunsAServer(t *testing.T) {
	t.Parallel()
	dir := sharedFolder(t)
	var as *syscall.Credential
	if os.Geteuid() == 0 {
		nobody, err := user.Lookup("nobody")
		require.NoError(t, err)
		as = &syscall.Credential{Uid: number(t, nobody.Uid), Gid: number(t, nobody.Gid)}
		require.NoError(t, os.Chown(dir, int(as.Uid), int(as.Gid)))
	}
	ordinary := startChild(t, dir, as)
	write(t, ordinary.url, "kept")
	require.NoError(t, ordinary.input.Close())
	require.NoError(t, ordinary.Wait())

	// Root works on with a user's data, and the user with it afterwards.
	ours := start(t, dir)
	assert.Equal(t, "kept", read(t, ours.URL()))
	require.NoError(t, os.Remove(directory{dir}.connectionFile()))
	require.NoError(t, ours.Stop(t.Context()))
	ours = start(t, dir)
	require.NoError(t, ours.Stop(t.Context()))

	ordinary = startChild(t, dir, as)
	assert.Equal(t, "kept", read(t, ordinary.url))
	require.NoError(t, ordinary.input.Close())
	require.NoError(t, ordinary.Wait())
}

// A folder made by mktemp -d is closed to the user that root's server runs as.
func TestAClosedFolderIsNoObstacle(t *testing.T) {
	t.Parallel()
	closed := sharedFolder(t)
	require.NoError(t, os.Chmod(closed, 0o700))
	dir := filepath.Join(closed, "data")
	require.NoError(t, os.Mkdir(dir, 0o700))
	server := start(t, dir)
	write(t, server.URL(), "kept")
	joined := start(t, dir)
	assert.False(t, joined.Owned())
	require.NoError(t, joined.Stop(t.Context()))
	require.NoError(t, server.Stop(t.Context()))
	require.NoError(t, os.Remove(directory{dir}.connectionFile()))

	owner := startChild(t, dir, nil)
	assert.Equal(t, "kept", read(t, owner.url))
	require.NoError(t, owner.Process.Kill())
	again := start(t, dir)
	assert.Equal(t, "kept", read(t, again.URL()))
}

func TestADeadServerIsStartedAgain(t *testing.T) {
	t.Parallel()
	dir := sharedFolder(t)
	server := start(t, dir)
	write(t, server.URL(), "kept")
	postmaster := serverProcess(t, dir)
	require.NoError(t, syscall.Kill(postmaster, syscall.SIGKILL))
	require.Eventually(t, func() bool {
		conn, err := pgx.Connect(t.Context(), server.URL())
		return err == nil && assert.NoError(t, conn.Close(t.Context()))
	}, 30*time.Second, 20*time.Millisecond)
	assert.Equal(t, "kept", read(t, server.URL()))
}

// A smart shutdown, which is what SIGTERM asks for, would let old sessions go on for ever and refuse new ones.
func TestSupervision_StartsAServerAgainThatWasToldToStop(t *testing.T) {
	t.Parallel()
	dir := sharedFolder(t)
	server := start(t, dir)
	write(t, server.URL(), "kept")
	open := connect(t, server.URL())
	postmaster := serverProcess(t, dir)
	require.NoError(t, syscall.Kill(postmaster, syscall.SIGTERM))
	require.Eventually(t, func() bool {
		conn, err := pgx.Connect(t.Context(), server.URL())
		if err != nil {
			return false
		}
		defer func() { _ = conn.Close(t.Context()) }()
		file, err := directory{dir}.readPidFile()
		return err == nil && file.pid != postmaster
	}, 30*time.Second, 20*time.Millisecond)
	require.Error(t, open.Ping(t.Context()), "the old session was cut")
	assert.Equal(t, "kept", read(t, server.URL()))
}

func TestSuccession_AProcessThatJoinedTakesOver(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*testing.T, child){
		"ended":  func(t *testing.T, c child) { require.NoError(t, c.input.Close()); require.NoError(t, c.Wait()) },
		"killed": func(t *testing.T, c child) { require.NoError(t, c.Process.Kill()); require.Error(t, c.Wait()) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := sharedFolder(t)
			owner := startChild(t, dir, nil)
			joined, other := start(t, dir), start(t, dir)
			write(t, joined.URL(), "kept")
			require.False(t, joined.Owned() || other.Owned())
			end(t, owner)
			require.Eventually(t, func() bool { return joined.Owned() != other.Owned() }, 30*time.Second, 20*time.Millisecond)
			assert.Equal(t, "kept", read(t, joined.URL()))
			assert.Equal(t, "kept", read(t, other.URL()))
			assert.Equal(t, owner.url, joined.URL(), "the address stays")

			heir, last := joined, other
			if other.Owned() {
				heir, last = other, joined
			}
			require.NoError(t, heir.Stop(t.Context()))
			require.Eventually(t, last.Owned, 30*time.Second, 20*time.Millisecond)
			assert.Equal(t, "kept", read(t, last.URL()))
		})
	}
}

func TestARecycledProcessIDIsNoObstacle(t *testing.T) {
	t.Parallel()
	dir := sharedFolder(t)
	server := start(t, dir)
	write(t, server.URL(), "kept")
	pidFile, err := os.ReadFile(directory{dir}.pidFilePath())
	require.NoError(t, err)
	account := server.owner.cluster.account
	require.NoError(t, server.Stop(t.Context()))

	// The crashed server's process id now belongs to another program of the same user.
	stranger := exec.CommandContext(t.Context(), "/bin/sh", "-c", "read -r _")
	_, err = stranger.StdinPipe()
	require.NoError(t, err)
	stranger.Dir = "/"
	stranger.SysProcAttr = account.attributes()
	require.NoError(t, stranger.Start())
	_, rest, _ := strings.Cut(string(pidFile), "\n")
	require.NoError(t, os.WriteFile(directory{dir}.pidFilePath(), []byte(strconv.Itoa(stranger.Process.Pid)+"\n"+rest), 0o600))
	require.NoError(t, os.Chown(directory{dir}.pidFilePath(), account.uid, account.gid))

	again := start(t, dir)
	assert.Equal(t, "kept", read(t, again.URL()))
}

func TestALostPasswordIsReplaced(t *testing.T) {
	t.Parallel()
	dir := sharedFolder(t)
	server := start(t, dir)
	write(t, server.URL(), "kept")
	require.NoError(t, server.Stop(t.Context()))
	require.NoError(t, os.Remove(directory{dir}.connectionFile()))

	again := start(t, dir)
	assert.Equal(t, "kept", read(t, again.URL()))
	assert.NotEqual(t, server.URL(), again.URL())
}

func TestAnUnfinishedClusterIsMadeAnew(t *testing.T) {
	t.Parallel()
	dir := sharedFolder(t)
	unfinished := filepath.Join(dir, "postgres.new-1", "data")
	require.NoError(t, os.MkdirAll(unfinished, 0o700))
	start(t, dir)
	assert.NoDirExists(t, unfinished)
	left, err := filepath.Glob(filepath.Join(dir, "postgres.new-*"))
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestOnlyThisMachineAndOnlyWithThePassword(t *testing.T) {
	t.Parallel()
	dir := sharedFolder(t)
	server := start(t, dir)
	conn := connect(t, server.URL())
	for setting, want := range map[string]string{
		"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "on", "timezone": "UTC", "server_encoding": "UTF8",
	} {
		var got string
		require.NoError(t, conn.QueryRow(t.Context(), `SELECT current_setting($1)`, setting).Scan(&got))
		assert.Equal(t, want, got, setting)
	}
	url, err := directory{dir}.readConnection()
	require.NoError(t, err)
	info, err := os.Stat(directory{dir}.connectionFile())
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	url.password = "guessed"
	_, err = pgx.Connect(t.Context(), url.String())
	assert.ErrorContains(t, err, "password authentication failed")
}

func TestTheLogHoldsNoRows(t *testing.T) {
	t.Parallel()
	dir := sharedFolder(t)
	server := start(t, dir)
	conn := connect(t, server.URL())
	_, err := conn.Exec(t.Context(), `CREATE TABLE people (phone TEXT PRIMARY KEY CHECK (phone <> '+19995550100'))`)
	require.NoError(t, err)
	for range 2 {
		_, err = conn.Exec(t.Context(), `INSERT INTO people VALUES ('+19995550123')`)
	}
	require.ErrorContains(t, err, "duplicate key")
	_, err = conn.Exec(t.Context(), `INSERT INTO people VALUES ('+19995550100')`)
	require.Error(t, err)
	_, err = conn.Exec(t.Context(), `SELECT '+19995550177'::DATE`)
	require.Error(t, err)
	require.NoError(t, server.Stop(t.Context()))
	text, err := os.ReadFile(directory{dir}.logFile())
	require.NoError(t, err)
	assert.Contains(t, string(text), "ready to accept connections")
	assert.NotContains(t, string(text), "1999555")
}

func TestAGrownLogIsSetAside(t *testing.T) {
	t.Parallel()
	dir := directory{sharedFolder(t)}
	require.NoError(t, dir.rotateLog(), "no log yet")
	require.NoError(t, os.WriteFile(dir.logFile(), []byte("short"), 0o600))
	require.NoError(t, dir.rotateLog())
	assert.FileExists(t, dir.logFile())
	require.NoError(t, os.Truncate(dir.logFile(), logLimit))
	require.NoError(t, dir.rotateLog())
	assert.NoFileExists(t, dir.logFile())
	assert.FileExists(t, dir.logFile()+".1")
}

func TestStartGivesUpWithItsContext(t *testing.T) {
	t.Parallel()
	dir := sharedFolder(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Start(ctx, Options{DataDir: dir})
	require.ErrorIs(t, err, context.Canceled)
	start(t, dir)
}

func TestADirectoryInUseWithoutAServerIsNamed(t *testing.T) {
	t.Parallel()
	dir, err := openDirectory(sharedFolder(t))
	require.NoError(t, err)
	lock, err := dir.lock()
	require.NoError(t, err)
	defer func() { _ = lock.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err = Start(ctx, Options{DataDir: dir.path})
	assert.ErrorContains(t, err, dir.path+" is in use by process "+strconv.Itoa(os.Getpid()))
}

// start runs a server until the end of the test, on a disk that keeps what it is told to.
func start(t *testing.T, dir string) *Server {
	t.Helper()
	server, err := Start(t.Context(), Options{DataDir: dir})
	require.NoError(t, err)
	t.Cleanup(func() { stop(t, server) })
	return server
}

func stop(t *testing.T, server *Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 30*time.Second)
	defer cancel()
	assert.NoError(t, server.Stop(ctx))
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}

func write(t *testing.T, url, text string) {
	t.Helper()
	_, err := connect(t, url).Exec(t.Context(), `CREATE TABLE note AS SELECT '`+text+`'::TEXT AS text`)
	require.NoError(t, err)
}

func read(t *testing.T, url string) string {
	t.Helper()
	var text string
	require.NoError(t, connect(t, url).QueryRow(t.Context(), `SELECT text FROM note`).Scan(&text))
	return text
}

func serverProcess(t *testing.T, dir string) int {
	t.Helper()
	file, err := directory{dir}.readPidFile()
	require.NoError(t, err)
	return file.pid
}

func number(t *testing.T, text string) uint32 {
	t.Helper()
	n, err := strconv.ParseUint(text, 10, 32)
	require.NoError(t, err)
	return uint32(n)
}
