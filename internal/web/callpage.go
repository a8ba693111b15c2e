package web

import (
	"context"
	"net/http"

	"ringback/internal/cart"
	"ringback/internal/web/param"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
)

// callLine is a call in a list, with whom it was made to.
type callLine struct {
	cart.Call
	Customer string
	Currency string
	When     moment
}

// callList is the page that lists calls.
type callList struct {
	frame
	Filter       filterForm
	Calls        []callLine
	First, Older string
}

func (s *Server) callsPage(c echo.Context) error {
	q := param.ReadQuery(c, "shop", "cursor", "live", "note")
	v := callList{frame: s.frame(c, "Calls", "calls").live(c)}
	v.Filter = filterForm{Shop: q.Shop(), Shops: domains(s.engine.Stores())}
	before := q.Cursor()
	if err := q.Err(); err != nil {
		return err
	}
	ctx := c.Request().Context()
	calls, err := s.db.Calls(ctx, v.Filter.Shop, before, param.UsualLimit+1)
	if err != nil {
		return err
	}
	calls, next := param.Page(calls, param.UsualLimit, func(c cart.Call) uuid.UUID { return c.ID })
	v.First, v.Older = pageLinks(c, before, next)
	if v.Calls, err = s.namedCalls(ctx, v.frame, calls); err != nil {
		return err
	}
	return s.show(c, http.StatusOK, callsView(v))
}

// callLines lists the newest calls of a shop, or of all with shop "".
func (s *Server) callLines(ctx context.Context, f frame, shop string, limit int) ([]callLine, error) {
	calls, err := s.db.Calls(ctx, shop, uuid.Nil, limit)
	if err != nil {
		return nil, err
	}
	return s.namedCalls(ctx, f, calls)
}

func (s *Server) namedCalls(ctx context.Context, f frame, calls []cart.Call) ([]callLine, error) {
	ids := make([]uuid.UUID, len(calls))
	for i := range calls {
		ids[i] = calls[i].CartID
	}
	carts, err := s.db.CartsByID(ctx, ids)
	if err != nil {
		return nil, err
	}
	lines := make([]callLine, len(calls))
	for i, call := range calls {
		checkout := carts[call.CartID].Checkout
		lines[i] = callLine{Call: call, Customer: checkout.CustomerName(), Currency: checkout.Currency, When: f.in(call.Shop, call.CreatedAt)}
	}
	return lines, nil
}
