package app_test

import (
	"bufio"
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"ringback/internal/app"
	"ringback/internal/cart"
	"ringback/internal/sim/simvoice"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// serverConfig, when set, makes the test binary a server, so that one can be killed.
const serverConfig = "RINGBACK_TEST_SERVER_CONFIG"

func TestMain(m *testing.M) {
	if path := os.Getenv(serverConfig); path != "" {
		os.Exit(app.Main("server", app.Serve, []string{"-config", path}, os.Stderr))
	}
	os.Exit(m.Run())
}

// process is a server in a process of its own.
type process struct {
	cmd *exec.Cmd
	url string
	log *processLog
}

// processLog keeps what a process logs.
type processLog struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *processLog) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.WriteString(line + "\n")
}

func (l *processLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// startProcess starts a server and waits until it listens.
func startProcess(t *testing.T, path string) *process {
	t.Helper()
	cmd := exec.CommandContext(context.Background(), os.Args[0])
	cmd.Env = append(os.Environ(), serverConfig+"="+path)
	stderr, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	p := &process{cmd: cmd, log: &processLog{}}
	t.Cleanup(p.kill)
	listening := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(stderr)
		for lines.Scan() {
			p.log.add(lines.Text())
			if _, after, ok := strings.Cut(lines.Text(), "msg=listening addr="); ok {
				addr, _, _ := strings.Cut(after, " ")
				listening <- addr
			}
		}
	}()
	select {
	case addr := <-listening:
		p.url = "http://" + addr
	case <-time.After(30 * time.Second):
		t.Fatal("the server does not listen")
	}
	return p
}

// kill ends the process as a power cut would.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

func TestAKilledServerNeverDialsTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{
		voice: func(o *simvoice.Options) {
			o.Script = func(simvoice.Order) simvoice.Behaviour {
				return simvoice.Behaviour{Placement: simvoice.HangAndTake, Dials: []simvoice.Ending{simvoice.Silent}}
			}
		},
	})
	base := w.cfg.Stores[acme].Voice.BaseURL
	w.stop()
	text := strings.NewReplacer(
		"timeout: 5s, silence: 1m", "timeout: 30s, silence: 4s",
		"max: 3,", "max: 1,",
	).Replace(configurationOf(w, base))
	path := filepath.Join(t.TempDir(), "config.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))

	first := startProcess(t, path)
	w.url = first.url
	w.took("checkouts/create", checkout("killed"))
	w.eventually("the provider has the call", func() bool { return len(w.voice.Calls()) == 1 })
	first.kill()
	c := w.cart("killed")
	require.Equal(t, cart.Calling, c.State)
	require.Equal(t, cart.Placing, c.Calls[0].State, "the answer was never recorded")
	require.NotNil(t, c.Calls[0].SentAt)

	second := startProcess(t, path)
	w.url = second.url
	status, _ := w.api(http.MethodGet, "/readyz", nil)
	assert.Equal(t, http.StatusOK, status)
	c = w.comes("killed", cart.Stopped)
	assert.Equal(t, cart.Lost, c.Calls[0].Outcome)
	assert.Len(t, w.voice.Calls(), 1, "nobody was dialled twice")
}

func TestAKilledServersCallIsSettledByItsCallbacks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{
		voice: func(o *simvoice.Options) {
			o.Speed = 20
			o.Timing.Ring = 30 * time.Second
			o.Script = func(simvoice.Order) simvoice.Behaviour { return simvoice.Behaviour{Placement: simvoice.HangAndTake} }
		},
	})
	// A fixed address, so that the callbacks find the second server.
	listen := freePort(t)
	base := w.cfg.Stores[acme].Voice.BaseURL
	w.stop()
	text := strings.NewReplacer("127.0.0.1:0", listen, "timeout: 5s", "timeout: 30s").Replace(configurationOf(w, base))
	path := filepath.Join(t.TempDir(), "config.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))

	first := startProcess(t, path)
	w.url = first.url
	w.took("checkouts/create", checkout("killed"))
	w.eventually("the provider has the call", func() bool { return len(w.voice.Calls()) == 1 })
	first.kill()
	startProcess(t, path)
	c := w.comes("killed", cart.Stopped)
	assert.Equal(t, cart.Completed, c.Calls[0].Outcome)
	assert.NotEmpty(t, c.Calls[0].ProviderCallID, "the callbacks told the id that the answer did not")
	assert.Len(t, w.voice.Calls(), 1)
	require.NoError(t, w.voice.Idle(context.Background()))
}
