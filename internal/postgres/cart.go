package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"ringback/internal/cart"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Cart is a cart with what the shell keeps beside it.
type Cart struct {
	cart.Cart
	// WakeJobID and WakeJobAt are the pending wake_cart job and when it is scheduled. It may be earlier than WakeAt:
	// it then snoozes.
	WakeJobID *int64
	WakeJobAt *time.Time
	// Events counts the events that were made for endpoints.
	Events int

	// Person is everybody that the cart may be of, by what is told of it now. Whoever changes the checkout sets it before
	// saving.
	Person cart.Person

	// written are the keys that the cart has in person_keys, keys those that it is to have: the columns' too where the
	// program before wrote the row.
	written, keys []hashedKey
	// complete is true when nothing has to be written of the keys told so far.
	complete bool
	// found is what belongs to the cart's person, found by the keys foundBy.
	found   *Found
	foundBy []hashedKey
	// unordered is true when it was found that no order names the checkout.
	unordered bool
}

// KnowsPerson reports whether the cart's keys are those of its checkout as it stands: nothing needs to be added before
// it changes.
func (c *Cart) KnowsPerson() bool { return c.complete }

const cartColumns = `
	id, shop, token, state, reason, checkout, phone, phone_from, country, last_activity_at, wake_at, ready_at,
	callback_at, forced, attempts, updates, arm, attribution, "order", purchased_at, created_at, updated_at, erased_at,
	wake_job_id, wake_job_at, events, person, person_at IS NOT DISTINCT FROM updated_at,
	CASE WHEN person_at IS DISTINCT FROM updated_at THEN email_key END,
	CASE WHEN person_at IS DISTINCT FROM updated_at THEN phone_key END`

func scanCart(row pgx.CollectableRow) (Cart, error) {
	var c Cart
	var person [][]byte
	var email, phone []byte
	err := row.Scan(
		&c.ID, &c.Shop, &c.Token, &c.State, &c.Reason, &c.Checkout, &c.Phone, &c.PhoneFrom, &c.Country,
		&c.LastActivityAt, &c.WakeAt, &c.ReadyAt, &c.CallbackAt, &c.Forced, &c.Attempts, &c.Updates, &c.Arm,
		&c.Attribution, &c.Order, &c.PurchasedAt, &c.CreatedAt, &c.UpdatedAt, &c.ErasedAt, &c.WakeJobID, &c.WakeJobAt,
		&c.Events, &person, &c.complete, &email, &phone,
	)
	c.written = asKeys(person)
	columns := []hashedKey{hashedWith(emailByte, email), hashedWith(phoneByte, phone)}
	c.keys = append(slices.Clone(c.written), without(columns, c.written)...)
	inUTC(&c.LastActivityAt, &c.CreatedAt, &c.UpdatedAt)
	inUTC(c.WakeAt, c.ReadyAt, c.CallbackAt, c.PurchasedAt, c.ErasedAt, c.WakeJobAt)
	return c, err
}

// inUTC gives instants read from the database the zone they are meant in.
func inUTC(times ...*time.Time) {
	for _, t := range times {
		if t != nil {
			*t = t.UTC()
		}
	}
}

// LockCheckout serialises everything about one checkout, before there is a cart to lock. Another message may name the
// checkout by another of its names, so each known name is locked.
func (tx *Tx) LockCheckout(ctx context.Context, shop string, ref cart.Ref) error {
	return tx.lockAll(ctx, "checkout", checkoutLocks(shop, ref))
}

// checkoutLocks are the locks of the names of a checkout.
func checkoutLocks(shop string, ref cart.Ref) []int64 {
	var keys []int64
	for _, n := range [...]struct{ space, value string }{
		{"checkout", ref.Token}, {"checkout id", ref.ID}, {"cart token", ref.CartToken},
	} {
		if n.value != "" {
			keys = append(keys, lockKey(n.space, shop+" "+n.value))
		}
	}
	return keys
}

// LockPhones serialises the calls to phones across all shops, so that no cap is passed by two at once.
func (tx *Tx) LockPhones(ctx context.Context, phones []string) error {
	keys := make([]int64, len(phones))
	for i, phone := range phones {
		keys[i] = lockKey("phone", string(tx.hasher.Phone(phone)))
	}
	return tx.lockAll(ctx, "phones", keys)
}

