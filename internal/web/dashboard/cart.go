package dashboard

import (
	"context"
	"errors"
	"net/http"

	"ringback/internal/cart"
	"ringback/internal/engine"
	"ringback/internal/postgres"
	"ringback/internal/web/page"
	"ringback/internal/web/param"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
)

// cartsModel is the page that lists carts.
type cartsModel struct {
	page.Frame
	links
	Filter filterForm
	Carts  []cartLine
}

// cartLine is a cart in the list.
type cartLine struct {
	*cart.Cart
	// NextCheck is nil for a cart that nothing is planned for.
	NextCheck *page.Moment
	Activity  page.Moment
}

func (d *Dashboard) cartsPage(c echo.Context) error {
	q := param.ReadQuery(c, "shop", "state", "reason", "cursor", "live", "note")
	v := cartsModel{Frame: d.pages.Frame(c, "Carts", "carts").Refreshing(c)}
	v.Filter = filterForm{Shop: q.Shop(), State: q.State(), Reason: q.Reason(), Shops: d.shops()}
	before := q.Cursor()
	if err := q.Err(); err != nil {
		return err
	}
	carts, err := d.db.Carts(c.Request().Context(), postgres.CartFilter{
		Shop: v.Filter.Shop, State: v.Filter.State, Reason: v.Filter.Reason, Before: before, Limit: param.UsualLimit + 1,
	})
	if err != nil {
		return err
	}
	carts, v.links = pageOf(c, carts, before, func(c postgres.Cart) uuid.UUID { return c.ID })
	for i := range carts {
		k := &carts[i].Cart
		v.Carts = append(v.Carts, cartLine{
			Cart: k, NextCheck: v.InOrNil(k.Shop, k.WakeAt), Activity: v.In(k.Shop, k.LastActivityAt),
		})
	}
	return page.Show(c, http.StatusOK, cartsView(v))
}

// cartDeliveries is how many deliveries of events a cart's page shows.
const cartDeliveries = 100

// cartModel is the page of one cart: its story.
type cartModel struct {
	page.Frame
	*cart.Cart
	Ledger []cart.Entry
	// Deliveries are those of the cart's events, newest first.
	Deliveries []deliveryLine
	// Configured is false for a cart whose shop is no longer in the configuration. No action is possible then.
	Configured bool
}

// mayCall, mayStop and maySuppress report which actions are offered.
func (v cartModel) mayCall() bool {
	return v.Configured && !v.State.Settled() && v.State != cart.Calling && v.Phone != ""
}

func (v cartModel) mayStop() bool { return v.Configured && !v.State.Settled() }

func (v cartModel) maySuppress() bool {
	return v.Configured && (v.Phone != "" || v.Checkout.KnownEmail() != "")
}

func (d *Dashboard) cartPage(c echo.Context) error {
	id, err := param.ID(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	found, err := d.db.Cart(ctx, id)
	if err != nil {
		return err
	}
	ledger, err := d.db.Ledger(ctx, id)
	if err != nil {
		return err
	}
	deliveries, err := d.db.Deliveries(ctx, postgres.DeliveryFilter{Stream: id, Limit: cartDeliveries})
	if err != nil {
		return err
	}
	// The browser's history keeps the title, so it names no person.
	f := d.pages.Frame(c, "Cart of "+page.ShopName(found.Shop), "carts").Refreshing(c)
	return page.Show(c, http.StatusOK, cartView(cartModel{
		Frame:      f,
		Cart:       &found.Cart,
		Ledger:     ledger,
		Deliveries: d.deliveryLines(f, deliveries),
		Configured: d.engine.Store(found.Shop) != nil,
	}))
}

func (d *Dashboard) callCart(c echo.Context) error {
	return d.operate(c, d.engine.CallCart, "called")
}

func (d *Dashboard) cancelCart(c echo.Context) error {
	return d.operate(c, d.engine.CancelCart, "stopped")
}

// operate does something with a cart and goes back to its page.
func (d *Dashboard) operate(c echo.Context, do func(context.Context, uuid.UUID) error, done string) error {
	id, err := param.ID(c)
	if err != nil {
		return err
	}
	err = do(c.Request().Context(), id)
	switch {
	case errors.Is(err, engine.ErrSettled):
		done = "settled"
	case errors.Is(err, engine.ErrCalling):
		done = "calling"
	case err != nil:
		return err
	}
	return backTo(c, cartPath(id), done)
}

// suppressCustomer keeps a cart's customer from being called again, in its shop or, with scope "all", in every shop.
func (d *Dashboard) suppressCustomer(c echo.Context) error {
	id, err := param.ID(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	found, err := d.db.Cart(ctx, id)
	if err != nil {
		return err
	}
	scope := found.Shop
	if c.FormValue("scope") == "all" {
		scope = ""
	}
	done := "suppressed"
	_, err = d.engine.Suppress(ctx, scope, found.Phone, found.Checkout.KnownEmail(), source)
	switch {
	case errors.Is(err, engine.ErrNoPerson):
		done = "no-person"
	case err != nil:
		return err
	}
	return backTo(c, cartPath(id), done)
}

// customerOf is what a page calls a cart's customer.
func customerOf(c *cart.Cart) string {
	switch {
	case c.ErasedAt != nil:
		return "Erased customer"
	case c.Checkout.CustomerName() != "":
		return c.Checkout.CustomerName()
	case c.Phone != "":
		return c.Phone
	case c.Checkout.KnownEmail() != "":
		return c.Checkout.KnownEmail()
	}
	return "Unknown customer"
}
