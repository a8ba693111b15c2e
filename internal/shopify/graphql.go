package shopify

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"ringback/internal/cart"
)

// The GraphQL objects as we read them, with the same tolerance as webhooks.

type gqlMoney struct {
	Shop        object[gqlAmount] `json:"shopMoney"`
	Presentment object[gqlAmount] `json:"presentmentMoney"`
}

type gqlAmount struct {
	Amount   money `json:"amount"`
	Currency text  `json:"currencyCode"`
}

// seen is the amount that the customer sees.
func (m gqlMoney) seen() gqlAmount {
	if m.Presentment.value.Amount.set {
		return m.Presentment.value
	}
	return m.Shop.value
}

// set gives the amounts as a webhook does.
func (m gqlMoney) set() object[moneySet] {
	as := func(a gqlAmount) object[moneyPayload] { return object[moneyPayload]{moneyPayload(a)} }
	return object[moneySet]{moneySet{Shop: as(m.Shop.value), Presentment: as(m.Presentment.value)}}
}

type gqlAddress struct {
	FirstName    text `json:"firstName"`
	LastName     text `json:"lastName"`
	Name         text `json:"name"`
	Address1     text `json:"address1"`
	Address2     text `json:"address2"`
	City         text `json:"city"`
	Province     text `json:"province"`
	ProvinceCode text `json:"provinceCode"`
	Country      text `json:"country"`
	CountryCode  text `json:"countryCodeV2"`
	Zip          text `json:"zip"`
	Phone        text `json:"phone"`
}

func (a gqlAddress) payload() addressPayload { return addressPayload(a) }

type gqlCustomer struct {
	ID           id    `json:"id"`
	FirstName    text  `json:"firstName"`
	LastName     text  `json:"lastName"`
	Tags         words `json:"tags"`
	Orders       count `json:"numberOfOrders"`
	EmailAddress object[struct {
		Address text `json:"emailAddress"`
		gqlFlatConsent
	}] `json:"defaultEmailAddress"`
	PhoneNumber object[struct {
		Number  text               `json:"phoneNumber"`
		Consent object[gqlConsent] `json:"smsMarketingConsent"`
		gqlFlatConsent
	}] `json:"defaultPhoneNumber"`
	DefaultAddress object[gqlAddress]               `json:"defaultAddress"`
	Metafields     object[connection[gqlMetafield]] `json:"metafields"`
}

// gqlConsent is one channel's marketing consent, as versions from 2026-10 on have it.
type gqlConsent struct {
	State     text    `json:"state"`
	OptIn     text    `json:"optInLevel"`
	UpdatedAt instant `json:"updatedAt"`
}

// gqlFlatConsent is the same in the fields that older versions have.
type gqlFlatConsent struct {
	State     text    `json:"marketingState"`
	OptIn     text    `json:"marketingOptInLevel"`
	UpdatedAt instant `json:"marketingUpdatedAt"`
}

type gqlMetafield struct {
	Namespace text    `json:"namespace"`
	Key       text    `json:"key"`
	Value     text    `json:"value"`
	UpdatedAt instant `json:"updatedAt"`
}

// smsConsent is what the customer's record says of text messages.
func (c gqlCustomer) smsConsent() gqlConsent {
	p := c.PhoneNumber.value
	if p.Consent.value.State != "" {
		return p.Consent.value
	}
	return gqlConsent(p.gqlFlatConsent)
}

// record says when and how the consent came about; nothing when it says neither yes nor no.
func (c gqlConsent) record() cart.ConsentRecord {
	if consentOf(c.State) == nil {
		return cart.ConsentRecord{}
	}
	return consentPayload{OptIn: c.OptIn, UpdatedAt: c.UpdatedAt}.record()
}

func (c gqlCustomer) payload() customerPayload {
	var fields list[metafieldPayload]
	for _, m := range c.Metafields.value.Nodes {
		fields = append(fields, metafieldPayload(m.value))
	}
	return customerPayload{
		ID: c.ID, FirstName: c.FirstName, LastName: c.LastName, Tags: c.Tags, Orders: c.Orders,
		Email: c.EmailAddress.value.Address, Phone: c.PhoneNumber.value.Number,
		DefaultAddress: object[addressPayload]{c.DefaultAddress.value.payload()}, Metafields: fields,
	}
}

