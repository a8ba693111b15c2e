// Package simshop is a simulated Shopify: OAuth, the part of the GraphQL Admin API that Ringback uses, and webhooks,
// over real HTTP. The demo and the tests share it. It is strict: a token, an API version, a query, a field or an
// argument that Shopify would refuse is refused, because a lenient simulation proves nothing.
//
// A script plays the shopper (Shop.NewCheckout, Shop.Update, Shop.Buy, Shop.Delete) and the merchant
// (Shop.Uninstall). Webhooks go out when DeliverDue or Run is called: signed, with all of Shopify's headers and its
// retries, and as unreliably as Config.Trouble says. The clock and the seed are arguments, so that a run can be
// repeated exactly.
//
// One server plays all shops: a client's base URL is {server}/{shop}, see Shopify.BaseURL.
package simshop