// takeLocks takes the locks of an array in its order, for the length of the transaction.
const takeLocks = `
	SELECT pg_advisory_xact_lock(key)
	FROM unnest($1::bigint[]) AS key`

// lockOrder is the order in which everybody takes locks: two transactions must not wait for each other.
func lockOrder(keys []int64) []int64 {
	slices.Sort(keys)
	return slices.Compact(keys)
}

func (tx *Tx) lockAll(ctx context.Context, what string, keys []int64) error {
	_, err := tx.Exec(ctx, takeLocks, lockOrder(keys))
	if err != nil {
		return fmt.Errorf("lock %s: %w", what, err)
	}
	return nil
}

// CartForUpdate loads a cart with its calls and locks it; ErrNotFound when there is none.
func (tx *Tx) CartForUpdate(ctx context.Context, id uuid.UUID) (*Cart, error) {
	return tx.lockedCart(ctx, `
		SELECT `+cartColumns+`
		FROM carts
		WHERE id = $1
		FOR UPDATE`, id)
}

// CartsForUpdate loads carts with their calls, and their shops, and locks the carts in one order. Those that are not
// there are left out.
func (tx *Tx) CartsForUpdate(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]*Cart, map[string]Shop, error) {
	carts, shops := make(map[uuid.UUID]*Cart, len(ids)), map[string]Shop{}
	batch := &pgx.Batch{}
	batch.Queue(`
		SELECT `+cartColumns+`
		FROM carts
		WHERE id = ANY ($1)
		ORDER BY id
		FOR UPDATE`, ids).
		Query(func(rows pgx.Rows) error {
			found, err := pgx.CollectRows(rows, scanCart)
			for i := range found {
				carts[found[i].ID] = &found[i]
			}
			return err
		})
	batch.Queue(`
		SELECT `+callColumns+`
		FROM calls
		WHERE cart_id = ANY ($1)
		ORDER BY id`, ids).
		Query(func(rows pgx.Rows) error {
			calls, err := pgx.CollectRows(rows, scanCall)
			for i := range calls {
				if c := carts[calls[i].CartID]; c != nil {
					c.Calls = append(c.Calls, calls[i])
				}
			}
			return err
		})
	batch.Queue(`
		SELECT `+shopColumns+`
		FROM shops
		WHERE domain = ANY (ARRAY(SELECT shop FROM carts WHERE id = ANY ($1)))`, ids).
		Query(func(rows pgx.Rows) error {
			found, err := pgx.CollectRows(rows, scanShop)
			for _, s := range found {
				shops[s.Domain] = s
			}
			return err
		})
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return nil, nil, fmt.Errorf("load and lock carts: %w", err)
	}
	return carts, shops, nil
}

// CartByTokenForUpdate loads a checkout's cart and locks it; ErrNotFound when there is none.
func (tx *Tx) CartByTokenForUpdate(ctx context.Context, shop, token string) (*Cart, error) {
	return tx.lockedCart(ctx, `
		SELECT `+cartColumns+`
		FROM carts
		WHERE shop = $1 AND token = $2
		FOR UPDATE`, shop, token)
}

func (tx *Tx) lockedCart(ctx context.Context, query string, args ...any) (*Cart, error) {
	c, err := tx.cartRow(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	c.Calls, err = callsOf(ctx, tx, c.ID)
	return c, err
}

// cartRow reads one cart without its calls; ErrNotFound when there is none.
func (tx *Tx) cartRow(ctx context.Context, query string, args ...any) (*Cart, error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("load cart: %w", err)
	}
	c, err := pgx.CollectExactlyOneRow(rows, scanCart)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("load cart: %w", err)
	}
	return &c, nil
}

// CartSave is a cart that is to be stored.
type CartSave struct {
	Cart *Cart
	// Assistant is the key of the line pool that the cart's call would use.
	Assistant string
	// Before are the calls as they are stored.
	Before []cart.Call
	// CallsOnly is true when the cart's own row need not be written.
	CallsOnly bool
}

