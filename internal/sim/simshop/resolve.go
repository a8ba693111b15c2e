package simshop

import (
	"encoding/base64"
	"encoding/json"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"ringback/internal/cart"
	"ringback/internal/shopify"

	"github.com/shopspring/decimal"
)

// scopesOf names the scope that each field of the root needs; a write scope includes the read scope.
var scopesOf = map[string]string{
	"abandonedCheckouts": "read_orders", "orders": "read_orders", "node": "read_orders",
	"discountCodeBasicCreate": "write_discounts", "discountCodeDeactivate": "write_discounts",
	"codeDiscountNodeByCode": "read_discounts",
}

// resolve answers one field of the root.
func (x *execution) resolve(name string, args map[string]any) (any, *gqlError) {
	if need := scopesOf[name]; need != "" && !slices.Contains(x.token.scopes, need) &&
		!slices.Contains(x.token.scopes, strings.Replace(need, "read_", "write_", 1)) {
		e := coded("ACCESS_DENIED", "Access denied for "+name+" field. Required access: `"+need+"` access scope.")
		return nil, &e
	}
	switch name {
	case "abandonedCheckouts":
		return x.checkouts(args)
	case "orders":
		return x.orders(args)
	case "node":
		return x.node(args["id"].(string)), nil
	case "webhookSubscriptions":
		return x.subscriptions(args)
	case "webhookSubscriptionCreate":
		return x.subscribe(args["topic"].(string), args["webhookSubscription"].(map[string]any)), nil
	case "webhookSubscriptionDelete":
		return x.unsubscribe(args["id"].(string)), nil
	case "discountCodeBasicCreate":
		return x.createDiscount(args["basicCodeDiscount"].(map[string]any)), nil
	case "discountCodeDeactivate":
		return x.deactivateDiscount(args["id"].(string)), nil
	case "codeDiscountNodeByCode":
		return x.discountByCode(args["code"].(string)), nil
	case "shop":
		p := x.shop
		return object{
			"id": gid("Shop", p.id), "name": p.cfg.Name, "myshopifyDomain": p.cfg.Domain,
			"ianaTimezone": p.cfg.Timezone,
			"currencyCode": p.cfg.Currency, "shopAddress": object{"countryCodeV2": p.cfg.Country},
		}, nil
	}
	panic("simshop: no resolver for " + name)
}

// paged returns one page of all objects. Keys order the objects and serve as cursors.
func paged[T any](args map[string]any, all []T, key func(T) string, show func(T) object) (any, *gqlError) {
	first, ok := asInt(args["first"])
	if !ok || first < 1 || first > 250 {
		e := coded("BAD_REQUEST", "you must provide one of first or last, of 1 to 250")
		return nil, &e
	}
	from := 0
	if after, _ := args["after"].(string); after != "" {
		raw, err := base64.StdEncoding.DecodeString(after)
		if err != nil {
			e := coded("BAD_REQUEST", "Invalid cursor for current pagination sort.")
			return nil, &e
		}
		from = sort.Search(len(all), func(i int) bool { return key(all[i]) > string(raw) })
	}
	to := min(from+first, len(all))
	nodes := []any{}
	info := object{"hasNextPage": to < len(all), "hasPreviousPage": from > 0, "startCursor": nil, "endCursor": nil}
	for _, item := range all[from:to] {
		cursor := base64.StdEncoding.EncodeToString([]byte(key(item)))
		if info["startCursor"] == nil {
			info["startCursor"] = cursor
		}
		info["endCursor"] = cursor
		nodes = append(nodes, show(item))
	}
	return object{"nodes": nodes, "pageInfo": info}, nil
}

func idKey(id int64) string {
	return strings.Repeat("0", 20-len(strconv.FormatInt(id, 10))) + strconv.FormatInt(id, 10)
}

// updatedTerm is the only search term for times that is supported: updated_at:>='2026-01-02T03:04:05Z'.
var updatedTerm = regexp.MustCompile(`^updated_at:(>=?)'([^']+)'$`)

