package postgres

import (
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"

	"ringback/internal/seal"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// saveCarts stores carts given as one array for each column. person_at is the cart's updated_at: its keys are complete.
const saveCarts = `
	INSERT INTO carts (
		id, shop, token, checkout_id, cart_token, customer_id, email_key, phone_key, state, reason, checkout,
		phone, phone_from, country, total, currency, assistant, last_activity_at, wake_at, wake_job_id,
		wake_job_at, ready_at, callback_at, forced, attempts, updates, arm, attribution, "order", purchased_at,
		created_at, updated_at, erased_at, events, person, person_at
	)
	SELECT
		id, shop, token, checkout_id, cart_token, customer_id, email_key, phone_key, state, reason,
		checkout::jsonb, phone, phone_from, country, total::numeric, currency, assistant, last_activity_at,
		wake_at, wake_job_id, wake_job_at, ready_at, callback_at, forced, attempts, updates, arm, attribution,
		"order"::jsonb, purchased_at, created_at, updated_at, erased_at, events, person::bytea[],
		updated_at
	FROM unnest(
		@id::uuid[], @shop::text[], @token::text[], @checkout_id::text[], @cart_token::text[],
		@customer_id::text[], @email_key::bytea[], @phone_key::bytea[], @state::text[], @reason::text[],
		@checkout::text[], @phone::text[], @phone_from::text[], @country::text[], @total::text[],
		@currency::text[], @assistant::text[], @last_activity_at::timestamptz[], @wake_at::timestamptz[],
		@wake_job_id::bigint[], @wake_job_at::timestamptz[], @ready_at::timestamptz[],
		@callback_at::timestamptz[], @forced::boolean[], @attempts::integer[], @updates::integer[],
		@arm::text[], @attribution::text[], @order::text[], @purchased_at::timestamptz[],
		@created_at::timestamptz[], @updated_at::timestamptz[], @erased_at::timestamptz[], @events::integer[],
		@person::text[]
	) AS x (
		id, shop, token, checkout_id, cart_token, customer_id, email_key, phone_key, state, reason, checkout,
		phone, phone_from, country, total, currency, assistant, last_activity_at, wake_at, wake_job_id,
		wake_job_at, ready_at, callback_at, forced, attempts, updates, arm, attribution, "order", purchased_at,
		created_at, updated_at, erased_at, events, person
	)
	ON CONFLICT (id) DO UPDATE
	SET checkout_id = excluded.checkout_id,
		cart_token = excluded.cart_token,
		customer_id = excluded.customer_id,
		email_key = CASE WHEN excluded.erased_at IS NULL THEN excluded.email_key ELSE carts.email_key END,
		phone_key = CASE WHEN excluded.erased_at IS NULL THEN excluded.phone_key ELSE carts.phone_key END,
		state = excluded.state,
		reason = excluded.reason,
		checkout = excluded.checkout,
		phone = excluded.phone,
		phone_from = excluded.phone_from,
		country = excluded.country,
		total = excluded.total,
		currency = excluded.currency,
		assistant = excluded.assistant,
		last_activity_at = excluded.last_activity_at,
		wake_at = excluded.wake_at,
		wake_job_id = excluded.wake_job_id,
		wake_job_at = excluded.wake_job_at,
		ready_at = excluded.ready_at,
		callback_at = excluded.callback_at,
		forced = excluded.forced,
		attempts = excluded.attempts,
		updates = excluded.updates,
		arm = excluded.arm,
		attribution = excluded.attribution,
		"order" = excluded."order",
		purchased_at = excluded.purchased_at,
		updated_at = excluded.updated_at,
		erased_at = excluded.erased_at,
		events = excluded.events,
		person = excluded.person,
		person_at = excluded.person_at`

// cartRows are carts as saveCarts takes them: one slice for each column.
type cartRows struct {
	id             []uuid.UUID
	shop           []string
	token          []string
	checkoutID     []string
	cartToken      []string
	customerID     []string
	emailKey       [][]byte
	phoneKey       [][]byte
	state          []string
	reason         []string
	checkout       []string
	phone          []string
	phoneFrom      []string
	country        []string
	total          []string
	currency       []string
	assistant      []string
	lastActivityAt []time.Time
	wakeAt         []*time.Time
	wakeJobID      []*int64
	wakeJobAt      []*time.Time
	readyAt        []*time.Time
	callbackAt     []*time.Time
	forced         []bool
	attempts       []int
	updates        []int
	arm            []string
	attribution    []string
	order          []*string
	purchasedAt    []*time.Time
	createdAt      []time.Time
	updatedAt      []time.Time
	erasedAt       []*time.Time
	events         []int
	person         []string
}

func newCartRows(n int) *cartRows {
	return &cartRows{
		id:             make([]uuid.UUID, 0, n),
		shop:           make([]string, 0, n),
		token:          make([]string, 0, n),
		checkoutID:     make([]string, 0, n),
		cartToken:      make([]string, 0, n),
		customerID:     make([]string, 0, n),
		emailKey:       make([][]byte, 0, n),
		phoneKey:       make([][]byte, 0, n),
		state:          make([]string, 0, n),
		reason:         make([]string, 0, n),
		checkout:       make([]string, 0, n),
		phone:          make([]string, 0, n),
		phoneFrom:      make([]string, 0, n),
		country:        make([]string, 0, n),
		total:          make([]string, 0, n),
		currency:       make([]string, 0, n),
		assistant:      make([]string, 0, n),
		lastActivityAt: make([]time.Time, 0, n),
		wakeAt:         make([]*time.Time, 0, n),
		wakeJobID:      make([]*int64, 0, n),
		wakeJobAt:      make([]*time.Time, 0, n),
		readyAt:        make([]*time.Time, 0, n),
		callbackAt:     make([]*time.Time, 0, n),
		forced:         make([]bool, 0, n),
		attempts:       make([]int, 0, n),
		updates:        make([]int, 0, n),
		arm:            make([]string, 0, n),
		attribution:    make([]string, 0, n),
		order:          make([]*string, 0, n),
		purchasedAt:    make([]*time.Time, 0, n),
		createdAt:      make([]time.Time, 0, n),
		updatedAt:      make([]time.Time, 0, n),
		erasedAt:       make([]*time.Time, 0, n),
		events:         make([]int, 0, n),
		person:         make([]string, 0, n),
	}
}

func (r *cartRows) add(h seal.Hasher, save *CartSave, keys []hashedKey) error {
	c := save.Cart
	checkout, err := json.Marshal(c.Checkout)
	if err != nil {
		return err
	}
	var order *string
	if c.Order != nil {
		raw, err := json.Marshal(c.Order)
		if err != nil {
			return err
		}
		text := string(raw)
		order = &text
	}
	r.id = append(r.id, c.ID)
	r.shop = append(r.shop, c.Shop)
	r.token = append(r.token, c.Token)
	r.checkoutID = append(r.checkoutID, c.Checkout.ID)
	r.cartToken = append(r.cartToken, c.Checkout.CartToken)
	r.customerID = append(r.customerID, c.Checkout.Customer.ID)
	r.emailKey = append(r.emailKey, h.Email(c.Checkout.KnownEmail()))
	r.phoneKey = append(r.phoneKey, h.Phone(c.Phone))
	r.state = append(r.state, string(c.State))
	r.reason = append(r.reason, string(c.Reason))
	r.checkout = append(r.checkout, string(checkout))
	r.phone = append(r.phone, c.Phone)
	r.phoneFrom = append(r.phoneFrom, c.PhoneFrom)
	r.country = append(r.country, c.Country)
	r.total = append(r.total, c.Checkout.Total.String())
	r.currency = append(r.currency, c.Checkout.Currency)
	r.assistant = append(r.assistant, save.Assistant)
	r.lastActivityAt = append(r.lastActivityAt, c.LastActivityAt)
	r.wakeAt = append(r.wakeAt, c.WakeAt)
	r.wakeJobID = append(r.wakeJobID, c.WakeJobID)
	r.wakeJobAt = append(r.wakeJobAt, c.WakeJobAt)
	r.readyAt = append(r.readyAt, c.ReadyAt)
	r.callbackAt = append(r.callbackAt, c.CallbackAt)
	r.forced = append(r.forced, c.Forced)
	r.attempts = append(r.attempts, c.Attempts)
	r.updates = append(r.updates, c.Updates)
	r.arm = append(r.arm, string(c.Arm))
	r.attribution = append(r.attribution, string(c.Attribution))
	r.order = append(r.order, order)
	r.purchasedAt = append(r.purchasedAt, c.PurchasedAt)
	r.createdAt = append(r.createdAt, c.CreatedAt)
	r.updatedAt = append(r.updatedAt, c.UpdatedAt)
	r.erasedAt = append(r.erasedAt, c.ErasedAt)
	r.events = append(r.events, c.Events)
	r.person = append(r.person, byteaArray(keys))
	return nil
}

// args are the parameters of saveCarts. The type of the arrays spares pgx from looking at each element by reflection.
func (r *cartRows) args() pgx.StrictNamedArgs {
	return pgx.StrictNamedArgs{
		"id":               pgtype.FlatArray[uuid.UUID](r.id),
		"shop":             pgtype.FlatArray[string](r.shop),
		"token":            pgtype.FlatArray[string](r.token),
		"checkout_id":      pgtype.FlatArray[string](r.checkoutID),
		"cart_token":       pgtype.FlatArray[string](r.cartToken),
		"customer_id":      pgtype.FlatArray[string](r.customerID),
		"email_key":        pgtype.FlatArray[[]byte](r.emailKey),
		"phone_key":        pgtype.FlatArray[[]byte](r.phoneKey),
		"state":            pgtype.FlatArray[string](r.state),
		"reason":           pgtype.FlatArray[string](r.reason),
		"checkout":         pgtype.FlatArray[string](r.checkout),
		"phone":            pgtype.FlatArray[string](r.phone),
		"phone_from":       pgtype.FlatArray[string](r.phoneFrom),
		"country":          pgtype.FlatArray[string](r.country),
		"total":            pgtype.FlatArray[string](r.total),
		"currency":         pgtype.FlatArray[string](r.currency),
		"assistant":        pgtype.FlatArray[string](r.assistant),
		"last_activity_at": pgtype.FlatArray[time.Time](r.lastActivityAt),
		"wake_at":          pgtype.FlatArray[*time.Time](r.wakeAt),
		"wake_job_id":      pgtype.FlatArray[*int64](r.wakeJobID),
		"wake_job_at":      pgtype.FlatArray[*time.Time](r.wakeJobAt),
		"ready_at":         pgtype.FlatArray[*time.Time](r.readyAt),
		"callback_at":      pgtype.FlatArray[*time.Time](r.callbackAt),
		"forced":           pgtype.FlatArray[bool](r.forced),
		"attempts":         pgtype.FlatArray[int](r.attempts),
		"updates":          pgtype.FlatArray[int](r.updates),
		"arm":              pgtype.FlatArray[string](r.arm),
		"attribution":      pgtype.FlatArray[string](r.attribution),
		"order":            pgtype.FlatArray[*string](r.order),
		"purchased_at":     pgtype.FlatArray[*time.Time](r.purchasedAt),
		"created_at":       pgtype.FlatArray[time.Time](r.createdAt),
		"updated_at":       pgtype.FlatArray[time.Time](r.updatedAt),
		"erased_at":        pgtype.FlatArray[*time.Time](r.erasedAt),
		"events":           pgtype.FlatArray[int](r.events),
		"person":           pgtype.FlatArray[string](r.person),
	}
}

// byteaArray writes keys as the text of a bytea[]: an array of arrays of differing lengths cannot be a parameter.
func byteaArray(keys []hashedKey) string {
	var b strings.Builder
	b.WriteByte('{')
	for i, k := range keys {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`"\\x`)
		b.WriteString(hex.EncodeToString([]byte(k)))
		b.WriteByte('"')
	}
	b.WriteByte('}')
	return b.String()
}