// SaveCarts stores carts, new or changed, the calls of them that differ from before, and the keys of their persons that
// are new. No cart may be among them twice.
func (tx *Tx) SaveCarts(ctx context.Context, saves []CartSave) error {
	batch := &pgx.Batch{}
	rows := slices.DeleteFunc(slices.Clone(saves), func(s CartSave) bool { return s.CallsOnly })
	keys := make([][]hashedKey, len(rows))
	if len(rows) > 0 {
		columns := newCartRows(len(rows))
		for i := range rows {
			keys[i] = tx.keysOf(rows[i].Cart)
			if err := columns.add(tx.hasher, &rows[i], keys[i]); err != nil {
				return fmt.Errorf("save cart %s: %w", rows[i].Cart.ID, err)
			}
		}
		batch.Queue(saveCarts, columns.args())
		queueKeys(batch, rows, keys)
	}
	for i := range saves {
		tx.queueCalls(batch, saves[i].Cart.Calls, saves[i].Before)
	}
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("save %d carts, the first of them %s: %w", len(saves), saves[0].Cart.ID, err)
	}
	for i := range rows {
		c := rows[i].Cart
		c.written, c.keys, c.complete = keys[i], keys[i], true
	}
	return nil
}

// SaveCart is SaveCarts of one cart.
func (tx *Tx) SaveCart(ctx context.Context, c *Cart, assistant string, before []cart.Call) error {
	return tx.SaveCarts(ctx, []CartSave{{Cart: c, Assistant: assistant, Before: before}})
}

// SetWakeJob remembers the cart's pending wake_cart job; nil for none.
func (tx *Tx) SetWakeJob(ctx context.Context, id uuid.UUID, job *int64, at *time.Time) error {
	_, err := tx.Exec(ctx, `
		UPDATE carts
		SET wake_job_id = $2, wake_job_at = $3
		WHERE id = $1`, id, job, at)
	if err != nil {
		return fmt.Errorf("remember wake of cart %s: %w", id, err)
	}
	return nil
}

