package simshop

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"ringback/internal/cart"
	"ringback/internal/shopify"
	"ringback/internal/zoneinfo"

	"github.com/shopspring/decimal"
)

// ShopConfig describes a shop.
type ShopConfig struct {
	// Domain is the *.myshopify.com domain.
	Domain string
	Name   string
	// Timezone is an IANA zone (UTC), Currency an ISO 4217 code (USD), Country an ISO alpha-2 code (US).
	Timezone string
	Currency string
	Country  string
}

// Shop is one simulated shop. Its methods are safe for concurrent use.
type Shop struct {
	sim  *Shopify
	cfg  ShopConfig
	zone *time.Location

	// All below is guarded by sim.mu.
	id            int64
	checkouts     map[string]*checkout
	orders        []*order
	subscriptions []*subscription
	discounts     []*discount
	points        float64
	pointsAt      time.Time
	orderNumber   int
}

type checkout struct {
	cart.Checkout
	id      int64
	deleted bool
	// cash is true when the buyer pays at the door.
	cash bool
}

type order struct {
	cart.Order
	id       int64
	checkout cart.Checkout
}

type discount struct {
	id       int64
	title    string
	code     string
	startsAt time.Time
	endsAt   time.Time
	// off is what the code takes off a total.
	off   func(total decimal.Decimal) decimal.Decimal
	limit int
	used  int
}

