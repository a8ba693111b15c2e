package cart

import (
	"bytes"
	"maps"
	"slices"
	"time"

	"github.com/shopspring/decimal"
)

// Equal reports whether two carts hold the same in every field. Instants and amounts are compared by value, and a nil
// list equals an empty one. What usually differs is compared first.
func (c *Cart) Equal(o *Cart) bool {
	return c.State == o.State && c.Reason == o.Reason && c.Updates == o.Updates && c.Attempts == o.Attempts &&
		sameInstant(c.WakeAt, o.WakeAt) && sameInstant(c.ReadyAt, o.ReadyAt) && sameInstant(c.CallbackAt, o.CallbackAt) &&
		c.Forced == o.Forced && c.Arm == o.Arm && c.Attribution == o.Attribution &&
		c.UpdatedAt.Equal(o.UpdatedAt) && c.LastActivityAt.Equal(o.LastActivityAt) && c.CreatedAt.Equal(o.CreatedAt) &&
		sameInstant(c.PurchasedAt, o.PurchasedAt) && sameInstant(c.ErasedAt, o.ErasedAt) &&
		c.ID == o.ID && c.Shop == o.Shop && c.Token == o.Token &&
		c.Phone == o.Phone && c.PhoneFrom == o.PhoneFrom && c.Country == o.Country &&
		sameList(c.Calls, o.Calls, (*Call).Equal) &&
		same(c.Order, o.Order, (*Order).equal) &&
		c.Checkout.equal(&o.Checkout)
}

// Equal reports whether two calls hold the same in every field, by the rules of Cart.Equal.
func (c *Call) Equal(o *Call) bool {
	return c.ID == o.ID && c.CartID == o.CartID && c.Shop == o.Shop && c.Attempt == o.Attempt &&
		c.State == o.State && c.Outcome == o.Outcome &&
		c.Provider == o.Provider && c.Account == o.Account && c.VoiceKey == o.VoiceKey &&
		c.Assistant == o.Assistant && c.HoldsLine == o.HoldsLine && c.ProviderCallID == o.ProviderCallID &&
		c.Phone == o.Phone && same(c.Offer, o.Offer, (*Offer).equal) && c.Priority == o.Priority &&
		same(c.Consent, o.Consent, (*Consent).equal) &&
		c.CreatedAt.Equal(o.CreatedAt) && sameInstant(c.ReadyAt, o.ReadyAt) &&
		sameInstant(c.SentAt, o.SentAt) && sameInstant(c.PlacedAt, o.PlacedAt) &&
		sameInstant(c.PickedUpAt, o.PickedUpAt) && sameInstant(c.AnsweredAt, o.AnsweredAt) &&
		sameInstant(c.EndedAt, o.EndedAt) &&
		sameInstant(c.ClosedAt, o.ClosedAt) && sameInstant(c.HeardAt, o.HeardAt) &&
		sameInstant(c.WatchAt, o.WatchAt) && sameInstant(c.AbortAt, o.AbortAt) &&
		c.AbortReason == o.AbortReason && sameInstant(c.AbortedAt, o.AbortedAt) &&
		c.Dials == o.Dials && slices.EqualFunc(c.DialStarts, o.DialStarts, time.Time.Equal) && c.Redials == o.Redials &&
		slices.Equal(c.Seen, o.Seen) && slices.EqualFunc(c.Digests, o.Digests, bytes.Equal) &&
		bytes.Equal(c.TokenHash, o.TokenHash) && c.Rescheduled == o.Rescheduled &&
		sameValue(c.DurationSeconds, o.DurationSeconds) && c.Summary == o.Summary && c.RecordingURL == o.RecordingURL &&
		slices.Equal(c.RequiredActions, o.RequiredActions) && c.Insights.equal(&o.Insights) &&
		same(c.Analysis, o.Analysis, (*Analysis).equal) && c.Transcript == o.Transcript &&
		c.AbandonReason == o.AbandonReason && c.OfferFate == o.OfferFate &&
		same(c.CreditsUsed, o.CreditsUsed, sameAmount) && c.Error == o.Error
}

func (in *Insights) equal(o *Insights) bool {
	return in.OptedOut == o.OptedOut && in.Declined == o.Declined && in.Interested == o.Interested &&
		in.Callback == o.Callback && sameInstant(in.CallbackAt, o.CallbackAt) &&
		in.OptedOutUnclear == o.OptedOutUnclear && in.DeclinedUnclear == o.DeclinedUnclear &&
		in.Voicemail == o.Voicemail && in.Person == o.Person && in.Screened == o.Screened &&
		in.OfferMentioned == o.OfferMentioned && in.OfferUnmentioned == o.OfferUnmentioned &&
		in.OfferAccepted == o.OfferAccepted && in.Undisclosed == o.Undisclosed &&
		in.OptOutSuspected == o.OptOutSuspected
}

func (a *Analysis) equal(o *Analysis) bool {
	return sameValue(a.Success, o.Success) && a.Sentiment == o.Sentiment && slices.Equal(a.Findings, o.Findings)
}

func (f *Offer) equal(o *Offer) bool {
	return f.Code == o.Code && f.Description == o.Description && sameAmount(&f.Value, &o.Value) && f.Type == o.Type &&
		f.ApplyAs == o.ApplyAs && f.Unique == o.Unique && f.Fallback == o.Fallback && f.EndsAfter == o.EndsAfter
}