// OlderActiveCarts lists the other carts of the same shop and person that may still be called and whose last activity
// came before this one's.
func (tx *Tx) OlderActiveCarts(ctx context.Context, c *Cart) ([]uuid.UUID, error) {
	f, err := tx.PersonOfCart(ctx, c)
	if err != nil {
		return nil, err
	}
	others := f.others(c.ID, tx.numberOf(c))
	if len(others) == 0 {
		return nil, nil
	}
	rows, err := tx.Query(ctx, `
		SELECT id
		FROM carts
		WHERE id = ANY ($1)
			AND state IN ('watching', 'waiting', 'ready')
			AND (last_activity_at, id) < ($2, $3)
		ORDER BY id`, others, c.LastActivityAt, c.ID)
	if err != nil {
		return nil, fmt.Errorf("find older carts: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
}

// TurnSupersede turns a job that waits to supersede what is older than one of some carts to the cart id, which is newer
// than all of them. It reports whether there was such a job. The job cannot begin before this transaction has ended.
func (tx *Tx) TurnSupersede(ctx context.Context, older []uuid.UUID, id uuid.UUID) (bool, error) {
	tag, err := tx.Exec(ctx, `
		UPDATE river_job
		SET args = jsonb_set(args, '{cart_id}', to_jsonb($2::text))
		WHERE id = (
			SELECT id
			FROM river_job
			WHERE kind = 'supersede' AND state = 'available' AND args ->> 'cart_id' = ANY ($1::uuid[]::text[])
			ORDER BY id
			LIMIT 1
			FOR UPDATE SKIP LOCKED
		)`, older, id.String())
	if err != nil {
		return false, fmt.Errorf("turn the superseding of older carts: %w", err)
	}
	return tag.RowsAffected() > 0, nil
}

// CartsIn lists the ids of a shop's carts in the given states, after the id after, at most limit of them.
func (db *DB) CartsIn(ctx context.Context, shop string, states []cart.State, after uuid.UUID, limit int) ([]uuid.UUID, error) {
	rows, err := db.pool.Query(ctx, `
		SELECT id
		FROM carts
		WHERE shop = $1 AND state = ANY ($2) AND id > $3
		ORDER BY id
		LIMIT $4`, shop, states, after, limit)
	if err != nil {
		return nil, fmt.Errorf("list carts: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
}

// CartOfDeletedForUpdate finds the cart of a deleted checkout by any of its names and locks it; ErrNotFound when there
// is none. One cart at the shop may have had several checkouts: a cart token finds none that is known by another id.
func (tx *Tx) CartOfDeletedForUpdate(ctx context.Context, shop string, ref cart.Ref) (*Cart, error) {
	f := newFilter()
	f.addIf("token = @token", "token", ref.Token)
	f.addIf("checkout_id <> '' AND checkout_id = @id", "id", ref.ID)
	if ref.ID == "" {
		f.addIf("cart_token <> '' AND cart_token = @cart_token", "cart_token", ref.CartToken)
	} else {
		f.addIf("cart_token <> '' AND cart_token = @cart_token AND checkout_id = ''", "cart_token", ref.CartToken)
	}
	f.args["shop"], f.args["token"], f.args["id"] = shop, ref.Token, ref.ID
	return tx.lockedCart(ctx, `
		SELECT `+cartColumns+`
		FROM carts
		WHERE shop = @shop AND `+f.anyOf()+`
		ORDER BY token = @token DESC, checkout_id = @id DESC, id DESC
		LIMIT 1
		FOR UPDATE`, f.args)
}

// Cart reads a cart with its calls, without locking it; ErrNotFound when there is none.
func (db *DB) Cart(ctx context.Context, id uuid.UUID) (*Cart, error) {
	rows, err := db.pool.Query(ctx, `
		SELECT `+cartColumns+`
		FROM carts
		WHERE id = $1`, id)
	if err != nil {
		return nil, fmt.Errorf("read cart: %w", err)
	}
	c, err := pgx.CollectExactlyOneRow(rows, scanCart)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("read cart: %w", err)
	}
	c.Calls, err = callsOf(ctx, db.pool, id)
	return &c, err
}

// CartFilter narrows a list of carts; zero values do not.
type CartFilter struct {
	Shop   string
	State  cart.State
	Reason cart.Reason
	// Before is the id of the last cart of the page before.
	Before uuid.UUID
	Limit  int
}

// Carts lists carts without their calls, newest first.
func (db *DB) Carts(ctx context.Context, f CartFilter) ([]Cart, error) {
	where := newFilter()
	where.addIf("shop = @shop", "shop", f.Shop)
	where.addIf("state = @state", "state", string(f.State))
	where.addIf("reason = @reason", "reason", string(f.Reason))
	where.olderThan(f.Before)
	where.args["limit"] = f.Limit
	rows, err := db.pool.Query(ctx, `
		SELECT `+cartColumns+`
		FROM carts
		`+where.where()+`
		ORDER BY id DESC
		LIMIT @limit`, where.args)
	if err != nil {
		return nil, fmt.Errorf("list carts: %w", err)
	}
	return pgx.CollectRows(rows, scanCart)
}

// StateCount is how many carts of a shop are in a state, for a reason.
type StateCount struct {
	Shop   string
	State  cart.State
	Reason cart.Reason
	Count  int
}

// CountCarts counts the carts by shop, state and reason; shop "" means all.
func (db *DB) CountCarts(ctx context.Context, shop string) ([]StateCount, error) {
	counted, err := db.counted(ctx)
	if err != nil {
		return nil, err
	}
	f := newFilter()
	f.addIf("shop = @shop", "shop", shop)
	query := `
		SELECT shop, state, reason, count(*)
		FROM carts
		` + f.where() + `
		GROUP BY shop, state, reason
		ORDER BY shop, state, reason`
	if counted {
		sums := newFilter()
		sums.addIf("shop = @shop", "shop", shop)
		sums.conditions = append(sums.conditions, "span = 'ever'", "shop <> ''")
		query = `
			SELECT shop, state, reason, sum(carts)::bigint
			FROM (
				SELECT shop, state, reason, carts
				FROM cart_sums
				` + sums.where() + `
				UNION ALL
				SELECT shop, state, reason, carts
				FROM cart_deltas
				` + f.where() + `
			) AS counted
			GROUP BY shop, state, reason
			HAVING sum(carts) <> 0
			ORDER BY shop, state, reason`
	}
	rows, err := db.pool.Query(ctx, query, f.args)
	if err != nil {
		return nil, fmt.Errorf("count carts: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[StateCount])
}

// CartByToken reads a checkout's cart with its calls, without locking it; ErrNotFound when there is none.
func (db *DB) CartByToken(ctx context.Context, shop, token string) (*Cart, error) {
	var id uuid.UUID
	err := db.pool.QueryRow(ctx, `
		SELECT id
		FROM carts
		WHERE shop = $1 AND token = $2`, shop, token).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("find cart: %w", err)
	}
	return db.Cart(ctx, id)
}