// consentOf reads a marketing state. Not subscribed, and pending, say nothing of what was ticked at this checkout.
func consentOf(state text) *bool {
	switch strings.ToUpper(string(state)) {
	case "SUBSCRIBED":
		yes := true
		return &yes
	case "UNSUBSCRIBED", "REDACTED", "INVALID":
		no := false
		return &no
	}
	return nil
}

type gqlCheckout struct {
	ID            id                  `json:"id"`
	Name          text                `json:"name"`
	URL           text                `json:"abandonedCheckoutUrl"`
	CompletedAt   instant             `json:"completedAt"`
	CreatedAt     instant             `json:"createdAt"`
	UpdatedAt     instant             `json:"updatedAt"`
	Codes         words               `json:"discountCodes"`
	TaxesIncluded flag                `json:"taxesIncluded"`
	Attributes    attributes          `json:"customAttributes"`
	Total         object[gqlMoney]    `json:"totalPriceSet"`
	Subtotal      object[gqlMoney]    `json:"subtotalPriceSet"`
	Discounts     object[gqlMoney]    `json:"totalDiscountSet"`
	Shipping      object[gqlAddress]  `json:"shippingAddress"`
	Billing       object[gqlAddress]  `json:"billingAddress"`
	Customer      object[gqlCustomer] `json:"customer"`
	TaxLines      list[struct {
		Title text             `json:"title"`
		Rate  money            `json:"rate"`
		Price object[gqlMoney] `json:"priceSet"`
	}] `json:"taxLines"`
	Lines object[connection[struct {
		Title        text             `json:"title"`
		VariantTitle text             `json:"variantTitle"`
		SKU          text             `json:"sku"`
		Quantity     count            `json:"quantity"`
		Price        object[gqlMoney] `json:"originalUnitPriceSet"`
	}]] `json:"lineItems"`
}

// checkout makes the object regular by way of the webhook's payload; false when it has no identity.
func (g gqlCheckout) checkout() (cart.Checkout, bool) {
	named := refOfURL(string(g.URL))
	customer := g.Customer.value
	total := g.Total.value.seen()
	p := checkoutPayload{
		ID: g.ID, Name: g.Name, URL: g.URL, Token: text(named.Token), CartToken: text(named.CartToken),
		Customer: object[customerPayload]{customer.payload()},
		Shipping: object[addressPayload]{g.Shipping.value.payload()},
		Billing:  object[addressPayload]{g.Billing.value.payload()},
		Currency: total.Currency, Total: total.Amount, TotalSet: g.Total.value.set(),
		Subtotal: g.Subtotal.value.seen().Amount, SubtotalSet: g.Subtotal.value.set(),
		Discounts: g.Discounts.value.seen().Amount, DiscountsSet: g.Discounts.value.set(), TaxesIncluded: g.TaxesIncluded, Attributes: g.Attributes,
		AcceptsMarketing: flag{consentOf(customer.EmailAddress.value.State)},
		AcceptsSMS:       flag{consentOf(customer.smsConsent().State)},
		CreatedAt:        g.CreatedAt, UpdatedAt: g.UpdatedAt, CompletedAt: g.CompletedAt,
	}
	if p.AcceptsSMS.yes() {
		p.SMSPhone = customer.PhoneNumber.value.Number
	}
	for _, t := range g.TaxLines {
		p.TaxLines = append(p.TaxLines, taxPayload{Title: t.Title, Rate: t.Rate, Price: t.Price.value.seen().Amount})
	}
	for _, l := range g.Lines.value.Nodes {
		p.Items = append(p.Items, itemPayload{
			Title: l.value.Title, VariantTitle: l.value.VariantTitle, SKU: l.value.SKU, Quantity: l.value.Quantity,
			Price: l.value.Price.value.seen().Amount,
		})
	}
	for _, code := range g.Codes {
		p.Codes = append(p.Codes, codePayload{Code: text(code)})
	}
	c := p.checkout(Delivery{})
	c.SMSConsent = customer.smsConsent().record()
	c.MarketingConsent = gqlConsent(customer.EmailAddress.value.gqlFlatConsent).record()
	if c.Items == nil && g.Lines.value.Nodes != nil {
		c.Items = []cart.Item{}
	}
	return c, c.ID != ""
}

