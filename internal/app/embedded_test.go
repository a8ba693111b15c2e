package app_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"ringback/internal/shopify"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// embeddedConfig is the configuration of a program with an embedded Postgres in a folder of the test.
func embeddedConfig(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ringback-test-") //nolint:usetesting // t.TempDir is closed to the user that root's Postgres runs as
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o755))
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "config.yaml")
	text := strings.Replace(fmt.Sprintf(configuration, "", acme, "http://127.0.0.1:1"),
		`database: {url: "", max_conns: 20}`, fmt.Sprintf(`database: {data_dir: %q}`, filepath.Join(dir, "data")), 1)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// status asks a process something; 0 when it does not answer.
func (p *process) status(t *testing.T, path string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+path, nil)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// takes reports whether a process takes a webhook in.
func (p *process) takes(t *testing.T) bool {
	body := []byte(`{"token": "t", "updated_at": "2026-01-01T00:00:00Z"}`)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url+"/webhooks/shopify", bytes.NewReader(body))
	require.NoError(t, err)
	request.Header = shopify.Delivery{
		Topic: "checkouts/create", Shop: acme, WebhookID: uuid.NewString(), TriggeredAt: time.Now(),
	}.Headers(shopify.Sign(clientSecret, body))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}

func TestServer_IgnoresHangups(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	base := w.cfg.Stores[acme].Voice.BaseURL
	w.stop()
	path := filepath.Join(t.TempDir(), "config.yaml")
	require.NoError(t, os.WriteFile(path, []byte(configurationOf(w, base)), 0o600))
	p := startProcess(t, path)
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGHUP))
	w.eventually("the hangup is answered", func() bool { return strings.Contains(p.log.String(), "restart to reload") })
	assert.Equal(t, http.StatusOK, p.status(t, "/readyz"))
	assert.True(t, p.takes(t))
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, p.cmd.Wait(), "it still ends in order")
}

func TestServer_ThatJoinedAnEmbeddedPostgresOutlivesItsOwner(t *testing.T) {
	t.Parallel()
	path := embeddedConfig(t)
	owner := startProcess(t, path)
	require.Contains(t, owner.log.String(), "started_here=true")
	joined := startProcess(t, path)
	require.Contains(t, joined.log.String(), "started_here=false")
	require.True(t, joined.takes(t))

	require.NoError(t, owner.cmd.Process.Signal(syscall.SIGTERM))
	_ = owner.cmd.Wait()
	require.Eventually(t, func() bool { return joined.takes(t) && joined.status(t, "/readyz") == http.StatusOK }, time.Minute, 50*time.Millisecond)
	log := joined.log.String()
	assert.Contains(t, log, "taking it over")
	said := map[string]int{}
	for line := range strings.Lines(log) {
		if _, failure, ok := strings.Cut(line, "error="); ok && strings.Contains(line, "level=ERROR msg=") && !strings.Contains(line, "msg=request") {
			_, message, _ := strings.Cut(line, "msg=")
			message, _, _ = strings.Cut(message, " error=")
			said[message+failure]++
		}
	}
	for line, times := range said {
		assert.LessOrEqual(t, times, 3, line)
	}
	require.NoError(t, joined.cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, joined.cmd.Wait())
}