// updatedSince reads a search. Like Shopify, it ignores unknown terms and returns everything.
func updatedSince(args map[string]any) func(time.Time) bool {
	query, _ := args["query"].(string)
	m := updatedTerm.FindStringSubmatch(query)
	if m == nil {
		return func(time.Time) bool { return true }
	}
	at, err := time.Parse(time.RFC3339, m[2])
	if err != nil {
		return func(time.Time) bool { return true }
	}
	if m[1] == ">" {
		return func(t time.Time) bool { return t.Truncate(time.Second).After(at) }
	}
	return func(t time.Time) bool { return !t.Truncate(time.Second).Before(at) }
}

func (x *execution) checkouts(args map[string]any) (any, *gqlError) {
	since := updatedSince(args)
	all := slices.DeleteFunc(x.shop.sorted(), func(c *checkout) bool { return !since(c.UpdatedAt) })
	return paged(args, all, func(c *checkout) string { return idKey(c.id) }, x.checkout)
}

// tokenTerm is the search term for a checkout's orders.
var tokenTerm = regexp.MustCompile(`^checkout_token:"([^"]+)"$`)

func (x *execution) orders(args map[string]any) (any, *gqlError) {
	since := updatedSince(args)
	query, _ := args["query"].(string)
	all := slices.Clone(x.shop.orders)
	if m := tokenTerm.FindStringSubmatch(query); m != nil {
		all = slices.DeleteFunc(all, func(o *order) bool { return o.CheckoutToken != m[1] })
	}
	all = slices.DeleteFunc(all, func(o *order) bool { return !since(o.UpdatedAt) })
	key := func(o *order) string { return idKey(o.id) }
	if args["sortKey"] == "UPDATED_AT" {
		key = func(o *order) string { return idKey(o.UpdatedAt.UnixNano()) + "/" + idKey(o.id) }
	}
	slices.SortFunc(all, func(a, b *order) int { return strings.Compare(key(a), key(b)) })
	return paged(args, all, key, x.order)
}

func (x *execution) node(g string) any {
	id := idOfGID("AbandonedCheckout", g)
	for _, c := range x.shop.checkouts {
		if c.id == id && !c.deleted {
			return x.checkout(c)
		}
	}
	return nil
}

func bag(d decimal.Decimal, currency string) object {
	m := object{"amount": d.String(), "currencyCode": currency}
	return object{"shopMoney": m, "presentmentMoney": m}
}

func instantOrNull(t *time.Time) any {
	if t == nil {
		return nil
	}
	return t.UTC().Format(time.RFC3339)
}

func (x *execution) checkout(c *checkout) object {
	codes, attributes, taxes, lines := []any{}, []any{}, []any{}, []any{}
	for _, code := range c.Codes {
		codes = append(codes, code.Code)
	}
	for _, a := range noteAttributes(c.Attributes) {
		attributes = append(attributes, object{"key": a.(object)["name"], "value": a.(object)["value"]})
	}
	for _, t := range c.TaxLines {
		taxes = append(taxes, object{"title": t.Title, "rate": json.Number(t.Rate.String()),
			"priceSet": bag(t.Price, c.Currency)})
	}
	for i, l := range c.Items {
		lines = append(lines, object{
			"id": gid("AbandonedCheckoutLineItem", c.id+int64(i)), "title": l.Title,
			"variantTitle": nullable(l.VariantTitle), "sku": nullable(l.SKU),
			"quantity": l.Quantity, "originalUnitPriceSet": bag(l.Price, c.Currency),
		})
	}
	return object{
		"__typename": "AbandonedCheckout", "id": gid("AbandonedCheckout", c.id),
		"name": "#" + strconv.FormatInt(c.id, 10), "note": "",
		"abandonedCheckoutUrl": c.URL, "completedAt": instantOrNull(c.CompletedAt),
		"createdAt": instantOrNull(&c.CreatedAt), "updatedAt": instantOrNull(&c.UpdatedAt),
		"discountCodes": codes, "customAttributes": attributes, "taxesIncluded": c.TaxesIncluded, "taxLines": taxes,
		"totalPriceSet": bag(c.Total, c.Currency), "subtotalPriceSet": bag(c.Subtotal, c.Currency),
		"totalDiscountSet":       bag(c.Discounts, c.Currency),
		"totalLineItemsPriceSet": bag(total(c.Items, decimal.Zero), c.Currency), "totalTaxSet": nil,
		"lineItems":       object{"nodes": lines, "pageInfo": object{"hasNextPage": false, "hasPreviousPage": false}},
		"shippingAddress": gqlAddress(c.Shipping), "billingAddress": gqlAddress(c.Billing),
		"customer": gqlCustomer(c.Checkout),
	}
}

