package api

import (
	"cmp"
	"net/http"
	"time"

	"ringback/internal/postgres"
	"ringback/internal/web/param"
	"ringback/internal/web/person"
	"ringback/internal/web/problem"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
)

// suppressionJSON is a suppression as the API shows it.
type suppressionJSON struct {
	ID uuid.UUID `json:"id"`
	// Shop is the shop in which it applies; null for every shop.
	Shop *string `json:"shop"`
	// Kind is phone, email or, where a customer account withdrew its consent, customer.
	Kind string `json:"kind"`
	// Value is the phone in E.164 or the email; null once personal data was erased.
	Value     *string   `json:"value"`
	Source    string    `json:"source"`
	CreatedAt time.Time `json:"created_at"`
}

func suppressionsAsJSON(suppressions []postgres.Suppression) []suppressionJSON {
	list := make([]suppressionJSON, len(suppressions))
	for i, s := range suppressions {
		list[i] = suppressionJSON{
			ID: s.ID, Shop: orNull(s.Scope), Kind: s.Kind, Value: s.Value, Source: s.Source, CreatedAt: s.CreatedAt,
		}
	}
	return list
}

// liftedJSON is a suppression that was lifted.
type liftedJSON struct {
	suppressionJSON
	LiftedAt time.Time `json:"lifted_at"`
	// LiftedBy is api, dashboard, or shopify when a consent was given again.
	LiftedBy string `json:"lifted_by"`
	// LiftedReason is null once personal data was erased.
	LiftedReason *string `json:"lifted_reason"`
}

// liftedList is an answer with suppressions that were lifted.
type liftedList struct {
	Suppressions []liftedJSON `json:"suppressions"`
	NextCursor   string       `json:"next_cursor"`
}

func liftedAsJSON(lifted []postgres.LiftedSuppression) []liftedJSON {
	list := make([]liftedJSON, len(lifted))
	for i, l := range lifted {
		list[i] = liftedJSON{
			suppressionJSON: suppressionsAsJSON([]postgres.Suppression{l.Suppression})[0],
			LiftedAt:        l.LiftedAt, LiftedBy: l.By, LiftedReason: orNull(l.Reason),
		}
	}
	return list
}

// suppressionList is an answer with suppressions.
type suppressionList struct {
	Suppressions []suppressionJSON `json:"suppressions"`
	NextCursor   string            `json:"next_cursor"`
}

// suppressions lists who must not be called; with lifted=true, what was lifted.
func (a *API) suppressions(c echo.Context) error {
	q := param.ReadQuery(c, "shop", "cursor", "limit", "lifted")
	shop, before, limit, lifted := q.Shop(), q.Cursor(), q.Limit(), q.Flag("lifted")
	if err := q.Err(); err != nil {
		return err
	}
	if lifted {
		list, err := a.db.LiftedSuppressions(c.Request().Context(), orNull(shop), before, limit+1)
		if err != nil {
			return err
		}
		list, next := param.Page(list, limit, func(s postgres.LiftedSuppression) uuid.UUID { return s.ID })
		return c.JSON(http.StatusOK, liftedList{liftedAsJSON(list), next})
	}
	list, err := a.db.Suppressions(c.Request().Context(), orNull(shop), before, limit+1)
	if err != nil {
		return err
	}
	list, next := param.Page(list, limit, func(s postgres.Suppression) uuid.UUID { return s.ID })
	return c.JSON(http.StatusOK, suppressionList{suppressionsAsJSON(list), next})
}

func (a *API) suppress(c echo.Context) error {
	if err := param.ReadQuery(c).Err(); err != nil {
		return err
	}
	var p person.Person
	if err := readBody(c, &p); err != nil {
		return err
	}
	if problems := p.Check(a.engine); problems != nil {
		return problem.Invalid(problems...)
	}
	made, err := a.engine.Suppress(c.Request().Context(), p.Shop, p.Phone, p.Email, source)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, suppressionList{Suppressions: suppressionsAsJSON(made)})
}

// unsuppress lifts a suppression: the one whose id is in the path or in ?id=, or those of the shop, phone and email
// in the query or the JSON body. The reason is in the query or the body.
func (a *API) unsuppress(c echo.Context) error {
	id, asked, err := a.readLifting(c)
	if err != nil {
		return err
	}
	reason, wrong := person.CheckReason(asked.Reason)
	if wrong != nil {
		return problem.Unprocessable(*wrong)
	}
	lift := postgres.Lift{By: source, Reason: reason}
	lifted, err := a.engine.Unsuppress(c.Request().Context(), id, asked.Shop, asked.Phone, asked.Email, lift)
	if err != nil {
		return err
	}
	if !lifted {
		return problem.NotFound("There is no such suppression; one that holds for all shops is lifted without a shop.")
	}
	return c.NoContent(http.StatusNoContent)
}

// lifting is the body of a request to lift suppressions.
type lifting struct {
	Shop   string `json:"shop"`
	Phone  string `json:"phone"`
	Email  string `json:"email"`
	Reason string `json:"reason"`
}

// readLifting reads which suppressions are to be lifted, and why: the one with the id, or, without one, those of a
// person.
func (a *API) readLifting(c echo.Context) (uuid.UUID, lifting, error) {
	id, asked, err := readLiftingQuery(c)
	if err != nil {
		return uuid.Nil, lifting{}, err
	}
	reason := asked.Reason
	named := id != uuid.Nil || asked.Shop != "" || asked.Phone != "" || asked.Email != ""
	if c.Request().ContentLength != 0 && (!named || reason == "") {
		if named {
			var body struct {
				Reason string `json:"reason"`
			}
			err = readBody(c, &body)
			asked.Reason = body.Reason
		} else {
			err = readBody(c, &asked)
			asked.Reason = cmp.Or(asked.Reason, reason)
		}
		if err != nil {
			return uuid.Nil, lifting{}, err
		}
	}
	if id != uuid.Nil {
		return id, asked, nil
	}
	p := person.Person{Shop: asked.Shop, Phone: asked.Phone, Email: asked.Email}
	if problems := p.Check(a.engine); problems != nil {
		return uuid.Nil, lifting{}, problem.Invalid(problems...)
	}
	asked.Shop, asked.Phone, asked.Email = p.Shop, p.Phone, p.Email
	return uuid.Nil, asked, nil
}

// readLiftingQuery reads what the path and the query of a request to lift suppressions say.
func readLiftingQuery(c echo.Context) (uuid.UUID, lifting, error) {
	inPath := c.Param("id") != ""
	known := []string{"reason"}
	if !inPath {
		known = []string{"id", "shop", "phone", "email", "reason"}
	}
	q := param.ReadQuery(c, known...)
	if err := q.Err(); err != nil {
		return uuid.Nil, lifting{}, err
	}
	asked := lifting{Shop: q.Get("shop"), Phone: q.Get("phone"), Email: q.Get("email"), Reason: q.Get("reason")}
	if inPath {
		id, err := param.ID(c)
		return id, asked, err
	}
	value := q.Get("id")
	if value == "" {
		return uuid.Nil, asked, nil
	}
	id, err := uuid.Parse(value)
	if err != nil || id == uuid.Nil {
		q.Refuse("id", value, "write the id of a suppression as the list shows it")
	}
	if q.Has("shop") || q.Has("phone") || q.Has("email") {
		q.Refuse("id", value, "give either the id alone, or shop, phone and email")
	}
	return id, asked, q.Err()
}