// AddShop adds a shop. It panics on a domain that is not a *.myshopify.com one or an unknown zone: a mistake in a
// script.
func (s *Shopify) AddShop(cfg ShopConfig) *Shop {
	domain, err := shopify.ParseShop(cfg.Domain)
	if err != nil {
		panic(err)
	}
	cfg.Domain = domain
	for field, fallback := range map[*string]string{
		&cfg.Timezone: "UTC", &cfg.Currency: "USD", &cfg.Country: "US",
		&cfg.Name: strings.TrimSuffix(domain, ".myshopify.com"),
	} {
		if *field == "" {
			*field = fallback
		}
	}
	zone, err := zoneinfo.Load(cfg.Timezone)
	if err != nil {
		panic(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	shop := &Shop{
		sim: s, cfg: cfg, zone: zone, id: s.id(), checkouts: map[string]*checkout{},
		points: s.cfg.Points, pointsAt: s.now(), orderNumber: 1000,
	}
	s.shops[domain] = shop
	return shop
}

// Domain is the shop's *.myshopify.com domain.
func (p *Shop) Domain() string { return p.cfg.Domain }

// NewCheckout begins a checkout. fill sets what the shopper did; tokens, link, times and currency are already there.
// Totals that fill leaves at zero are computed from the items. It returns the token. The app sees the checkout once
// it has an email or a phone, as with Shopify.
func (p *Shop) NewCheckout(fill func(*cart.Checkout)) string {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	now := p.sim.now()
	id := p.sim.id()
	c := &checkout{id: id, Checkout: cart.Checkout{
		Token: p.sim.secret(32), ID: strconv.FormatInt(id, 10), CartToken: "hWN" + p.sim.secret(21),
		Currency: p.cfg.Currency, Locale: "en", SourceName: "web", CreatedAt: now, UpdatedAt: now,
	}}
	c.URL = fmt.Sprintf("https://%s/%d/checkouts/ac/%s/recover?key=%s", p.cfg.Domain, p.id, c.CartToken,
		p.sim.secret(32))
	p.checkouts[c.Token] = c
	p.change(c, fill, shopify.CheckoutsCreate)
	return c.Token
}

// Update changes a checkout some seconds to days later. It panics on an unknown token: a mistake in a script. A
// checkout that was bought or deleted stays unchanged.
func (p *Shop) Update(token string, change func(*cart.Checkout)) {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	c := p.open(token)
	if c == nil {
		return
	}
	seen := visible(c)
	topic := shopify.CheckoutsUpdate
	if !seen {
		topic = shopify.CheckoutsCreate
	}
	p.change(c, change, topic)
}

// open returns the checkout if it can still change. The caller holds the lock.
func (p *Shop) open(token string) *checkout {
	c := p.checkouts[token]
	if c == nil {
		panic("simshop: no checkout " + token)
	}
	if c.deleted || c.CompletedAt != nil {
		return nil
	}
	return c
}

// visible reports whether Shopify tells the app of the checkout.
func visible(c *checkout) bool { return c.Email != "" || len(c.Phones) > 0 }

// change applies fill and sends the webhook. A total that was computed from the items still is, until fill sets
// another. The caller holds the lock.
func (p *Shop) change(c *checkout, fill func(*cart.Checkout), topic string) {
	before := c.Total
	derived := before.Equal(total(c.Items, c.Discounts))
	fill(&c.Checkout)
	if derived && c.Total.Equal(before) {
		c.Subtotal = total(c.Items, c.Discounts)
		c.Total = c.Subtotal
	}
	c.UpdatedAt = p.sim.now()
	if visible(c) {
		p.tell(topic, p.checkoutJSON(c), c.UpdatedAt)
	}
}

func total(items []cart.Item, discounts decimal.Decimal) decimal.Decimal {
	sum := decimal.Zero
	for _, i := range items {
		sum = sum.Add(i.Price.Mul(decimal.NewFromInt(int64(i.Quantity))))
	}
	return decimal.Max(sum.Sub(discounts), decimal.Zero)
}

// Buy completes a checkout with the discount codes used, and returns the order. It fails when one of the app's codes
// cannot be used (ended, not begun, used up); unknown codes count as the merchant's. Buying twice returns the first
// order.
func (p *Shop) Buy(token string, codes ...string) (cart.Order, error) {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	c := p.open(token)
	if c == nil {
		for _, o := range p.orders {
			if o.CheckoutToken == token {
				return o.Order, nil
			}
		}
		return cart.Order{}, fmt.Errorf("simshop: checkout %s was deleted", token)
	}
	now := p.sim.now()
	sum := c.Total
	for _, code := range codes {
		used, err := p.redeem(code, now)
		if err != nil {
			return cart.Order{}, err
		}
		if used != nil {
			off := decimal.Min(used.off(sum), sum)
			sum = sum.Sub(off)
			c.Discounts = c.Discounts.Add(off)
			c.Codes = append(c.Codes, cart.DiscountCode{Code: code, Amount: off, Type: "fixed_amount"})
			continue
		}
		c.Codes = append(c.Codes, cart.DiscountCode{Code: code, Type: "fixed_amount"})
	}
	c.Total, c.CompletedAt, c.UpdatedAt = sum, &now, now
	p.orderNumber++
	o := &order{id: p.sim.id(), checkout: c.Checkout}
	o.Order = cart.Order{
		ID: strconv.FormatInt(o.id, 10), Name: "#" + strconv.Itoa(p.orderNumber),
		CheckoutToken: c.Token, CartToken: c.CartToken, CustomerID: c.Customer.ID, Email: c.Email, Phones: c.Phones,
		Total: sum, Currency: c.Currency, Test: c.Test, CreatedAt: now, UpdatedAt: now, CashOnDelivery: c.cash,
	}
	for _, code := range c.Codes {
		o.Codes = append(o.Codes, code.Code)
	}
	p.orders = append(p.orders, o)
	event := p.sim.uuid()
	p.tellEvent(shopify.OrdersCreate, event, p.orderJSON(o), now)
	p.tellEvent(shopify.OrdersPaid, event, p.orderJSON(o), now)
	if visible(c) {
		p.tellEvent(shopify.CheckoutsUpdate, event, p.checkoutJSON(c), now)
	}
	return o.Order, nil
}

// BuyElsewhere makes an order from a checkout that the app does not know: another device, a one-click checkout, a
// point of sale.
func (p *Shop) BuyElsewhere(buyer cart.Checkout) cart.Order {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	now := p.sim.now()
	p.orderNumber++
	buyer.Token, buyer.CartToken = p.sim.secret(32), ""
	if buyer.Total.IsZero() {
		buyer.Total = total(buyer.Items, buyer.Discounts)
	}
	o := &order{id: p.sim.id(), checkout: buyer}
	o.Order = cart.Order{
		ID: strconv.FormatInt(o.id, 10), Name: "#" + strconv.Itoa(p.orderNumber), CheckoutToken: buyer.Token,
		CustomerID: buyer.Customer.ID, Email: buyer.Email, Phones: buyer.Phones, Total: buyer.Total,
		Currency:  p.cfg.Currency,
		CreatedAt: now, UpdatedAt: now,
	}
	p.orders = append(p.orders, o)
	p.tell(shopify.OrdersCreate, p.orderJSON(o), now)
	return o.Order
}

// PaysAtTheDoor lets a checkout be bought with cash on delivery.
func (p *Shop) PaysAtTheDoor(token string) {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	p.open(token).cash = true
}

// Refund gives back a part of an order, in the order's currency; with an amount of zero, goods only go back into stock.
// It panics on an unknown order: a mistake in a script.
func (p *Shop) Refund(orderID string, back decimal.Decimal) {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	o := p.order(orderID)
	now := p.sim.now()
	o.UpdatedAt = now
	o.Refunds = append(o.Refunds, cart.Refund{
		ID: strconv.FormatInt(p.sim.id(), 10), Amount: cart.Amount{Value: back, Currency: o.Currency},
	})
	p.tellEvent(shopify.RefundsCreate, p.sim.uuid(), p.refundJSON(o, len(o.Refunds)-1), now)
	p.tellEvent(shopify.OrdersUpdated, p.sim.uuid(), p.orderJSON(o), now)
}

// Cancel cancels an order. It panics on an unknown order: a mistake in a script.
func (p *Shop) Cancel(orderID string) {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	o := p.order(orderID)
	now := p.sim.now()
	o.UpdatedAt, o.CancelledAt = now, &now
	event := p.sim.uuid()
	p.tellEvent(shopify.OrdersCancelled, event, p.orderJSON(o), now)
	p.tellEvent(shopify.OrdersUpdated, event, p.orderJSON(o), now)
}

// order returns the order with an id. The caller holds the lock.
func (p *Shop) order(id string) *order {
	i := slices.IndexFunc(p.orders, func(o *order) bool { return o.ID == id })
	if i < 0 {
		panic("simshop: no order " + id)
	}
	return p.orders[i]
}

// refunded is what was given back of an order, current what is left of it.
func (o *order) refunded() decimal.Decimal {
	sum := decimal.Zero
	for _, r := range o.Refunds {
		sum = sum.Add(r.Value)
	}
	return sum
}

func (o *order) current() decimal.Decimal {
	if o.CancelledAt != nil {
		return decimal.Zero
	}
	return o.Total.Sub(o.refunded())
}

// gateways names the order's payment gateway.
func (o *order) gateways() []any {
	switch {
	case o.Test:
		return []any{"bogus"}
	case o.CashOnDelivery:
		return []any{"Cash on Delivery (COD)"}
	}
	return []any{"shopify_payments"}
}

// Delete deletes a checkout.
func (p *Shop) Delete(token string) {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	c := p.open(token)
	if c == nil {
		return
	}
	c.deleted = true
	p.tell(shopify.CheckoutsDelete, object{
		"id": c.id, "cart_token": c.CartToken, "presentment_currency": c.Currency,
		"total_price": c.Total.StringFixed(2),
	}, p.sim.now())
}

// SetSMSConsent tells that a customer gave or withdrew the consent to text messages.
func (p *Shop) SetSMSConsent(customer cart.Customer, phone string, given bool) {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	now := p.sim.now()
	p.tell(shopify.CustomersConsentUpdate, object{
		"id": number(customer.ID), "phone": nullable(phone), "email": nullable(customer.Email),
		"sms_marketing_consent": consent(given, p.local(now)),
	}, now)
}

func consent(given bool, at string) object {
	state := "unsubscribed"
	if given {
		state = "subscribed"
	}
	return object{"state": state, "opt_in_level": "single_opt_in", "consent_updated_at": at,
		"consent_collected_from": "SHOPIFY"}
}

// Uninstall removes the app: its tokens and subscriptions are gone at once, and app/uninstalled is sent.
func (p *Shop) Uninstall() {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	p.tell(shopify.AppUninstalled, object{"id": p.id, "domain": p.cfg.Domain, "myshopify_domain": p.cfg.Domain,
		"name": p.cfg.Name}, p.sim.now())
	p.subscriptions = nil
	p.sim.tokens = slices.DeleteFunc(p.sim.tokens, func(t *token) bool { return t.shop == p })
}

// SendDataRequest, SendRedact and SendShopRedact send the compliance webhooks to Config.ComplianceURL.
func (p *Shop) SendDataRequest(customer cart.Customer, phone string) {
	p.comply(shopify.CustomersDataRequest, object{
		"customer": object{"id": number(customer.ID), "email": nullable(customer.Email),
			"phone": nullable(phone)},
		"orders_requested": []any{}, "data_request": object{"id": 1},
	})
}

// SendRedact asks the app to forget a customer, who may be named by an email alone. See SendDataRequest.
func (p *Shop) SendRedact(customer cart.Customer, phone string) {
	p.comply(shopify.CustomersRedact, object{
		"customer": object{"id": number(customer.ID), "email": nullable(customer.Email),
			"phone": nullable(phone)},
		"orders_to_redact": []any{},
	})
}

// SendShopRedact asks the app to forget the shop. See SendDataRequest.
func (p *Shop) SendShopRedact() { p.comply(shopify.ShopRedact, object{}) }

func (p *Shop) comply(topic string, body object) {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	body["shop_id"], body["shop_domain"] = p.id, p.cfg.Domain
	p.enqueue(topic, p.sim.uuid(), p.sim.cfg.ComplianceURL, body, p.sim.now(), nil)
}

// redeem uses a code of the app's own; nil when the code is not one. The caller holds the lock.
func (p *Shop) redeem(code string, now time.Time) (*discount, error) {
	for _, d := range p.discounts {
		if !strings.EqualFold(d.code, code) {
			continue
		}
		if now.Before(d.startsAt) || !now.Before(d.endsAt) || d.used >= d.limit {
			return nil, fmt.Errorf("simshop: discount code %s cannot be used: from %s to %s, used %d of %d", code,
				d.startsAt, d.endsAt, d.used, d.limit)
		}
		d.used++
		return d, nil
	}
	return nil, nil
}

// AddCode gives the shop a discount code of the merchant's own, of 10 %, without an end or a limit.
func (p *Shop) AddCode(code, title string) {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	p.discounts = append(p.discounts, &discount{
		id: p.sim.id(), title: title, code: code, startsAt: p.sim.now(), endsAt: p.sim.now().AddDate(100, 0, 0),
		limit: 1 << 30,
		off:   func(total decimal.Decimal) decimal.Decimal { return total.Shift(-1).Round(2) },
	})
}

// Codes lists the shop's discount codes, each with how often it was used.
func (p *Shop) Codes() map[string]int {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	out := map[string]int{}
	for _, d := range p.discounts {
		out[d.code] = d.used
	}
	return out
}

// Checkout returns a checkout as it is now.
func (p *Shop) Checkout(token string) (cart.Checkout, bool) {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	c, ok := p.checkouts[token]
	if !ok {
		return cart.Checkout{}, false
	}
	return c.Checkout, true
}

// Subscribe adds a webhook subscription, as a merchant or an earlier install would have left it.
func (p *Shop) Subscribe(topic, uri string) {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	p.subscriptions = append(p.subscriptions, &subscription{id: p.sim.id(), topic: topic, uri: uri,
		createdAt: p.sim.now()})
}

// DropSubscription removes the subscriptions of a topic, as Shopify does after too many failures.
func (p *Shop) DropSubscription(topic string) {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	p.subscriptions = slices.DeleteFunc(p.subscriptions, func(s *subscription) bool { return s.topic == topic })
}

// Subscriptions returns the address of each subscribed topic; of several for one topic, the last.
func (p *Shop) Subscriptions() map[string]string {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	out := map[string]string{}
	for _, s := range p.subscriptions {
		out[s.topic] = s.uri
	}
	return out
}

// sorted returns the checkouts that the API shows, by id. The caller holds the lock.
func (p *Shop) sorted() []*checkout {
	all := slices.Collect(maps.Values(p.checkouts))
	all = slices.DeleteFunc(all, func(c *checkout) bool { return c.deleted || !visible(c) })
	slices.SortFunc(all, func(a, b *checkout) int { return int(a.id - b.id) })
	return all
}
