package web

import (
	"net/http"
	"net/mail"
	"strings"
	"time"

	"ringback/internal/policy"
	"ringback/internal/postgres"
	"ringback/internal/shopify"

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
	// Kind is phone or email.
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
func (s *Server) check(p *person) []fieldProblem {
	var problems []fieldProblem
	p.Shop, p.Phone, p.Email = strings.TrimSpace(p.Shop), strings.TrimSpace(p.Phone), strings.TrimSpace(p.Email)
	country := ""
	if p.Shop != "" {
		domain, err := shopify.ParseShop(p.Shop)
		store := s.engine.Store(domain)
		if err != nil || store == nil {
			problems = append(problems, fieldProblem{Field: "shop", Value: &p.Shop, Fix: "write the domain of a configured shop, or leave it empty for all shops"})
		} else {
			p.Shop, country = domain, store.Config.Country
		}
	}
	if p.Phone == "" && p.Email == "" {
		problems = append(problems, fieldProblem{Field: "phone", Fix: "write a phone number such as +14155550123, or give an email"})
	}
	if p.Phone != "" && policy.Number(p.Phone, country) == "" {
		problems = append(problems, fieldProblem{Field: "phone", Fix: "write a valid phone number with its country code, such as +14155550123"})
	}
	if p.Email != "" && !validEmail(p.Email) {
		problems = append(problems, fieldProblem{Field: "email", Fix: "write an address such as jane@example.com"})
	}
	return problems
}

func validEmail(text string) bool {
	address, err := mail.ParseAddress(text)
	return err == nil && address.Address == text && len(text) <= 254
}

func (s *Server) apiSuppressions(c echo.Context) error {
	q := readQuery(c, "shop", "cursor", "limit")
	shop, before, limit := q.shop(), q.cursor(), q.limit()
	if err := q.err(); err != nil {
		return err
	}
	list, next, err := s.suppressionPage(c, shop, before, limit)
	if err != nil {
		return err
	}
	return answer(c, http.StatusOK, suppressionList{suppressionsAsJSON(list), next})
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
		return invalid(problems)
	}
	made, err := s.engine.Suppress(c.Request().Context(), p.Shop, p.Phone, p.Email, sourceAPI)
	if err != nil {
		return err
	}
	return answer(c, http.StatusCreated, suppressionList{Suppressions: suppressionsAsJSON(made)})
}

// apiUnsuppress lifts a suppression: by ?id=, or by the shop, phone and email it was made for, in the query or as a JSON body.
func (s *Server) apiUnsuppress(c echo.Context) error {
	id, p, err := s.liftWhat(c)
	if err != nil {
		return err
	}
	lifted, err := s.engine.Unsuppress(c.Request().Context(), id, p.Shop, p.Phone, p.Email)
	if err != nil {
		return err
	}
	if !lifted {
		return newProblem(http.StatusNotFound, "", "Not Found", "There is no such suppression; one that holds for all shops is lifted without a shop.")
	}
	return c.NoContent(http.StatusNoContent)
}

func (s *Server) liftWhat(c echo.Context) (uuid.UUID, person, error) {
	q := readQuery(c, "id", "shop", "phone", "email")
	if err := q.err(); err != nil {
		return uuid.Nil, person{}, err
	}
	if value := q.values.Get("id"); value != "" {
		id, err := uuid.Parse(value)
		if err != nil || id == uuid.Nil {
			q.refuse("id", value, "write the id of a suppression as the list shows it")
		}
		if len(q.values) > 1 {
			q.refuse("id", value, "give either the id alone, or shop, phone and email")
		}
		return id, person{}, q.err()
	}
	p := person{Shop: q.values.Get("shop"), Phone: q.values.Get("phone"), Email: q.values.Get("email")}
	if len(q.values) == 0 && c.Request().ContentLength != 0 {
		if err := readBody(c, &p); err != nil {
			return uuid.Nil, p, err
		}
	}
	if problems := s.check(&p); problems != nil {
		return uuid.Nil, p, invalid(problems)
	}
	return uuid.Nil, p, nil
}
