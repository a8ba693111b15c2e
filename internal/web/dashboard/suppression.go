package dashboard

import (
	"net/http"

	"ringback/internal/cart"
	"ringback/internal/postgres"
	"ringback/internal/web/page"
	"ringback/internal/web/param"
	"ringback/internal/web/person"
	"ringback/internal/web/problem"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
)

// suppressionsModel is the page of those who are not called, with the form that adds a person.
type suppressionsModel struct {
	page.Frame
	links
	Filter       filterForm
	Suppressions []suppressionLine
	// Lifted are the newest that were lifted; on the first page only.
	Lifted []liftedLine
	// Entered is what was typed, Problems what is wrong with it.
	Entered  person.Person
	Problems []problem.Field
}

// suppressionLine is a suppression in the list.
type suppressionLine struct {
	ID uuid.UUID
	// Who is the phone, the email or the customer account; "" once it was erased.
	Who  string
	Kind string
	// Shop is "" when it holds in every shop.
	Shop   string
	Source string
	Since  page.Moment
}

// liftedLine is a suppression that was lifted.
type liftedLine struct {
	suppressionLine
	Lifted page.Moment
	By     string
	// Reason is "" once it was erased.
	Reason string
}

// problem is the fix of a field at fault; "" for a field that is fine.
func (v suppressionsModel) problem(field string) string {
	for _, p := range v.Problems {
		if p.Field == field {
			return p.Fix
		}
	}
	return ""
}

func lineOf(f page.Frame, s postgres.Suppression) suppressionLine {
	line := suppressionLine{ID: s.ID, Kind: s.Kind, Shop: s.Scope, Source: s.Source, Since: f.In(s.Scope, s.CreatedAt)}
	if s.Value != nil {
		line.Who = *s.Value
		if s.Kind == string(cart.KeyCustomer) {
			line.Who = "Customer account " + line.Who
		}
	}
	return line
}

func (d *Dashboard) suppressionsPage(c echo.Context) error {
	return d.showSuppressions(c, http.StatusOK, person.Person{})
}

func (d *Dashboard) showSuppressions(
	c echo.Context, status int, entered person.Person, problems ...problem.Field,
) error {
	q := param.ReadQuery(c, "shop", "cursor", "note")
	v := suppressionsModel{Frame: d.pages.Frame(c, "Suppressions", "suppressions"), Entered: entered, Problems: problems}
	v.Filter = filterForm{Shop: q.Shop(), Shops: d.shops()}
	before := q.Cursor()
	if err := q.Err(); err != nil {
		return err
	}
	var scope *string
	if v.Filter.Shop != "" {
		scope = &v.Filter.Shop
	}
	ctx := c.Request().Context()
	list, err := d.db.Suppressions(ctx, scope, before, param.UsualLimit+1)
	if err != nil {
		return err
	}
	list, v.links = pageOf(c, list, before, func(s postgres.Suppression) uuid.UUID { return s.ID })
	for _, s := range list {
		v.Suppressions = append(v.Suppressions, lineOf(v.Frame, s))
	}
	if before == uuid.Nil {
		lifted, err := d.db.LiftedSuppressions(ctx, scope, uuid.Nil, param.UsualLimit)
		if err != nil {
			return err
		}
		for _, s := range lifted {
			v.Lifted = append(v.Lifted, liftedLine{
				suppressionLine: lineOf(v.Frame, s.Suppression), Lifted: v.In(s.Scope, s.LiftedAt), By: s.By, Reason: s.Reason,
			})
		}
	}
	return page.Show(c, status, suppressionsView(v))
}

func (d *Dashboard) suppress(c echo.Context) error {
	entered := person.Person{Shop: c.FormValue("shop"), Phone: c.FormValue("phone"), Email: c.FormValue("email")}
	p := entered
	if problems := p.Check(d.engine); problems != nil {
		return d.showSuppressions(c, http.StatusBadRequest, entered, problems...)
	}
	if _, err := d.engine.Suppress(c.Request().Context(), p.Shop, p.Phone, p.Email, source); err != nil {
		return err
	}
	return backTo(c, "/suppressions", "suppressed")
}

func (d *Dashboard) liftSuppression(c echo.Context) error {
	id, err := param.ID(c)
	if err != nil {
		return err
	}
	reason, wrong := person.CheckReason(c.FormValue("reason"))
	if wrong != nil {
		return d.showSuppressions(c, http.StatusUnprocessableEntity, person.Person{}, *wrong)
	}
	done := "lifted"
	lifted, err := d.engine.Unsuppress(c.Request().Context(), id, "", "", "", postgres.Lift{By: source, Reason: reason})
	if err != nil {
		return err
	}
	if !lifted {
		done = "gone"
	}
	return backTo(c, "/suppressions", done)
}