type gqlOrder struct {
	ID            id                  `json:"id"`
	Name          text                `json:"name"`
	Email         text                `json:"email"`
	Phone         text                `json:"phone"`
	CheckoutToken text                `json:"checkoutToken"`
	CartToken     text                `json:"cartToken"`
	CreatedAt     instant             `json:"createdAt"`
	UpdatedAt     instant             `json:"updatedAt"`
	CancelledAt   instant             `json:"cancelledAt"`
	Test          flag                `json:"test"`
	Gateways      words               `json:"paymentGatewayNames"`
	SourceName    text                `json:"sourceName"`
	Codes         words               `json:"discountCodes"`
	Total         object[gqlMoney]    `json:"totalPriceSet"`
	Current       object[gqlMoney]    `json:"currentTotalPriceSet"`
	Refunded      object[gqlMoney]    `json:"totalRefundedSet"`
	Shipping      object[gqlAddress]  `json:"shippingAddress"`
	Billing       object[gqlAddress]  `json:"billingAddress"`
	Customer      object[gqlCustomer] `json:"customer"`
}

func (g gqlOrder) order() (cart.Order, bool) {
	total := g.Total.value.Shop.value
	p := orderPayload{
		ID: g.ID, Name: g.Name, Email: g.Email, Phone: g.Phone, CheckoutToken: g.CheckoutToken, CartToken: g.CartToken,
		Customer: object[customerPayload]{g.Customer.value.payload()},
		Shipping: object[addressPayload]{g.Shipping.value.payload()},
		Billing:  object[addressPayload]{g.Billing.value.payload()},
		Total:    total.Amount, Currency: total.Currency, TotalSet: g.Total.value.set(),
		Current: g.Current.value.Shop.value.Amount, refunded: g.Refunded.value.Shop.value.Amount,
		Test: g.Test, Gateways: g.Gateways, SourceName: g.SourceName,
		CreatedAt: g.CreatedAt, UpdatedAt: g.UpdatedAt, CancelledAt: g.CancelledAt,
	}
	for _, code := range g.Codes {
		p.Codes = append(p.Codes, codePayload{Code: text(code)})
	}
	o := p.order(Delivery{})
	return o, o.ID != ""
}

// The recovery links: .../checkouts/ac/{cart token}/recover today, .../checkouts/cn/{token} and
// .../checkouts/{token}/recover of older checkouts.
var (
	cartTokenPath = regexp.MustCompile(`/checkouts/ac/([^/]+)(?:/|$)`)
	tokenPath     = regexp.MustCompile(`/checkouts/(?:cn/)?([^/]{8,})(?:/|$)`)
)

// refOfURL returns the names of the checkout that its recovery link holds.
func refOfURL(link string) cart.Ref {
	u, err := url.Parse(link)
	if err != nil {
		return cart.Ref{}
	}
	if m := cartTokenPath.FindStringSubmatch(u.Path); m != nil {
		return cart.Ref{CartToken: clean(m[1])}
	}
	if m := tokenPath.FindStringSubmatch(u.Path); m != nil {
		return cart.Ref{Token: clean(m[1])}
	}
	return cart.Ref{}
}

