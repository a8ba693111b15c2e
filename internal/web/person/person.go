// Package person reads whom a request to suppress, or to lift a suppression, is about.
package person

import (
	"fmt"
	"net/mail"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"ringback/internal/engine"
	"ringback/internal/policy"
	"ringback/internal/web/problem"
	"ringback/internal/web/shop"
)

// Person is whom a suppression is for, and in which shop; an empty shop means all.
type Person struct {
	Shop  string `json:"shop"`
	Phone string `json:"phone"`
	Email string `json:"email"`
}

// longestEmail is the longest address that can receive mail, in bytes (RFC 5321, section 4.5.3.1.3, without the
// brackets).
const longestEmail = 254

// Check normalises the person and says what is wrong with it. It does not repeat phones and emails: they are personal
// data.
func (p *Person) Check(e *engine.Engine) []problem.Field {
	var problems []problem.Field
	refuse := func(field, fix string) { problems = append(problems, problem.Field{Field: field, Fix: fix}) }
	p.Shop, p.Phone, p.Email = strings.TrimSpace(p.Shop), strings.TrimSpace(p.Phone), strings.TrimSpace(p.Email)
	country := ""
	if p.Shop != "" {
		if store := shop.Named(e, p.Shop); store == nil {
			problems = append(problems, problem.Field{
				Field: "shop", Value: &p.Shop, Fix: "write the domain of a configured shop, or leave it empty for all shops",
			})
		} else {
			p.Shop, country = store.Domain, store.Config.Country
		}
	}
	if p.Phone == "" && p.Email == "" {
		refuse("phone", "write a phone number such as +14155550123, or give an email")
	}
	if p.Phone != "" && policy.Number(p.Phone, country) == "" {
		refuse("phone", "write a valid phone number with its country code, such as +14155550123")
	}
	if p.Email != "" && !validEmail(p.Email) {
		refuse("email", "write an address such as jane@example.com")
	}
	return problems
}

func validEmail(text string) bool {
	address, err := mail.ParseAddress(text)
	return err == nil && address.Address == text && len(text) <= longestEmail
}

// longestReason bounds the reason of a lifting, in characters.
const longestReason = 200

// personal matches an email address, and digits that could be a phone number.
var personal = regexp.MustCompile(`\S@\S|\p{Nd}(?:[\s().-]*\p{Nd}){6}`)

// CheckReason normalises why a suppression is lifted and says what is wrong with it. The reason stays on record, so
// it must name nobody.
func CheckReason(reason string) (string, *problem.Field) {
	reason = strings.Join(strings.Fields(strings.Map(printable, strings.ToValidUTF8(reason, ""))), " ")
	refuse := func(fix string) (string, *problem.Field) { return "", &problem.Field{Field: "reason", Fix: fix} }
	switch {
	case reason == "":
		return refuse("write why the person may be called again, such as: asked for it in a chat; " +
			"it is kept with the suppression")
	case utf8.RuneCountInString(reason) > longestReason:
		return refuse(fmt.Sprintf("write at most %d characters", longestReason))
	case personal.MatchString(reason):
		return refuse("leave email addresses and phone numbers out; the reason stays on record")
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
