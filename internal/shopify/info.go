package shopify

import (
	"context"
	"fmt"
)

// ShopInfo is what Shopify says of the shop itself.
type ShopInfo struct {
	// Domain is the *.myshopify.com domain in lower case.
	Domain string
	Name   string
	// Timezone is an IANA zone, Currency an ISO 4217 code, Country an ISO 3166-1 alpha-2 code; "" when Shopify did not
	// say.
	Timezone string
	Currency string
	Country  string
}

// ShopInfo asks for the shop's zone, currency and country. It fails when the token belongs to another shop.
func (c *Client) ShopInfo(ctx context.Context) (ShopInfo, error) {
	var data struct {
		Shop object[struct {
			Name     text               `json:"name"`
			Domain   text               `json:"myshopifyDomain"`
			Timezone text               `json:"ianaTimezone"`
			Currency text               `json:"currencyCode"`
			Address  object[gqlAddress] `json:"shopAddress"`
		}] `json:"shop"`
	}
	if _, err := c.run(ctx, operation{name: "Shop", text: queryShop}, nil, &data); err != nil {
		return ShopInfo{}, err
	}
	s := data.Shop.value
	domain, err := ParseShop(string(s.Domain))
	if err != nil {
		return ShopInfo{}, fmt.Errorf("shopify Shop: %w", err)
	}
	if domain != c.access.Shop {
		return ShopInfo{}, fmt.Errorf("shopify Shop: the access token of %s belongs to %s", c.access.Shop, domain)
	}
	return ShopInfo{
		Domain: domain, Name: string(s.Name), Timezone: string(s.Timezone), Currency: currency(s.Currency),
		Country: s.Address.value.payload().countryCode(),
	}, nil
}
