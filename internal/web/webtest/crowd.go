package webtest

import (
	"strconv"
	"strings"

	"github.com/stretchr/testify/require"
)

// otherShops is how many shops a crowd has besides Acme and Bolt.
const otherShops = 98

// crowd makes carts over the 90 days before now, most of them settled, with calls and ledgers. Half are of Acme and a
// fifth of Bolt. One in fifty thousand was refused.
var crowd = []string{
	`CREATE TEMPORARY TABLE crowd AS
	SELECT (lpad(to_hex((extract(epoch FROM made) * 1000)::bigint), 12, '0') || '7' || substr(md5(n::text), 1, 3) ||
			'8' || substr(md5(n::text), 4, 15))::uuid AS id,
		n, made, dice,
		CASE
			WHEN n % 10 < 5 THEN 'acme.myshopify.com'
			WHEN n % 10 < 7 THEN 'bolt.myshopify.com'
			ELSE 'shop' || n / 10 % {shops} || '.myshopify.com'
		END AS shop
	FROM (
		SELECT n, '{now}'::timestamptz - ({carts} - n) * interval '90 days' / {carts} AS made, (hashint4(n) & 2147483647) % 1000 AS dice
		FROM generate_series(1, {carts}) AS n
	) AS x`,
	`INSERT INTO shops (domain)
	SELECT DISTINCT shop
	FROM crowd
	ON CONFLICT DO NOTHING`,
	`INSERT INTO carts (
		id, shop, token, checkout_id, cart_token, state, reason, checkout, phone, country, total, currency, assistant,
		last_activity_at, wake_at, arm, attribution, "order", purchased_at, created_at, updated_at, person, person_at
	)
	SELECT id, shop, 't' || n, n::text, 'c' || n, state,
		CASE
			WHEN n % 50000 = 7 THEN 'refused'
			WHEN state = 'waiting' THEN (ARRAY['delay', 'window', 'shop_cap'])[1 + n % 3]
			WHEN state = 'purchased' THEN 'ordered'
			ELSE (ARRAY['expired', 'exhausted', 'superseded', 'declined', 'no_consent'])[1 + n % 5]
		END,
		jsonb_build_object('token', 't' || n, 'id', n::text, 'email', n || '@example.com', 'currency', 'INR',
			'total', '1895.5', 'note', repeat(md5(n::text), 30)),
		'+9198' || lpad(n::text, 8, '0'), 'IN', 1895.5, 'INR', 'meera', made,
		CASE WHEN state = 'waiting' THEN made + interval '1 year' END,
		CASE WHEN dice % 10 = 0 THEN 'holdout' ELSE 'call' END,
		CASE WHEN state = 'purchased' THEN (ARRAY['', 'call', 'offer'])[1 + n % 3] ELSE '' END,
		CASE WHEN state = 'purchased' THEN jsonb_build_object('total', '108', 'currency', 'INR') END,
		CASE WHEN state = 'purchased' THEN made END, made, made, '{}', made
	FROM (
		SELECT n, id, shop, made, dice,
			CASE WHEN dice < 300 THEN 'waiting' WHEN dice < 400 THEN 'purchased' ELSE 'stopped' END AS state
		FROM crowd
	) AS x`,
	`INSERT INTO calls (
		id, cart_id, shop, attempt, state, outcome, provider, assistant, holds_line, phone, phone_key, created_at, sent_at,
		answered_at, closed_at
	)
	SELECT id, id, shop, 1, 'closed', (ARRAY['completed', 'no_answer', 'busy'])[1 + n % 3], 'mirai', 'meera', false,
		'+9198' || lpad(n::text, 8, '0'), decode(md5(n::text), 'hex'), made, made, CASE WHEN n % 3 = 0 THEN made END, made
	FROM crowd
	WHERE dice >= 600`,
	`INSERT INTO ledger (cart_id, at, event, from_state, to_state, reason, trace)
	SELECT id, made, 'checkout', '', 'waiting', 'delay',
		'[{"rule": "delay", "saw": "45m after the last activity", "verdict": "wait"}]'
	FROM crowd
	CROSS JOIN generate_series(1, 4)`,
	`DROP TABLE crowd`,
}

// Crowd stores many carts, with 4 ledger entries and 0.4 calls each.
func (s *Site) Crowd(carts int) {
	s.T.Helper()
	conn, err := s.Pool.Acquire(s.T.Context())
	require.NoError(s.T, err)
	defer conn.Release()
	values := strings.NewReplacer(
		"{now}", Now.Format("2006-01-02 15:04:05Z07"), "{carts}", strconv.Itoa(carts), "{shops}", strconv.Itoa(otherShops),
	)
	for _, statement := range crowd {
		_, err := conn.Exec(s.T.Context(), values.Replace(statement))
		require.NoError(s.T, err)
	}
}
