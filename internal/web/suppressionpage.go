package web

import (
	"net/http"

	"ringback/internal/postgres"
	"ringback/internal/web/param"
	"ringback/internal/web/person"
	"ringback/internal/web/problem"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
)

// suppressionDetail is the page of those who are not called, with the form that adds one.
type suppressionDetail struct {
	frame
	Filter       filterForm
	Suppressions []postgres.Suppression
	First, Older string
	// Lifted are the newest of those that hold no more; on the first page alone.
	Lifted []postgres.LiftedSuppression
	// Entered is what was typed, Problems what is wrong with it.
	Entered  person.Person
	Problems []problem.Field
}

// problem is the fix of a field at fault; "" for one that is fine.
func (v suppressionDetail) problem(field string) string {
	for _, p := range v.Problems {
		if p.Field == field {
			return p.Fix
		}
	}
	return ""
}

func (s *Server) suppressionsPage(c echo.Context) error {
	return s.showSuppressions(c, http.StatusOK, person.Person{}, nil)
}

func (s *Server) showSuppressions(c echo.Context, status int, entered person.Person, problems []problem.Field) error {
	q := param.ReadQuery(c, "shop", "cursor", "note")
	v := suppressionDetail{frame: s.frame(c, "Suppressions", "suppressions"), Entered: entered, Problems: problems}
	v.Filter = filterForm{Shop: q.Shop(), Shops: domains(s.engine.Stores())}
	before := q.Cursor()
	if err := q.Err(); err != nil {
		return err
	}
	var scope *string
	if v.Filter.Shop != "" {
		scope = &v.Filter.Shop
	}
	list, err := s.db.Suppressions(c.Request().Context(), scope, before, param.UsualLimit+1)
	if err != nil {
		return err
	}
	var next string
	v.Suppressions, next = param.Page(list, param.UsualLimit, func(s postgres.Suppression) uuid.UUID { return s.ID })
	v.First, v.Older = pageLinks(c, before, next)
	if before == uuid.Nil {
		v.Lifted, err = s.db.LiftedSuppressions(c.Request().Context(), scope, uuid.Nil, param.UsualLimit)
		if err != nil {
			return err
		}
	}
	return s.show(c, status, suppressionsView(v))
}

func (s *Server) suppress(c echo.Context) error {
	p := person.Person{Shop: c.FormValue("shop"), Phone: c.FormValue("phone"), Email: c.FormValue("email")}
	entered := p
	if problems := p.Check(s.engine); problems != nil {
		return s.showSuppressions(c, http.StatusBadRequest, entered, problems)
	}
	if _, err := s.engine.Suppress(c.Request().Context(), p.Shop, p.Phone, p.Email, sourceDashboard); err != nil {
		return err
	}
	return backTo(c, "/suppressions", "suppressed")
}

func (s *Server) liftSuppression(c echo.Context) error {
	id, err := param.ID(c)
	if err != nil {
		return err
	}
	reason, wrong := person.CheckReason(c.FormValue("reason"))
	if wrong != nil {
		return s.showSuppressions(c, http.StatusUnprocessableEntity, person.Person{}, []problem.Field{*wrong})
	}
	done := "lifted"
	lifted, err := s.engine.Unsuppress(c.Request().Context(), id, "", "", "", postgres.Lift{By: sourceDashboard, Reason: reason})
	if err != nil {
		return err
	}
	if !lifted {
		done = "gone"
	}
	return backTo(c, "/suppressions", done)
}
