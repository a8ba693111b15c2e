package api

import (
	"net/http"
	"time"

	"ringback/internal/cart"
	"ringback/internal/engine"
	"ringback/internal/postgres"
	"ringback/internal/web/param"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
	"github.com/shopspring/decimal"
)

// privacyJSON is a privacy request as the API shows it. It does not say whom it is about.
type privacyJSON struct {
	ID   uuid.UUID `json:"id"`
	Shop string    `json:"shop"`
	// Kind is data_request, redact_customer or redact_shop.
	Kind        string     `json:"kind"`
	RequestedAt time.Time  `json:"requested_at"`
	DueAt       time.Time  `json:"due_at"`
	Overdue     bool       `json:"overdue"`
	DoneAt      *time.Time `json:"done_at"`
	// Carts is how many carts it concerned; null until it is done.
	Carts *int `json:"carts"`
}

func (a *API) privacyAsJSON(r postgres.PrivacyRequest) privacyJSON {
	p := privacyJSON{ID: r.ID, Shop: r.Shop, Kind: r.Kind, RequestedAt: r.RequestedAt.UTC(), DueAt: r.DueAt.UTC()}
	if r.DoneAt == nil {
		p.Overdue = a.db.Now().After(r.DueAt)
		return p
	}
	at := r.DoneAt.UTC()
	p.DoneAt, p.Carts = &at, &r.Carts
	return p
}

// privacy lists the privacy requests, the open ones first.
func (a *API) privacy(c echo.Context) error {
	q := param.ReadQuery(c, "limit")
	limit := q.Limit()
	if err := q.Err(); err != nil {
		return err
	}
	requests, err := a.db.PrivacyRequests(c.Request().Context(), limit)
	if err != nil {
		return err
	}
	list := make([]privacyJSON, len(requests))
	for i, r := range requests {
		list[i] = a.privacyAsJSON(r)
	}
	return c.JSON(http.StatusOK, map[string]any{"requests": list})
}

// exportJSON is everything that is stored of a person, for the merchant to pass on.
type exportJSON struct {
	Request privacyJSON `json:"request"`
	Person  struct {
		CustomerID *string  `json:"customer_id"`
		Email      *string  `json:"email"`
		Phones     []string `json:"phones"`
	} `json:"person"`
	Carts []exportedCartJSON `json:"carts"`
	// Orders are the recent ones, whether or not they belong to a cart.
	Orders       []orderJSON       `json:"orders"`
	Suppressions []suppressionJSON `json:"suppressions"`
	// Lifted are suppressions that were lifted.
	Lifted    []liftedJSON   `json:"lifted_suppressions"`
	Discounts []discountJSON `json:"discounts"`
}

// exportedCartJSON is a cart with all of its checkout, order and calls.
type exportedCartJSON struct {
	oneCartJSON
	Checkout cart.Checkout `json:"checkout"`
	Order    *cart.Order   `json:"order"`
}

type orderJSON struct {
	ID         string          `json:"id"`
	Name       *string         `json:"name"`
	Total      decimal.Decimal `json:"total"`
	Currency   *string         `json:"currency"`
	Codes      []string        `json:"codes"`
	CustomerID *string         `json:"customer_id"`
	CartID     *uuid.UUID      `json:"cart_id"`
	CreatedAt  time.Time       `json:"created_at"`
}

type discountJSON struct {
	Code       string     `json:"code"`
	EndsAt     time.Time  `json:"ends_at"`
	RedeemedAt *time.Time `json:"redeemed_at"`
}

// export hands out what a data request asks for and marks the request as done.
func (a *API) export(c echo.Context) error {
	id, err := onlyID(c)
	if err != nil {
		return err
	}
	export, err := a.engine.Export(c.Request().Context(), id)
	if err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderContentDisposition, `attachment; filename="data-request-`+id.String()+`.json"`)
	return c.JSON(http.StatusOK, a.exportAsJSON(export))
}

// exportable answers HEAD: whether there is something to hand out. It hands nothing out and marks nothing as done.
func (a *API) exportable(c echo.Context) error {
	id, err := onlyID(c)
	if err != nil {
		return err
	}
	if _, _, err := a.engine.Exportable(c.Request().Context(), id); err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderContentType, echo.MIMEApplicationJSON)
	return c.NoContent(http.StatusOK)
}

func (a *API) exportAsJSON(x engine.Export) exportJSON {
	out := exportJSON{
		Request: a.privacyAsJSON(x.Request), Carts: []exportedCartJSON{}, Orders: []orderJSON{},
		Suppressions: suppressionsAsJSON(x.Suppressions), Lifted: liftedAsJSON(x.Lifted), Discounts: []discountJSON{},
	}
	out.Person.CustomerID, out.Person.Email = firstOrNull(x.Person.CustomerIDs()), firstOrNull(x.Person.Emails())
	out.Person.Phones = append([]string{}, x.Person.Numbers()...)
	for i := range x.Carts {
		kept := &x.Carts[i]
		out.Carts = append(out.Carts, exportedCartJSON{
			oneCartJSON: oneCartJSON{
				cartJSON: cartAsJSON(&kept.Cart), Calls: callsAsJSON(kept.Calls), Ledger: entriesAsJSON(kept.Ledger),
			},
			Checkout: kept.Checkout,
			Order:    kept.Order,
		})
	}
	for _, o := range x.Orders {
		out.Orders = append(out.Orders, orderJSON{
			ID: o.ID, Name: orNull(o.Name), Total: o.Total, Currency: orNull(o.Currency), Codes: o.Codes,
			CustomerID: orNull(o.CustomerID), CartID: o.CartID, CreatedAt: o.CreatedAt,
		})
	}
	for _, d := range x.Discounts {
		out.Discounts = append(out.Discounts, discountJSON{Code: d.Code, EndsAt: d.EndsAt, RedeemedAt: d.RedeemedAt})
	}
	return out
}

func firstOrNull(values []string) *string {
	if len(values) == 0 {
		return nil
	}
	return &values[0]
}

// privacyDone marks a data request as done, when the operator answered it in another way.
func (a *API) privacyDone(c echo.Context) error {
	id, err := onlyID(c)
	if err != nil {
		return err
	}
	request, err := a.engine.ClosePrivacyRequest(c.Request().Context(), id)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, a.privacyAsJSON(request))
}