func (o *Order) equal(p *Order) bool {
	return o.ID == p.ID && o.Name == p.Name && o.CheckoutToken == p.CheckoutToken && o.CartToken == p.CartToken &&
		o.CustomerID == p.CustomerID && o.Email == p.Email && slices.Equal(o.Emails, p.Emails) &&
		slices.Equal(o.Phones, p.Phones) && o.Country == p.Country && sameAmount(&o.Total, &p.Total) &&
		o.Currency == p.Currency && slices.Equal(o.Codes, p.Codes) && o.CreatedAt.Equal(p.CreatedAt) &&
		o.UpdatedAt.Equal(p.UpdatedAt) && o.SourceName == p.SourceName && o.Test == p.Test &&
		sameInstant(o.CancelledAt, p.CancelledAt) && o.CashOnDelivery == p.CashOnDelivery &&
		same(o.Presented, p.Presented, (*Amount).equal) && same(o.CurrentTotal, p.CurrentTotal, sameAmount) &&
		same(o.RefundedTotal, p.RefundedTotal, sameAmount) && sameList(o.Refunds, p.Refunds, (*Refund).equal) &&
		sameAmount(&o.Refunded, &p.Refunded) && sameAmount(&o.Cancelled, &p.Cancelled)
}

func (a *Amount) equal(b *Amount) bool {
	return a.Currency == b.Currency && sameAmount(&a.Value, &b.Value)
}

func (r *Refund) equal(o *Refund) bool { return r.ID == o.ID && r.Amount.equal(&o.Amount) }

func (c *Checkout) equal(o *Checkout) bool {
	return c.Token == o.Token && c.ID == o.ID && c.CartToken == o.CartToken && c.URL == o.URL && c.Email == o.Email &&
		slices.Equal(c.Phones, o.Phones) && c.Customer.equal(&o.Customer) &&
		sameValue(c.Shipping, o.Shipping) && sameValue(c.Billing, o.Billing) &&
		c.Currency == o.Currency && sameAmount(&c.Total, &o.Total) && sameAmount(&c.Subtotal, &o.Subtotal) &&
		sameAmount(&c.Discounts, &o.Discounts) && same(c.ShopMoney, o.ShopMoney, (*ShopMoney).equal) &&
		c.TaxesIncluded == o.TaxesIncluded && sameList(c.TaxLines, o.TaxLines, (*TaxLine).equal) &&
		sameList(c.Items, o.Items, (*Item).equal) && sameList(c.Codes, o.Codes, (*DiscountCode).equal) &&
		sameValue(c.AcceptsMarketing, o.AcceptsMarketing) && sameValue(c.AcceptsSMS, o.AcceptsSMS) &&
		c.SMSPhone == o.SMSPhone && c.MarketingConsent.equal(o.MarketingConsent) && c.SMSConsent.equal(o.SMSConsent) &&
		sameList(c.Consents, o.Consents, (*Consent).equal) && maps.Equal(c.Attributes, o.Attributes) &&
		c.Locale == o.Locale && c.SourceName == o.SourceName && c.Test == o.Test &&
		c.CreatedAt.Equal(o.CreatedAt) && c.UpdatedAt.Equal(o.UpdatedAt) &&
		sameInstant(c.CompletedAt, o.CompletedAt) && sameInstant(c.ClosedAt, o.ClosedAt) && c.ToldAt.Equal(o.ToldAt)
}

func (c *Customer) equal(o *Customer) bool {
	return c.ID == o.ID && c.FirstName == o.FirstName && c.LastName == o.LastName && c.Email == o.Email &&
		slices.Equal(c.Tags, o.Tags) && maps.EqualFunc(c.Metafields, o.Metafields, Metafield.equal) &&
		sameValue(c.Orders, o.Orders)
}

func (m *ShopMoney) equal(o *ShopMoney) bool {
	return m.Currency == o.Currency && sameAmount(&m.Total, &o.Total) && sameAmount(&m.Subtotal, &o.Subtotal) &&
		sameAmount(&m.Discounts, &o.Discounts)
}

func (t *TaxLine) equal(o *TaxLine) bool {
	return t.Title == o.Title && sameAmount(&t.Rate, &o.Rate) && sameAmount(&t.Price, &o.Price)
}

func (i *Item) equal(o *Item) bool {
	return i.Title == o.Title && i.VariantTitle == o.VariantTitle && i.VariantID == o.VariantID &&
		i.ProductID == o.ProductID && i.SKU == o.SKU && i.Vendor == o.Vendor && i.Quantity == o.Quantity &&
		sameAmount(&i.Price, &o.Price)
}

func (d *DiscountCode) equal(o *DiscountCode) bool {
	return d.Code == o.Code && sameAmount(&d.Amount, &o.Amount) && d.Type == o.Type
}

// same compares what two pointers point to; nil equals nil only.
func same[T any](a, b *T, equal func(*T, *T) bool) bool {
	if a == b || a == nil || b == nil {
		return a == b
	}
	return equal(a, b)
}

func sameValue[T comparable](a, b *T) bool { return same(a, b, func(a, b *T) bool { return *a == *b }) }

func sameInstant(a, b *time.Time) bool {
	return same(a, b, func(a, b *time.Time) bool { return a.Equal(*b) })
}

// sameAmount compares two amounts; copies of one amount need no arithmetic.
func sameAmount(a, b *decimal.Decimal) bool { return *a == *b || a.Equal(*b) }

// sameList compares two lists; copies of one list need no look at their members.
func sameList[T any](a, b []T, equal func(*T, *T) bool) bool {
	if len(a) != len(b) {
		return false
	}
	if len(a) == 0 || &a[0] == &b[0] {
		return true
	}
	for i := range a {
		if !equal(&a[i], &b[i]) {
			return false
		}
	}
	return true
}
