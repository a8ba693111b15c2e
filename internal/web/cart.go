package web

import (
	"context"
	"net/http"
	"time"

	"ringback/internal/cart"
	"ringback/internal/postgres"
	"ringback/internal/wording"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
)

// cartJSON is a cart as the API shows it. Absent values are null, instants RFC 3339 in UTC, money a decimal string.
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

// oneCartJSON is a cart alone: with its calls, oldest first, and its ledger.
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
		list[i] = entryJSON{At: e.At, Event: e.Event, From: orNull(e.From), To: e.To, Reason: orNull(e.Reason), Trace: e.Trace}
		if e.Trace == nil {
			list[i].Trace = []cart.Step{}
		}
	}
	return list
}

func (s *Server) apiCarts(c echo.Context) error {
	q := readQuery(c, "shop", "state", "reason", "cursor", "limit")
	filter := postgres.CartFilter{Shop: q.shop(), State: q.state(), Reason: q.reason(), Before: q.cursor()}
	limit := q.limit()
	if err := q.err(); err != nil {
		return err
	}
	filter.Limit = limit + 1
	carts, err := s.db.Carts(c.Request().Context(), filter)
	if err != nil {
		return err
	}
	carts, next := page(carts, limit, func(c postgres.Cart) uuid.UUID { return c.ID })
	list := make([]cartJSON, len(carts))
	for i := range carts {
		list[i] = cartAsJSON(&carts[i].Cart)
	}
	return c.JSON(http.StatusOK, struct {
		Carts      []cartJSON `json:"carts"`
		NextCursor string     `json:"next_cursor"`
	}{list, next})
}

func (s *Server) apiCart(c echo.Context) error {
	id, err := s.askedCart(c)
	if err != nil {
		return err
	}
	return s.answerCart(c, id)
}

func (s *Server) apiCancelCart(c echo.Context) error { return s.operate(c, s.engine.CancelCart) }

func (s *Server) apiCallCart(c echo.Context) error { return s.operate(c, s.engine.CallCart) }

// operate does what an operator asks of a cart and answers with the cart as it then is.
func (s *Server) operate(c echo.Context, do func(context.Context, uuid.UUID) error) error {
	id, err := s.askedCart(c)
	if err != nil {
		return err
	}
	if err := do(c.Request().Context(), id); err != nil {
		return err
	}
	return s.answerCart(c, id)
}

// askedCart reads a request about one cart, which takes no parameters.
func (s *Server) askedCart(c echo.Context) (uuid.UUID, error) {
	if err := readQuery(c).err(); err != nil {
		return uuid.Nil, err
	}
	return pathID(c)
}

func (s *Server) answerCart(c echo.Context, id uuid.UUID) error {
	ctx := c.Request().Context()
	found, err := s.db.Cart(ctx, id)
	if err != nil {
		return err
	}
	ledger, err := s.db.Ledger(ctx, id)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, oneCartJSON{
		cartJSON: cartAsJSON(&found.Cart),
		Calls:    callsAsJSON(found.Calls),
		Ledger:   entriesAsJSON(ledger),
	})
}
