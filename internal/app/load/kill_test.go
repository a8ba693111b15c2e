package load_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ringback/internal/postgres/pgtest"
	"ringback/internal/shopify"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"
)

// killSize is how many senders send at once, how many webhooks each, and how often the server is killed meanwhile.
type killSize struct{ senders, webhooks, kills int }

// versionsOfEach is how many versions of each checkout are sent.
const versionsOfEach = 3

// TestKill kills the server in the middle of as much load as it takes. Whoever was answered 200 is reflected in the
// cart afterwards; whoever was not sends the same webhook again, as Shopify does. None counts twice.
func TestKill(t *testing.T) {
	size := killSize{senders: 16, webhooks: 60, kills: 2}
	if os.Getenv(chaosLong) != "" {
		size = killSize{senders: 64, webhooks: 900, kills: 5}
	}
	c := &chaos{t: t, pool: pgtest.New(t)}
	api := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(api.Close)
	address := freePort(t)
	text := fmt.Sprintf(configuration, address, c.pool.Config().ConnString(), shop, api.URL, 10)
	text = strings.NewReplacer("delay: 1s", "delay: 6h", "level: warn", "level: error").Replace(text)
	path := filepath.Join(t.TempDir(), "config.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	server := &program{name: "server", role: "server", path: path}
	c.front = &front{backends: []string{"http://" + address}}
	c.start(server)
	ready := func() bool { return c.front.reaches(0) }
	c.eventually("the server is ready", 30*time.Second, ready)

	began := time.Now()
	var answered atomic.Int64
	var group errgroup.Group
	for n := range size.senders {
		group.Go(func() error { return c.sendVersions(n, size.webhooks, &answered) })
	}
	all := int64(size.senders * size.webhooks)
	for i := range size.kills {
		// While webhooks are on their way: after a part of them was answered.
		due := all * int64(i+1) / int64(size.kills+1)
		c.eventually("webhooks are answered", 2*time.Minute, func() bool { return answered.Load() >= due })
		c.kill(server)
		c.start(server)
		c.eventually("the server is back", 30*time.Second, ready)
	}
	require.NoError(t, group.Wait())
	c.eventually("everything is applied", time.Minute, func() bool {
		return count(t, c.pool, `SELECT count(*) FROM intake_queue`) == 0
	})

	carts := size.senders * size.webhooks / versionsOfEach
	assert.Equal(t, int(all), count(t, c.pool, `SELECT count(*) FROM webhooks`), "every webhook is kept once")
	assert.Zero(t, count(t, c.pool, `SELECT count(*) FROM webhooks WHERE error IS NOT NULL`))
	assert.Equal(t, carts, count(t, c.pool, `SELECT count(*) FROM carts`), "every checkout has a cart")
	assert.Equal(t, carts, count(t, c.pool, fmt.Sprintf(`
		SELECT count(*)
		FROM carts
		WHERE updates = %d AND total = %d`, versionsOfEach, 10_000+versionsOfEach)),
		"every version counts once, and the newest is what the cart holds")
	assert.Equal(t, carts, count(t, c.pool, `
		SELECT count(*)
		FROM carts
		JOIN river_job ON river_job.id = wake_job_id
		WHERE kind = 'wake_cart'`), "every cart is looked at again")
	assert.Equal(t, carts, count(t, c.pool, `SELECT count(*) FROM river_job WHERE kind = 'wake_cart'`), "and once")
	t.Logf("%d webhooks, %d kills, %s; %d were sent more than once",
		all, size.kills, time.Since(began).Round(time.Millisecond), c.front.again.Load())
}

// sendVersions sends the versions of a sender's checkouts one after the other, each until it is answered.
func (c *chaos) sendVersions(sender, webhooks int, answered *atomic.Int64) error {
	for n := range webhooks {
		number, version := sender*webhooks+n/versionsOfEach, n%versionsOfEach+1
		topic := shopify.CheckoutsUpdate
		if version == 1 {
			topic = shopify.CheckoutsCreate
		}
		id := fmt.Sprintf("kill-%d-%d", number, version)
		if err := c.front.untilTaken(topic, id, checkout(number, int64(version))); err != nil {
			return err
		}
		answered.Add(1)
	}
	return nil
}

// untilTaken sends a webhook again and again until it is answered 200.
func (f *front) untilTaken(topic, id string, body json.RawMessage) error {
	d := shopify.Delivery{Topic: topic, Shop: shop, WebhookID: id, APIVersion: "2026-10", TriggeredAt: time.Now().UTC()}
	header := d.Headers(shopify.Sign("shh", body))
	pace := rate.NewLimiter(rate.Every(20*time.Millisecond), 1)
	for began := time.Now(); time.Since(began) < time.Minute; {
		if f.pass(context.Background(), "/webhooks/shopify", header, body) == http.StatusOK {
			return nil
		}
		f.again.Add(1)
		if err := pace.Wait(context.Background()); err != nil {
			return err
		}
	}
	return errors.New("a webhook was never answered")
}
