package dashboard

import (
	"net/http"

	"ringback/internal/cart"
	"ringback/internal/web/page"
	"ringback/internal/web/param"
	"ringback/internal/web/view"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
)

// callsModel is the page that lists calls.
type callsModel struct {
	page.Frame
	links
	Filter filterForm
	Calls  []view.Call
}

func (d *Dashboard) callsPage(c echo.Context) error {
	q := param.ReadQuery(c, "shop", "cursor", "live", "note")
	v := callsModel{Frame: d.pages.Frame(c, "Calls", "calls").Refreshing(c)}
	v.Filter = filterForm{Shop: q.Shop(), Shops: d.shops()}
	before := q.Cursor()
	if err := q.Err(); err != nil {
		return err
	}
	ctx := c.Request().Context()
	calls, err := d.db.Calls(ctx, v.Filter.Shop, before, param.UsualLimit+1)
	if err != nil {
		return err
	}
	calls, v.links = pageOf(c, calls, before, func(c cart.Call) uuid.UUID { return c.ID })
	if v.Calls, err = view.Calls(ctx, d.db, v.Frame, calls); err != nil {
		return err
	}
	return page.Show(c, http.StatusOK, callsView(v))
}
