package web

import (
	"cmp"
	"fmt"
	"net/http"
	"net/mail"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"ringback/internal/policy"
	"ringback/internal/postgres"
	"ringback/internal/shopify"
	"ringback/internal/web/problem"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
)

// Where a suppression came from when an operator made it.
const (
	sourceAPI       = "api"
	sourceDashboard = "dashboard"
)

// suppressionJSON is a suppression as the API shows it.
type suppressionJSON struct {
	ID uuid.UUID `json:"id"`
	// Shop is the shop it holds for; null for every shop.
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
		list[i] = suppressionJSON{ID: s.ID, Shop: orNull(s.Scope), Kind: s.Kind, Value: s.Value, Source: s.Source, CreatedAt: s.CreatedAt}
	}
	return list
}

// liftedJSON is a suppression that holds no more.
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

// person is whom a suppression is for, and in which shop; an empty shop means all.
type person struct {
	Shop  string `json:"shop"`
	Phone string `json:"phone"`
	Email string `json:"email"`
}

// check makes a person regular and says what is wrong with it. Phones and emails are not repeated: they are personal data.
func (s *Server) check(p *person) []problem.Field {
	var problems []problem.Field
	p.Shop, p.Phone, p.Email = strings.TrimSpace(p.Shop), strings.TrimSpace(p.Phone), strings.TrimSpace(p.Email)
	country := ""
	if p.Shop != "" {
		domain, err := shopify.ParseShop(p.Shop)
		store := s.engine.Store(domain)
		if err != nil || store == nil {
			problems = append(problems, problem.Field{Field: "shop", Value: &p.Shop, Fix: "write the domain of a configured shop, or leave it empty for all shops"})
		} else {
			p.Shop, country = domain, store.Config.Country
		}
	}
	if p.Phone == "" && p.Email == "" {
		problems = append(problems, problem.Field{Field: "phone", Fix: "write a phone number such as +14155550123, or give an email"})
	}
	if p.Phone != "" && policy.Number(p.Phone, country) == "" {
		problems = append(problems, problem.Field{Field: "phone", Fix: "write a valid phone number with its country code, such as +14155550123"})
	}
	if p.Email != "" && !validEmail(p.Email) {
		problems = append(problems, problem.Field{Field: "email", Fix: "write an address such as jane@example.com"})
	}
	return problems
}

func validEmail(text string) bool {
	address, err := mail.ParseAddress(text)
	return err == nil && address.Address == text && len(text) <= 254
}

// apiSuppressions lists who must not be called; with lifted=true, what was lifted.
func (s *Server) apiSuppressions(c echo.Context) error {
	q := readQuery(c, "shop", "cursor", "limit", "lifted")
	shop, before, limit, lifted := q.shop(), q.cursor(), q.limit(), q.flag("lifted")
	if err := q.err(); err != nil {
		return err
	}
	if lifted {
		list, err := s.db.LiftedSuppressions(c.Request().Context(), orNull(shop), before, limit+1)
		if err != nil {
			return err
		}
		list, next := page(list, limit, func(s postgres.LiftedSuppression) uuid.UUID { return s.ID })
		return c.JSON(http.StatusOK, liftedList{liftedAsJSON(list), next})
	}
	list, next, err := s.suppressionPage(c, shop, before, limit)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, suppressionList{suppressionsAsJSON(list), next})
}

// suppressionPage reads a page of suppressions, of one shop's own or of all.
func (s *Server) suppressionPage(c echo.Context, shop string, before uuid.UUID, limit int) ([]postgres.Suppression, string, error) {
	list, err := s.db.Suppressions(c.Request().Context(), orNull(shop), before, limit+1)
	if err != nil {
		return nil, "", err
	}
	list, next := page(list, limit, func(s postgres.Suppression) uuid.UUID { return s.ID })
	return list, next, nil
}

func (s *Server) apiSuppress(c echo.Context) error {
	if err := readQuery(c).err(); err != nil {
		return err
	}
	var p person
	if err := readBody(c, &p); err != nil {
		return err
	}
	if problems := s.check(&p); problems != nil {
		return problem.Invalid(problems...)
	}
	made, err := s.engine.Suppress(c.Request().Context(), p.Shop, p.Phone, p.Email, sourceAPI)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, suppressionList{Suppressions: suppressionsAsJSON(made)})
}

