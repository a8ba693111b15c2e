package load_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ringback/internal/postgres/pgtest"
	"ringback/internal/shopify"
	"ringback/internal/sim/simvoice"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"
)

// How a run of TestChaos is made larger, and which programs the second pair of processes is. scripts/chaos.sh and scripts/compat.sh set
// them; without any, the run is short and all processes are this program.
const (
	chaosLong   = "RINGBACK_CHAOS_LONG"
	otherServer = "RINGBACK_OTHER_SERVER"
	otherWorker = "RINGBACK_OTHER_WORKER"
)

// TestChaos runs two servers and two workers on one database, one pair of them with a configuration from before the shop was added (or,
// where RINGBACK_OTHER_SERVER is set, of another release), kills processes at random and holds the program to its promises: nobody is
// called after an order that was acknowledged, every acknowledged webhook and callback is acted upon, no attempt is dialled twice, and
// nothing is stuck.
func TestChaos(t *testing.T) {
	size := chaosSize{carts: 24, kills: 4, over: 5 * time.Second}
	if os.Getenv(chaosLong) != "" {
		size = chaosSize{carts: 300, kills: 30, over: 75 * time.Second}
	}
	if os.Getenv(otherServer) == "" {
		newChaos(t, size).run(false)
		return
	}
	// During a deployment either release may be there first.
	size = chaosSize{carts: 120, over: 15 * time.Second}
	for _, otherFirst := range []bool{false, true} {
		t.Run(fmt.Sprintf("other release first %t", otherFirst), func(t *testing.T) { newChaos(t, size).run(otherFirst) })
	}
}

// chaosSize is how much happens, and over which time.
type chaosSize struct {
	carts, kills int
	over         time.Duration
}

type chaos struct {
	t     *testing.T
	size  chaosSize
	pool  *pgxpool.Pool
	sim   *simvoice.Server
	front *front
	// dice is used by the goroutine that kills.
	dice      *rand.Rand
	processes []*program

	mu sync.Mutex
	// checkouts and orders are those that were acknowledged, and when.
	checkouts, orders map[string]time.Time
}

// program is one process that can be killed and started again.
type program struct {
	name, role, path, binary string
	cmd                      *exec.Cmd
	input                    io.Closer
}

func newChaos(t *testing.T, size chaosSize) *chaos {
	c := &chaos{
		t: t, size: size, pool: pgtest.New(t), dice: rand.New(rand.NewPCG(7, 7)), checkouts: map[string]time.Time{}, orders: map[string]time.Time{},
	}
	behaviours := map[string]simvoice.Behaviour{}
	for i := range size.carts {
		behaviours[chaosPhone(i)] = chaosBehaviour(i)
	}
	sim, err := simvoice.New(simvoice.Options{
		PublicKey: "pk", PrivateKey: "sk", Workspace: "ws", Assistant: "as", Speed: 100, Seed: 7, Duplicates: 0.2, Disorder: 0.2,
		Script: simvoice.ByPhone(behaviours),
	})
	require.NoError(t, err)
	t.Cleanup(sim.Close)
	c.sim = sim
	api := httptest.NewServer(sim)
	t.Cleanup(api.Close)

	older, newer := freePort(t), freePort(t)
	c.front = &front{backends: []string{"http://" + older, "http://" + newer}, optOuts: map[string]time.Time{}}
	door := httptest.NewServer(c.front)
	t.Cleanup(door.Close)
	text := func(listen, domain string) string {
		s := fmt.Sprintf(configuration, listen, c.pool.Config().ConnString(), domain, api.URL, 10)
		return strings.NewReplacer(
			fmt.Sprintf("public_url: \"http://%s\"", listen), fmt.Sprintf("public_url: %q", door.URL),
			"{concurrency: 20}", "{concurrency: 20, enabled: false}", "timeout: 5s, silence: 5m", "timeout: 2s, silence: 6s",
			"attempts: {max: 1}", "attempts: {max: 2, spacing: {no_answer: 1s, busy: 1s, failed: 1s, timeout: 1s, lost: 1s}}",
			"level: warn", "level: error",
		).Replace(s)
	}
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	olderShop := "beta.myshopify.com"
	if os.Getenv(otherServer) != "" {
		olderShop = shop
	}
	olderPath, newerPath := write("older.yaml", text(older, olderShop)), write("newer.yaml", text(newer, shop))
	c.processes = []*program{
		{name: "newer server", role: "server", path: newerPath},
		{name: "newer worker", role: "worker", path: newerPath},
		{name: "older server", role: "server", path: olderPath, binary: os.Getenv(otherServer)},
		{name: "older worker", role: "worker", path: olderPath, binary: os.Getenv(otherWorker)},
	}
	return c
}