// Merge joins what a webhook told of a checkout (known) with what the API said later (asked). What both tell is taken
// from asked; what GraphQL does not know (the token, the consents ticked at the checkout, variants) stays as known. A
// consent that the customer has since withdrawn counts as withdrawn.
func Merge(known, asked cart.Checkout) cart.Checkout {
	m := asked
	m.Token = firstOf(known.Token, asked.Token)
	m.CartToken = firstOf(known.CartToken, asked.CartToken)
	m.ID = firstOf(asked.ID, known.ID)
	m.URL = firstOf(asked.URL, known.URL)
	m.Email = firstOf(asked.Email, known.Email)
	m.Phones = slices.Clone(known.Phones)
	for _, p := range asked.Phones {
		if !slices.Contains(m.Phones, p) {
			m.Phones = append(m.Phones, p)
		}
	}
	if m.Customer.ID == "" {
		m.Customer = known.Customer
	}
	if m.Customer.Orders == nil {
		m.Customer.Orders = known.Customer.Orders
	}
	if m.Shipping == nil {
		m.Shipping = known.Shipping
	}
	if m.Billing == nil {
		m.Billing = known.Billing
	}
	m.Items = mergeItems(known.Items, asked.Items)
	m.Codes = mergeCodes(known.Codes, asked.Codes)
	if m.TaxLines == nil {
		m.TaxLines = known.TaxLines
	}
	m.AcceptsMarketing = mergeConsent(known.AcceptsMarketing, asked.AcceptsMarketing)
	m.AcceptsSMS = mergeConsent(known.AcceptsSMS, asked.AcceptsSMS)
	m.MarketingConsent = mergeRecord(known.AcceptsMarketing, asked.AcceptsMarketing, known.MarketingConsent,
		asked.MarketingConsent)
	m.SMSConsent = mergeRecord(known.AcceptsSMS, asked.AcceptsSMS, known.SMSConsent, asked.SMSConsent)
	if m.Customer.Metafields == nil {
		m.Customer.Metafields = known.Customer.Metafields
	}
	m.SMSPhone = firstOf(known.SMSPhone, asked.SMSPhone)
	if m.Attributes == nil {
		m.Attributes = known.Attributes
	}
	m.Currency = firstOf(asked.Currency, known.Currency)
	m.Locale = firstOf(asked.Locale, known.Locale)
	m.SourceName = firstOf(asked.SourceName, known.SourceName)
	m.Test = known.Test || asked.Test
	if m.CompletedAt == nil {
		m.CompletedAt = known.CompletedAt
	}
	return m
}

// mergeConsent prefers what the API says, for it is newer, and a refusal over a missing answer.
func mergeConsent(known, asked *bool) *bool { return firstFlag(asked, known) }

// mergeRecord keeps the record of the answer that mergeConsent takes. Where both say the same, it is the earlier one: a
// consent that was ticked at the checkout was not given later.
func mergeRecord(known, asked *bool, knownRecord, askedRecord cart.ConsentRecord) cart.ConsentRecord {
	if asked == nil || known != nil && *known == *asked {
		return knownRecord
	}
	return askedRecord
}

// mergeItems fills the ids that GraphQL does not give from the known line of the same article.
// An empty list says that the cart was emptied; nil says nothing.
func mergeItems(known, asked []cart.Item) []cart.Item {
	if asked == nil {
		return known
	}
	out := slices.Clone(asked)
	for i := range out {
		j := slices.IndexFunc(known, func(k cart.Item) bool {
			return k.Title == out[i].Title && k.VariantTitle == out[i].VariantTitle && k.SKU == out[i].SKU
		})
		if j >= 0 {
			out[i].VariantID = firstOf(out[i].VariantID, known[j].VariantID)
			out[i].ProductID = firstOf(out[i].ProductID, known[j].ProductID)
			out[i].Vendor = firstOf(out[i].Vendor, known[j].Vendor)
		}
	}
	return out
}

// mergeCodes keeps the codes that are there now, with the amounts that only webhooks tell.
func mergeCodes(known, asked []cart.DiscountCode) []cart.DiscountCode {
	out := slices.Clone(asked)
	for i := range out {
		j := slices.IndexFunc(known, func(k cart.DiscountCode) bool { return strings.EqualFold(k.Code, out[i].Code) })
		if j >= 0 && out[i].Amount.IsZero() {
			out[i] = known[j]
		}
	}
	return out
}
