package shopify

// Origin returns the shop that a webhook's body names as its own, lower case; "" when it names none. Only bodies are
// signed, not headers, so a body that names another shop than the headers was not sent for that shop.
//
// Topics about the app or the shop name it as myshopify_domain, or as domain where that is a *.myshopify.com one;
// compliance topics as shop_domain. Checkouts, orders and customers name none. The hosts of their links do not count:
// they follow the shop's own domain, and a shop that renamed its *.myshopify.com domain has links with the new name and
// headers with the old one.
func Origin(body []byte) string {
	var p struct {
		MyshopifyDomain text `json:"myshopify_domain"`
		ShopDomain      text `json:"shop_domain"`
		Domain          text `json:"domain"`
	}
	if decodeObject(body, &p) != nil {
		return ""
	}
	return firstShop([]string{string(p.MyshopifyDomain), string(p.ShopDomain), string(p.Domain)})
}