// chaosBehaviour is what the nth customer does: some opt out, some do not answer, the others talk.
func chaosBehaviour(n int) simvoice.Behaviour {
	switch n % 6 {
	case 1:
		return simvoice.Behaviour{Insights: map[string]any{"do_not_call": true}}
	case 2:
		return simvoice.Behaviour{Dials: []simvoice.Ending{simvoice.NoAnswer}}
	case 3:
		return simvoice.Behaviour{Placement: simvoice.Lose}
	}
	return simvoice.Behaviour{}
}

func chaosToken(n int) string { return fmt.Sprintf("load%08d", n) }

func chaosPhone(n int) string { return fmt.Sprintf("+9198%08d", n) }

// buys reports whether the nth customer buys while the shop is being called for.
func buys(n int) bool { return n%5 < 2 }

func (c *chaos) run(otherFirst bool) {
	servers := []int{0, 2}
	if otherFirst {
		servers = []int{2, 0}
	}
	for _, i := range servers {
		c.start(c.processes[i])
		c.eventually("the server is ready", 30*time.Second, func() bool { return c.front.reaches(1 - i/2) })
		c.start(c.processes[i+1])
	}
	began := time.Now()
	var group errgroup.Group
	for i := range c.size.carts {
		chance := rand.New(rand.NewPCG(11, uint64(i)))
		at := time.Duration(chance.Int64N(int64(c.size.over)))
		later := time.Duration(chance.Int64N(int64(4 * time.Second)))
		group.Go(func() error { return c.shopper(i, at, later) })
	}
	group.Go(func() error {
		for range c.size.kills {
			c.pass(c.size.over / time.Duration(c.size.kills))
			p := c.processes[c.dice.IntN(len(c.processes))]
			c.kill(p)
			c.start(p)
		}
		return nil
	})
	require.NoError(c.t, group.Wait())
	c.recover()
	c.eventually("nothing is stuck", 3*time.Minute, func() bool { return c.unfinished() == 0 })
	c.check(time.Since(began))
}

// shopper abandons a checkout and, maybe, buys.
func (c *chaos) shopper(n int, at, later time.Duration) error {
	c.pass(at)
	tok := chaosToken(n)
	when, err := c.front.webhook(shopify.CheckoutsCreate, checkout(n, int64(n)))
	if err != nil {
		return err
	}
	c.acknowledged(c.checkouts, tok, when)
	if !buys(n) {
		return nil
	}
	c.pass(later)
	now := time.Now().UTC().Format(time.RFC3339Nano)
	order, err := json.Marshal(map[string]any{
		"id": 7_000_000 + n, "name": "#1", "checkout_token": tok, "cart_token": "cart-" + tok, "currency": "INR",
		"total_price": "1895.00", "created_at": now, "updated_at": now,
	})
	if err != nil {
		return err
	}
	if when, err = c.front.webhook(shopify.OrdersCreate, order); err != nil {
		return err
	}
	c.acknowledged(c.orders, tok, when)
	return nil
}

func (c *chaos) acknowledged(list map[string]time.Time, tok string, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	list[tok] = at
}

// pass lets time go by: load comes over a while, and nothing else says when.
func (c *chaos) pass(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.t.Context().Done():
	}
}