func gqlAddress(a *cart.Address) any {
	if a == nil {
		return nil
	}
	return object{
		"firstName": nullable(a.FirstName), "lastName": nullable(a.LastName), "name": nullable(a.Name), "company": nil,
		"address1": nullable(a.Address1), "address2": nullable(a.Address2), "city": nullable(a.City),
		"province":     nullable(a.Province),
		"provinceCode": nullable(a.ProvinceCode), "country": nullable(a.Country),
		"countryCodeV2": nullable(a.CountryCode),
		"zip":           nullable(a.Zip), "phone": nullable(a.Phone),
	}
}

func gqlCustomer(c cart.Checkout) any {
	if c.Customer.ID == "" {
		return nil
	}
	o := object{
		"__typename": "Customer", "id": "gid://shopify/Customer/" + c.Customer.ID,
		"firstName": nullable(c.Customer.FirstName), "lastName": nullable(c.Customer.LastName),
		"tags":           texts(c.Customer.Tags),
		"numberOfOrders": "0", "defaultEmailAddress": nil, "defaultPhoneNumber": nil, "defaultAddress": nil,
		"metafields": metafields(c.Customer.Metafields),
	}
	if c.Customer.Orders != nil {
		o["numberOfOrders"] = strconv.Itoa(*c.Customer.Orders)
	}
	if c.Customer.Email != "" {
		o["defaultEmailAddress"] = object{"emailAddress": c.Customer.Email,
			"marketingState":      marketingState(c.AcceptsMarketing),
			"marketingOptInLevel": nil, "marketingUpdatedAt": nil}
	}
	if p := phone(c.Phones, "customer"); p.Number != "" {
		state := marketingState(c.AcceptsSMS)
		o["defaultPhoneNumber"] = object{
			"phoneNumber": p.Number, "marketingState": state, "marketingOptInLevel": nil, "marketingUpdatedAt": nil,
			"smsMarketingConsent": object{"state": state, "optInLevel": nil, "updatedAt": nil, "collectedFrom": nil},
		}
	}
	if p := phone(c.Phones, "default_address"); p.Number != "" {
		o["defaultAddress"] = gqlAddress(&cart.Address{Phone: p.Number, CountryCode: p.Country})
	}
	return o
}

func metafields(named map[string]cart.Metafield) object {
	nodes := []any{}
	for name, m := range named {
		namespace, key, _ := strings.Cut(name, ".")
		nodes = append(nodes, object{
			"namespace": namespace, "key": key, "value": m.Value, "updatedAt": m.At.UTC().Format(time.RFC3339),
		})
	}
	return object{"nodes": nodes}
}

func texts(list []string) []any {
	out := []any{}
	for _, s := range list {
		out = append(out, s)
	}
	return out
}

func marketingState(given *bool) string {
	if given != nil && *given {
		return "SUBSCRIBED"
	}
	return "NOT_SUBSCRIBED"
}

func (x *execution) order(o *order) object {
	return object{
		"__typename": "Order", "id": gid("Order", o.id), "name": o.Name, "email": nullable(o.Email),
		"phone":         nullable(phone(o.Phones, "phone").Number),
		"checkoutToken": nullable(o.CheckoutToken), "cartToken": nullable(o.CartToken),
		"createdAt": instantOrNull(&o.CreatedAt), "updatedAt": instantOrNull(&o.UpdatedAt),
		"cancelledAt": instantOrNull(o.CancelledAt),
		"test":        o.Test, "sourceName": "web", "paymentGatewayNames": o.gateways(), "discountCodes": texts(o.Codes),
		"totalPriceSet":        bag(o.Total, o.Currency),
		"currentTotalPriceSet": bag(o.current(), o.Currency), "totalRefundedSet": bag(o.refunded(), o.Currency),
		"shippingAddress": gqlAddress(o.checkout.Shipping), "billingAddress": gqlAddress(o.checkout.Billing),
		"customer": gqlCustomer(o.checkout),
	}
}

