package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"ringback/internal/cart"
	"ringback/internal/engine"
	"ringback/internal/postgres"
	"ringback/internal/web/param"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
)

// filterForm is what a list is narrowed to, and what it could be.
type filterForm struct {
	Shop   string
	State  cart.State
	Reason cart.Reason
	Shops  []string
}

// mostOptions is how many shops fit a menu; with more the name is typed.
const mostOptions = 40

// cartList is the page that lists carts.
type cartList struct {
	frame
	Filter filterForm
	Carts  []postgres.Cart
	// First and Older are the addresses of the first and the next page, "" when this is it.
	First, Older string
}

func (s *Server) cartsPage(c echo.Context) error {
	q := param.ReadQuery(c, "shop", "state", "reason", "cursor", "live", "note")
	v := cartList{frame: s.frame(c, "Carts", "carts").live(c)}
	v.Filter = filterForm{Shop: q.Shop(), State: q.State(), Reason: q.Reason(), Shops: domains(s.engine.Stores())}
	before := q.Cursor()
	if err := q.Err(); err != nil {
		return err
	}
	carts, err := s.db.Carts(c.Request().Context(), postgres.CartFilter{
		Shop: v.Filter.Shop, State: v.Filter.State, Reason: v.Filter.Reason, Before: before, Limit: param.UsualLimit + 1,
	})
	if err != nil {
		return err
	}
	var next string
	v.Carts, next = param.Page(carts, param.UsualLimit, func(c postgres.Cart) uuid.UUID { return c.ID })
	v.First, v.Older = pageLinks(c, before, next)
	return s.show(c, http.StatusOK, cartsView(v))
}

// pageLinks are the addresses of the first and of the next page of a list.
func pageLinks(c echo.Context, before uuid.UUID, next string) (first, older string) {
	q := c.QueryParams()
	q.Del("note")
	q.Del("cursor")
	if before != uuid.Nil {
		first = address(c.Path(), q)
	}
	if next != "" {
		q.Set("cursor", next)
		older = address(c.Path(), q)
	}
	return first, older
}

// cartDetail is one cart's page: its story.
type cartDetail struct {
	frame
	*postgres.Cart
	Ledger []cart.Entry
	// Configured is false for a cart whose shop is no longer in the configuration: nothing can be asked of it.
	Configured bool
}

// mayCall, mayStop and maySuppress report what an operator can ask for.
func (v cartDetail) mayCall() bool {
	return v.Configured && !v.State.Settled() && v.State != cart.Calling && v.Phone != ""
}
func (v cartDetail) mayStop() bool { return v.Configured && !v.State.Settled() }
func (v cartDetail) maySuppress() bool {
	return v.Configured && (v.Phone != "" || v.Checkout.KnownEmail() != "")
}

func (s *Server) cartPage(c echo.Context) error {
	id, err := param.ID(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	found, err := s.db.Cart(ctx, id)
	if err != nil {
		return err
	}
	ledger, err := s.db.Ledger(ctx, id)
	if err != nil {
		return err
	}
	return s.show(c, http.StatusOK, cartView(cartDetail{
		// The title goes into the browser's history: it names no person.
		frame:      s.frame(c, "Cart of "+shopName(found.Shop), "carts").live(c),
		Cart:       found,
		Ledger:     ledger,
		Configured: s.engine.Store(found.Shop) != nil,
	}))
}

func (s *Server) callCart(c echo.Context) error {
	return s.operateByHand(c, s.engine.CallCart, "called")
}

func (s *Server) cancelCart(c echo.Context) error {
	return s.operateByHand(c, s.engine.CancelCart, "stopped")
}

// operateByHand does what an operator asks of a cart and goes back to its page.
func (s *Server) operateByHand(c echo.Context, do func(context.Context, uuid.UUID) error, done string) error {
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
func (s *Server) suppressCustomer(c echo.Context) error {
	id, err := param.ID(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	found, err := s.db.Cart(ctx, id)
	if err != nil {
		return err
	}
	shop := found.Shop
	if c.FormValue("scope") == "all" {
		shop = ""
	}
	done := "suppressed"
	_, err = s.engine.Suppress(ctx, shop, found.Phone, found.Checkout.KnownEmail(), sourceDashboard)
	switch {
	case errors.Is(err, engine.ErrNoPerson):
		done = "no-person"
	case err != nil:
		return err
	}
	return backTo(c, cartPath(id), done)
}

func cartPath(id uuid.UUID) string { return "/carts/" + id.String() }

// cartsAt is the address of the list of carts that are in a state for a reason.
func cartsAt(shop string, state cart.State, reason cart.Reason) string {
	return address("/carts", url.Values{"shop": {shop}, "state": {string(state)}, "reason": {string(reason)}})
}