func (c *chaos) start(p *program) {
	binary, env := p.binary, os.Environ()
	args := []string{"-config", p.path}
	if binary == "" {
		binary, args, env = os.Args[0], nil, append(env, workerConfig+"="+p.path, programRole+"="+p.role)
	}
	p.cmd = exec.CommandContext(context.Background(), binary, args...)
	p.cmd.Env = env
	input, err := p.cmd.StdinPipe()
	require.NoError(c.t, err)
	p.input = input
	require.NoError(c.t, p.cmd.Start(), p.name)
	c.t.Cleanup(func() { c.kill(p) })
}

// kill ends a process as a power cut would.
func (c *chaos) kill(p *program) {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
	_ = p.input.Close()
}

// recover kills all processes once more, starts them anew, and does what River does after three minutes: it takes the jobs that died with
// their process up again.
func (c *chaos) recover() {
	if c.size.kills == 0 {
		return
	}
	for _, p := range c.processes {
		c.kill(p)
	}
	_, err := c.pool.Exec(c.t.Context(), `
		UPDATE river_job
		SET state = 'available', scheduled_at = now()
		WHERE state = 'running'`)
	require.NoError(c.t, err)
	_, err = c.pool.Exec(c.t.Context(), `DELETE FROM river_leader`)
	require.NoError(c.t, err)
	for _, p := range c.processes {
		c.start(p)
	}
}

// unfinished counts what is still under way.
func (c *chaos) unfinished() int {
	return count(c.t, c.pool, `
		SELECT (SELECT count(*) FROM carts WHERE state NOT IN ('stopped', 'purchased'))
			+ (SELECT count(*) FROM calls WHERE state NOT IN ('closed', 'rejected'))
			+ (SELECT count(*) FROM waiting_webhooks)`)
}

func (c *chaos) eventually(what string, within time.Duration, condition func() bool) {
	if !assert.Eventually(c.t, condition, within, 100*time.Millisecond, what) {
		c.t.Fatal(c.state())
	}
}

// state tells what is stuck.
func (c *chaos) state() string {
	var text string
	err := c.pool.QueryRow(context.Background(), `
		SELECT concat(
			(SELECT json_agg(json_build_object('cart', token, 'state', state, 'reason', reason, 'wake', wake_at)) FROM carts WHERE state NOT IN ('stopped', 'purchased')),
			(SELECT json_agg(json_build_object('call', state, 'watch', watch_at, 'abort', abort_at)) FROM calls WHERE state NOT IN ('closed', 'rejected')),
			(SELECT json_agg(json_build_object('job', kind, 'state', state, 'at', scheduled_at, 'errors', errors)) FROM river_job WHERE state NOT IN ('completed', 'cancelled')),
			(SELECT count(*) FROM waiting_webhooks)
		)`).Scan(&text)
	return fmt.Sprint(text, err)
}

// check holds what happened to the promises.
func (c *chaos) check(took time.Duration) {
	t := c.t
	// violations lists the calls whose request went out after something was acknowledged that forbids it.
	calledAfter := func(acknowledged map[string]time.Time, by string) (late int) {
		for key, at := range acknowledged {
			var n int
			err := c.pool.QueryRow(t.Context(), `
				SELECT count(*)
				FROM calls
				JOIN carts ON carts.id = cart_id
				WHERE carts.`+by+`::text = $1 AND sent_at > $2 AND calls.state <> 'rejected'`, key, at).Scan(&n)
			require.NoError(t, err)
			late += n
		}
		return late
	}
	assert.Zero(t, calledAfter(c.orders, "token"), "calls after an acknowledged order")
	assert.Zero(t, calledAfter(c.front.optOuts, "id"), "calls after an acknowledged opt-out")
	assert.Len(t, c.checkouts, c.size.carts)
	assert.Equal(t, c.size.carts, count(t, c.pool, `SELECT count(*) FROM carts`), "every acknowledged checkout has its cart")
	assert.Equal(t, len(c.orders), count(t, c.pool, `SELECT count(*) FROM carts WHERE state = 'purchased'`), "every acknowledged order counts")
	assert.Zero(t, count(t, c.pool, `SELECT count(*) FROM webhooks WHERE error IS NOT NULL`))
	for id := range c.front.optOuts {
		var heeded bool
		require.NoError(t, c.pool.QueryRow(t.Context(), `
			SELECT EXISTS (
				SELECT 1
				FROM carts
				JOIN suppressions ON suppressions.key = carts.phone_key
				WHERE carts.id = $1
			)`, id).Scan(&heeded))
		assert.True(t, heeded, "an acknowledged opt-out is heeded")
	}
	attempts := map[string]int{}
	dials := 0
	for _, call := range c.sim.Calls() {
		attempts[fmt.Sprint(call.Order.CartID, " ", call.Order.Attempt)]++
		dials += call.Dials
	}
	twice := 0
	for _, n := range attempts {
		if n > 1 {
			twice++
		}
	}
	assert.Zero(t, twice, "attempts that were dialled twice")
	t.Logf("%d carts, %d kills, %s: %d orders and %d opt-outs acknowledged, %d calls placed, %d dials; %d webhooks and %d callbacks sent, %d of them more than once; %d callbacks undelivered, %d calls lost",
		c.size.carts, c.size.kills, took.Round(time.Second), len(c.orders), len(c.front.optOuts), len(c.sim.Calls()), dials,
		c.front.webhooks.Load(), c.front.callbacks.Load(), c.front.again.Load(), c.sim.Stats().Undelivered,
		count(t, c.pool, `SELECT count(*) FROM calls WHERE outcome = 'lost'`))
}

