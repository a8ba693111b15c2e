package shopify

import (
	"strconv"
	"strings"
)

// The GraphQL we send. Fields that need a scope we do not ask for (products, variants) are left out: they would come
// back as errors beside the data.

const fragmentAddress = `
fragment AddressParts on MailingAddress {
  firstName lastName name address1 address2 city province provinceCode country countryCodeV2 zip phone
}`

// consentSince is the first version in which a phone number tells its consents each in an object of its own. The flat
// fields are deprecated from it on.
const consentSince = "2026-10"

// fragmentCustomer returns the parts of a customer that the version has, with the metafields of those keys, such as
// custom.calls.
func fragmentCustomer(version string, keys []string) string {
	const flat = "marketingState marketingOptInLevel marketingUpdatedAt"
	phone, fields := "smsMarketingConsent { state optInLevel updatedAt }", ""
	if version < consentSince {
		phone = flat
	}
	if len(keys) > 0 {
		quoted := make([]string, len(keys))
		for i, key := range keys {
			quoted[i] = strconv.Quote(key)
		}
		fields = "\n  metafields(first: " + strconv.Itoa(len(keys)) + ", keys: [" + strings.Join(quoted, ", ") +
			"]) { nodes { namespace key value updatedAt } }"
	}
	return `
fragment CustomerParts on Customer {
  id firstName lastName tags numberOfOrders
  defaultEmailAddress { emailAddress ` + flat + ` }
  defaultPhoneNumber { phoneNumber ` + phone + ` }
  defaultAddress { ...AddressParts }` + fields + `
}`
}

const fragmentMoney = `
fragment MoneyParts on MoneyBag { shopMoney { amount currencyCode } }`

// A checkout's amounts are taken in the customer's currency; what it comes to is asked for in the shop's as well.
const fragmentSeen = `
fragment SeenParts on MoneyBag { presentmentMoney { amount currencyCode } }`

const fragmentBoth = `
fragment BothParts on MoneyBag { shopMoney { amount currencyCode } presentmentMoney { amount currencyCode } }`

func queryAbandonedCheckouts(version string, metafields []string) string {
	return `query AbandonedCheckouts($first: Int!, $after: String, $query: String!) {
  abandonedCheckouts(first: $first, after: $after, query: $query) {
    pageInfo { hasNextPage endCursor }
    nodes {
      id name abandonedCheckoutUrl completedAt createdAt updatedAt discountCodes taxesIncluded
      customAttributes { key value }
      totalPriceSet { ...BothParts }
      subtotalPriceSet { ...BothParts }
      totalDiscountSet { ...BothParts }
      taxLines { title rate priceSet { ...SeenParts } }
      lineItems(first: ` + strconv.Itoa(mostLines) + `) {
        nodes { title variantTitle sku quantity originalUnitPriceSet { ...SeenParts } }
      }
      shippingAddress { ...AddressParts }
      billingAddress { ...AddressParts }
      customer { ...CustomerParts }
    }
  }
}` + fragmentSeen + fragmentBoth + fragmentAddress + fragmentCustomer(version, metafields)
}

// tokensSince is the first version in which an order tells its checkout and cart token.
const tokensSince = "2026-07"

// fragmentOrder returns the parts of an order that the version has.
func fragmentOrder(version string) string {
	tokens := ""
	if version >= tokensSince {
		tokens = "checkoutToken cartToken"
	}
	return `
fragment OrderParts on Order {
  id name email phone createdAt updatedAt cancelledAt test sourceName paymentGatewayNames discountCodes ` + tokens + `
  totalPriceSet { ...BothParts }
  currentTotalPriceSet { ...MoneyParts }
  totalRefundedSet { ...MoneyParts }
  shippingAddress { ...AddressParts }
  billingAddress { ...AddressParts }
  customer { ...CustomerParts }
}` + fragmentMoney + fragmentBoth + fragmentAddress + fragmentCustomer(version, nil)
}

func queryOrders(version string) string {
	return `query Orders($first: Int!, $after: String, $query: String!) {
  orders(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {
    pageInfo { hasNextPage endCursor }
    nodes { ...OrderParts }
  }
}` + fragmentOrder(version)
}

// queryCompleted asks for the checkout itself, for the orders made of it, or for both.
func queryCompleted(version string, byID, byToken bool) string {
	arguments, fields, fragments := "", "", ""
	if byID {
		arguments += "$checkout: ID! "
		fields += "\n  checkout: node(id: $checkout) { ... on AbandonedCheckout { id completedAt } }"
	}
	if byToken {
		arguments += "$orders: String! "
		fields += "\n  orders(first: 5, query: $orders) { nodes { ...OrderParts } }"
		fragments = fragmentOrder(version)
	}
	return "query CheckoutCompleted(" + arguments + ") {" + fields + "\n}" + fragments
}

const querySubscriptions = `query Subscriptions($after: String) {
  webhookSubscriptions(first: 100, after: $after) {
    pageInfo { hasNextPage endCursor }
    nodes { id topic uri format }
  }
}`

const mutationSubscribe = `mutation Subscribe($topic: WebhookSubscriptionTopic!, $subscription: WebhookSubscriptionInput!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: $subscription) {
    webhookSubscription { id topic uri format }
    userErrors { field message }
  }
}`

const mutationUnsubscribe = `mutation Unsubscribe($id: ID!) {
  webhookSubscriptionDelete(id: $id) {
    deletedWebhookSubscriptionId
    userErrors { field message }
  }
}`

const fragmentDiscount = `
fragment DiscountParts on DiscountCodeNode {
  id
  codeDiscount { ... on DiscountCodeBasic { title status endsAt } }
}`

const mutationCreateDiscount = `mutation CreateDiscount($discount: DiscountCodeBasicInput!) {
  discountCodeBasicCreate(basicCodeDiscount: $discount) {
    codeDiscountNode { ...DiscountParts }
    userErrors { field code message }
  }
}` + fragmentDiscount

const queryDiscount = `query Discount($code: String!) {
  codeDiscountNodeByCode(code: $code) { ...DiscountParts }
}` + fragmentDiscount

const mutationDeactivateDiscount = `mutation DeactivateDiscount($id: ID!) {
  discountCodeDeactivate(id: $id) {
    codeDiscountNode { ...DiscountParts }
    userErrors { field code message }
  }
}` + fragmentDiscount

const queryShop = `query Shop {
  shop { id name myshopifyDomain ianaTimezone currencyCode shopAddress { countryCodeV2 } }
}`