func enumOf(topic string) string { return strings.ToUpper(strings.ReplaceAll(topic, "/", "_")) }

// topicOf turns a topic's GraphQL name into that of the header.
func topicOf(enum string) string {
	for _, t := range append(append(shopify.SubscribedTopics(), shopify.ComplianceTopics()...), shopify.CustomersUpdate) {
		if enumOf(t) == enum {
			return t
		}
	}
	name := strings.ToLower(enum)
	i := strings.LastIndexByte(name, '_')
	return name[:i] + "/" + name[i+1:]
}

func (s *subscription) show() object {
	return object{
		"__typename": "WebhookSubscription", "id": gid("WebhookSubscription", s.id), "topic": enumOf(s.topic),
		"uri": s.uri, "format": "JSON",
		"createdAt": instantOrNull(&s.createdAt),
	}
}

func (x *execution) subscriptions(args map[string]any) (any, *gqlError) {
	return paged(args, x.shop.subscriptions, func(s *subscription) string { return idKey(s.id) }, (*subscription).show)
}

func userError(message, code string, field ...string) object {
	e := object{"field": texts(field), "message": message}
	if code != "" {
		e["code"] = code
	}
	return e
}

func (x *execution) subscribe(enum string, input map[string]any) object {
	uri, _ := input["uri"].(string)
	topic := topicOf(enum)
	problem := func(message string) object {
		return object{"webhookSubscription": nil,
			"userErrors": []any{userError(message, "", "webhookSubscription", "uri")}}
	}
	local := strings.HasPrefix(uri, "http://127.0.0.1:") || strings.HasPrefix(uri, "http://localhost:")
	switch {
	case !strings.HasPrefix(uri, "https://") && !local:
		return problem("Address protocol http:// is not supported")
	case input["format"] != nil && input["format"] != "JSON":
		return problem("only JSON is simulated")
	case slices.ContainsFunc(x.shop.subscriptions, func(s *subscription) bool {
		return s.topic == topic && s.uri == uri
	}):
		return problem("Address for this topic has already been taken")
	}
	s := &subscription{id: x.shop.sim.id(), topic: topic, uri: uri, createdAt: x.shop.sim.now()}
	x.shop.subscriptions = append(x.shop.subscriptions, s)
	return object{"webhookSubscription": s.show(), "userErrors": []any{}}
}

func (x *execution) unsubscribe(g string) object {
	id := idOfGID("WebhookSubscription", g)
	before := len(x.shop.subscriptions)
	x.shop.subscriptions = slices.DeleteFunc(x.shop.subscriptions, func(s *subscription) bool { return s.id == id })
	if len(x.shop.subscriptions) == before {
		return object{"deletedWebhookSubscriptionId": nil,
			"userErrors": []any{userError("Webhook subscription does not exist", "", "id")}}
	}
	return object{"deletedWebhookSubscriptionId": g, "userErrors": []any{}}
}

func (x *execution) showDiscount(d *discount) object {
	now := x.shop.sim.now()
	status := "ACTIVE"
	switch {
	case now.Before(d.startsAt):
		status = "SCHEDULED"
	case !now.Before(d.endsAt):
		status = "EXPIRED"
	}
	return object{"__typename": "DiscountCodeNode", "id": gid("DiscountCodeNode", d.id), "codeDiscount": object{
		"__typename": "DiscountCodeBasic", "title": d.title, "status": status, "startsAt": instantOrNull(&d.startsAt),
		"endsAt":     instantOrNull(&d.endsAt),
		"usageLimit": d.limit, "asyncUsageCount": d.used,
	}}
}