// client keeps a connection for each of many senders.
var client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}

// front stands before the servers, as a load balancer does: it hands each request to one of them at random and passes its answer on.
type front struct {
	backends []string

	webhooks, callbacks, again atomic.Int64
	mu                         sync.Mutex
	// optOuts are the carts whose opt-out was acknowledged, and when.
	optOuts map[string]time.Time
}

// ServeHTTP implements http.Handler for the voice API's callbacks.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	f.callbacks.Add(1)
	status := f.pass(r.Context(), r.URL.Path, r.Header, body)
	if status == http.StatusOK {
		f.heard(body)
	} else {
		f.again.Add(1)
	}
	w.WriteHeader(status)
}

// heard remembers an acknowledged opt-out.
func (f *front) heard(body []byte) {
	var said struct {
		Metadata struct {
			CartID string `json:"cart_id"`
		} `json:"metadata"`
		Event struct {
			Data struct {
				Analysis struct {
					Insights map[string]any `json:"insights"`
				} `json:"analysis"`
			} `json:"data"`
		} `json:"event"`
	}
	if json.Unmarshal(body, &said) != nil || said.Event.Data.Analysis.Insights["do_not_call"] != true {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, before := f.optOuts[said.Metadata.CartID]; !before {
		f.optOuts[said.Metadata.CartID] = time.Now()
	}
}

// pass hands a request to a server; one that cannot be reached stands for 502.
func (f *front) pass(ctx context.Context, path string, header http.Header, body []byte) int {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, f.backends[rand.IntN(len(f.backends))]+path, bytes.NewReader(body))
	if err != nil {
		return http.StatusInternalServerError
	}
	req.Header = header.Clone()
	resp, err := client.Do(req)
	if err != nil {
		return http.StatusBadGateway
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

// webhook sends a webhook of the shop until it is acknowledged, as Shopify does, and returns when that was.
func (f *front) webhook(topic string, body []byte) (time.Time, error) {
	d := shopify.Delivery{Topic: topic, Shop: shop, WebhookID: uuid.NewString(), APIVersion: "2026-10", TriggeredAt: time.Now().UTC()}
	header := d.Headers(shopify.Sign("shh", body))
	f.webhooks.Add(1)
	pace := rate.NewLimiter(rate.Every(50*time.Millisecond), 1)
	for range 400 {
		if err := pace.Wait(context.Background()); err != nil {
			return time.Time{}, err
		}
		if f.pass(context.Background(), "/webhooks/shopify", header, body) == http.StatusOK {
			return time.Now(), nil
		}
		f.again.Add(1)
	}
	return time.Time{}, errors.New("a webhook was never acknowledged: " + topic)
}

// reaches reports whether a server answers.
func (f *front) reaches(n int) bool {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, f.backends[n]+"/readyz", http.NoBody)
	if err != nil {
		return false
	}
	resp, err := client.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}
