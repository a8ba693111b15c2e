package shopify

import (
	"encoding/json"
	"errors"
	"time"

	"ringback/internal/cart"
)

// Consent is what a customer's marketing consents are now. A nil flag means that the payload did not say.
type Consent struct {
	CustomerID string
	Email      string
	Phone      string
	// Marketing is the consent to email marketing, SMS the one to text messages.
	Marketing *bool
	SMS       *bool
	// MarketingAt and SMSAt are when each was last given or withdrawn, UTC; zero when unknown.
	MarketingAt time.Time
	SMSAt       time.Time
	// MarketingOptIn and SMSOptIn are the opt-in levels in lower case, such as single_opt_in; "" when unknown.
	MarketingOptIn, SMSOptIn string
	// Tags are the customer's tags where the payload has them (customers/update), as HasTags says.
	Tags    []string
	HasTags bool
	// Metafields are those of the customer's metafields that the payload has, by namespace and key.
	Metafields map[string]cart.Metafield
}

// MarketingRecord says when and how the consent to email marketing came about.
func (c Consent) MarketingRecord() cart.ConsentRecord {
	return cart.ConsentRecord{At: c.MarketingAt, OptIn: c.MarketingOptIn, Source: cart.FromCustomer}
}

// SMSRecord says when and how the consent to text messages came about.
func (c Consent) SMSRecord() cart.ConsentRecord {
	return cart.ConsentRecord{At: c.SMSAt, OptIn: c.SMSOptIn, Source: cart.FromCustomer}
}

// DecodeCustomerConsent reads the payload of customers_marketing_consent/update,
// customers_email_marketing_consent/update or customers/update. It fails when the body is no JSON object or names no
// customer by id, email or phone. Where a consent has no time of its own, the payload's updated_at and then
// d.TriggeredAt stand in for it.
func DecodeCustomerConsent(body []byte, d Delivery) (Consent, error) {
	var p struct {
		customerPayload
		CustomerID   id      `json:"customer_id"`
		CustomerGID  id      `json:"admin_graphql_api_customer_id"`
		EmailAddress text    `json:"email_address"`
		PhoneNumber  text    `json:"phone_number"`
		AcceptsAt    instant `json:"accepts_marketing_updated_at"`
		UpdatedAt    instant `json:"updated_at"`
	}
	if err := decodeObject(body, &p); err != nil {
		return Consent{}, err
	}
	changed := firstInstant(p.UpdatedAt.at, d.TriggeredAt.UTC())
	c := Consent{
		// The consent topics name the customer in customer_id, where id would be something else's.
		CustomerID: firstOf(string(p.CustomerID), string(p.CustomerGID), p.id()),
		Email:      firstOf(string(p.Email), string(p.EmailAddress)),
		Phone:      firstOf(string(p.Phone), string(p.PhoneNumber)),
		Marketing:  p.acceptsMarketing(),
		SMS:        p.acceptsSMS(),
		Tags:       p.Tags,
		HasTags:    has(body, "tags"),
		Metafields: metafields(p.Metafields),

		MarketingOptIn: p.EmailConsent.value.record().OptIn,
		SMSOptIn:       p.SMSConsent.value.record().OptIn,
	}
	if c.CustomerID == "" && c.Email == "" && c.Phone == "" {
		return Consent{}, errors.New("id, email and phone: all missing; the customer cannot be told from others")
	}
	if c.Marketing != nil {
		c.MarketingAt = cart.Earlier(firstInstant(p.EmailConsent.value.UpdatedAt.at, p.AcceptsAt.at, changed), d.TriggeredAt.UTC())
	}
	if c.SMS != nil {
		c.SMSAt = cart.Earlier(firstInstant(p.SMSConsent.value.UpdatedAt.at, changed), d.TriggeredAt.UTC())
	}
	return c, nil
}

// has reports whether a JSON object has a member of the name that is not null.
func has(body []byte, name string) bool {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		return false
	}
	value, ok := members[name]
	return ok && string(value) != "null"
}
