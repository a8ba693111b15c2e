package api

import (
	"context"
	"net/http"
	"time"

	"ringback/internal/cart"
	"ringback/internal/postgres"
	"ringback/internal/web/param"
	"ringback/internal/wording"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
)

// cartJSON is a cart in a list.
type cartJSON struct {
	ID             uuid.UUID         `json:"id"`
	Shop           string            `json:"shop"`
	CheckoutToken  string            `json:"checkout_token"`
	State          cart.State        `json:"state"`
	Reason         *cart.Reason      `json:"reason"`
	Attribution    *cart.Attribution `json:"attribution"`
	WakeAt         *time.Time        `json:"wake_at"`
	Attempts       int               `json:"attempts"`
	Total          string            `json:"total"`
	Currency       *string           `json:"currency"`
	Phone          *string           `json:"phone"`
	CustomerName   *string           `json:"customer_name"`
	LastActivityAt time.Time         `json:"last_activity_at"`
	CreatedAt      time.Time         `json:"created_at"`
	UpdatedAt      time.Time         `json:"updated_at"`
}

// oneCartJSON is a cart with its calls, oldest first, and its ledger.
type oneCartJSON struct {
	cartJSON
	Calls  []callJSON  `json:"calls"`
	Ledger []entryJSON `json:"ledger"`
}

// entryJSON is one line of a cart's ledger.
type entryJSON struct {
	At     time.Time    `json:"at"`
	Event  string       `json:"event"`
	From   *cart.State  `json:"from"`
	To     cart.State   `json:"to"`
	Reason *cart.Reason `json:"reason"`
	Trace  []cart.Step  `json:"trace"`
}

func cartAsJSON(c *cart.Cart) cartJSON {
	return cartJSON{
		ID:             c.ID,
		Shop:           c.Shop,
		CheckoutToken:  c.Token,
		State:          c.State,
		Reason:         orNull(c.Reason),
		Attribution:    orNull(c.Attribution),
		WakeAt:         c.WakeAt,
		Attempts:       c.Attempts,
		Total:          wording.Amount(c.Checkout.Total, c.Checkout.Currency),
		Currency:       orNull(c.Checkout.Currency),
		Phone:          orNull(c.Phone),
		CustomerName:   orNull(c.Checkout.CustomerName()),
		LastActivityAt: c.LastActivityAt,
		CreatedAt:      c.CreatedAt,
		UpdatedAt:      c.UpdatedAt,
	}
}

func entriesAsJSON(ledger []cart.Entry) []entryJSON {
	list := make([]entryJSON, len(ledger))
	for i, e := range ledger {
		list[i] = entryJSON{
			At: e.At, Event: e.Event, From: orNull(e.From), To: e.To, Reason: orNull(e.Reason), Trace: e.Trace,
		}
		if e.Trace == nil {
			list[i].Trace = []cart.Step{}
		}
	}
	return list
}

func (a *API) carts(c echo.Context) error {
	q := param.ReadQuery(c, "shop", "state", "reason", "cursor", "limit")
	filter := postgres.CartFilter{Shop: q.Shop(), State: q.State(), Reason: q.Reason(), Before: q.Cursor()}
	limit := q.Limit()
	if err := q.Err(); err != nil {
		return err
	}
	filter.Limit = limit + 1
	carts, err := a.db.Carts(c.Request().Context(), filter)
	if err != nil {
		return err
	}
	carts, next := param.Page(carts, limit, func(c postgres.Cart) uuid.UUID { return c.ID })
	list := make([]cartJSON, len(carts))
	for i := range carts {
		list[i] = cartAsJSON(&carts[i].Cart)
	}
	return c.JSON(http.StatusOK, struct {
		Carts      []cartJSON `json:"carts"`
		NextCursor string     `json:"next_cursor"`
	}{list, next})
}

func (a *API) cart(c echo.Context) error {
	id, err := onlyID(c)
	if err != nil {
		return err
	}
	return a.answerCart(c, id)
}

func (a *API) cancelCart(c echo.Context) error { return a.operate(c, a.engine.CancelCart) }

func (a *API) callCart(c echo.Context) error { return a.operate(c, a.engine.CallCart) }

// operate does something with a cart and answers with the cart as it is then.
func (a *API) operate(c echo.Context, do func(context.Context, uuid.UUID) error) error {
	id, err := onlyID(c)
	if err != nil {
		return err
	}
	if err := do(c.Request().Context(), id); err != nil {
		return err
	}
	return a.answerCart(c, id)
}

// answerCart answers with a cart as it is now.
func (a *API) answerCart(c echo.Context, id uuid.UUID) error {
	ctx := c.Request().Context()
	found, err := a.db.Cart(ctx, id)
	if err != nil {
		return err
	}
	ledger, err := a.db.Ledger(ctx, id)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, oneCartJSON{
		cartJSON: cartAsJSON(&found.Cart),
		Calls:    callsAsJSON(found.Calls),
		Ledger:   entriesAsJSON(ledger),
	})
}