// apiUnsuppress lifts a suppression: the one whose id stands in the path or in ?id=, or those of the shop, phone and email in the query
// or the JSON body. Why is told by reason, in the query or the body.
func (s *Server) apiUnsuppress(c echo.Context) error {
	id, p, reason, err := s.liftWhat(c)
	if err != nil {
		return err
	}
	reason, wrong := checkReason(reason)
	if wrong != nil {
		return problem.Unprocessable(*wrong)
	}
	lifted, err := s.engine.Unsuppress(c.Request().Context(), id, p.Shop, p.Phone, p.Email, postgres.Lift{By: sourceAPI, Reason: reason})
	if err != nil {
		return err
	}
	if !lifted {
		return problem.NotFound("There is no such suppression; one that holds for all shops is lifted without a shop.")
	}
	return c.NoContent(http.StatusNoContent)
}

// lifting is the body of a request to lift a suppression.
type lifting struct {
	person
	Reason string `json:"reason"`
}

// liftWhat reads which suppressions are to be lifted, and why.
func (s *Server) liftWhat(c echo.Context) (uuid.UUID, person, string, error) {
	known := []string{"reason"}
	inPath := c.Param("id") != ""
	if !inPath {
		known = []string{"id", "shop", "phone", "email", "reason"}
	}
	q := readQuery(c, known...)
	if err := q.err(); err != nil {
		return uuid.Nil, person{}, "", err
	}
	reason := q.values.Get("reason")
	id := uuid.Nil
	switch value := q.values.Get("id"); {
	case inPath:
		var err error
		if id, err = pathID(c); err != nil {
			return uuid.Nil, person{}, "", err
		}
	case value != "":
		var err error
		if id, err = uuid.Parse(value); err != nil || id == uuid.Nil {
			q.refuse("id", value, "write the id of a suppression as the list shows it")
		}
		if q.values.Has("shop") || q.values.Has("phone") || q.values.Has("email") {
			q.refuse("id", value, "give either the id alone, or shop, phone and email")
		}
		if err := q.err(); err != nil {
			return uuid.Nil, person{}, "", err
		}
	}
	body := lifting{person: person{Shop: q.values.Get("shop"), Phone: q.values.Get("phone"), Email: q.values.Get("email")}, Reason: reason}
	named := id != uuid.Nil || body.person != (person{})
	if c.Request().ContentLength != 0 && (!named || reason == "") {
		var err error
		if named {
			var why struct {
				Reason string `json:"reason"`
			}
			err = readBody(c, &why)
			body.Reason = why.Reason
		} else {
			err = readBody(c, &body)
			body.Reason = cmp.Or(body.Reason, reason)
		}
		if err != nil {
			return uuid.Nil, person{}, "", err
		}
	}
	if id != uuid.Nil {
		return id, person{}, body.Reason, nil
	}
	if problems := s.check(&body.person); problems != nil {
		return uuid.Nil, person{}, "", problem.Invalid(problems...)
	}
	return uuid.Nil, body.person, body.Reason, nil
}

// longestReason bounds why a suppression was lifted, in characters.
const longestReason = 200

// personal finds an email address, and digits that could be somebody's number.
var personal = regexp.MustCompile(`\S@\S|\p{Nd}(?:[\s().-]*\p{Nd}){6}`)

// checkReason makes a reason regular and says what is wrong with it. It stays on record: nobody should be named in it.
func checkReason(reason string) (string, *problem.Field) {
	reason = strings.Join(strings.Fields(strings.Map(printable, strings.ToValidUTF8(reason, ""))), " ")
	wrong := func(fix string) (string, *problem.Field) { return "", &problem.Field{Field: "reason", Fix: fix} }
	switch {
	case reason == "":
		return wrong("write why the person may be called again, such as: asked for it in a chat; it is kept with the suppression")
	case utf8.RuneCountInString(reason) > longestReason:
		return wrong(fmt.Sprintf("write at most %d characters", longestReason))
	case personal.MatchString(reason):
		return wrong("leave email addresses and phone numbers out; the reason stays on record")
	}
	return reason, nil
}

// printable turns control characters into spaces and drops those that hide or reorder text.
func printable(r rune) rune {
	switch {
	case unicode.IsControl(r):
		return ' '
	case unicode.Is(unicode.Cf, r):
		return -1
	}
	return r
}
