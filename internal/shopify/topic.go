package shopify

import (
	"path"
	"slices"
	"strings"
)

// The webhook topics that are understood.
const (
	CheckoutsCreate = "checkouts/create"
	CheckoutsUpdate = "checkouts/update"
	CheckoutsDelete = "checkouts/delete"

	OrdersCreate    = "orders/create"
	OrdersPaid      = "orders/paid"
	OrdersUpdated   = "orders/updated"
	OrdersCancelled = "orders/cancelled"
	RefundsCreate   = "refunds/create"

	AppUninstalled = "app/uninstalled"

	CustomersUpdate = "customers/update"
	// CustomersConsentUpdate tells of the SMS consent, CustomersEmailConsentUpdate of the one for email.
	CustomersConsentUpdate      = "customers_marketing_consent/update"
	CustomersEmailConsentUpdate = "customers_email_marketing_consent/update"

	// The compliance topics are set in the app's configuration file; the API does not take subscriptions for them.
	CustomersDataRequest = "customers/data_request"
	CustomersRedact      = "customers/redact"
	ShopRedact           = "shop/redact"
)

// SubscribedTopics are the topics that a shop is subscribed to over the API.
func SubscribedTopics() []string {
	return []string{
		CheckoutsCreate, CheckoutsUpdate, CheckoutsDelete,
		OrdersCreate, OrdersPaid, OrdersUpdated, OrdersCancelled, RefundsCreate,
		AppUninstalled,
		CustomersConsentUpdate, CustomersEmailConsentUpdate,
	}
}

// ComplianceTopics are the topics that every app must answer.
func ComplianceTopics() []string {
	return []string{CustomersDataRequest, CustomersRedact, ShopRedact}
}

// knownTopics are all topics that a payload can be decoded for.
func knownTopics() []string {
	return append(append(SubscribedTopics(), CustomersUpdate), ComplianceTopics()...)
}

// restListPrefix begins the names of files that hold an answer of the REST API's list of checkouts, restPrefix those of
// one checkout.
const (
	restListPrefix = "rest_checkouts_list"
	restPrefix     = "rest_checkout"
)

// TopicOfFile tells the topic of a recorded payload by its file's name: the topic with "_" for "/" up to the first
// dot, with an optional "compliance_" before it, as in checkouts_create.guest.json. A rest_checkouts_list file holds
// many checkouts (see SplitCheckouts) and counts as checkouts/update.
func TopicOfFile(name string) (topic string, ok bool) {
	stem, _, _ := strings.Cut(path.Base(strings.ReplaceAll(name, `\`, "/")), ".")
	if stem == restListPrefix || stem == restPrefix {
		return CheckoutsUpdate, true
	}
	stem = strings.TrimPrefix(stem, "compliance_")
	known := knownTopics()
	i := slices.IndexFunc(known, func(t string) bool { return strings.ReplaceAll(t, "/", "_") == stem })
	if i < 0 {
		return "", false
	}
	return known[i], true
}