func (x *execution) createDiscount(in map[string]any) object {
	d, problem := readDiscount(in)
	if problem == nil && slices.ContainsFunc(x.shop.discounts, func(o *discount) bool {
		return strings.EqualFold(o.code, d.code)
	}) {
		problem = userError("Code must be unique. Please try a different code.", "TAKEN", "basicCodeDiscount", "code")
	}
	if problem != nil {
		return object{"codeDiscountNode": nil, "userErrors": []any{problem}}
	}
	d.id = x.shop.sim.id()
	x.shop.discounts = append(x.shop.discounts, d)
	return object{"codeDiscountNode": x.showDiscount(d), "userErrors": []any{}}
}

// readDiscount checks what Shopify checks beyond the types.
func readDiscount(in map[string]any) (*discount, object) {
	bad := func(code, message string, field ...string) (*discount, object) {
		return nil, userError(message, code, append([]string{"basicCodeDiscount"}, field...)...)
	}
	d := &discount{}
	d.title, _ = in["title"].(string)
	d.code, _ = in["code"].(string)
	if d.title == "" || d.code == "" {
		return bad("BLANK", "Title and code can't be blank", "code")
	}
	if len(d.code) > 255 {
		return bad("TOO_LONG", "Code is too long", "code")
	}
	if context, _ := in["context"].(map[string]any); context["all"] != "ALL" {
		return bad("BLANK", "Context must be set", "context")
	}
	starts, err := time.Parse(time.RFC3339, asText(in["startsAt"]))
	if err != nil {
		return bad("BLANK", "Starts at can't be blank", "startsAt")
	}
	ends, err := time.Parse(time.RFC3339, asText(in["endsAt"]))
	if err != nil || !ends.After(starts) {
		return bad("INVALID", "Ends at needs to be after starts_at", "endsAt")
	}
	d.startsAt, d.endsAt = starts, ends
	limit, ok := asInt(in["usageLimit"])
	if !ok || limit < 1 {
		return bad("INVALID", "Usage limit must be at least 1", "usageLimit")
	}
	d.limit = limit
	gets, _ := in["customerGets"].(map[string]any)
	value, _ := gets["value"].(map[string]any)
	items, _ := gets["items"].(map[string]any)
	if items["all"] != true {
		return bad("INVALID", "Items must be set", "customerGets", "items")
	}
	percentage, hasPercentage := value["percentage"]
	fixed, hasAmount := value["discountAmount"].(map[string]any)
	if hasPercentage == hasAmount {
		return bad("INVALID", "Exactly one value must be set", "customerGets", "value")
	}
	if hasPercentage {
		share, err := decimal.NewFromString(asText(percentage))
		if err != nil || !share.IsPositive() || share.GreaterThan(decimal.NewFromInt(1)) {
			return bad("VALUE_OUTSIDE_RANGE", "Value must be between 0.0 and 1.0", "customerGets", "value",
				"percentage")
		}
		d.off = func(total decimal.Decimal) decimal.Decimal { return total.Mul(share).Round(2) }
		return d, nil
	}
	off, err := decimal.NewFromString(asText(fixed["amount"]))
	if err != nil || !off.IsPositive() {
		return bad("GREATER_THAN", "Value must be greater than 0", "customerGets", "value", "discountAmount")
	}
	d.off = func(decimal.Decimal) decimal.Decimal { return off }
	return d, nil
}

func asText(v any) string {
	switch t := v.(type) {
	case string:
		return t
	case json.Number:
		return t.String()
	case float64:
		return strconv.FormatFloat(t, 'f', -1, 64)
	}
	return ""
}

func (x *execution) deactivateDiscount(g string) object {
	id := idOfGID("DiscountCodeNode", g)
	for _, d := range x.shop.discounts {
		if d.id == id {
			if now := x.shop.sim.now(); d.endsAt.After(now) {
				d.endsAt = now
			}
			return object{"codeDiscountNode": x.showDiscount(d), "userErrors": []any{}}
		}
	}
	return object{"codeDiscountNode": nil,
		"userErrors": []any{userError("Code discount does not exist.", "INVALID", "id")}}
}

func (x *execution) discountByCode(code string) any {
	for _, d := range x.shop.discounts {
		if strings.EqualFold(d.code, code) {
			return x.showDiscount(d)
		}
	}
	return nil
}
